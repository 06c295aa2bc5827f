/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see gateway_update.c; a build for routers has none (agg/update_none.c).
 */
#include "agg/role/gateway_impl.h"

const struct role_updates gateway_updates = { NULL };
