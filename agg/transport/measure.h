/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the kernel tells of a subflow's socket, as its session wants it.
 *
 * An MPTCP socket is one lane to the session, whatever its subflows: windows,
 * rates and bytes are their sums; the round-trip time is that of the slowest
 * that is in use, as what the others bring waits for it. Progress is what the
 * peer's MPTCP has acknowledged in order: a subflow that stalls may hold up
 * what all of them brought. So the lane is stuck when one of them is.
 */
#ifndef AGG_TRANSPORT_MEASURE_H
#define AGG_TRANSPORT_MEASURE_H

#include "agg/kernel/mptcpinfo.h"
#include "agg/kernel/tcpinfo.h"
#include "agg/transport/session.h"

#define MEASURE_QUIET_MS 2000u /* a subflow heard of longer ago is not in use */
#define MEASURE_STUCK_MS 200u  /* after which it has no answer */

void measure_tcp(const struct tcpinfo *info, struct subflow_info *out);
/* acked_bytes is the sequence number: it began at random. */
void measure_mptcp(const struct mptcpinfo *info, struct subflow_info *out);

/* Of a connection on which full and small packets were sent both ways, and that
 * waits: the small ones came, and the full ones before them did not. */
bool measure_full_size_lost(const struct tcpinfo *info);

#endif
