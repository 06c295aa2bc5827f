/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a gateway whose key is known and whose mind is evil: it greets as any
 * other, then sends one kind of frame as fast as it can, and ends. Who cuts it
 * off has it back at once. One line of JSON says how much it sent, and how often
 * it was cut.
 *
 *     hostile STATE-DIR CONCENTRATOR:PORT DESTINATION:PORT KIND SECONDS
 */
#include "agg/base/addr.h"
#include "agg/transport/tls.h"
#include "agg/transport/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_MAX (1 << 20)
#define BATCH_BYTES 12000u       /* of frames, sealed together */
#define HOLES 511u               /* one-byte pieces of a stream's first credit */
#define DEAF_STREAMS 200u
#define REQUEST "GET 4000000 1\n" /* to aggload server */

struct hostile {
	int fd;
	struct tls_context *context;
	struct tls *tls;
	struct buf in, out, plain;
	struct addr dest;
	uint64_t end_ms, n, bytes; /* n: frames, of this connection */
	uint64_t frames, cuts;
	bool reads, cut;
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void say(struct hostile *h, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	buf_put(&h->plain, bytes, wire_encode(bytes, frame));
}

static void say_data(struct hostile *h, uint32_t stream, uint64_t offset,
                     const char *text)
{
	uint8_t head[WIRE_DATA_HEADER_BYTES];

	wire_encode_data_header(head, false, stream, offset,
	                        (uint32_t)strlen(text));
	buf_put(&h->plain, head, sizeof(head));
	buf_put(&h->plain, text, strlen(text));
}

static void say_open(struct hostile *h, uint64_t i)
{
	struct wire_frame open = { .type = WIRE_OPEN, .open = {
		.stream = (uint32_t)(2 * i + 1), .credit = 1 << 30,
		.dest.addr = h->dest } };

	say(h, &open);
}

static void say_credit(struct hostile *h, uint32_t stream, uint64_t offset)
{
	struct wire_frame credit = { .type = WIRE_CREDIT,
	                             .credit = { stream, offset } };

	say(h, &credit);
}

/* The kinds: each says its n-th frame ---------------------------------------- */

/* Nothing is ever in order: every byte must be kept. */
static void flood_data(struct hostile *h)
{
	uint64_t i = h->n / HOLES % WIRE_STREAMS_MAX;

	say_data(h, (uint32_t)(2 * i + 1), 1 + 2 * (h->n % HOLES), "x");
}

static void flood_double(struct hostile *h)
{
	say_data(h, 1, 1 + 2 * (h->n % 2), "x");
}

static void flood_ping(struct hostile *h)
{
	struct wire_frame ping = { .type = WIRE_PING, .ping.stamp = h->n };

	say(h, &ping);
}

static void flood_open(struct hostile *h)
{
	say_open(h, h->n);
}

static void flood_credit(struct hostile *h)
{
	if (!h->n)
		say_open(h, 0);
	say_credit(h, (uint32_t)(2 * (h->n % WIRE_STREAMS_MAX) + 1), h->n);
}

static void flood_settings(struct hostile *h)
{
	struct wire_frame settings = { .type = WIRE_SETTINGS, .settings = {
		.serial = (uint32_t)h->n + 1, .flags = WIRE_HAS_IPV6,
		.stream_credit = (uint32_t)(h->n << 16) } };

	say(h, &settings);
}

/* Downloads of which nothing is read. */
static void flood_deaf(struct hostile *h)
{
	uint32_t stream = (uint32_t)(2 * h->n + 1);

	if (h->n >= DEAF_STREAMS)
		return;
	say_open(h, h->n);
	say_data(h, stream, 0, REQUEST);
	say_credit(h, stream, 1 << 30);
}

static const struct kind {
	const char *name;
	void (*say)(struct hostile *h);
	bool reads;
} kinds[] = {
	{ "data", flood_data, true }, { "double", flood_double, true },
	{ "ping", flood_ping, false }, { "open", flood_open, true },
	{ "open_deaf", flood_open, false }, { "credit", flood_credit, true },
	{ "settings", flood_settings, true }, { "deaf", flood_deaf, false },
};

/* The connection -------------------------------------------------------------- */

static bool is_over(const struct hostile *h)
{
	return h->cut || now_ms() >= h->end_ms;
}

static void hear(struct hostile *h, bool keep)
{
	uint8_t bytes[16384];
	ssize_t n = recv(h->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN))
		h->cut = true;
	else if (n > 0 && keep && buf_put(&h->in, bytes, (size_t)n) < 0)
		h->cut = true;
}

/* Until all is with the kernel, or it is over. */
static void flush(struct hostile *h, bool keep)
{
	while (h->out.len && !is_over(h)) {
		struct pollfd p = { .fd = h->fd, .events = POLLOUT };
		if (h->reads || keep)
			p.events |= POLLIN;
		poll(&p, 1, 50);
		if (p.revents & POLLIN)
			hear(h, keep);
		ssize_t n = send(h->fd, buf_head(&h->out), h->out.len,
		                 MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			h->cut = true;
		if (n > 0)
			buf_take(&h->out, (size_t)n);
	}
}

static int shake(struct hostile *h)
{
	int done;

	while ((done = tls_handshake(h->tls)) == 0 && !is_over(h)) {
		struct pollfd p = { .fd = h->fd, .events = POLLIN };
		flush(h, true);
		poll(&p, 1, 50);
		hear(h, true);
	}
	if (done < 0) /* and not only late */
		fprintf(stderr, "handshake: %s\n", tls_error(h->tls));
	return done;
}

static void greet(struct hostile *h, const char *name)
{
	struct wire_frame hello = { .type = WIRE_HELLO, .hello = {
		.version = WIRE_VERSION, .session_id = { 1 }, .subflow_id = 1 } };

	snprintf(hello.hello.name, sizeof(hello.hello.name), "%s", name);
	say(h, &hello);
}

static void flood(struct hostile *h, const struct kind *kind)
{
	size_t len;

	greet(h, kind->name);
	while (!is_over(h)) {
		do {
			len = h->plain.len;
			kind->say(h);
			h->n += h->plain.len > len;
		} while (h->plain.len > len && h->plain.len < BATCH_BYTES);
		if (!h->plain.len)
			poll(NULL, 0, 10);
		h->bytes += h->plain.len;
		if (tls_write(h->tls, buf_head(&h->plain), h->plain.len) < 0)
			h->cut = true;
		buf_take(&h->plain, h->plain.len);
		flush(h, false);
	}
}

static int join(struct hostile *h, const char *dir, const char *where)
{
	struct sockaddr_storage ss;
	struct addr to;

	if (addr_parse(&to, where, -1) < 0)
		return -EINVAL;
	socklen_t len = addr_to_sockaddr(&to, &ss);
	h->fd = socket(to.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (h->fd < 0 || connect(h->fd, (struct sockaddr *)&ss, len) < 0)
		return -errno;
	h->context = tls_context_create(TLS_CLIENT, dir);
	h->tls = h->context ? tls_create(h->context, &h->in, &h->out) : NULL;
	return h->tls ? 0 : -errno;
}

static const struct kind *find_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

/* One connection, until it is cut or all is over. -1: it never was one. */
static int visit(struct hostile *h, const char *dir, const char *where,
                 const struct kind *kind)
{
	buf_init(&h->in, QUEUE_MAX);
	buf_init(&h->out, QUEUE_MAX);
	buf_init(&h->plain, QUEUE_MAX);
	h->n = 0;
	h->cut = false;
	int err = join(h, dir, where);
	if (err < 0)
		fprintf(stderr, "%s: %s\n", where, strerror(-err));
	else if (shake(h) == 1)
		flood(h, kind);
	h->frames += h->n;
	h->cuts += h->cut;
	tls_destroy(h->tls);
	tls_context_destroy(h->context);
	h->tls = NULL;
	h->context = NULL;
	buf_finish(&h->in);
	buf_finish(&h->out);
	buf_finish(&h->plain);
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	return h->n ? 0 : -1;
}

int main(int argc, char **argv)
{
	const struct kind *kind = argc == 6 ? find_kind(argv[4]) : NULL;
	struct hostile h = { .fd = -1 };

	if (!kind || addr_parse(&h.dest, argv[3], -1) < 0) {
		fprintf(stderr, "hostile STATE-DIR CONCENTRATOR:PORT "
		        "DESTINATION:PORT KIND SECONDS\n");
		return 2;
	}
	h.reads = kind->reads;
	h.end_ms = now_ms() + 1000 * strtoul(argv[5], NULL, 10);
	while (now_ms() < h.end_ms && visit(&h, argv[1], argv[2], kind) == 0)
		;
	printf("{\"frames\": %llu, \"bytes\": %llu, \"cuts\": %llu}\n",
	       (unsigned long long)h.frames, (unsigned long long)h.bytes,
	       (unsigned long long)h.cuts);
	return h.frames ? 0 : 1;
}
