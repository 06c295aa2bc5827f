/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load_server.c - the server of the load tool, for both families on one
 * socket. Owns its connections; one thread.
 */
#include "tests/lab/load.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define BACKLOG 16384 /* as far as the host lets: thousands come at once */
#define READS_PER_TURN_MAX 4
#define US_PER_MS 1000

enum peer_state { PEER_COMMAND, PEER_GET, PEER_PUT, PEER_ECHO, PEER_DRAIN };

struct peer {
	int fd;
	enum peer_state state;
	uint64_t size, seed, done;
	uint64_t report_us, next_report_us, reported;
	struct peer *prev, *next; /* server.reporters */
	char line[LOAD_LINE_MAX];
	size_t line_len;
	uint8_t *echo;            /* ECHO: what could not go back yet */
	size_t echo_len;
};

struct server {
	int epoll, listener;
	struct peer *reporters;
	uint8_t chunk[LOAD_CHUNK_MAX];
};

static void peer_want(struct server *s, struct peer *p, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = p };

	epoll_ctl(s->epoll, EPOLL_CTL_MOD, p->fd, &ev);
}

static void unlink_reporter(struct server *s, struct peer *p)
{
	if (p->prev)
		p->prev->next = p->next;
	else if (s->reporters == p)
		s->reporters = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->prev = p->next = NULL;
}

static void peer_destroy(struct server *s, struct peer *p)
{
	unlink_reporter(s, p);
	close(p->fd);
	free(p->echo);
	free(p);
}

static bool say(struct peer *p, const char *word, uint64_t a)
{
	char line[LOAD_LINE_MAX];
	int n = snprintf(line, sizeof(line), "%s %" PRIu64 "\n", word, a);

	return send(p->fd, line, (size_t)n, MSG_NOSIGNAL) == n;
}

static void report(struct peer *p, uint64_t now_us)
{
	char line[LOAD_LINE_MAX];
	int n = snprintf(line, sizeof(line), "R %" PRIu64 " %" PRIu64 "\n", now_us, p->done);

	if (send(p->fd, line, (size_t)n, MSG_NOSIGNAL) == n)
		p->reported = p->done;
}

/* The last word of a PUT; the client closes. */
static void put_ends(struct server *s, struct peer *p, bool bad)
{
	if (bad)
		say(p, "BAD", p->done);
	else
		say(p, p->done == p->size ? "OK" : "SHORT", p->done);
	unlink_reporter(s, p);
	p->state = PEER_DRAIN;
	shutdown(p->fd, SHUT_WR);
}

/* n bytes of a body, or its end (n = 0). */
static void put_takes(struct server *s, struct peer *p, const uint8_t *in, size_t n)
{
	size_t good;

	if (n > p->size - p->done)
		n = (size_t)(p->size - p->done);
	good = body_check(p->seed, p->done, in, n);
	p->done += good;
	if (n == 0 || good < n || p->done == p->size)
		put_ends(s, p, good < n);
}

/* False: the peer is gone. */
static bool get_gives(struct server *s, struct peer *p)
{
	while (p->done < p->size) {
		size_t n = sizeof(s->chunk);
		ssize_t sent;

		if (n > p->size - p->done)
			n = (size_t)(p->size - p->done);
		body_fill(p->seed, p->done, s->chunk, n);
		sent = send(p->fd, s->chunk, n, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			peer_want(s, p, EPOLLIN | EPOLLOUT);
			return true;
		}
		if (sent < 0)
			return false;
		p->done += (size_t)sent;
	}
	p->state = PEER_DRAIN;
	shutdown(p->fd, SHUT_WR);
	peer_want(s, p, EPOLLIN);
	return true;
}

/* False: the peer is gone. */
static bool echo_flush(struct server *s, struct peer *p)
{
	ssize_t sent = send(p->fd, p->echo, p->echo_len, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		return false;
	if (sent > 0) {
		p->echo_len -= (size_t)sent;
		memmove(p->echo, p->echo + sent, p->echo_len);
	}
	peer_want(s, p, p->echo_len ? EPOLLOUT : EPOLLIN);
	return true;
}

static bool echo_takes(struct server *s, struct peer *p, const uint8_t *in, size_t n)
{
	if (n == 0)
		return false;
	memcpy(p->echo, in, n);
	p->echo_len = n;
	return echo_flush(s, p);
}

/* False: the command is not one. */
static bool start_command(struct server *s, struct peer *p)
{
	uint64_t report_ms = 0;

	if (sscanf(p->line, "GET %" SCNu64 " %" SCNu64, &p->size, &p->seed) == 2) {
		p->state = PEER_GET;
	} else if (sscanf(p->line, "PUT %" SCNu64 " %" SCNu64 " %" SCNu64, &p->size,
	                  &p->seed, &report_ms) == 3) {
		p->state = PEER_PUT;
		p->report_us = report_ms * US_PER_MS;
	} else if (strcmp(p->line, "ECHO") == 0) {
		p->state = PEER_ECHO;
		p->echo = malloc(LOAD_CHUNK_MAX);
		return p->echo != NULL;
	} else {
		return false;
	}
	if (p->report_us) {
		p->next = s->reporters;
		if (p->next)
			p->next->prev = p;
		s->reporters = p;
		p->next_report_us = load_now_us() + p->report_us;
	}
	return true;
}

/* Takes in of what was read until the line ends; how much. 0: no command. */
static size_t command_takes(struct server *s, struct peer *p, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n && p->line_len < sizeof(p->line) - 1; i++) {
		if (in[i] == '\n') {
			p->line[p->line_len] = '\0';
			return start_command(s, p) ? i + 1 : 0;
		}
		p->line[p->line_len++] = (char)in[i];
	}
	return p->line_len < sizeof(p->line) - 1 ? n : 0;
}

/* False: the peer is to be destroyed. */
static bool peer_takes(struct server *s, struct peer *p, const uint8_t *in, size_t n)
{
	if (p->state == PEER_COMMAND) {
		size_t used = command_takes(s, p, in, n);

		if (used == 0)
			return false;
		if (p->state == PEER_PUT && p->size == 0)
			put_ends(s, p, false);
		if (p->state == PEER_GET)
			return get_gives(s, p);
		if (p->state == PEER_COMMAND || used == n)
			return true;
		in += used;
		n -= used;
	}
	switch (p->state) {
	case PEER_COMMAND:
	case PEER_GET:
	case PEER_DRAIN:
		return n > 0;
	case PEER_PUT:
		put_takes(s, p, in, n);
		return true;
	case PEER_ECHO:
		return echo_takes(s, p, in, n);
	}
	return false;
}

static void on_peer_ready(struct server *s, struct peer *p, uint32_t events)
{
	if ((events & EPOLLOUT) &&
	    !(p->state == PEER_ECHO ? echo_flush(s, p) : get_gives(s, p))) {
		peer_destroy(s, p);
		return;
	}
	for (int i = 0; i < READS_PER_TURN_MAX && (events & ~(uint32_t)EPOLLOUT); i++) {
		ssize_t n = recv(p->fd, s->chunk, sizeof(s->chunk), 0);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 || !peer_takes(s, p, s->chunk, (size_t)n)) {
			peer_destroy(s, p);
			return;
		}
		if (p->echo_len)
			return;
	}
}

static void on_listener_ready(struct server *s)
{
	int fd, one = 1;

	while ((fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct peer *p = calloc(1, sizeof(*p));
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = p };

		if (!p) {
			close(fd);
			continue;
		}
		p->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev);
	}
}

/* Writes the reports that are due; milliseconds until the next, -1: none. */
static int send_reports(struct server *s)
{
	uint64_t now_us = load_now_us(), next_us = UINT64_MAX;

	for (struct peer *p = s->reporters; p; p = p->next) {
		if (p->next_report_us <= now_us) {
			if (p->done > p->reported)
				report(p, now_us);
			p->next_report_us += p->report_us;
			if (p->next_report_us <= now_us)
				p->next_report_us = now_us + p->report_us;
		}
		if (p->next_report_us < next_us)
			next_us = p->next_report_us;
	}
	if (next_us == UINT64_MAX)
		return -1;
	return (int)((next_us - now_us + US_PER_MS - 1) / US_PER_MS);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(fd, BACKLOG) < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

int load_serve(uint16_t port)
{
	struct server *s = calloc(1, sizeof(*s));
	struct epoll_event ev = { .events = EPOLLIN }, events[EVENTS_MAX];

	if (!s)
		return 1;
	s->listener = listen_on(port);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->listener < 0 || s->epoll < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &ev) < 0) {
		fprintf(stderr, "aggload: port %u: %s\n", port,
		        strerror(s->listener < 0 ? -s->listener : errno));
		free(s);
		return 1;
	}
	for (;;) {
		int n = epoll_wait(s->epoll, events, EVENTS_MAX, send_reports(s));

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr)
				on_peer_ready(s, events[i].data.ptr, events[i].events);
			else
				on_listener_ready(s);
		}
	}
}
