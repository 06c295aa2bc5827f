/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: sockets of a loop over loopback: whose a datagram is, what leaves together, and
 * what happens when the kernel takes no more (its answer is played: udp_send is wrapped).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/loop.h"
#include "agg/kernel/sockopt.h"
#include "agg/kernel/udp.h"
#include "agg/transport/dgram.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define N 200u /* bytes of a datagram */
#define WAIT_US 10000000u

static struct loop *loop;
static struct dgram *gateway, *worker[2];
static struct dgram_socket *out;
static struct tunnel_ends last;
static unsigned got[2], wanted, writable;
static struct loop_timer *guard;

/* What the kernel says next, and to how many calls; 0: as it is. */
static int played, plays;
static bool only_segments;
static int then_singly; /* after that, to the first that goes alone; 0: nothing */

int __real_udp_send(int fd, const struct udp_message *messages, unsigned n);
int __wrap_udp_send(int fd, const struct udp_message *messages, unsigned n);

int __wrap_udp_send(int fd, const struct udp_message *messages, unsigned n)
{
	if (plays && (!only_segments || messages[0].segment)) {
		plays--;
		return played;
	}
	if (then_singly && !messages[0].segment) {
		int err = then_singly;
		then_singly = 0;
		return err;
	}
	return __real_udp_send(fd, messages, n);
}

static void on_datagram(void *ctx, const struct tunnel_came *came, uint8_t *p, size_t n)
{
	unsigned *count = ctx;

	assert_int_equal(n, N);
	assert_false(came->ce);
	if (came->ends)
		last = *came->ends;
	if (++*count, got[0] + got[1] == wanted)
		loop_stop(loop);
}

static const struct dgram_user user = { .on_datagram = on_datagram };

static void on_writable(void *ctx)
{
	writable++;
}

static struct dgram_waiter waiter = { .on_writable = on_writable };

static void too_late(void *ctx)
{
	loop_stop(loop);
}

static struct addr free_port(const char *text)
{
	struct addr at;
	int fd;

	assert_int_equal(addr_parse(&at, text, 0), 0);
	assert_int_equal(udp_listen(&at, NULL, &fd, 1), 0);
	assert_int_equal(sockopt_local(fd, &at), 0);
	close(fd);
	return at;
}

static void begin(const char *text)
{
	int fds[2];

	loop = loop_create();
	assert_non_null(loop);
	guard = loop_timer_create(loop, too_late, NULL);
	loop_timer_arm(guard, loop_now_us(loop) + WAIT_US);
	struct addr at = free_port(text);
	assert_int_equal(udp_listen(&at, NULL, fds, 2), 0);
	for (unsigned i = 0; i < 2; i++) {
		worker[i] = dgram_create(loop, i, 2);
		assert_non_null(dgram_adopt(worker[i], fds[i]));
	}
	gateway = dgram_create(loop, 0, 1);
	out = dgram_connect(gateway, "", NULL, &at);
	assert_non_null(out);
	got[0] = got[1] = writable = 0;
	plays = 0;
	only_segments = false;
	then_singly = 0;
}

static void finish(void)
{
	dgram_cancel(&waiter);
	dgram_destroy(gateway);
	dgram_destroy(worker[0]);
	dgram_destroy(worker[1]);
	loop_timer_destroy(guard);
	loop_destroy(loop);
}

static uint32_t take(struct dgram *d, unsigned *count)
{
	uint32_t index;

	assert_int_equal(dgram_take_index(d, &user, count, &index), 0);
	return index;
}

static bool put(struct dgram_socket *s, const struct tunnel_ends *ends, uint32_t index,
                size_t n)
{
	struct datagram_header header = { .index = index };
	uint8_t *p = dgram_reserve(s, ends, n, &waiter);

	if (!p)
		return false;
	memset(p, 0, n);
	datagram_write_header(p, &header);
	dgram_commit(s, n, false);
	return true;
}

static void run_for(unsigned n)
{
	wanted = n;
	loop_run(loop);
	assert_int_equal(got[0] + got[1], n);
}

static struct dgram_stats stats_of(const struct dgram *d)
{
	struct dgram_stats stats;

	dgram_stats(d, &stats);
	return stats;
}

/* Each worker's index brings it its own; nothing is strange to either. */
static void each_worker_gets_its_own(void **state)
{
	const char *const hosts[] = { "127.0.0.1", "::1" };

	for (int i = 0; i < 2; i++) {
		begin(hosts[i]);
		uint32_t a = take(worker[0], &got[0]), b = take(worker[1], &got[1]);
		assert_int_equal(a % 2, 0);
		assert_int_equal(b % 2, 1);
		/* What leaves as one message goes to one of them, as it may be of one
		 * tunnel only; here it is of two. */
		dgram_send_singly(gateway);
		for (int k = 0; k < 60; k++)
			assert_true(put(out, NULL, k % 3 ? a : b, N));
		dgram_flush(gateway);
		run_for(60);
		assert_int_equal(got[1], 20);
		assert_int_equal(stats_of(worker[0]).strange, 0);
		assert_int_equal(stats_of(worker[1]).strange, 0);
		/* And back, to where it came from. */
		uint32_t c = take(gateway, &got[0]);
		struct dgram_socket *s = dgram_find(worker[1], &last);
		assert_non_null(s);
		assert_true(put(s, &last, c, N));
		dgram_flush(worker[1]);
		run_for(61);
		finish();
	}
}

static void many_leave_as_few(void **state)
{
	begin("127.0.0.1");
	uint32_t a = take(worker[0], &got[0]);
	for (int k = 0; k < 640; k++)
		assert_true(put(out, NULL, a, N));
	dgram_flush(gateway);
	run_for(640);
	struct dgram_stats s = stats_of(gateway);
	assert_int_equal(s.sent, 640);
	assert_true(s.segments);
	assert_true(s.calls_out <= 4);
	finish();

	begin("127.0.0.1");
	a = take(worker[0], &got[0]);
	dgram_send_singly(gateway);
	for (int k = 0; k < 640; k++)
		assert_true(put(out, NULL, a, N));
	dgram_flush(gateway);
	run_for(640);
	assert_false(stats_of(gateway).segments);
	finish();
}

static void strangers_are_counted(void **state)
{
	begin("127.0.0.1");
	uint32_t a = take(worker[0], &got[0]), gone = take(worker[0], &got[0]);
	dgram_drop_index(worker[0], gone);
	assert_true(put(out, NULL, gone, N));
	assert_true(put(out, NULL, a, 28));      /* too short */
	assert_true(put(out, NULL, a, N));
	dgram_flush(gateway);
	run_for(1);
	assert_int_equal(stats_of(worker[0]).strange, 2);
	dgram_drop_index(worker[0], a);
	assert_true(put(out, NULL, a, N));
	assert_true(put(out, NULL, take(worker[0], &got[0]), N));
	dgram_flush(gateway);
	run_for(2);
	assert_int_equal(stats_of(worker[0]).strange, 3);
	finish();
}

/* What cannot be ours does not come so far that anybody looks at it. */
static void junk_wakes_nobody(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };

	for (unsigned h = 0; h < 2; h++) {
		begin(hosts[h]);
		uint32_t a = take(worker[0], &got[0]);
		dgram_send_singly(gateway);
		for (uint32_t k = 1; k <= 1000; k++) {
			assert_true(put(out, NULL, a ^ 2 * k, N)); /* an index that never was */
			memset(dgram_reserve(out, NULL, N, &waiter), (int)(k % 16), N);
			dgram_commit(out, N, true);               /* a version that never was */
		}
		assert_true(put(out, NULL, a, N));
		dgram_flush(gateway);
		run_for(1);
		assert_int_equal(stats_of(worker[0]).received, 1);
		assert_int_equal(stats_of(worker[1]).received, 0);
		finish();
	}
}

static void full_for_now(int err)
{
	begin("127.0.0.1");
	uint32_t a = take(worker[0], &got[0]);
	for (int k = 0; k < 100; k++)
		assert_true(put(out, NULL, a, N));
	played = err;
	plays = 1;
	dgram_flush(gateway);
	assert_false(put(out, NULL, a, N)); /* and waits */
	run_for(100);
	assert_int_equal(writable, 1);
	assert_true(put(out, NULL, a, N));
	dgram_flush(gateway);
	run_for(101);
	assert_int_equal(stats_of(gateway).lost, 0);
	finish();
}

static void nothing_is_lost_when_it_is_full(void **state)
{
	full_for_now(-EAGAIN);
	full_for_now(-ENOBUFS);
}

/* A device that cannot: all arrives, and it is not tried again. */
static void without_segments_it_goes_on(void **state)
{
	begin("127.0.0.1");
	uint32_t a = take(worker[0], &got[0]);
	for (int k = 0; k < 50; k++)
		assert_true(put(out, NULL, a, N));
	played = -EIO;
	plays = 1;
	only_segments = true;
	dgram_flush(gateway);
	run_for(50);
	assert_false(stats_of(gateway).segments);
	assert_int_equal(stats_of(gateway).lost, 0);
	assert_int_equal(stats_of(gateway).sent, 50);
	plays = 1000; /* of segments, of which there are none any more */
	for (int k = 0; k < 20; k++)
		assert_true(put(out, NULL, a, N));
	dgram_flush(gateway);
	run_for(70);
	assert_int_equal(plays, 1000);
	finish();
}

/* One that is longer than the device's MTU is no reason: it may have been a probe. */
static void too_long_ones_do_not_end_segments(void **state)
{
	begin("127.0.0.1");
	uint32_t a = take(worker[0], &got[0]);
	for (int k = 0; k < 10; k++)
		assert_true(put(out, NULL, a, N));
	played = -EINVAL;
	plays = 1;
	only_segments = true;
	then_singly = -EMSGSIZE;
	dgram_flush(gateway);
	run_for(9);
	assert_true(stats_of(gateway).segments);
	assert_int_equal(stats_of(gateway).too_long, 1);
	finish();
}

static void what_cannot_go_is_lost_alone(void **state)
{
	begin("127.0.0.1");
	uint32_t a = take(worker[0], &got[0]);
	dgram_send_singly(gateway);
	for (int k = 0; k < 3; k++)
		assert_true(put(out, NULL, a, N));
	played = -EMSGSIZE;
	plays = 1;
	dgram_flush(gateway);
	run_for(2);
	assert_int_equal(stats_of(gateway).lost, 1);
	assert_int_equal(stats_of(gateway).too_long, 1);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_worker_gets_its_own),
		cmocka_unit_test(many_leave_as_few),
		cmocka_unit_test(strangers_are_counted),
		cmocka_unit_test(junk_wakes_nobody),
		cmocka_unit_test(nothing_is_lost_when_it_is_full),
		cmocka_unit_test(without_segments_it_goes_on),
		cmocka_unit_test(too_long_ones_do_not_end_segments),
		cmocka_unit_test(what_cannot_go_is_lost_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
