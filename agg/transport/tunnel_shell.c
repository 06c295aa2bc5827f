/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_shell.h. Owns the tunnel, its timer and task, and a gateway's sockets.
 */
#include "agg/transport/tunnel_shell.h"

#include "agg/base/loop.h"
#include "agg/transport/segment_trial.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LOOK_US 250000u  /* between looks at what was lost */
#define EPOCH_US 100000u /* later tunnels have higher ones: keys last longer */

struct shell_path {
	struct tunnel_shell *shell;  /* borrowed */
	unsigned number;
	struct dgram_socket *socket; /* a gateway's; NULL: it is down */
	struct tunnel_way way;
	struct tunnel_ends ends;     /* a concentrator's, as it was learnt */
	bool up;                     /* a gateway's; may be without a socket for now */
	bool stale;                  /* wants a new socket, at the end of this turn */
	struct dgram_waiter waiter;
	struct segment_trial trial;
};

struct tunnel_shell {
	struct tunnel_shell_args args;
	struct tunnel *tunnel;
	struct loop_task turn;
	struct loop_timer *timer;
	uint64_t looked_us;               /* at what was lost */
	struct shell_path path[TUNNEL_PATHS_MAX];
	uint8_t none[DATAGRAM_BYTES_MAX]; /* for what cannot leave: it is lost */
};

/* What the tunnel asks for ---------------------------------------------------- */

static uint64_t now_us(void *ctx)
{
	struct tunnel_shell *s = ctx;

	return loop_now_us(s->args.loop);
}

static void on_work(void *ctx)
{
	struct tunnel_shell *s = ctx;

	loop_task_post(&s->turn);
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct tunnel_shell *s = ctx;

	if (at_us == UINT64_MAX)
		loop_timer_disarm(s->timer);
	else
		loop_timer_arm(s->timer, at_us);
}

/* The kernel's never fails once it was ready, for so few bytes. */
static void fill_random(void *ctx, uint8_t *p, size_t n)
{
	ssize_t got = getrandom(p, n, 0);

	assert(got == (ssize_t)n);
	(void)got;
}

static void on_datagram(void *ctx, const struct tunnel_came *came, uint8_t *p, size_t n)
{
	struct tunnel_shell *s = ctx;

	tunnel_input(s->tunnel, came, p, n);
}

static const struct dgram_user user = { .on_datagram = on_datagram };

static int take_index(void *ctx, uint32_t *index)
{
	struct tunnel_shell *s = ctx;

	return dgram_take_index(s->args.dgram, &user, s, index);
}

static void drop_index(void *ctx, uint32_t index)
{
	struct tunnel_shell *s = ctx;

	dgram_drop_index(s->args.dgram, index);
}

/* A listener's may go with its address. */
static struct dgram_socket *socket_of(struct tunnel_shell *s, unsigned path)
{
	struct shell_path *p = &s->path[path];

	return s->args.is_gateway ? p->socket : dgram_find(s->args.dgram, &p->ends);
}

static uint8_t *reserve(void *ctx, unsigned path, size_t n)
{
	struct tunnel_shell *s = ctx;
	struct dgram_socket *socket = socket_of(s, path);

	struct shell_path *p = &s->path[path];

	if (!socket)
		return s->none;
	return dgram_reserve(socket, s->args.is_gateway ? NULL : &p->ends, n, &p->waiter);
}

static void commit(void *ctx, unsigned path, size_t n)
{
	struct tunnel_shell *s = ctx;

	struct dgram_socket *socket = socket_of(s, path);

	if (socket)
		dgram_commit(socket, n, segment_trial_is_single(&s->path[path].trial));
}

static void flush(void *ctx)
{
	struct tunnel_shell *s = ctx;

	dgram_flush(s->args.dgram);
}

static void on_moved(void *ctx, unsigned path, const struct tunnel_ends *ends)
{
	struct tunnel_shell *s = ctx;

	s->path[path].ends = *ends;
}

static void on_dead(void *ctx, unsigned path)
{
	struct tunnel_shell *s = ctx;

	s->path[path].stale = s->path[path].up;
}

static void deliver(void *ctx, struct packet *p, const struct inspection *in)
{
	struct tunnel_shell *s = ctx;

	s->args.events->deliver(s->args.ctx, p, in);
}

static void answer(void *ctx, struct packet *p)
{
	struct tunnel_shell *s = ctx;

	if (s->args.events->answer)
		s->args.events->answer(s->args.ctx, p);
	else
		packet_put(p);
}

static bool carry(void *ctx, const uint8_t *p, size_t n)
{
	struct tunnel_shell *s = ctx;

	return s->args.events->carry && s->args.events->carry(s->args.ctx, p, n);
}

static void load(void *ctx, unsigned path, struct path_load *out)
{
	struct tunnel_shell *s = ctx;

	if (s->args.events->load)
		s->args.events->load(s->args.ctx, path, out);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct tunnel_shell *s = ctx;

	s->args.events->say(s->args.ctx, frame);
}

static const struct tunnel_ops ops = {
	.now_us = now_us, .on_work = on_work, .on_deadline = on_deadline,
	.random = fill_random, .take_index = take_index, .drop_index = drop_index,
	.reserve = reserve, .commit = commit, .flush = flush, .on_moved = on_moved,
	.on_dead = on_dead, .deliver = deliver, .answer = answer,
	.carry = carry, .load = load, .say = say,
};

/* Paths ------------------------------------------------------------------------ */

static void on_writable(void *ctx)
{
	struct shell_path *p = ctx;

	tunnel_writable(p->shell->tunnel, p->number);
}

static int open_socket(struct shell_path *p)
{
	struct tunnel_shell *s = p->shell;

	dgram_close(p->socket);
	p->stale = false;
	p->socket = dgram_connect(s->args.dgram, p->way.device, &p->way.source, &p->way.peer);
	return p->socket ? 0 : -errno;
}

int tunnel_shell_connect(struct tunnel_shell *s, unsigned path, const struct tunnel_way *way,
                         unsigned path_class)
{
	struct shell_path *p = &s->path[path];
	bool same = p->socket && !strcmp(p->way.device, way->device) &&
	            addr_equal_ip(&p->way.source, &way->source) &&
	            addr_equal(&p->way.peer, &way->peer);

	assert(s->args.is_gateway && path < TUNNEL_PATHS_MAX);
	p->way = *way;
	int err = same ? 0 : open_socket(p);
	p->up = !err;
	if (err) {
		tunnel_path(s->tunnel, path, TUNNEL_PATH_DOWN, path_class);
		return err;
	}
	if (!same)
		tunnel_renewed(s->tunnel, path, way->peer.family);
	tunnel_path(s->tunnel, path, TUNNEL_PATH_UP, path_class);
	return 0;
}

void tunnel_shell_disconnect(struct tunnel_shell *s, unsigned path)
{
	struct shell_path *p = &s->path[path];

	dgram_close(p->socket);
	p->socket = NULL;
	p->up = p->stale = false;
	tunnel_path(s->tunnel, path, TUNNEL_PATH_DOWN, 0);
}

/* Another source port for those that are dead; what fails is tried with the next. */
static void renew_sockets(struct tunnel_shell *s)
{
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		if (!s->path[i].stale)
			continue;
		if (open_socket(&s->path[i]) == 0)
			tunnel_renewed(s->tunnel, i, s->path[i].way.peer.family);
	}
}

/* The shell itself ---------------------------------------------------------------- */

static void look_at_losses(struct tunnel_shell *s)
{
	uint64_t now_us = loop_now_us(s->args.loop);
	struct tunnel_stats stats;

	if (now_us - s->looked_us < LOOK_US)
		return;
	s->looked_us = now_us;
	tunnel_stats(s->tunnel, &stats);
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		segment_trial_note(&s->path[i].trial, stats.path[i].told_counter,
		                   stats.path[i].told_packets, now_us);
}

bool tunnel_shell_is_single(const struct tunnel_shell *s)
{
	bool single = false;

	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		single |= s->path[i].trial.state == SEGMENT_TRIAL_OFF;
	return single;
}

static void on_turn(void *ctx)
{
	struct tunnel_shell *s = ctx;

	tunnel_turn(s->tunnel);
	look_at_losses(s);
	renew_sockets(s);
}

struct tunnel_shell *tunnel_shell_create(const struct tunnel_shell_args *args)
{
	struct tunnel_shell *s = calloc(1, sizeof(*s));
	struct tunnel_args tunnel = {
		.is_gateway = args->is_gateway, .suite = args->suite, .pool = args->pool,
		.first_epoch = (uint32_t)(loop_now_us(args->loop) / EPOCH_US),
		.queue_bytes_max = args->queue_bytes_max, .budget = args->budget,
		.ops = &ops, .ctx = s,
	};

	if (!s)
		return NULL;
	memcpy(tunnel.session_id, args->session_id, sizeof(tunnel.session_id));
	s->args = *args;
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		s->path[i].shell = s;
		s->path[i].number = i;
		s->path[i].waiter = (struct dgram_waiter){ .on_writable = on_writable,
		                                           .ctx = &s->path[i] };
	}
	loop_task_init(&s->turn, args->loop, on_turn, s);
	s->timer = loop_timer_create(args->loop, on_turn, s);
	s->tunnel = s->timer ? tunnel_create(&tunnel) : NULL;
	if (s->tunnel)
		return s;
	tunnel_shell_destroy(s);
	errno = ENOMEM;
	return NULL;
}

void tunnel_shell_destroy(struct tunnel_shell *s)
{
	if (!s)
		return;
	tunnel_destroy(s->tunnel);
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++) {
		dgram_cancel(&s->path[i].waiter);
		dgram_close(s->path[i].socket);
	}
	loop_timer_destroy(s->timer);
	loop_task_cancel(&s->turn);
	free(s);
}

struct tunnel *tunnel_shell_tunnel(struct tunnel_shell *s)
{
	return s->tunnel;
}
