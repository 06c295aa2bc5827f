/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the transparent way in (Linux, Documentation/networking/tproxy.rst).
 * The ruleset hands connections to this listener although they are addressed
 * to somebody else; the accepted socket's own address is that destination.
 * The client believes that it is connected already, so there is nothing to
 * say: a failure is a reset.
 */
#include "proxy/inlet.h"

#include "agg/kernel/sockopt.h"
#include "proxy/listener.h"

#include <errno.h>
#include <stdlib.h>

struct tproxy {
	struct inlet base;
	struct listener *listener;
	inlet_client_fn *on_client;
	void *ctx;
};

static void on_accept(void *ctx, int fd, const struct addr *from)
{
	struct tproxy *t = ctx;
	struct inlet_client client = { .fd = fd, .from = *from };
	struct sockopt_origin origin;
	struct addr own;

	/* One who connects to the listener itself wants to go nowhere. */
	sockopt_take_origin(fd, from->family, &origin);
	client.dscp = origin.dscp;
	listener_address(t->listener, &own);
	if (sockopt_local(fd, &client.dest.addr) < 0 ||
	    addr_equal(&client.dest.addr, &own)) {
		sockopt_abort(fd);
		return;
	}
	t->on_client(t->ctx, &client);
}

static int create(struct inlet **out, const struct inlet_args *args)
{
	int fd = sockopt_tproxy_listen(args->listen.family, args->listen.port);
	if (fd < 0)
		return fd;
	sockopt_keep_origin(fd, args->listen.family);
	sockopt_set_urgent_inline(fd);
	struct tproxy *t = calloc(1, sizeof(*t));
	if (!t) {
		sockopt_abort(fd);
		return -ENOMEM;
	}
	t->base.ops = &inlet_tproxy;
	t->on_client = args->on_client;
	t->ctx = args->ctx;
	t->listener = listener_create(args->loop, fd, DESCRIPTORS_STREAM,
	                              on_accept, t);
	if (!t->listener) {
		free(t);
		return -errno;
	}
	*out = &t->base;
	return 0;
}

static void destroy(struct inlet *in)
{
	struct tproxy *t = (struct tproxy *)in;

	listener_destroy(t->listener);
	free(t);
}

static void rest(struct inlet *in, bool rests)
{
	listener_rest(((struct tproxy *)in)->listener, rests);
}

static void address(const struct inlet *in, struct addr *out)
{
	listener_address(((const struct tproxy *)in)->listener, out);
}

const struct inlet_ops inlet_tproxy = {
	.name = "tproxy",
	.create = create,
	.destroy = destroy,
	.rest = rest,
	.address = address,
};
