/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see associate.h. An association owns its client's TCP socket, the UDP
 * socket that the client knows, and those by which datagrams leave; each datagram
 * is passed on at once, through one buffer that all share. What a full socket does
 * not take is lost, as datagrams are.
 */
#include "proxy/associate.h"

#include "agg/kernel/sockopt.h"
#include "proxy/relay.h"
#include "proxy/socks5.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utlist.h>

#define DATAGRAM_MAX 65535

struct associates {
	struct associates_args args;
	struct associate *all; /* associate.next */
	unsigned count;
	uint8_t bytes[SOCKS5_UDP_HEAD_MAX + DATAGRAM_MAX];
};

/* A socket by which datagrams leave. */
struct exit {
	struct associate *owner; /* borrowed */
	int fd;                  /* -1: free */
	sa_family_t family;
	char device[IFNAMSIZ];   /* "": any */
	struct loop_io *io;
};

struct held {
	struct held *next;
	size_t n;
	uint8_t bytes[];
};

/* A name that was asked for. */
struct known {
	struct associate *owner; /* borrowed */
	char name[DEST_NAME_MAX + 1]; /* "": free */
	struct addr at;          /* AF_UNSPEC: not known, or there is none */
	uint64_t until_us;
	struct resolve *query;   /* NULL: answered */
	unsigned answers;
	struct held *held;       /* whole datagrams of the client; held.next */
};

struct associate {
	struct associates *owner; /* borrowed */
	struct associate *prev, *next;
	int tcp, udp;
	struct loop_io *tcp_io, *udp_io;
	struct addr host;        /* the client's address */
	struct addr from;        /* and where its datagrams come from; port 0: not
	                          * known yet */
	struct exit exits[ASSOCIATE_EXITS_MAX];
	unsigned next_exit;      /* whose turn it is to be given up */
	struct known names[ASSOCIATE_NAMES_MAX];
	unsigned next_name;
};

/* Lifetime ------------------------------------------------------------------- */

static void exit_close(struct exit *e)
{
	if (e->fd < 0)
		return;
	loop_io_destroy(e->io);
	close(e->fd);
	*e = (struct exit){ .owner = e->owner, .fd = -1 };
}

static void known_forget(struct known *k)
{
	resolve_cancel(k->query);
	while (k->held) {
		struct held *h = k->held;
		k->held = h->next;
		free(h);
	}
	*k = (struct known){ .owner = k->owner };
}

/* Not the TCP socket, which has its own end. */
static void associate_free(struct associate *a)
{
	loop_io_destroy(a->tcp_io);
	loop_io_destroy(a->udp_io);
	if (a->udp >= 0)
		close(a->udp);
	for (unsigned i = 0; i < ASSOCIATE_EXITS_MAX; i++)
		exit_close(&a->exits[i]);
	for (unsigned i = 0; i < ASSOCIATE_NAMES_MAX; i++)
		known_forget(&a->names[i]);
	tally_give(a->owner->args.hosts, &a->host);
	DL_DELETE(a->owner->all, a);
	a->owner->count--;
	free(a);
}

static void associate_end(struct associate *a)
{
	int tcp = a->tcp;

	associate_free(a);
	close(tcp);
}

/* The client has nothing more to say there: whatever comes is its end. */
static void on_tcp(void *ctx, unsigned events)
{
	struct associate *a = ctx;
	uint8_t bytes[512];
	ssize_t n = recv(a->tcp, bytes, sizeof(bytes), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		associate_end(a);
}

/* Answers ---------------------------------------------------------------------- */

/* From the Net to the client, with where it came from before it. True: there may
 * be more. */
static bool pass_back(struct exit *e)
{
	struct associate *a = e->owner;
	uint8_t *bytes = a->owner->bytes, head[SOCKS5_UDP_HEAD_MAX];
	struct addr from;
	ssize_t n = sockopt_receive_from(e->fd, bytes + SOCKS5_UDP_HEAD_MAX,
	                                 DATAGRAM_MAX, &from);

	if (n < 0)
		return n == -ECONNREFUSED || n == -EHOSTUNREACH;
	size_t len = socks5_udp_write(head, &from);
	uint8_t *start = bytes + SOCKS5_UDP_HEAD_MAX - len;
	memcpy(start, head, len);
	sockopt_send_to(a->udp, start, len + (size_t)n, &a->from);
	return true;
}

static void on_exit_readable(void *ctx, unsigned events)
{
	struct exit *e = ctx;

	for (unsigned i = 0; i < ASSOCIATE_TURN_MAX && pass_back(e); i++)
		;
}

/* Ways out ---------------------------------------------------------------------- */

static int exit_open(struct exit *e, sa_family_t family, const char *device)
{
	e->fd = sockopt_udp_open(&(struct addr){ .family = family }, device);
	if (e->fd < 0)
		return e->fd;
	e->family = family;
	snprintf(e->device, sizeof(e->device), "%s", device);
	e->io = loop_io_create(e->owner->owner->args.loop, e->fd, LOOP_READ,
	                       on_exit_readable, e);
	if (e->io)
		return 0;
	exit_close(e);
	return -ENOMEM;
}

/* NULL: none could be made. */
static struct exit *exit_of(struct associate *a, sa_family_t family,
                            const char *device)
{
	struct exit *unused = NULL;

	for (unsigned i = 0; i < ASSOCIATE_EXITS_MAX; i++) {
		struct exit *e = &a->exits[i];
		if (e->fd >= 0 && e->family == family &&
		    !strcmp(e->device, device))
			return e;
		if (e->fd < 0 && !unused)
			unused = e;
	}
	if (!unused) {
		unused = &a->exits[a->next_exit++ % ASSOCIATE_EXITS_MAX];
		exit_close(unused);
	}
	return exit_open(unused, family, device) < 0 ? NULL : unused;
}

/* A device that went, and its like: the socket is of no more use. */
static bool is_broken(ssize_t err)
{
	return err == -ENODEV || err == -ENETDOWN || err == -ENXIO;
}

static void send_out(struct associate *a, const struct addr *to,
                     const char *name, const uint8_t *p, size_t n)
{
	const struct associates_args *args = &a->owner->args;
	char device[IFNAMSIZ];

	if (!to->port || !args->way(args->ctx, &a->host, to, name, device))
		return;
	struct exit *e = exit_of(a, to->family, device);
	if (e && is_broken(sockopt_send_to(e->fd, p, n, to)))
		exit_close(e);
}

/* Names ------------------------------------------------------------------------ */

static void pass_on(struct associate *a, const uint8_t *p, size_t n);

/* What waited goes, by the name's address or nowhere. */
static void release_held(struct known *k)
{
	struct held *h = k->held;

	k->held = NULL;
	while (h) {
		struct held *next = h->next;
		pass_on(k->owner, h->bytes, h->n);
		free(h);
		h = next;
	}
}

/* IPv4 is taken where there is both: the tunnel has it in any case. */
static void on_name(void *ctx, sa_family_t family, const struct addr *addrs,
                    unsigned n, int err)
{
	struct known *k = ctx;
	bool last = ++k->answers == 2;

	if (n && (k->at.family == AF_UNSPEC || family == AF_INET))
		k->at = addrs[0];
	if (!last)
		return;
	k->query = NULL;
	k->until_us = loop_now_us(k->owner->owner->args.loop) + ASSOCIATE_NAME_US;
	release_held(k);
}

static struct known *known_of(struct associate *a, const char *name)
{
	const struct associates_args *args = &a->owner->args;
	uint64_t now_us = loop_now_us(args->loop);

	for (unsigned i = 0; i < ASSOCIATE_NAMES_MAX; i++) {
		struct known *k = &a->names[i];
		if (!strcmp(k->name, name) && (k->query || k->until_us > now_us))
			return k;
	}
	struct known *k = &a->names[a->next_name++ % ASSOCIATE_NAMES_MAX];
	known_forget(k);
	k->query = args->resolver ? resolve_start(args->resolver, NULL, name,
	                                          on_name, k) : NULL;
	if (!k->query)
		return NULL;
	snprintf(k->name, sizeof(k->name), "%s", name);
	return k;
}

static void hold(struct known *k, const uint8_t *p, size_t n)
{
	struct held **at = &k->held;
	unsigned count = 0;

	for (; *at; at = &(*at)->next)
		count++;
	struct held *h = count < ASSOCIATE_HELD_MAX ? malloc(sizeof(*h) + n) : NULL;
	if (!h)
		return;
	h->next = NULL;
	h->n = n;
	memcpy(h->bytes, p, n);
	*at = h;
}

/* From the client ---------------------------------------------------------------- */

/* A whole datagram of the client's. */
static void pass_on(struct associate *a, const uint8_t *p, size_t n)
{
	struct dest dest;
	size_t head = socks5_udp_read(p, n, &dest);

	if (!head)
		return;
	struct addr to = dest.addr;
	if (*dest.name) {
		struct known *k = known_of(a, dest.name);
		if (k && k->query)
			hold(k, p, n);
		if (!k || k->query || k->at.family == AF_UNSPEC)
			return;
		to = k->at;
		to.port = dest.addr.port;
	}
	send_out(a, &to, dest.name, p + head, n - head);
}

static bool is_client(struct associate *a, const struct addr *from)
{
	if (!addr_equal_ip(from, &a->host))
		return false;
	if (!a->from.port)
		a->from = *from;
	return addr_equal(from, &a->from);
}

static bool take_one(struct associate *a)
{
	uint8_t *bytes = a->owner->bytes;
	struct addr from;
	ssize_t n = sockopt_receive_from(a->udp, bytes,
	                                 sizeof(a->owner->bytes), &from);

	if (n < 0)
		return n == -ECONNREFUSED;
	if (is_client(a, &from))
		pass_on(a, bytes, (size_t)n);
	return true;
}

static void on_udp(void *ctx, unsigned events)
{
	struct associate *a = ctx;

	for (unsigned i = 0; i < ASSOCIATE_TURN_MAX && take_one(a); i++)
		;
}

/* Beginning ---------------------------------------------------------------------- */

/* At the address at which the client reaches us. */
static int open_udp(struct associate *a, struct addr *bound)
{
	struct addr at;
	int err = sockopt_local(a->tcp, &at);

	if (err)
		return err;
	at.port = 0;
	a->udp = sockopt_udp_open(&at, NULL);
	if (a->udp < 0)
		return a->udp;
	return sockopt_local(a->udp, bound);
}

static bool greet(const struct associate *a, const struct inlet_client *client,
                  const struct addr *bound)
{
	uint8_t out[RELAY_ANSWER_MAX];
	size_t n = client->greeter->opened(out, bound);

	return send(a->tcp, out, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static int start(struct associate *a, const struct inlet_client *client)
{
	struct loop *loop = a->owner->args.loop;
	struct addr bound;
	int err = open_udp(a, &bound);

	if (err)
		return err;
	a->tcp_io = loop_io_create(loop, a->tcp, LOOP_READ, on_tcp, a);
	a->udp_io = loop_io_create(loop, a->udp, LOOP_READ, on_udp, a);
	sockopt_set_keepalive(a->tcp, RELAY_KEEPALIVE_IDLE_S,
	                      RELAY_KEEPALIVE_INTERVAL_S, RELAY_KEEPALIVE_COUNT);
	return a->tcp_io && a->udp_io && greet(a, client, &bound) ? 0 : -ENOMEM;
}

/* The place is taken. NULL: none could be made. */
static struct associate *associate_create(struct associates *owner,
                                          const struct inlet_client *client)
{
	struct associate *a = owner->count < ASSOCIATES_MAX ?
		calloc(1, sizeof(*a)) : NULL;

	if (!a)
		return NULL;
	a->owner = owner;
	a->tcp = client->fd;
	a->udp = -1;
	a->host = a->from = client->from;
	a->from.port = client->dest.addr.port; /* or 0: not known */
	for (unsigned i = 0; i < ASSOCIATE_EXITS_MAX; i++)
		a->exits[i] = (struct exit){ .owner = a, .fd = -1 };
	for (unsigned i = 0; i < ASSOCIATE_NAMES_MAX; i++)
		a->names[i].owner = a;
	DL_APPEND(owner->all, a);
	owner->count++;
	return a;
}

bool associates_take(struct associates *owner, const struct inlet_client *client)
{
	const struct associates_args *args = &owner->args;
	bool placed = tally_take(args->hosts, &client->from);
	struct associate *a = placed ? associate_create(owner, client) : NULL;

	if (a && !start(a, client))
		return true;
	if (a)
		associate_free(a);
	else if (placed)
		tally_give(args->hosts, &client->from);
	relay_turn_away(args->relays, client->fd, client->greeter,
	                STREAM_END_LIMIT);
	return placed;
}

struct associates *associates_create(const struct associates_args *args)
{
	struct associates *a = malloc(sizeof(*a)); /* bytes' pages stay untouched */

	if (!a)
		return NULL;
	a->args = *args;
	a->all = NULL;
	a->count = 0;
	return a;
}

void associates_destroy(struct associates *a)
{
	if (!a)
		return;
	while (a->all)
		associate_end(a->all);
	free(a);
}

unsigned associates_count(const struct associates *a)
{
	return a->count;
}
