/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see net.h. What cannot fail on a sound machine is asserted.
 */
#include "net.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TICK_US 1000
#define TICKS_MIN 10u /* of a run; after a pause of the process some are still to come */

struct waiting {
	struct loop *loop;
	struct loop_timer *timer;
	net_condition *is_true;
	void *ctx;
	uint64_t end_us;
	unsigned ticks; /* at least */
	bool met;
};

static void on_tick(void *ctx)
{
	struct waiting *w = ctx;
	uint64_t now_us = loop_now_us(w->loop);

	w->met = w->is_true && w->is_true(w->ctx);
	if (w->ticks)
		w->ticks--;
	if (w->met || (now_us >= w->end_us && !w->ticks))
		loop_stop(w->loop);
	else
		loop_timer_arm(w->timer, now_us + TICK_US);
}

static bool wait(struct loop *loop, net_condition *is_true, void *ctx,
                 uint64_t us)
{
	struct waiting w = { .loop = loop, .is_true = is_true, .ctx = ctx };

	w.end_us = loop_now_us(loop) + us;
	w.ticks = us / TICK_US < TICKS_MIN ? (unsigned)(us / TICK_US) : TICKS_MIN;
	w.timer = loop_timer_create(loop, on_tick, &w);
	assert_non_null(w.timer);
	loop_timer_arm(w.timer, 0);
	loop_run(loop);
	loop_timer_destroy(w.timer);
	return w.met;
}

bool net_run_until(struct loop *loop, net_condition *is_true, void *ctx)
{
	return wait(loop, is_true, ctx, NET_WAIT_US);
}

void net_run_for(struct loop *loop, uint64_t us)
{
	wait(loop, NULL, NULL, us);
}

int net_listen(const char *at, struct addr *bound, int backlog)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, at, 0), 0);
	int fd = sockopt_tcp_listen(&a, NULL);
	if (fd < 0)
		return fd;
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(sockopt_local(fd, bound), 0);
	return fd;
}

int net_connect(const struct addr *to)
{
	int fd = sockopt_tcp_open(to->family, NULL, NULL);

	assert_true(fd >= 0);
	assert_int_equal(sockopt_connect(fd, to), 0);
	return fd;
}

void net_tcp_pair(int fds[2])
{
	struct addr at;
	int listener = net_listen("127.0.0.1", &at, 1);

	assert_true(listener >= 0);
	fds[0] = net_connect(&at);
	do
		fds[1] = sockopt_accept(listener, NULL);
	while (fds[1] == -EAGAIN);
	assert_true(fds[1] >= 0);
	close(listener);
}

uint64_t net_sum(uint64_t sum, size_t at, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint64_t)(p[i] + 1) * ((at + i) * 2654435761u + 1);
	return sum;
}

void net_few_begin(struct net_few *few)
{
	const int limit = sizeof(few->filled) / sizeof(few->filled[0]);
	struct rlimit now;
	int fd = dup(0);

	few->count = 0;
	while (fd >= 0 && fd <= limit / 2) {
		few->filled[few->count++] = fd;
		fd = dup(0);
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	few->before = now.rlim_cur;
	now.rlim_cur = (rlim_t)limit;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
}

void net_few_end(struct net_few *few)
{
	struct rlimit now;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &now), 0);
	now.rlim_cur = few->before;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	while (few->count)
		close(few->filled[--few->count]);
}

void net_read(struct net_reader *r)
{
	uint8_t bytes[65536];
	ssize_t n;

	while (r->end == NET_OPEN &&
	       (n = recv(r->fd, bytes, sizeof(bytes), 0)) != -1) {
		if (n == 0)
			r->end = NET_EOF;
		for (size_t i = 0; i < (size_t)n && r->n + i < sizeof(r->bytes); i++)
			r->bytes[r->n + i] = bytes[i];
		r->sum = net_sum(r->sum, r->n, bytes, (size_t)n);
		r->n += (size_t)n;
	}
	if (r->end == NET_OPEN && errno != EAGAIN)
		r->end = NET_RESET;
}
