/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see end.h. Nothing is called back at once: TCP and the session only set
 * events, so neither meets itself half-way.
 */
#include "scheduler/sim/end.h"

#include <errno.h>

#define NS_PER_US 1000u
#define OUT_MAX (4u << 20)      /* as subflow.c */
#define RECORDS_AT_ONCE 4u      /* likewise */
#define WAKE_NS 20000u          /* until a process that may write does */

/* The greeting, in bytes of TCP: the TLS 1.3 handshake with a key on both
 * sides, and the first frames. */
#define CLIENT_HELLO 290u
#define SERVER_FLIGHT 726u
#define CLIENT_FLIGHT 419u
#define HELLO 56u
#define WELCOME 36u

static bool is_writable(const struct end *end)
{
	return 2 * end->tcp.notsent_bytes < end->lowat;
}

static void check_output(struct end *end)
{
	if (end->want_write && end->lane && is_writable(end) &&
	    !event_is_set(&end->output))
		event_set(end->events, &end->output,
		          end->events->now_ns + WAKE_NS);
}

static void on_output(void *ctx)
{
	struct end *end = ctx;

	if (!end->lane || !end->want_write || !is_writable(end))
		return;
	session_writable(end->lane);
	check_output(end);
}

/* What was written so far is no record of the pipe's. */
static void say(struct end *end, uint64_t bytes)
{
	end->out.wire_bytes += bytes;
	tcp_write(&end->tcp, bytes);
}

static void join(struct end *end)
{
	end->greeted = true;
	end->owner->on_join(end->ctx, end);
}

void end_greet(struct end *end)
{
	say(end, CLIENT_HELLO);
}

static void greet(struct end *end)
{
	uint64_t heard = end->tcp.arrived_bytes, said = end->out.wire_bytes;

	if (end->is_gateway) {
		if (heard >= SERVER_FLIGHT && said == CLIENT_HELLO) {
			say(end, CLIENT_FLIGHT);
			say(end, HELLO);
		}
		if (heard >= SERVER_FLIGHT + WELCOME)
			join(end);
		return;
	}
	if (heard >= CLIENT_HELLO && !said)
		say(end, SERVER_FLIGHT);
	if (heard >= CLIENT_HELLO + CLIENT_FLIGHT + HELLO) {
		say(end, WELCOME);
		join(end);
	}
}

static void on_input(void *ctx)
{
	struct end *end = ctx;
	struct pipe *from = &end->peer->out;
	const uint8_t *bytes;
	uint32_t count;
	size_t n;

	tcp_read(&end->tcp);
	if (!end->greeted)
		greet(end);
	while (end->lane && (bytes = pipe_front(from, end->tcp.arrived_bytes,
	                                        RECORDS_AT_ONCE, &count, &n))) {
		if (session_input(end->lane, bytes, n) >= 0)
			session_deliver(end->lane);
		pipe_pop(from, count);
	}
}

static void on_arrived(void *ctx)
{
	struct end *end = ctx;

	if (event_is_set(&end->input) ||
	    (!end->tcp.pushed &&
	     !pipe_is_ready(&end->peer->out, end->tcp.arrived_bytes)))
		return;
	/* Half of it to one and a half times, as a busy host has it. */
	event_set(end->events, &end->input, end->events->now_ns +
	          end->host_ns / 2 + rand_below(end->rand, end->host_ns + 1));
}

static void on_sent(void *ctx)
{
	check_output(ctx);
}

static const struct tcp_events tcp_events = {
	.on_arrived = on_arrived, .on_sent = on_sent,
};

/* What the session asks of a subflow -------------------------------------- */

static uint8_t *end_reserve(void *ctx, size_t n)
{
	struct end *end = ctx;
	uint64_t out = end->tcp.notsent_bytes + end->out.wire_bytes -
	               end->tcp.written_bytes;

	if (out + 2 * (n + PIPE_RECORD_MAX) > OUT_MAX)
		return NULL;
	return pipe_reserve(&end->out, n);
}

static void end_commit(void *ctx, size_t n)
{
	struct end *end = ctx;

	pipe_commit(&end->out, n);
}

static void end_flush(void *ctx)
{
	struct end *end = ctx;

	pipe_seal(&end->out);
	tcp_write(&end->tcp, end->out.wire_bytes - end->tcp.written_bytes);
}

static void end_info(void *ctx, struct subflow_info *out)
{
	const struct end *end = ctx;

	tcp_info(&end->tcp, out);
	out->notsent_bytes += end->out.wire_bytes - end->tcp.written_bytes +
	                      end->out.open_len;
}

static void end_set_lowat(void *ctx, size_t bytes)
{
	struct end *end = ctx;

	end->lowat = bytes;
	check_output(end);
}

static void end_set_pace(void *ctx, uint64_t bps)
{
	struct end *end = ctx;

	end->tcp.pace_max_bps = bps;
}

static void end_want_write(void *ctx, bool on)
{
	struct end *end = ctx;

	end->want_write = on;
	check_output(end);
}

static void end_drop(void *ctx, const char *why)
{
	struct end *end = ctx;

	end->lane = NULL;
	end->owner->on_drop(end->ctx, end);
}

static const struct subflow_ops end_ops = {
	.reserve = end_reserve, .commit = end_commit, .flush = end_flush,
	.info = end_info, .set_lowat = end_set_lowat, .set_pace = end_set_pace,
	.want_write = end_want_write, .drop = end_drop,
};

/* Lifetime ----------------------------------------------------------------- */

int end_init(struct end *end, const struct end_args *args, struct end *peer)
{
	struct tcp_args tcp = {
		.link = args->link, .events = args->events,
		.owner = &tcp_events, .ctx = end, .cc = args->cc,
		.rand = args->rand, .rtt_us = args->rtt_us,
	};

	*end = (struct end){
		.peer = peer, .events = args->events, .rand = args->rand,
		.host_ns = args->host_us * NS_PER_US,
		.is_gateway = args->is_gateway,
		.owner = args->owner, .ctx = args->ctx,
	};
	event_init(&end->input, on_input, end);
	event_init(&end->output, on_output, end);
	return tcp_init(&end->tcp, &tcp, &peer->tcp);
}

int end_attach(struct end *end, struct session *session,
               const struct wire_hello *hello)
{
	end->lane = session_attach(session, hello, &end_ops, end);
	if (!end->lane)
		return -errno;
	return 0;
}

void end_kill(struct end *end)
{
	end->lane = NULL;
	tcp_kill(&end->tcp);
	event_clear(end->events, &end->input);
	event_clear(end->events, &end->output);
}

void end_finish(struct end *end)
{
	tcp_finish(&end->tcp);
	pipe_finish(&end->out);
}
