/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see listener.h. Owns the listening socket.
 */
#include "proxy/listener.h"

#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct listener {
	struct loop *loop;       /* borrowed */
	int fd;
	struct loop_io *io;
	struct loop_timer *rest;
	enum descriptors_use use;
	uint64_t told_us;        /* of a shortage, last */
	listener_fn *on_accept;
	void *ctx;
};

/* Errors of the client (it is gone already) are not ours to stop for. */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOBUFS ||
	       err == -ENOMEM;
}

static void tell(struct listener *l, const char *what, int err)
{
	char text[ADDR_TEXT_MAX];
	struct addr at;

	if (!seldom(&l->told_us, loop_now_us(l->loop), LISTENER_TELL_US))
		return;
	listener_address(l, &at);
	log_sys("listener %s: %s: %s", addr_format(&at, text), what,
	        strerror(-err));
}

static void start_rest(struct listener *l, int err)
{
	tell(l, "new clients wait until there is room", err);
	loop_io_want(l->io, 0);
	loop_timer_arm(l->rest, loop_now_us(l->loop) + LISTENER_REST_US);
}

static void on_rest_over(void *ctx)
{
	struct listener *l = ctx;

	loop_io_want(l->io, LOOP_READ);
}

static void on_readable(void *ctx, unsigned events)
{
	struct listener *l = ctx;

	for (int i = 0; i < LISTENER_ACCEPTS_PER_TURN; i++) {
		struct addr from;
		int fd = sockopt_accept(l->fd, &from);
		if (fd >= 0 && descriptors_allow(l->use, fd)) {
			l->on_accept(l->ctx, fd, &from);
			continue;
		}
		if (fd >= 0) {
			sockopt_abort(fd);
			tell(l, "new clients are refused, the last descriptors "
			     "are kept for other uses", -EMFILE);
			continue;
		}
		if (is_shortage(fd))
			start_rest(l, fd);
		if (is_shortage(fd) || fd == -EAGAIN)
			break;
	}
}

struct listener *listener_create(struct loop *loop, int fd,
                                 enum descriptors_use use,
                                 listener_fn *on_accept, void *ctx)
{
	struct listener *l = calloc(1, sizeof(*l));
	if (!l) {
		close(fd);
		return NULL;
	}
	l->loop = loop;
	l->fd = fd;
	l->use = use;
	l->on_accept = on_accept;
	l->ctx = ctx;
	l->rest = loop_timer_create(loop, on_rest_over, l);
	l->io = loop_io_create(loop, fd, LOOP_READ, on_readable, l);
	if (!l->rest || !l->io) {
		listener_destroy(l);
		errno = ENOMEM;
		return NULL;
	}
	return l;
}

void listener_destroy(struct listener *l)
{
	if (!l)
		return;
	loop_io_destroy(l->io);
	loop_timer_destroy(l->rest);
	close(l->fd);
	free(l);
}

void listener_rest(struct listener *l, bool rests)
{
	loop_timer_disarm(l->rest);
	loop_io_want(l->io, rests ? 0 : LOOP_READ);
}

void listener_await_words(struct listener *l, bool awaits)
{
	sockopt_defer_accept(l->fd, awaits ? LISTENER_WORDS_S : 0);
}

void listener_address(const struct listener *l, struct addr *out)
{
	if (sockopt_local(l->fd, out) < 0)
		*out = (struct addr){ .family = AF_UNSPEC };
}
