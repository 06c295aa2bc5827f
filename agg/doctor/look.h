/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: gathers the doctor's facts on this host: the configuration, what the host
 * has, and what the daemon tells of itself. Where the daemon does not answer, it tries
 * the concentrator by each uplink and family (probe.h). Blocks for some seconds at
 * most, and changes nothing.
 */
#ifndef AGG_DOCTOR_LOOK_H
#define AGG_DOCTOR_LOOK_H

#include "agg/doctor/doctor.h"

/* What the daemon answered to "status --json", ended by a NUL; NULL: nothing, and
 * why that is. *conf is the caller's, after facts; NULL: it is wrong. */
void look_at_all(const char *file, const char *status, const char *no_daemon,
                 struct conf **conf, struct doctor_facts *facts);

#endif
