/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: in a build without metrics nobody is shown them.
 */
#include "agg/role/gateway_history.h"

void gateway_history_report_devices(const struct gateway *g, struct report *out)
{
}
