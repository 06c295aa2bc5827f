/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see reach.h.
 */
#include "agg/pair/reach.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 16384

struct line {
	struct reach *way;
	int fd; /* -1: it is over */
	bool connected;
	uint64_t since_us;
	const uint8_t *secret; /* NULL: it is only tried */
	struct redeem redeem;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void close_line(struct line *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static void end(struct line *l, enum reach_state state, const char *why)
{
	l->way->state = state;
	snprintf(l->way->why, sizeof(l->way->why), "%s", why);
	close_line(l);
}

static void end_by_errno(struct line *l, int err)
{
	enum reach_state state = REACH_BROKEN;

	if (err == -ECONNREFUSED)
		state = REACH_REFUSED;
	else if (err == -ETIMEDOUT)
		state = REACH_NO_ANSWER;
	else if (err == -ENETUNREACH || err == -EHOSTUNREACH ||
	         err == -EADDRNOTAVAIL)
		state = REACH_NO_ROUTE;
	end(l, state, strerror(-err));
}

static void begin(struct line *l, struct reach *way, struct tls_context *tls,
                  const struct tls_pin *pin, const uint8_t *secret)
{
	*l = (struct line){ .way = way, .secret = secret,
	                    .since_us = now_us() };
	way->state = REACH_NO_ANSWER;
	*way->why = 0;
	l->fd = sockopt_tcp_open(way->to.family, way->device, NULL);
	int err = redeem_begin(&l->redeem, tls, pin);
	if (l->fd < 0)
		end_by_errno(l, l->fd);
	else if (err < 0 || (err = sockopt_connect(l->fd, &way->to)) < 0)
		end_by_errno(l, err);
}

static void look(struct line *l)
{
	struct redeem *r = &l->redeem;

	if (r->state == REDEEM_REACHED && l->secret)
		redeem_ask(r, l->secret);
	switch (r->state) {
	case REDEEM_REACHED:
		end(l, REACH_OK, "");
		break;
	case REDEEM_WRONG_PIN:
		end(l, REACH_WRONG_PIN, r->why);
		break;
	case REDEEM_BROKEN:
		end(l, REACH_BROKEN, r->why);
		break;
	case REDEEM_ANSWERED:
		end(l, REACH_OK, "");
		break;
	case REDEEM_SHAKING:
	case REDEEM_ASKED:
		break;
	}
}

static void send_some(struct line *l)
{
	struct buf *out = &l->redeem.out;

	while (l->fd >= 0 && out->len) {
		ssize_t n = send(l->fd, buf_head(out), out->len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			end_by_errno(l, -errno);
		else
			buf_take(out, (size_t)n);
	}
}

static void receive_some(struct line *l)
{
	uint8_t *to = buf_reserve(&l->redeem.in, READ_BYTES);
	ssize_t n = to ? recv(l->fd, to, READ_BYTES, 0) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		end_by_errno(l, -errno);
		return;
	}
	if (n) {
		buf_added(&l->redeem.in, (size_t)n);
		redeem_input(&l->redeem);
	} else {
		redeem_end(&l->redeem, "closed by the peer");
	}
	look(l);
}

static void on_events(struct line *l, short events)
{
	if (!l->connected && (events & (POLLOUT | POLLERR | POLLHUP))) {
		int err = sockopt_error(l->fd);
		if (err < 0) {
			end_by_errno(l, err);
			return;
		}
		l->connected = true;
		l->way->took_us = (unsigned)(now_us() - l->since_us);
	}
	if (l->connected && (events & (POLLIN | POLLHUP | POLLERR)))
		receive_some(l);
	if (l->connected && l->fd >= 0)
		send_some(l);
}

static void run(struct line *lines, unsigned count)
{
	struct pollfd fds[REACH_MAX];
	uint64_t end_us = now_us() + REACH_WAIT_MS * 1000ull, now;
	unsigned open = 1;

	while (open && (now = now_us()) < end_us) {
		open = 0;
		for (unsigned i = 0; i < count; i++) {
			struct line *l = &lines[i];
			bool write = !l->connected || l->redeem.out.len;
			fds[i] = (struct pollfd){ l->fd, POLLIN, 0 };
			fds[i].events |= write ? POLLOUT : 0;
			open += l->fd >= 0;
		}
		if (!open || poll(fds, count,
		                  (int)((end_us - now) / 1000) + 1) < 0)
			continue;
		for (unsigned i = 0; i < count; i++)
			if (lines[i].fd >= 0 && fds[i].revents)
				on_events(&lines[i], fds[i].revents);
	}
}

int reach_try(struct tls_context *tls, const struct tls_pin *pin,
              struct reach *ways, unsigned count)
{
	struct line *lines = calloc(count ? count : 1, sizeof(*lines));

	if (!lines || count > REACH_MAX) {
		free(lines);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < count; i++)
		begin(&lines[i], &ways[i], tls, pin, NULL);
	run(lines, count);
	for (unsigned i = 0; i < count; i++) {
		close_line(&lines[i]);
		redeem_finish(&lines[i].redeem);
	}
	free(lines);
	return 0;
}

int reach_redeem(struct tls_context *tls, const struct tls_pin *pin,
                 struct reach *way, const uint8_t secret[WIRE_SECRET_BYTES],
                 struct wire_redeemed *answer)
{
	struct line line;

	begin(&line, way, tls, pin, secret);
	run(&line, 1);
	close_line(&line);
	bool answered = line.redeem.state == REDEEM_ANSWERED;
	if (answered)
		*answer = line.redeem.answer;
	redeem_finish(&line.redeem);
	return answered ? 0 : -EIO;
}

const char *reach_text(const struct reach *way)
{
	switch (way->state) {
	case REACH_NOT_TRIED: return "-";
	case REACH_OK: return "reached";
	case REACH_NO_ANSWER: return "no answer";
	case REACH_REFUSED: return "refused: nobody listens there";
	case REACH_NO_ROUTE: return "no way there";
	case REACH_WRONG_PIN: return "another key";
	case REACH_BROKEN: break;
	}
	return way->why;
}
