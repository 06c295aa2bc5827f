/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what goes out now, and where.
 */
#ifndef AGG_TRANSPORT_PUMP_H
#define AGG_TRANSPORT_PUMP_H

#include "agg/transport/session_impl.h"

void pump(struct session *s);

#endif
