/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see look.h. Owns a client's socket while it looks at it (MSG_PEEK). The
 * socket is readable only when more is there than was seen (SO_RCVLOWAT), so
 * that what is left in it does not wake the loop again.
 */
#include "proxy/look.h"

#include "agg/kernel/sockopt.h"
#include "proxy/hello.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <utlist.h>

struct looks {
	struct loop *loop;   /* borrowed, as hosts */
	struct tally *hosts;
	look_fn *on_done;
	void *ctx;
	struct look *all;    /* look.next */
	unsigned count;
	uint8_t bytes[HELLO_BYTES_MAX]; /* what is looked at now */
};

struct look {
	struct looks *owner; /* borrowed */
	struct look *prev, *next;
	struct inlet_client client;
	struct loop_io *io;
	struct loop_timer *deadline;
	size_t seen;         /* bytes that were looked at */
};

/* Forgets it; the client's socket is the caller's. */
static void look_free(struct look *l)
{
	struct looks *owner = l->owner;

	loop_io_destroy(l->io);
	loop_timer_destroy(l->deadline);
	tally_give(owner->hosts, &l->client.from);
	DL_DELETE(owner->all, l);
	owner->count--;
	free(l);
}

static void finish(struct look *l, const char *name)
{
	struct looks *owner = l->owner;
	const struct inlet_client client = l->client;

	sockopt_set_receive_lowat(client.fd, 1);
	look_free(l);
	owner->on_done(owner->ctx, &client, name);
}

static void on_deadline(void *ctx)
{
	finish(ctx, "");
}

static void wait_for_more(struct look *l, size_t seen)
{
	if (!l->seen && seen)
		loop_timer_arm(l->deadline,
		               loop_now_us(l->owner->loop) + LOOK_WHOLE_US);
	l->seen = seen;
	sockopt_set_receive_lowat(l->client.fd, (uint32_t)seen + 1);
}

/* Woken without more than was seen, it has come to its end. */
static void on_readable(void *ctx, unsigned events)
{
	struct look *l = ctx;
	uint8_t *bytes = l->owner->bytes;
	char name[HELLO_NAME_MAX + 1];
	ssize_t n = recv(l->client.fd, bytes, HELLO_BYTES_MAX, MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	enum hello said = n > 0 && (size_t)n > l->seen ?
		hello_read(bytes, (size_t)n, name) : HELLO_NONE;
	switch (said) {
	case HELLO_MORE:
		wait_for_more(l, (size_t)n);
		break;
	case HELLO_NAMED:
		finish(l, name);
		break;
	case HELLO_NONE:
		finish(l, "");
		break;
	}
}

static struct look *look_create(struct looks *owner,
                                const struct inlet_client *client)
{
	struct look *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->io = loop_io_create(owner->loop, client->fd, LOOP_READ, on_readable, l);
	l->deadline = loop_timer_create(owner->loop, on_deadline, l);
	if (!l->io || !l->deadline || !tally_take(owner->hosts, &client->from)) {
		loop_io_destroy(l->io);
		loop_timer_destroy(l->deadline);
		free(l);
		return NULL;
	}
	l->owner = owner;
	l->client = *client;
	DL_APPEND(owner->all, l);
	owner->count++;
	return l;
}

void looks_take(struct looks *owner, const struct inlet_client *client)
{
	assert(!client->greeter);
	struct look *l = look_create(owner, client);

	if (!l) {
		owner->on_done(owner->ctx, client, "");
		return;
	}
	loop_timer_arm(l->deadline, loop_now_us(owner->loop) + LOOK_SILENT_US);
	on_readable(l, LOOP_READ); /* most often it is there by now */
}

struct looks *looks_create(struct loop *loop, struct tally *hosts,
                           look_fn *on_done, void *ctx)
{
	struct looks *looks = malloc(sizeof(*looks)); /* bytes' pages stay untouched */

	if (!looks)
		return NULL;
	looks->loop = loop;
	looks->hosts = hosts;
	looks->on_done = on_done;
	looks->ctx = ctx;
	looks->all = NULL;
	looks->count = 0;
	return looks;
}

void looks_destroy(struct looks *looks)
{
	if (!looks)
		return;
	while (looks->all) {
		int fd = looks->all->client.fd;
		look_free(looks->all);
		sockopt_abort(fd);
	}
	free(looks);
}

unsigned looks_count(const struct looks *looks)
{
	return looks->count;
}
