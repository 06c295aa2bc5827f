/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load_conn.c - a client's connection of the load tool: connects,
 * through a SOCKS5 proxy (RFC 1928, no authentication) if asked, sends its
 * request, moves and checks the body. Owns its socket. Also the loop.
 */
#include "tests/lab/load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define READS_PER_TURN_MAX 8
#define US_PER_S 1000000u
#define NS_PER_US 1000
#define US_PER_MS 1000

#define SOCKS_VERSION 5
#define SOCKS_CONNECT 1
#define SOCKS_IPV4 1
#define SOCKS_NAME 3
#define SOCKS_IPV6 4
#define SOCKS_HEAD_LEN 4 /* before the address of a reply */

uint64_t load_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * US_PER_S + (uint64_t)t.tv_nsec / NS_PER_US;
}

static void want(struct load_conn *c, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = c };

	epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

void load_conn_end(struct load_conn *c, const char *error)
{
	if (c->state == LOAD_DONE)
		return;
	c->state = LOAD_DONE;
	c->error = error;
	c->done_us = load_now_us();
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->events->on_done(c, error);
}

static void end_errno(struct load_conn *c)
{
	load_conn_end(c, strerror(errno));
}

bool load_conn_send(struct load_conn *c, const void *p, size_t n)
{
	return c->fd >= 0 && send(c->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void put_more(struct load_conn *c)
{
	while (c->sent < c->request.size) {
		size_t n = sizeof(c->loop->chunk);
		ssize_t sent;

		if (n > c->request.size - c->sent)
			n = (size_t)(c->request.size - c->sent);
		body_fill(c->request.seed, c->sent, c->loop->chunk, n);
		sent = send(c->fd, c->loop->chunk, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0) {
			end_errno(c);
			return;
		}
		c->sent += (size_t)sent;
	}
	if (c->request.half_close)
		shutdown(c->fd, SHUT_WR);
	want(c, EPOLLIN);
}

static void send_request(struct load_conn *c)
{
	const struct load_request *r = &c->request;
	char line[LOAD_LINE_MAX];
	int n = 0;

	switch (r->kind) {
	case LOAD_GET:
		n = snprintf(line, sizeof(line), "GET %" PRIu64 " %" PRIu64 "\n", r->size, r->seed);
		break;
	case LOAD_PUT:
		n = snprintf(line, sizeof(line), "PUT %" PRIu64 " %" PRIu64 " %u\n", r->size,
		             r->seed, r->report_ms);
		break;
	case LOAD_ECHO:
		n = snprintf(line, sizeof(line), "ECHO\n");
		break;
	}
	c->state = LOAD_OPEN;
	if (!load_conn_send(c, line, (size_t)n)) {
		end_errno(c);
		return;
	}
	want(c, r->kind == LOAD_PUT ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (c->events->on_open)
		c->events->on_open(c);
}

static void send_greeting(struct load_conn *c)
{
	static const uint8_t greeting[] = { SOCKS_VERSION, 1, 0 };

	c->state = LOAD_GREETED;
	want(c, EPOLLIN);
	if (!load_conn_send(c, greeting, sizeof(greeting)))
		end_errno(c);
}

static void send_socks_request(struct load_conn *c)
{
	const struct load_target *t = c->target;
	uint8_t m[300] = { SOCKS_VERSION, SOCKS_CONNECT, 0 };
	size_t n = SOCKS_HEAD_LEN;

	if (t->socks_name) {
		m[3] = SOCKS_NAME;
		m[n++] = (uint8_t)strlen(t->socks_name);
		memcpy(m + n, t->socks_name, m[n - 1]);
		n += m[n - 1];
	} else {
		m[3] = t->server.family == AF_INET ? SOCKS_IPV4 : SOCKS_IPV6;
		memcpy(m + n, t->server.ip, addr_ip_len(&t->server));
		n += addr_ip_len(&t->server);
	}
	m[n++] = (uint8_t)(t->server.port >> 8);
	m[n++] = (uint8_t)t->server.port;
	c->state = LOAD_ASKED;
	c->reply_len = 0;
	if (!load_conn_send(c, m, n))
		end_errno(c);
}

static size_t socks_reply_len(const struct load_conn *c)
{
	if (c->state == LOAD_GREETED)
		return 2;
	if (c->reply_len <= SOCKS_HEAD_LEN)
		return SOCKS_HEAD_LEN + 1;
	if (c->reply[3] == SOCKS_NAME)
		return SOCKS_HEAD_LEN + 1u + c->reply[SOCKS_HEAD_LEN] + 2;
	return SOCKS_HEAD_LEN + (c->reply[3] == SOCKS_IPV4 ? 4 : 16) + 2;
}

static void on_socks_readable(struct load_conn *c)
{
	static const char *const codes[] = {
		NULL, "socks: general failure", "socks: not allowed",
		"socks: network unreachable", "socks: host unreachable",
		"socks: connection refused", "socks: TTL expired",
		"socks: command not supported", "socks: address not supported",
	};
	ssize_t n = recv(c->fd, c->reply + c->reply_len, socks_reply_len(c) - c->reply_len, 0);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			load_conn_end(c, "socks: closed");
		return;
	}
	c->reply_len += (size_t)n;
	if (c->reply_len < socks_reply_len(c))
		return;
	if (c->reply[0] != SOCKS_VERSION || c->reply[1] != 0)
		load_conn_end(c, c->reply[1] && c->reply[1] < 9 ? codes[c->reply[1]]
		                                                 : "socks: bad reply");
	else if (c->state == LOAD_GREETED)
		send_socks_request(c);
	else
		send_request(c);
}

static void on_report(struct load_conn *c)
{
	uint64_t at_us, bytes;

	if (sscanf(c->line, "R %" SCNu64 " %" SCNu64, &at_us, &bytes) == 2) {
		if (c->events->on_bytes && bytes > c->moved)
			c->events->on_bytes(c, at_us, bytes - c->moved);
		c->moved = bytes;
	} else if (sscanf(c->line, "OK %" SCNu64, &bytes) == 1 && bytes == c->request.size) {
		c->moved = bytes;
		load_conn_end(c, NULL);
	} else {
		load_conn_end(c, c->line[0] == 'B' ? "wrong bytes" : "short");
	}
}

static void put_answered(struct load_conn *c, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n && c->state == LOAD_OPEN; i++) {
		if (in[i] == '\n') {
			c->line[c->line_len] = '\0';
			c->line_len = 0;
			on_report(c);
		} else if (c->line_len < sizeof(c->line) - 1) {
			c->line[c->line_len++] = (char)in[i];
		}
	}
}

static void get_arrived(struct load_conn *c, const uint8_t *in, size_t n)
{
	if (n > c->request.size - c->moved ||
	    body_check(c->request.seed, c->moved, in, n) < n) {
		load_conn_end(c, "wrong bytes");
		return;
	}
	c->moved += n;
	if (c->events->on_bytes)
		c->events->on_bytes(c, load_now_us(), n);
	if (c->moved == c->request.size && c->request.size > 0)
		load_conn_end(c, NULL);
}

static void on_closed_by_server(struct load_conn *c)
{
	bool whole = c->request.kind == LOAD_GET && c->moved == c->request.size;

	load_conn_end(c, whole ? NULL : "closed early");
}

static void on_readable(struct load_conn *c)
{
	for (int i = 0; i < READS_PER_TURN_MAX && c->state == LOAD_OPEN; i++) {
		ssize_t n = recv(c->fd, c->loop->chunk, sizeof(c->loop->chunk), 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			end_errno(c);
			return;
		}
		if (n == 0) {
			on_closed_by_server(c);
			return;
		}
		switch (c->request.kind) {
		case LOAD_GET:
			get_arrived(c, c->loop->chunk, (size_t)n);
			break;
		case LOAD_PUT:
			put_answered(c, c->loop->chunk, (size_t)n);
			break;
		case LOAD_ECHO:
			c->moved += (size_t)n;
			c->events->on_bytes(c, load_now_us(), (uint64_t)n);
			break;
		}
	}
}

static void on_connected(struct load_conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err)
		load_conn_end(c, strerror(err));
	else if (c->target->socks.family != AF_UNSPEC)
		send_greeting(c);
	else
		send_request(c);
}

static void on_ready(struct load_conn *c, uint32_t events)
{
	switch (c->state) {
	case LOAD_CONNECTING:
		on_connected(c);
		break;
	case LOAD_GREETED:
	case LOAD_ASKED:
		on_socks_readable(c);
		break;
	case LOAD_OPEN:
		if (events & ~(uint32_t)EPOLLOUT)
			on_readable(c);
		if ((events & EPOLLOUT) && c->state == LOAD_OPEN)
			put_more(c);
		break;
	case LOAD_DONE:
		break;
	}
}

void load_conn_start(struct load_conn *c, struct load_loop *loop)
{
	const struct load_target *t = c->target;
	const struct addr *to = t->socks.family != AF_UNSPEC ? &t->socks : &t->server;
	struct epoll_event ev = { .events = EPOLLOUT, .data.ptr = c };
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(to, &sa);
	int one = 1;

	c->loop = loop;
	c->started_us = load_now_us();
	c->state = LOAD_CONNECTING;
	c->fd = socket(to->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		end_errno(c);
		return;
	}
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (t->device && setsockopt(c->fd, SOL_SOCKET, SO_BINDTODEVICE, t->device,
	                            (socklen_t)strlen(t->device)) < 0) {
		end_errno(c);
		return;
	}
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, c->fd, &ev) < 0 ||
	    (connect(c->fd, (struct sockaddr *)&sa, sa_len) < 0 && errno != EINPROGRESS))
		end_errno(c);
}

int load_loop_init(struct load_loop *loop)
{
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->tick_us = UINT64_MAX;
	loop->stop = false;
	return loop->epoll < 0 ? -errno : 0;
}

void load_loop_finish(struct load_loop *loop)
{
	close(loop->epoll);
}

void load_loop_run(struct load_loop *loop)
{
	struct epoll_event events[EVENTS_MAX];

	while (!loop->stop) {
		uint64_t now_us = load_now_us();
		int timeout_ms = -1, n;

		if (loop->tick_us <= now_us)
			timeout_ms = 0;
		else if (loop->tick_us != UINT64_MAX)
			timeout_ms = (int)((loop->tick_us - now_us + US_PER_MS - 1) / US_PER_MS);
		n = epoll_wait(loop->epoll, events, EVENTS_MAX, timeout_ms);
		for (int i = 0; i < n && !loop->stop; i++)
			on_ready(events[i].data.ptr, events[i].events);
		now_us = load_now_us();
		if (!loop->stop && loop->tick_us <= now_us)
			loop->on_tick(loop->ctx, now_us);
	}
}
