/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what goes out of a subflow, and what else its session asks of it.
 *
 * Frames of one pump are written to their place in the record at hand, which
 * stands in `out` behind those that are sealed; it is sealed when it is full or at
 * flush, and all is sent at once. What the kernel does not take stays in `out`
 * and counts as not sent, so the session gives no more.
 *
 * Errors met inside of a call from the session are only noted: the lane is
 * detached at the end of the loop turn.
 */
#include "agg/transport/subflow_impl.h"

#include "agg/transport/measure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

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

/* The record at hand stands behind the others: nothing is taken before it is
 * sealed. */
void subflow_out_send(struct subflow *sf)
{
	if (sf->state != SUBFLOW_DEAD && tls_flush(sf->tls) < 0)
		subflow_mark_dead(sf, tls_error(sf->tls));
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
	if (sf->state == SUBFLOW_CLOSING && !sf->out.len)
		shutdown(sf->fd, SHUT_WR);
	buf_return(&sf->out, &loop_spares(sf->args.loop)->out);
	subflow_out_watch(sf);
}

static uint8_t *sf_reserve(void *ctx, size_t n)
{
	struct subflow *sf = ctx;

	if (sf->state == SUBFLOW_DEAD)
		return NULL;
	buf_borrow(&sf->out, &loop_spares(sf->args.loop)->out);
	return tls_reserve(sf->tls, n); /* NULL when full: who hears us is slow */
}

static void sf_commit(void *ctx, size_t n)
{
	struct subflow *sf = ctx;

	tls_commit(sf->tls, n);
}

static void sf_flush(void *ctx)
{
	subflow_out_send(ctx);
}

static void sf_set_lowat(void *ctx, size_t bytes)
{
	struct subflow *sf = ctx;

	sf->lowat = (uint32_t)bytes;
	sf->polls = sockopt_set_notsent_lowat(sf->fd, sf->lowat) < 0 &&
	            sf->mptcp;
}

/* MPTCP's may have several paths, each with a pace of its own. */
static void sf_set_pace(void *ctx, uint64_t bps)
{
	struct subflow *sf = ctx;

	if (!sf->mptcp)
		sockopt_set_pace_max(sf->fd, bps);
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
	out->notsent_bytes += sf->out.len + tls_begun(sf->tls);
}

static void sf_drop(void *ctx, const char *why)
{
	struct subflow *sf = ctx;

	subflow_part(sf);
	sf->abort = sf->out.len > 0;
	subflow_mark_dead(sf, why);
}

/* Until the peer, who ends the session by then, closes it: to close it with something
 * unread resets it, and what was not sent yet is lost. */
static void sf_part(void *ctx, const char *why)
{
	struct subflow *sf = ctx;

	subflow_part(sf);
	if (sf->state == SUBFLOW_DEAD)
		return;
	snprintf(sf->why, sizeof(sf->why), "%s", why);
	subflow_close(sf);
}

const struct subflow_ops subflow_out_ops = {
	.reserve = sf_reserve, .commit = sf_commit, .flush = sf_flush,
	.info = sf_info, .set_lowat = sf_set_lowat, .set_pace = sf_set_pace,
	.want_write = sf_want_write, .drop = sf_drop, .part = sf_part,
};

void subflow_out_say(struct subflow *sf, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	size_t n = wire_encode(bytes, frame);
	uint8_t *to = tls_reserve(sf->tls, n);

	if (to) {
		memcpy(to, bytes, n);
		tls_commit(sf->tls, n);
	} else {
		subflow_mark_dead(sf, "out of memory");
	}
	subflow_out_send(sf);
}
