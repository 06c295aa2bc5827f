/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the SOCKS5 way in: sockets round the parser in socks5.c. Owns a client
 * until its request is whole, or refused and the refusal read.
 *
 * The socket is looked at (MSG_PEEK) and only what belongs to the handshake
 * is taken out: data that a client sends behind its request stays in the
 * kernel for the relay. All deadlines are equally long, so the clients are in
 * the order of their deadlines, and one timer does.
 */
#include "proxy/inlet.h"

#include "agg/base/log.h"
#include "agg/base/seldom.h"
#include "agg/kernel/sockopt.h"
#include "proxy/listener.h"
#include "proxy/socks5.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#define HANDSHAKE_US 10000000
#define TELL_US 600000000u /* between lines about who is turned away */
#define CLIENTS_MAX 4096 /* in their handshake */

struct server {
	struct inlet base;
	struct loop *loop;           /* borrowed */
	struct listener *listener;
	struct client *clients;      /* client.next, oldest first */
	struct loop_timer *deadline; /* of the first client */
	struct tally *hosts;         /* borrowed, or own */
	struct tally *own;           /* NULL: they are somebody else's */
	uint64_t told_us;            /* that one was turned away, last */
	char username[SOCKS5_CREDENTIAL_MAX + 1];
	char password[SOCKS5_CREDENTIAL_MAX + 1];
	struct socks5_auth auth;
	bool associates;
	inlet_admits_fn *admits;
	inlet_client_fn *on_client;
	void *ctx;
};

struct client {
	struct server *server;       /* borrowed */
	struct client *prev, *next;
	int fd;
	struct addr from;
	int dscp;
	struct loop_io *io;
	uint64_t deadline_us;
	struct socks5 socks5;
};

static size_t greet_opened(uint8_t out[RELAY_ANSWER_MAX],
                           const struct addr *bound)
{
	static_assert(SOCKS5_REPLY_MAX <= RELAY_ANSWER_MAX, "a reply fits");

	return socks5_reply(out, SOCKS5_SUCCEEDED, bound);
}

static size_t greet_failed(uint8_t out[RELAY_ANSWER_MAX], enum stream_end end)
{
	return socks5_reply(out, socks5_code_of(end), NULL);
}

static const struct relay_greeter greeter = {
	.opened = greet_opened,
	.failed = greet_failed,
};

static void arm_deadline(struct server *s)
{
	if (s->clients)
		loop_timer_arm(s->deadline, s->clients->deadline_us);
	else
		loop_timer_disarm(s->deadline);
}

/* Forgets the client; its socket is the caller's. */
static int release(struct client *c)
{
	struct server *s = c->server;
	int fd = c->fd;
	bool first = s->clients == c;

	loop_io_destroy(c->io);
	DL_DELETE(s->clients, c);
	tally_give(s->hosts, &c->from);
	explicit_bzero(&c->socks5, sizeof(c->socks5));
	free(c);
	if (first)
		arm_deadline(s);
	return fd;
}

static void drop(struct client *c)
{
	close(release(c));
}

static void on_deadline(void *ctx)
{
	struct server *s = ctx;
	uint64_t now_us = loop_now_us(s->loop);

	while (s->clients && s->clients->deadline_us <= now_us)
		drop(s->clients);
	arm_deadline(s);
}

static void hand_over(struct client *c)
{
	struct server *s = c->server;
	struct inlet_client client = { .from = c->from, .dest = c->socks5.dest,
	                               .dscp = c->dscp, .greeter = &greeter };

	client.associate = c->socks5.command == SOCKS5_ASSOCIATE;

	client.fd = release(c);
	s->on_client(s->ctx, &client);
}

/* Replies are short and the client has read those before, so a socket that
 * cannot take one is not worth waiting for. */
static bool send_out(struct client *c)
{
	struct socks5 *p = &c->socks5;
	ssize_t n = send(c->fd, p->out, p->out_len, MSG_NOSIGNAL);
	bool all = n == (ssize_t)p->out_len;

	p->out_len = 0;
	return all;
}

/* Takes what the parser wants. False: the client is gone or hopeless. */
static bool feed(struct client *c)
{
	uint8_t bytes[SOCKS5_MESSAGE_MAX];
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_PEEK);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	size_t taken = socks5_feed(&c->socks5, bytes, (size_t)n);
	/* A refused client may go on talking until it has read why: closing
	 * with unread bytes would destroy the reply on its way. */
	if (c->socks5.state == SOCKS5_FAILED)
		taken = (size_t)n;
	explicit_bzero(bytes, sizeof(bytes));
	return n > 0 && recv(c->fd, bytes, taken, 0) == (ssize_t)taken &&
	       (!c->socks5.out_len || send_out(c));
}

static void on_client_readable(void *ctx, unsigned events)
{
	struct client *c = ctx;
	bool was_failed = c->socks5.state == SOCKS5_FAILED;

	if (!feed(c))
		drop(c);
	else if (c->socks5.state == SOCKS5_DONE)
		hand_over(c);
	else if (c->socks5.state == SOCKS5_FAILED && !was_failed)
		shutdown(c->fd, SHUT_WR);
}

static struct client *client_create(struct server *s, int fd,
                                    const struct addr *from, int dscp)
{
	struct client *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->io = loop_io_create(s->loop, fd, LOOP_READ, on_client_readable, c);
	if (!c->io || !tally_take(s->hosts, from)) {
		loop_io_destroy(c->io);
		free(c);
		return NULL;
	}
	c->server = s;
	c->fd = fd;
	c->from = *from;
	c->dscp = dscp;
	c->deadline_us = loop_now_us(s->loop) + HANDSHAKE_US;
	socks5_init(&c->socks5, &s->auth);
	c->socks5.may_associate = s->associates;
	DL_APPEND(s->clients, c);
	return c;
}

static void tell_refused(struct server *s, const struct addr *from)
{
	char text[ADDR_TEXT_MAX];

	if (!seldom(&s->told_us, loop_now_us(s->loop), TELL_US))
		return;
	log_peer("socks5 client %s: turned away, it has %u of %u connections, its "
	         "share", addr_format_ip(from, text),
	         tally_of(s->hosts, from), tally_used(s->hosts));
}

static void on_accept(void *ctx, int fd, const struct addr *from)
{
	struct server *s = ctx;
	struct sockopt_origin origin;

	sockopt_take_origin(fd, from->family, &origin);
	bool admitted = !s->admits || s->admits(s->ctx, origin.ifindex);
	struct client *c = admitted ?
		client_create(s, fd, from, origin.dscp) : NULL;
	if (!c) {
		if (admitted)
			tell_refused(s, from);
		sockopt_abort(fd);
		return;
	}
	sockopt_set_nodelay(fd);
	if (s->clients == c)
		arm_deadline(s);
}

static int set_auth(struct server *s, const struct inlet_args *args)
{
	const char *username = args->username ? args->username : "";
	const char *password = args->password ? args->password : "";

	if (strlen(username) > SOCKS5_CREDENTIAL_MAX ||
	    strlen(password) > SOCKS5_CREDENTIAL_MAX || !*username != !*password)
		return -EINVAL;
	strcpy(s->username, username);
	strcpy(s->password, password);
	s->auth.username = s->username;
	s->auth.password = *password ? s->password : NULL;
	return !*password && addr_is_any(&args->listen) ? -EACCES : 0;
}

static void destroy(struct inlet *in)
{
	struct server *s = (struct server *)in;

	listener_destroy(s->listener);
	while (s->clients)
		drop(s->clients);
	tally_destroy(s->own);
	loop_timer_destroy(s->deadline);
	explicit_bzero(s->password, sizeof(s->password));
	free(s);
}

static int start(struct server *s, const struct inlet_args *args)
{
	int err = set_auth(s, args);
	if (err)
		return err;
	s->deadline = loop_timer_create(s->loop, on_deadline, s);
	s->own = args->hosts ? NULL : tally_create(CLIENTS_MAX);
	s->hosts = args->hosts ? args->hosts : s->own;
	if (!s->deadline || !s->hosts)
		return -ENOMEM;
	int fd = sockopt_tcp_listen(&args->listen, NULL);
	if (fd < 0)
		return fd;
	sockopt_keep_origin(fd, args->listen.family);
	sockopt_set_urgent_inline(fd);
	s->listener = listener_create(s->loop, fd, DESCRIPTORS_STREAM,
	                              on_accept, s);
	return s->listener ? 0 : -errno;
}

static int create(struct inlet **out, const struct inlet_args *args)
{
	struct server *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base.ops = &inlet_socks5;
	s->loop = args->loop;
	s->admits = args->admits;
	s->associates = args->associates;
	s->on_client = args->on_client;
	s->ctx = args->ctx;
	int err = start(s, args);
	if (err) {
		destroy(&s->base);
		return err;
	}
	*out = &s->base;
	return 0;
}

static void rest(struct inlet *in, bool rests)
{
	listener_rest(((struct server *)in)->listener, rests);
}

static void address(const struct inlet *in, struct addr *out)
{
	listener_address(((const struct server *)in)->listener, out);
}

const struct inlet_ops inlet_socks5 = {
	.name = "socks5",
	.create = create,
	.destroy = destroy,
	.rest = rest,
	.address = address,
};
