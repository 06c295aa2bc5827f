/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see dgram.h. Owns its sockets. What is to leave on one of them stands in its
 * buffer, datagram behind datagram; those of one size to one destination are a run, which
 * is a message. What the kernel does not take stays there, and the socket is full until
 * it does: nothing is lost for want of room below.
 */
#include "agg/transport/dgram.h"

#include "agg/base/loop.h"
#include "agg/kernel/sockopt.h"
#include "agg/kernel/udp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#define OUT_BYTES 65536u
#define IN_MESSAGES 8u
#define IN_BYTES 65536u       /* of each: what UDP can be */
#define IN_ROUNDS 4u          /* of a turn: 2 MiB at most; the rest is for the next */
#define INDEX_TRIES 1024u     /* one of so many as there are workers is right */
#define SUITE_US 500u         /* that each is tried */
#define SUITE_BYTES 1400u

struct run {
	struct tunnel_ends ends;
	bool addressed, closed;   /* closed: its last one is shorter */
	size_t at, n;             /* in the buffer */
	uint16_t segment;
	unsigned count;
};

struct dgram_socket {
	struct dgram *dgram;      /* borrowed */
	int fd;
	bool connected;
	struct addr local;        /* of a listener; its address may be any */
	struct loop_io *io;
	struct loop_timer *again;
	struct dgram_waiter *waiters;
	bool segments;            /* may leave as one message */
	bool full;                /* the kernel takes no more for now */
	uint8_t *out;             /* OUT_BYTES */
	size_t used;
	struct run runs[UDP_MESSAGES_MAX];
	unsigned run_count;
	struct tunnel_ends to;    /* of what is reserved */
	bool to_ends;
	struct dgram_socket *prev, *next; /* dgram.sockets */
};

struct owner {
	uint32_t index;
	const struct dgram_user *user; /* borrowed */
	void *ctx;
	UT_hash_handle hh;
};

struct dgram {
	struct loop *loop;        /* borrowed */
	unsigned worker, workers;
	struct owner *owners;
	struct dgram_socket *sockets;
	uint8_t *in;              /* IN_MESSAGES times IN_BYTES */
	struct dgram_stats stats;
	bool segments;
	enum aead_suite suite;    /* the fastest here */
	uint32_t secret;          /* by which an index proves itself: udp_filter() */
};

/* How many packets it seals in so long. */
static unsigned speed_of(const struct loop *loop, enum aead_suite suite)
{
	static const uint8_t key[AEAD_KEY_BYTES_MAX];
	uint8_t bytes[SUITE_BYTES + AEAD_TAG_BYTES] = { 0 };
	struct aead *aead = aead_create(suite, AEAD_SEAL);
	struct aead_text text = { .ad = key, .ad_len = DATAGRAM_HEADER_BYTES, .p = bytes,
	                          .n = SUITE_BYTES };
	uint64_t end_us = loop_now_us(loop) + SUITE_US;
	unsigned n = 0;

	if (!aead || aead_set_key(aead, key) < 0)
		end_us = 0;
	while (loop_now_us(loop) < end_us && aead_seal(aead, &text) == 0)
		n++;
	aead_destroy(aead);
	return n;
}

static enum aead_suite fastest(const struct loop *loop)
{
	return speed_of(loop, AEAD_CHACHA20_POLY1305_SHA256) >
	       speed_of(loop, AEAD_AES_128_GCM_SHA256) ?
		AEAD_CHACHA20_POLY1305_SHA256 : AEAD_AES_128_GCM_SHA256;
}

struct dgram *dgram_create(struct loop *loop, unsigned worker, unsigned workers)
{
	struct dgram *d = calloc(1, sizeof(*d));

	assert(worker < workers);
	if (!d)
		return NULL;
	d->loop = loop;
	d->worker = worker;
	d->workers = workers;
	d->segments = true;
	d->suite = fastest(loop);
	d->in = malloc(IN_MESSAGES * IN_BYTES);
	if (d->in && getrandom(&d->secret, sizeof(d->secret), 0) == sizeof(d->secret)) {
		d->secret |= 1;
		return d;
	}
	free(d->in);
	free(d);
	return NULL;
}

void dgram_send_singly(struct dgram *d)
{
	struct dgram_socket *s;

	d->segments = false;
	DL_FOREACH(d->sockets, s)
		s->segments = false;
}

void dgram_destroy(struct dgram *d)
{
	struct owner *owner, *tmp;

	if (!d)
		return;
	while (d->sockets)
		dgram_close(d->sockets);
	HASH_ITER(hh, d->owners, owner, tmp) {
		HASH_DEL(d->owners, owner);
		free(owner);
	}
	free(d->in);
	free(d);
}

enum aead_suite dgram_suite(const struct dgram *d)
{
	return d->suite;
}

/* Whose it is -------------------------------------------------------------- */

static struct owner *owner_of(const struct dgram *d, uint32_t index)
{
	struct owner *owner;

	HASH_FIND(hh, d->owners, &index, sizeof(index), owner);
	return owner;
}

/* A random one that nobody has, of those that come to this worker. */
static int choose_index(const struct dgram *d, uint32_t *index)
{
	for (unsigned tries = 0; tries < INDEX_TRIES; tries++) {
		if (getrandom(index, sizeof(*index), 0) != sizeof(*index))
			return -EAGAIN;
		*index = udp_proved(*index, d->secret);
		if (*index % d->workers == d->worker && !owner_of(d, *index))
			return 0;
	}
	return -ENOSPC;
}

int dgram_take_index(struct dgram *d, const struct dgram_user *user, void *ctx,
                     uint32_t *index)
{
	if (HASH_COUNT(d->owners) >= DGRAM_INDEXES_MAX)
		return -ENOSPC;
	int err = choose_index(d, index);
	struct owner *owner = err ? NULL : calloc(1, sizeof(*owner));
	if (!owner)
		return err ? err : -ENOMEM;
	owner->index = *index;
	owner->user = user;
	owner->ctx = ctx;
	HASH_ADD(hh, d->owners, index, sizeof(owner->index), owner);
	return 0;
}

void dgram_drop_index(struct dgram *d, uint32_t index)
{
	struct owner *owner = owner_of(d, index);

	if (!owner)
		return;
	HASH_DEL(d->owners, owner);
	free(owner);
}

/* What comes ---------------------------------------------------------------- */

static void one_datagram(struct dgram *d, const struct tunnel_came *came, uint8_t *p,
                         size_t n)
{
	struct datagram_header header;
	struct owner *owner = NULL;

	d->stats.received++;
	if (datagram_read_header(&header, p, n) == 0 &&
	    header.index == udp_proved(header.index, d->secret))
		owner = owner_of(d, header.index);
	if (owner)
		owner->user->on_datagram(owner->ctx, came, p, n);
	else
		d->stats.strange++;
}

static void one_message(struct dgram_socket *s, struct udp_message *m)
{
	struct tunnel_ends ends = { .peer = m->peer, .local = m->local };
	struct tunnel_came came = { s->connected ? NULL : &ends, m->waited_us, m->ce };
	size_t step = m->segment ? m->segment : m->n;

	ends.local.port = s->local.port;
	for (size_t at = 0; at < m->n; at += step)
		one_datagram(s->dgram, &came, m->p + at, m->n - at < step ? m->n - at : step);
}

static void receive(struct dgram_socket *s)
{
	struct dgram *d = s->dgram;
	struct udp_message messages[IN_MESSAGES];

	for (unsigned round = 0; round < IN_ROUNDS; round++) {
		for (unsigned i = 0; i < IN_MESSAGES; i++)
			messages[i] = (struct udp_message){ .p = d->in + i * IN_BYTES,
			                                    .n = IN_BYTES };
		int got = udp_receive(s->fd, messages, IN_MESSAGES);
		d->stats.calls_in++;
		for (int i = 0; i < got; i++)
			one_message(s, &messages[i]);
		if (got < (int)IN_MESSAGES)
			return;
	}
}

/* What goes ----------------------------------------------------------------- */

static bool same_ends(const struct tunnel_ends *a, const struct tunnel_ends *b)
{
	return addr_equal(&a->peer, &b->peer) && addr_equal(&a->local, &b->local);
}

static bool fits_run(const struct dgram_socket *s, const struct run *run, size_t n)
{
	return s->segments && !run->closed && run->count < UDP_SEGMENTS_MAX &&
	       n <= run->segment && run->n + n <= UDP_MESSAGE_BYTES_MAX &&
	       run->addressed == s->to_ends && (!s->to_ends || same_ends(&run->ends, &s->to));
}

static struct udp_message message_of(const struct dgram_socket *s, const struct run *run)
{
	return (struct udp_message){
		.p = s->out + run->at,
		.n = run->n,
		.segment = run->count > 1 ? run->segment : 0,
		.addressed = run->addressed,
		.peer = run->ends.peer,
		.local = run->ends.local,
	};
}

static void drop_runs(struct dgram_socket *s, unsigned n)
{
	s->run_count -= n;
	memmove(s->runs, s->runs + n, s->run_count * sizeof(s->runs[0]));
	if (!s->run_count)
		s->used = 0;
}

/* The first run, one by one: neither device nor kernel can do it at once. */
static int send_singly(struct dgram_socket *s)
{
	struct run *run = &s->runs[0];
	bool fits = true;

	while (run->n) {
		struct run one = *run;
		one.count = 1;
		one.n = run->n < run->segment ? run->n : run->segment;
		struct udp_message m = message_of(s, &one);
		int sent = udp_send(s->fd, &m, 1);
		if (sent == -EAGAIN || sent == -ENOBUFS)
			return sent;
		fits &= sent != -EMSGSIZE;
		s->dgram->stats.sent += sent == 1;
		s->dgram->stats.lost += sent != 1;
		s->dgram->stats.too_long += sent == -EMSGSIZE;
		run->at += one.n;
		run->n -= one.n;
		run->count--;
	}
	s->segments &= !fits; /* it was not that one is too long for the device */
	return 1;
}

/* The first is not to be had: no route, no such address, too long. */
static void give_up_first(struct dgram_socket *s, int err)
{
	s->dgram->stats.lost += s->runs[0].count;
	s->dgram->stats.too_long += err == -EMSGSIZE ? s->runs[0].count : 0;
	drop_runs(s, 1);
}

static void become_full(struct dgram_socket *s, int err)
{
	s->full = true;
	if (err == -ENOBUFS) /* the device's queue; nobody tells when it has room */
		loop_timer_arm(s->again, loop_now_us(s->dgram->loop) + DGRAM_BUSY_US);
	else
		loop_io_want(s->io, LOOP_READ | LOOP_WRITE);
}

static int send_some(struct dgram_socket *s)
{
	struct udp_message messages[UDP_MESSAGES_MAX];

	for (unsigned i = 0; i < s->run_count; i++)
		messages[i] = message_of(s, &s->runs[i]);
	s->dgram->stats.calls_out++;
	int sent = udp_send(s->fd, messages, s->run_count);
	if ((sent == -EIO || sent == -EINVAL) && s->runs[0].count > 1)
		sent = send_singly(s);
	return sent;
}

static void flush(struct dgram_socket *s)
{
	while (s->run_count && !s->full) {
		int sent = send_some(s);
		if (sent > 0) {
			for (int i = 0; i < sent; i++)
				s->dgram->stats.sent += s->runs[i].count;
			drop_runs(s, (unsigned)sent);
		} else if (sent == -EAGAIN || sent == -ENOBUFS) {
			become_full(s, sent);
		} else {
			give_up_first(s, sent);
		}
	}
}

void dgram_flush(struct dgram *d)
{
	struct dgram_socket *s;

	DL_FOREACH(d->sockets, s)
		flush(s);
}

void dgram_cancel(struct dgram_waiter *waiter)
{
	if (waiter->socket)
		DL_DELETE(waiter->socket->waiters, waiter);
	waiter->socket = NULL;
}

uint8_t *dgram_reserve(struct dgram_socket *s, const struct tunnel_ends *ends, size_t n,
                       struct dgram_waiter *waiter)
{
	assert(n <= DATAGRAM_BYTES_MAX);
	if (s->used + n > OUT_BYTES || s->run_count == UDP_MESSAGES_MAX)
		flush(s);
	if (s->full) {
		dgram_cancel(waiter); /* it waits for one at a time */
		waiter->socket = s;
		DL_APPEND(s->waiters, waiter);
		return NULL;
	}
	s->to_ends = ends != NULL;
	if (ends)
		s->to = *ends;
	return s->out + s->used;
}

void dgram_commit(struct dgram_socket *s, size_t n, bool singly)
{
	struct run *run = s->run_count ? &s->runs[s->run_count - 1] : NULL;

	if (!run || singly || !fits_run(s, run, n)) {
		assert(s->run_count < UDP_MESSAGES_MAX);
		run = &s->runs[s->run_count++];
		*run = (struct run){ .ends = s->to, .addressed = s->to_ends,
		                     .at = s->used, .segment = (uint16_t)n };
	}
	run->n += n;
	run->count++;
	run->closed = singly || n < run->segment;
	s->used += n;
}

/* It has room again, or may have. */
static void retry(struct dgram_socket *s)
{
	s->full = false;
	loop_io_want(s->io, LOOP_READ);
	flush(s);
	while (!s->full && s->waiters) {
		struct dgram_waiter *waiter = s->waiters;
		dgram_cancel(waiter);
		waiter->on_writable(waiter->ctx);
	}
}

/* Sockets -------------------------------------------------------------------- */

static void on_again(void *ctx)
{
	retry(ctx);
}

static void on_ready(void *ctx, unsigned events)
{
	struct dgram_socket *s = ctx;

	if (events & LOOP_WRITE && s->full)
		retry(s);
	if (events & LOOP_READ)
		receive(s);
}

/* Takes fd, whatever comes of it. */
static struct dgram_socket *make(struct dgram *d, int fd)
{
	struct dgram_socket *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return NULL;
	}
	*s = (struct dgram_socket){ .dgram = d, .fd = fd, .segments = d->segments };
	DL_APPEND(d->sockets, s);
	udp_filter(fd, DATAGRAM_FIRST_BYTE, d->secret, DATAGRAM_BYTES_MAX); /* or we do */
	s->out = malloc(OUT_BYTES);
	s->io = loop_io_create(d->loop, fd, LOOP_READ, on_ready, s);
	s->again = loop_timer_create(d->loop, on_again, s);
	if (s->out && s->io && s->again)
		return s;
	dgram_close(s);
	errno = ENOMEM;
	return NULL;
}

struct dgram_socket *dgram_connect(struct dgram *d, const char *device,
                                   const struct addr *source, const struct addr *peer)
{
	int fd = udp_connect(device, source, peer);

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	struct dgram_socket *s = make(d, fd);
	if (s)
		s->connected = true;
	return s;
}

struct dgram_socket *dgram_adopt(struct dgram *d, int fd)
{
	struct dgram_socket *s = make(d, fd);

	if (s)
		sockopt_local(fd, &s->local);
	return s;
}

void dgram_close(struct dgram_socket *s)
{
	if (!s)
		return;
	while (s->waiters)
		dgram_cancel(s->waiters);
	DL_DELETE(s->dgram->sockets, s);
	loop_timer_destroy(s->again);
	loop_io_destroy(s->io);
	close(s->fd);
	free(s->out);
	free(s);
}

struct dgram_socket *dgram_find(struct dgram *d, const struct tunnel_ends *ends)
{
	struct dgram_socket *s;

	DL_FOREACH(d->sockets, s)
		if (!s->connected && s->local.family == ends->local.family &&
		    s->local.port == ends->local.port &&
		    (addr_is_any(&s->local) || addr_equal_ip(&s->local, &ends->local)))
			return s;
	return NULL;
}

/* Reports -------------------------------------------------------------------- */

void dgram_stats(const struct dgram *d, struct dgram_stats *out)
{
	const struct dgram_socket *s;

	*out = d->stats;
	out->segments = d->segments;
	DL_FOREACH(d->sockets, s)
		out->segments &= s->segments;
}
