/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see relay.h. A relay owns its socket and the watcher on it; it knows
 * nothing of sessions, only stream.h.
 *
 * Few system calls: one read fills what the stream has room for, one that
 * came back short is not repeated, writability is only watched after a write
 * that fell short, and room for more is used at once (on_writable reads)
 * instead of by way of the poll.
 *
 * A socket without interest is not in the poll, so that a direction which is
 * through does not spin. A client that has sent FIN and then RST would go
 * unnoticed so; struct relays keeps those in an epoll set of its own that
 * reports nothing but hang-ups.
 *
 * The end comes in two steps: the socket goes when one side fails, the relay
 * itself in on_closed, or, where delivered bytes are still on their way to
 * the client, when they are acknowledged (linger).
 */
#include "proxy/relay.h"

#include "agg/kernel/sockopt.h"
#include "proxy/tally.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <utlist.h>

#define HANGUPS_PER_TURN 64
#define LINGER_POLL_MIN_US 5000
#define LINGER_POLL_MAX_US 200000

struct relays {
	struct loop *loop;       /* borrowed */
	struct relay *all;       /* relay.next */
	unsigned count;
	void (*on_bytes)(void *ctx, const struct addr *host, uint64_t down_bytes,
	                 uint64_t up_bytes); /* NULL: nobody asks */
	void *bytes_ctx;
	struct loop_timer *again; /* those that are held go on, */
	bool waits;               /* soon */
	int hangups;             /* epoll: half-closed sockets */
	struct loop_io *hangups_io;
};

struct relay {
	struct relays *relays;   /* borrowed */
	struct relay *prev, *next;
	struct share *share;     /* borrowed; NULL: nobody's */
	struct stream *stream;   /* borrowed; NULL before start, after closed */
	int fd;                  /* -1: not yet, or no longer */
	struct loop_io *io;
	const struct relay_greeter *greeter;
	struct tally *tally;     /* borrowed; NULL: it has no place there */
	struct addr host;        /* whose place it is */
	uint64_t down_bytes, up_bytes; /* not told yet */
	loop_fn *on_abandoned;   /* set while the socket is expected */
	void *ctx;
	struct loop_timer *linger;
	uint64_t linger_end_us;
	uint32_t linger_poll_us;
	bool held[THROTTLE_WAYS]; /* its share has had enough for now */
	bool served;   /* it had something since those who wait were asked */
	bool opened;   /* the client was answered, bytes may flow to it */
	bool stalled;  /* the stream has no space */
	bool full;     /* the socket has no space */
	bool eager;    /* the last read filled all that it was given */
	bool eof;      /* the socket's direction is through: stream_finish */
	bool finished; /* the stream's direction is through: FIN sent */
	bool broken;   /* a write failed; what came before is still read */
	bool graceful; /* the lingering socket ends with FIN, not RST */
};

static struct relay *relay_new(struct relays *relays)
{
	if (relays->count >= RELAYS_MAX) {
		errno = ENOBUFS;
		return NULL;
	}
	struct relay *r = calloc(1, sizeof(*r));
	if (!r)
		return NULL;
	r->relays = relays;
	r->fd = -1;
	DL_APPEND(relays->all, r);
	relays->count++;
	return r;
}

/* Takes the socket out of the poll and gives it away. */
static int detach_socket(struct relay *r)
{
	int fd = r->fd;

	loop_io_destroy(r->io);
	r->io = NULL;
	r->fd = -1;
	return fd;
}

static void tell(struct relay *r)
{
	const struct relays *relays = r->relays;

	if (r->tally && relays->on_bytes && (r->down_bytes || r->up_bytes))
		relays->on_bytes(relays->bytes_ctx, &r->host, r->down_bytes,
		                 r->up_bytes);
	r->down_bytes = r->up_bytes = 0;
}

static void relay_free(struct relay *r)
{
	tell(r);
	loop_timer_destroy(r->linger);
	if (r->fd >= 0)
		sockopt_abort(detach_socket(r));
	if (r->tally)
		tally_give(r->tally, &r->host);
	DL_DELETE(r->relays->all, r);
	r->relays->count--;
	share_give(r->share, SHARE_RELAYS);
	free(r);
}

static void update_interest(struct relay *r)
{
	unsigned want = 0;

	if (!r->io)
		return;
	if (!r->eof && !r->stalled && !r->held[THROTTLE_DOWN])
		want |= LOOP_READ;
	if (r->full)
		want |= LOOP_WRITE;
	loop_io_want(r->io, want);
}

static void hold(struct relay *r, enum throttle_way way)
{
	struct relays *relays = r->relays;

	r->held[way] = true;
	if (!relays->waits)
		loop_timer_arm(relays->again,
		               loop_now_us(relays->loop) + THROTTLE_AGAIN_US);
	relays->waits = true;
}

/* Down is from this socket to the site. */
static bool must_wait(struct relay *r, enum throttle_way way)
{
	struct throttle *t = share_throttle(r->share);

	if (!throttle_is_on(t) || throttle_lets(t, way, loop_now_us(r->relays->loop)))
		return false;
	hold(r, way);
	return true;
}

static void took(struct relay *r, enum throttle_way way, uint64_t bytes)
{
	throttle_take(share_throttle(r->share), way, bytes);
	r->served |= bytes > 0;
}

/* The socket is of no more use: both its peer and ours learn it. */
static void give_up(struct relay *r, enum stream_end end)
{
	sockopt_abort(detach_socket(r));
	stream_reset(r->stream, end);
}

/* Only a reset can still come from a socket that has sent its FIN. */
static void watch_hangup(struct relay *r)
{
	struct epoll_event ev = { .events = 0, .data.ptr = r };

	epoll_ctl(r->relays->hangups, EPOLL_CTL_ADD, r->fd, &ev);
}

static void on_hangups(void *ctx, unsigned events)
{
	struct relays *relays = ctx;
	struct epoll_event ev[HANGUPS_PER_TURN];
	int n = epoll_wait(relays->hangups, ev, HANGUPS_PER_TURN, 0);

	/* Closing a socket takes it out of the set, and give_up frees no
	 * relay, so the batch stays valid. */
	for (int i = 0; i < n; i++)
		give_up(ev[i].data.ptr, STREAM_END_RESET);
}

static void on_socket_end(struct relay *r)
{
	r->eof = true;
	if (r->broken) {
		give_up(r, STREAM_END_RESET);
		return;
	}
	if (!r->finished)
		watch_hangup(r);
	stream_finish(r->stream);
}

/* How a recv of no bytes went: err 0 is the peer's FIN. */
static void read_ended(struct relay *r, int err)
{
	if (err == 0)
		on_socket_end(r);
	else if (err != EAGAIN && err != EINTR)
		give_up(r, STREAM_END_RESET);
}

/* No memory to read into: the stream has no space, or the host has none. */
static void no_room(struct relay *r)
{
	r->stalled = stream_space(r->stream) == 0;
	if (!r->stalled)
		give_up(r, STREAM_END_LIMIT);
}

static void read_socket(struct relay *r)
{
	struct iovec parts[RELAY_PARTS_MAX];

	struct throttle *t = share_throttle(r->share);

	for (size_t all = 0; all < RELAY_TURN_BYTES && r->fd >= 0;) {
		if (must_wait(r, THROTTLE_DOWN))
			return;
		int count = stream_reserve_parts(r->stream, parts,
		                                 r->eager && !throttle_is_on(t) ?
		                                 RELAY_PARTS_MAX : RELAY_PARTS_MIN);
		size_t room = stream_parts_bytes(parts, count);
		if (!count) {
			no_room(r);
			return;
		}
		ssize_t got = readv(r->fd, parts, count);
		int err = errno;
		stream_commit(r->stream, got > 0 ? (size_t)got : 0);
		if (got <= 0) {
			read_ended(r, got < 0 ? err : 0);
			return;
		}
		r->up_bytes += (size_t)got;
		took(r, THROTTLE_DOWN, (uint64_t)got);
		r->eager = (size_t)got == room;
		if (!r->eager)
			return;
		all += (size_t)got;
	}
}

static void on_socket(void *ctx, unsigned events)
{
	struct relay *r = ctx;

	if ((events & LOOP_WRITE) && r->full) {
		r->full = false;
		stream_pull(r->stream);
	}
	if ((events & LOOP_READ) && r->fd >= 0 && !r->eof && !r->stalled &&
	    !r->held[THROTTLE_DOWN])
		read_socket(r);
	update_interest(r);
}

/* The reset has come that makes writing fail; bytes that came before it may
 * still wait in the socket, and go first. */
static void write_failed(struct relay *r)
{
	r->broken = true;
	r->full = false;
	if (r->eof)
		give_up(r, STREAM_END_RESET);
	else
		update_interest(r);
}

/* At most so many bytes of them. */
static int trim(struct iovec *parts, int count, size_t most)
{
	for (int i = 0; i < count; i++) {
		if (parts[i].iov_len >= most) {
			parts[i].iov_len = most;
			return i + 1;
		}
		most -= parts[i].iov_len;
	}
	return count;
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct relay *r = ctx;
	struct throttle *t = share_throttle(r->share);
	size_t n = stream_parts_bytes(parts, count);

	if (r->broken)
		return n;
	if (r->fd < 0 || r->full || !r->opened || r->held[THROTTLE_UP] ||
	    must_wait(r, THROTTLE_UP))
		return 0;
	if (throttle_is_on(t))
		count = trim(parts, count, THROTTLE_PIECE_BYTES);
	const struct msghdr msg = { .msg_iov = parts, .msg_iovlen = (size_t)count };
	size_t piece = stream_parts_bytes(parts, count);
	ssize_t put = sendmsg(r->fd, &msg, MSG_NOSIGNAL);
	if (put < 0 && errno != EAGAIN && errno != EINTR) {
		write_failed(r);
		return n;
	}
	if (put < 0)
		put = 0;
	r->down_bytes += (size_t)put;
	took(r, THROTTLE_UP, (uint64_t)put);
	if ((size_t)put < piece) {
		r->full = true;
		update_interest(r);
	} else if (piece < n) {
		hold(r, THROTTLE_UP);
	}
	return (size_t)put;
}

static void on_finished(void *ctx)
{
	struct relay *r = ctx;

	r->finished = true;
	if (r->fd < 0)
		return;
	if (r->eof)
		epoll_ctl(r->relays->hangups, EPOLL_CTL_DEL, r->fd, NULL);
	shutdown(r->fd, SHUT_WR);
}

static void on_writable(void *ctx)
{
	struct relay *r = ctx;

	if (r->fd < 0 || !r->stalled)
		return;
	r->stalled = false;
	if (!r->held[THROTTLE_DOWN])
		read_socket(r);
	update_interest(r);
}

static void go_on(struct relay *r)
{
	if (!r->stream || r->fd < 0)
		return;
	stream_pull(r->stream);
	if (r->fd >= 0 && r->io && !r->eof && !r->stalled && !r->held[THROTTLE_DOWN])
		read_socket(r);
	update_interest(r);
}

/* Who had something is the last the next time. */
static void put_served_last(struct relays *relays)
{
	unsigned count = relays->count;

	for (struct relay *r = relays->all, *next; r && count--; r = next) {
		next = r->next;
		if (!r->served)
			continue;
		r->served = false;
		DL_DELETE(relays->all, r);
		DL_APPEND(relays->all, r);
	}
}

static void on_again(void *ctx)
{
	struct relays *relays = ctx;

	relays->waits = false;
	put_served_last(relays);
	for (struct relay *r = relays->all, *next; r; r = next) {
		next = r->next;
		if (!r->held[THROTTLE_DOWN] && !r->held[THROTTLE_UP])
			continue;
		r->held[THROTTLE_DOWN] = r->held[THROTTLE_UP] = false;
		go_on(r);
	}
}

/* Writes an answer to a socket that nothing was written to yet: it fits. */
static bool answer(struct relay *r, const uint8_t *p, size_t n)
{
	return send(r->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void on_opened(void *ctx, const struct addr *bound)
{
	struct relay *r = ctx;
	uint8_t out[RELAY_ANSWER_MAX];

	if (r->fd < 0 || r->opened)
		return;
	if (r->greeter && !answer(r, out, r->greeter->opened(out, bound))) {
		give_up(r, STREAM_END_RESET);
		return;
	}
	r->opened = true;
	stream_pull(r->stream);
}

/* Bytes that the peer has not acknowledged yet. */
static bool has_unsent(int fd)
{
	int n = 0;

	return ioctl(fd, SIOCOUTQ, &n) == 0 && n > 0;
}

static void close_socket(struct relay *r)
{
	int fd = detach_socket(r);

	if (r->graceful) {
		sockopt_set_abort(fd, false);
		close(fd);
	} else {
		sockopt_abort(fd);
	}
	relay_free(r);
}

static void on_linger(void *ctx)
{
	struct relay *r = ctx;
	uint64_t now_us = loop_now_us(r->relays->loop);

	if (!has_unsent(r->fd) || now_us >= r->linger_end_us) {
		close_socket(r);
		return;
	}
	loop_timer_arm(r->linger, now_us + r->linger_poll_us);
	if (r->linger_poll_us < LINGER_POLL_MAX_US)
		r->linger_poll_us *= 2;
}

/* Ends the socket and the relay, after the bytes that were handed over: a
 * reset drops what the kernel has not sent, and no event says when it has. */
static void linger(struct relay *r)
{
	loop_io_destroy(r->io);
	r->io = NULL;
	epoll_ctl(r->relays->hangups, EPOLL_CTL_DEL, r->fd, NULL);
	if (has_unsent(r->fd))
		r->linger = loop_timer_create(r->relays->loop, on_linger, r);
	if (!r->linger) {
		close_socket(r);
		return;
	}
	uint64_t now_us = loop_now_us(r->relays->loop);
	r->linger_end_us = now_us + RELAY_LINGER_US;
	r->linger_poll_us = LINGER_POLL_MIN_US;
	loop_timer_arm(r->linger, now_us + r->linger_poll_us);
}

/* The stream is no more, or never was: tells the client so. */
static void end_socket(struct relay *r, enum stream_end end)
{
	uint8_t out[RELAY_ANSWER_MAX];

	r->graceful = end == STREAM_END_FINISHED;
	if (!r->opened) {
		answer(r, out, r->greeter->failed(out, end));
		shutdown(r->fd, SHUT_WR);
		r->graceful = true;
	}
	if (end == STREAM_END_FINISHED)
		close_socket(r);
	else
		linger(r);
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct relay *r = ctx;
	loop_fn *on_abandoned = r->on_abandoned;
	void *owner = r->ctx;

	r->stream = NULL;
	if (r->fd >= 0) {
		end_socket(r, end);
		return;
	}
	relay_free(r);
	if (on_abandoned)
		on_abandoned(owner);
}

const struct stream_events relay_events = {
	.on_opened = on_opened,
	.on_data = on_data,
	.on_finished = on_finished,
	.on_writable = on_writable,
	.on_closed = on_closed,
};

/* Bytes flow from now on. If the process is killed the kernel closes the
 * socket: who reads a stream that is cut off must not take it for whole. */
static bool start_socket(struct relay *r)
{
	sockopt_set_abort(r->fd, true);
	sockopt_set_urgent_inline(r->fd);
	sockopt_set_nodelay(r->fd);
	sockopt_set_keepalive(r->fd, RELAY_KEEPALIVE_IDLE_S,
	                      RELAY_KEEPALIVE_INTERVAL_S, RELAY_KEEPALIVE_COUNT);
	r->io = loop_io_create(r->relays->loop, r->fd, LOOP_READ, on_socket, r);
	return r->io;
}

struct relay *relay_create(struct relays *relays, int fd,
                           const struct relay_greeter *greeter)
{
	struct relay *r = relay_new(relays);

	if (!r) {
		int err = errno;
		sockopt_abort(fd);
		errno = err;
		return NULL;
	}
	r->fd = fd;
	r->greeter = greeter;
	r->opened = !greeter;
	return r;
}

bool relay_charge(struct relay *r, struct tally *tally, const struct addr *host)
{
	assert(!r->tally);
	if (!tally_take(tally, host))
		return false;
	r->tally = tally;
	r->host = *host;
	return true;
}

void relay_start(struct relay *r, struct stream *s)
{
	assert(!r->stream && r->fd >= 0);
	if (!s) {
		relay_refuse(r, STREAM_END_LIMIT);
		return;
	}
	r->stream = s;
	if (!start_socket(r))
		give_up(r, STREAM_END_LIMIT);
}

void relay_refuse(struct relay *r, enum stream_end end)
{
	assert(!r->stream && r->fd >= 0);
	end_socket(r, end);
}

void relay_turn_away(struct relays *relays, int fd,
                     const struct relay_greeter *greeter, enum stream_end end)
{
	struct relay *r = relay_create(relays, fd, greeter);

	if (r)
		relay_refuse(r, end);
}

struct relay *relay_expect(struct relays *relays, struct share *share,
                           struct stream *s, loop_fn *on_abandoned, void *ctx)
{
	if (!share_take(share, SHARE_RELAYS)) {
		errno = ENOBUFS;
		return NULL;
	}
	struct relay *r = relay_new(relays);
	if (!r) {
		share_give(share, SHARE_RELAYS);
		return NULL;
	}
	r->share = share;
	r->stream = s;
	r->on_abandoned = on_abandoned;
	r->ctx = ctx;
	r->opened = true;
	return r;
}

void relay_attach(struct relay *r, int fd)
{
	assert(r->stream && r->fd < 0 && r->on_abandoned);
	r->on_abandoned = NULL;
	r->fd = fd;
	if (!start_socket(r)) {
		give_up(r, STREAM_END_LIMIT);
		return;
	}
	if (r->finished)
		shutdown(r->fd, SHUT_WR);
	else
		stream_pull(r->stream);
}

void relay_fail(struct relay *r, enum stream_end end)
{
	assert(r->stream && r->fd < 0);
	r->on_abandoned = NULL;
	stream_reset(r->stream, end);
}

void relays_set_meter(struct relays *relays,
                      void (*on_bytes)(void *ctx, const struct addr *host,
                                       uint64_t down_bytes, uint64_t up_bytes),
                      void *ctx)
{
	relays->on_bytes = on_bytes;
	relays->bytes_ctx = ctx;
}

void relays_tell(struct relays *relays)
{
	struct relay *r;

	DL_FOREACH(relays->all, r)
		tell(r);
}

struct relays *relays_create(struct loop *loop)
{
	struct relays *relays = calloc(1, sizeof(*relays));
	if (!relays)
		return NULL;
	relays->loop = loop;
	relays->hangups = epoll_create1(EPOLL_CLOEXEC);
	if (relays->hangups < 0)
		goto err_free;
	relays->hangups_io = loop_io_create(loop, relays->hangups, LOOP_READ,
	                                    on_hangups, relays);
	relays->again = loop_timer_create(loop, on_again, relays);
	if (!relays->hangups_io || !relays->again)
		goto err_close;
	return relays;

err_close:
	loop_timer_destroy(relays->again);
	loop_io_destroy(relays->hangups_io);
	close(relays->hangups);
err_free:
	free(relays);
	return NULL;
}

void relays_destroy(struct relays *relays)
{
	struct relay *r, *tmp;

	if (!relays)
		return;
	DL_FOREACH_SAFE(relays->all, r, tmp)
		relay_free(r);
	loop_timer_destroy(relays->again);
	loop_io_destroy(relays->hangups_io);
	close(relays->hangups);
	free(relays);
}

unsigned relays_count(const struct relays *relays)
{
	return relays->count;
}
