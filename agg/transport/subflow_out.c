/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what goes out of a subflow, and what else its session asks of it.
 *
 * Frames of one pump are gathered in `plain`, sealed as whole records into
 * `out` when a record is full or at flush, and sent at once. What the kernel
 * does not take stays in `out` and counts as not sent, so the session gives no
 * more.
 *
 * Errors met inside of a call from the session are only noted: the lane is
 * detached at the end of the loop turn.
 */
#include "agg/transport/subflow_impl.h"

#include "agg/transport/measure.h"

#include <errno.h>
#include <string.h>

/* One full record, sealed, and a KeyUpdate before it. */
#define RECORD_ROOM (TLS_RECORD_PAYLOAD_MAX + 2 * TLS_RECORD_OVERHEAD + 64)
/* How often a kernel is asked for room that cannot tell it for MPTCP (before
 * Linux 6.9: TCP_NOTSENT_LOWAT). */
#define POLL_US 2000u

void subflow_out_watch(struct subflow *sf)
{
	unsigned events = LOOP_READ;

	if (sf->state == SUBFLOW_DEAD)
		return;
	if (sf->state == SUBFLOW_CONNECTING || sf->out.len ||
	    (sf->want_write && !sf->polls))
		events |= LOOP_WRITE;
	loop_io_want(sf->io, events);
	if (sf->polls && sf->want_write)
		loop_timer_arm(sf->timer, loop_now_us(sf->args.loop) + POLL_US);
}

void subflow_out_send(struct subflow *sf)
{
	while (sf->out.len) {
		ssize_t n = send(sf->fd, buf_head(&sf->out), sf->out.len,
		                 MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			subflow_mark_dead(sf, strerror(errno));
		if (n <= 0)
			break;
		buf_take(&sf->out, (size_t)n);
	}
	subflow_out_watch(sf);
}

static void seal(struct subflow *sf)
{
	if (!sf->plain.len || sf->state == SUBFLOW_DEAD)
		return;
	int err = tls_write(sf->tls, buf_head(&sf->plain), sf->plain.len);
	if (err < 0)
		subflow_mark_dead(sf, err == -ENOBUFS ? "out of memory"
		                                      : tls_error(sf->tls));
	buf_take(&sf->plain, sf->plain.len);
}

static uint8_t *sf_reserve(void *ctx, size_t n)
{
	struct subflow *sf = ctx;

	if (sf->state == SUBFLOW_DEAD)
		return NULL;
	if (n > buf_space(&sf->plain))
		seal(sf);
	if (!sf->plain.len && !buf_reserve(&sf->out, RECORD_ROOM))
		return NULL; /* full: it is not read at the other end */
	return buf_reserve(&sf->plain, n);
}

static void sf_commit(void *ctx, size_t n)
{
	struct subflow *sf = ctx;

	buf_added(&sf->plain, n);
}

static void sf_flush(void *ctx)
{
	struct subflow *sf = ctx;

	seal(sf);
	subflow_out_send(sf);
}

static void sf_set_lowat(void *ctx, size_t bytes)
{
	struct subflow *sf = ctx;

	sf->lowat = (uint32_t)bytes;
	sf->polls = sockopt_set_notsent_lowat(sf->fd, sf->lowat) < 0 &&
	            sf->mptcp;
}

static void sf_want_write(void *ctx, bool on)
{
	struct subflow *sf = ctx;

	if (on == sf->want_write)
		return;
	sf->want_write = on;
	subflow_out_watch(sf);
}

/* False: it has fallen back to TCP. */
static bool mptcp_info(const struct subflow *sf, struct subflow_info *out)
{
	struct mptcpinfo info;

	if (subflow_mptcp(sf, &info) < 0 || info.fallback)
		return false;
	measure_mptcp(&info, out);
	out->acked_bytes -= sf->una_first;
	return true;
}

static void sf_info(void *ctx, struct subflow_info *out)
{
	struct subflow *sf = ctx;
	struct tcpinfo info;

	if (sf->state == SUBFLOW_DEAD) /* what the kernel says is of a closed one */
		return;
	if (!sf->mptcp || !mptcp_info(sf, out)) {
		if (tcpinfo_read(sf->fd, sf->with_bbr, &info) < 0)
			return;
		measure_tcp(&info, out);
	}
	out->notsent_bytes += sf->out.len + sf->plain.len;
}

static void sf_drop(void *ctx, const char *why)
{
	struct subflow *sf = ctx;

	subflow_part(sf);
	sf->abort = sf->out.len > 0;
	subflow_mark_dead(sf, why);
}

const struct subflow_ops subflow_out_ops = {
	.reserve = sf_reserve, .commit = sf_commit, .flush = sf_flush,
	.info = sf_info, .set_lowat = sf_set_lowat,
	.want_write = sf_want_write, .drop = sf_drop,
};

void subflow_out_say(struct subflow *sf, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	if (buf_put(&sf->plain, bytes, wire_encode(bytes, frame)) < 0)
		subflow_mark_dead(sf, "out of memory");
	seal(sf);
	subflow_out_send(sf);
}
