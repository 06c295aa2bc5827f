/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is sent again as the reader waits for it.
 */
#ifndef AGG_TRANSPORT_OVERDUE_H
#define AGG_TRANSPORT_OVERDUE_H

#include "agg/transport/session_impl.h"

bool overdue_collect(struct session *s); /* something goes again, first of all */
uint64_t overdue_deadline(const struct session *s); /* UINT64_MAX: none */

#endif
