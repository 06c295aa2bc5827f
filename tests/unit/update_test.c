/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an update at the daemon's ends: when it is refused, and in which words; and what
 * a process that is gone has to do with the one that took over, and the one before it.
 * The role and the other process are played.
 */
#include "agg/update.h"

#include "agg/handover.h"
#include "agg/line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define OWN 7u /* processes */
#define OTHER 9u
#define DRAINS "; a restart ends the streams that do not end within 10 s\n"
#define WAITED_FOR "who began this process cannot be told that another takes over" DRAINS

/* What is played -------------------------------------------------------------------- */

static struct {
	struct daemon d;
	struct conf conf;
	struct role role;
	pid_t pid, parent;
	const char *why_not;
	const struct handover_events *events;
	int line;              /* the daemon's end, for handover_keep() */
	int taken;             /* a connection that the role got; -1 */
	unsigned before_changes;
	uint64_t host_down;
	uint64_t drains_us;
} on;

pid_t __wrap_getpid(void);
pid_t __wrap_getppid(void);

pid_t __wrap_getpid(void)
{
	return on.pid;
}

pid_t __wrap_getppid(void)
{
	return on.parent;
}

struct handover *handover_begin(struct loop *loop, const char *program, const char *config,
                                const struct handover_events *events, void *ctx)
{
	assert_ptr_equal(ctx, &on.d);
	on.events = events;
	return (struct handover *)&on;
}

void handover_go(struct handover *h, uint8_t word)
{
}

int handover_keep(struct handover *h)
{
	return on.line;
}

void handover_destroy(struct handover *h)
{
}

int handover_wait(int fd, uint8_t role, uint8_t *word)
{
	return 0;
}

int handover_taken(int fd)
{
	return 0;
}

void notify_successor(const struct notify *n, pid_t next)
{
}

void notify_finish(struct notify *n)
{
}

int daemon_lock(struct daemon *d)
{
	return 0;
}

int daemon_open(struct daemon *d)
{
	return 0;
}

void daemon_close(struct daemon *d)
{
}

void daemon_drain(struct daemon *d, uint64_t most_us)
{
	on.drains_us = most_us;
}

void runlock_drop(struct runlock *lock)
{
}

int tls_identity_pin(const char *dir, struct tls_pin *out)
{
	return 0;
}

static const char *why_not(const struct role *role)
{
	return on.why_not;
}

static void step(struct role *role, enum role_update update)
{
}

static uint8_t has_left(const struct role *role)
{
	return 1;
}

static void succeed(struct role *role, uint8_t told)
{
}

static void on_before(struct role *role)
{
	on.before_changes++;
}

static void take(struct role *role, int fd)
{
	on.taken = fd;
}

static void each_host(struct role *role, role_host_fn *on_host, void *ctx)
{
	const struct addr host = { .family = AF_INET, .ip = { 192, 0, 2, 1 } };

	on_host(ctx, &host, 1000, 10);
}

static void count_host(struct role *role, const struct addr *host, uint64_t down_bytes,
                       uint64_t up_bytes)
{
	on.host_down += down_bytes;
}

static const struct role_updates updates = {
	.why_not = why_not, .update = step, .has_left = has_left, .succeed = succeed,
	.on_before = on_before, .take = take, .each_host = each_host,
	.count_host = count_host,
};

static unsigned streams(const struct role *role)
{
	return 2;
}

static void report(struct role *role, struct report *out)
{
	report_add_stream(out);
	report_add_stream(out);
	out->head.before_down_bps = 100;
	*report_add_uplink(out) = (struct report_uplink){ .down_bps = 500, .up_bps = 5 };
	*report_add_uplink(out) = (struct report_uplink){ .down_bps = 300, .up_bps = 3 };
}

static const struct role_ops ops = { .name = "gateway", .streams = streams,
                                     .report = report, .updates = &updates };
static const struct role_ops unpaired = { .name = "gateway", .streams = streams };

static int begin(void **state)
{
	memset(&on, 0, sizeof(on));
	on.pid = 100;
	on.parent = 50;
	on.taken = -1;
	on.role = (struct role){ .ops = &ops, .process = OWN };
	on.d = (struct daemon){ .conf = &on.conf, .role = &on.role, .heir_of = -1,
	                        .loop = loop_create() };
	on.role.loop = on.d.loop;
	on.d.update = loop_timer_create(on.d.loop, update_look, &on.d);
	unsetenv("NOTIFY_SOCKET");
	return 0;
}

static int finish(void **state)
{
	update_finish(&on.d);
	loop_timer_destroy(on.d.update);
	loop_destroy(on.d.loop);
	return 0;
}

static void on_stop(void *ctx)
{
	loop_stop(ctx);
}

static void turn(void)
{
	struct loop_timer *stop = loop_timer_create(on.d.loop, on_stop, on.d.loop);

	loop_timer_arm(stop, loop_now_us(on.d.loop) + 1000);
	loop_run(on.d.loop);
	loop_timer_destroy(stop);
}

/* When it is refused ------------------------------------------------------------------ */

static void expect(int err, const char *text)
{
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(update_begin(&on.d, &out), err);
	assert_int_equal(buf_put(&out, "", 1), 0);
	assert_string_equal((const char *)buf_head(&out), text);
	buf_finish(&out);
}

/* A container's engine waits for its first process; procd for a child of its own. */
static void who_is_waited_for_stays(void **state)
{
	on.pid = 1;
	expect(-EAGAIN, WAITED_FOR);
	setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
	expect(-EAGAIN, WAITED_FOR);
	unsetenv("NOTIFY_SOCKET");
	on.pid = 100;
	on.parent = 1;
	expect(-EAGAIN, WAITED_FOR);
	assert_null(on.events);
}

/* systemd is told; a shell does not mind; and who was begun by an update is nobody's. */
static void others_are_not(void **state)
{
	static const char text[] = " begins, and takes over; the log says how that went\n";

	expect(0, text);
	on.d.handover = NULL;
	on.parent = 1;
	setenv("NOTIFY_SOCKET", "/run/systemd/notify", 1);
	expect(0, text);
	on.d.handover = NULL;
	unsetenv("NOTIFY_SOCKET");
	on.d.heir_of = 5;
	expect(0, text);
	expect(-EAGAIN, "an update is under way" DRAINS);
}

static void a_role_may_refuse(void **state)
{
	on.why_not = "the concentrator is not connected";
	expect(-EAGAIN, "the concentrator is not connected" DRAINS);
	on.role.ops = &unpaired;
	expect(-EAGAIN, "this gateway has not joined yet" DRAINS);
	on.d.drain_until_us = 1;
	expect(-EAGAIN, "this process is ending" DRAINS);
	assert_null(on.events);
}

/* Once another has taken over ------------------------------------------------------------- */

/* It is gone; the successor's end. */
static int be_gone(void)
{
	struct buf out;
	int ends[2];

	buf_init(&out, 4096);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	on.line = ends[0];
	assert_int_equal(update_begin(&on.d, &out), 0);
	buf_finish(&out);
	on.events->on_taken(&on.d, 101);
	assert_true(on.d.is_gone);
	assert_int_equal(on.drains_us, LEFT_US);
	return ends[1];
}

/* There is one before it; that one's end. */
static int have_one_before(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
	on.d.heir_of = ends[0];
	assert_int_equal(update_taken(&on.d), 0);
	return ends[1];
}

static void say(int fd, const struct line_word *word)
{
	assert_int_equal(send(fd, word, sizeof(*word), 0), sizeof(*word));
}

static void what_it_carries_is_told(void **state)
{
	const struct line_word carries = { .kind = LINE_CARRIES, .streams = 3,
	                                   .down = 70, .up = 7 };
	struct line_word word;
	int before = have_one_before();
	int after = be_gone();

	say(before, &carries);
	turn();
	turn();
	assert_int_equal(recv(after, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(word.kind, LINE_CARRIES);
	assert_in_range(word.streams, 2, 2 + 3); /* with those before, once they told */
	assert_int_equal(recv(after, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(word.kind, LINE_HOST);
	assert_int_equal(word.down, 1000);
	update_look(&on.d);
	assert_int_equal(recv(after, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(word.streams, 2 + 3);
	assert_int_equal(word.down, 500 + 300 + 100 + 70);
	assert_int_equal(word.up, 5 + 3 + 7);
	close(before);
	close(after);
}

static void what_one_before_carries_is_known(void **state)
{
	const struct line_word carries = { .kind = LINE_CARRIES, .streams = 3, .down = 70 };
	const struct line_word host = { .kind = LINE_HOST, .down = 1234 };
	int before = have_one_before();

	say(before, &carries);
	say(before, &host);
	turn();
	assert_int_equal(on.before_changes, 1);
	assert_true(on.role.before.is_there);
	assert_int_equal(on.role.before.streams, 3);
	assert_int_equal(on.host_down, 1234);
	close(before);
	turn();
	assert_int_equal(on.before_changes, 2);
	assert_false(on.role.before.is_there);
	assert_int_equal(on.role.before.streams, 0);
}

/* A connection comes over the line, for that process. */
static void bring(int after, uint32_t process)
{
	const struct line_word word = { .kind = LINE_CONNECTION, .process = process };
	static const struct line_events none;
	struct line *line = line_create(on.d.loop, dup(after), &none, NULL);
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(line_say(line, &word, ends[0]), 0);
	line_destroy(line);
	close(ends[0]);
	close(ends[1]);
	turn();
}

static void connections_go_to_whose_they_are(void **state)
{
	struct line_word word;
	int before = have_one_before();
	int after = be_gone();

	bring(after, OWN);
	assert_true(on.taken >= 0);
	close(on.taken);
	on.taken = -1;
	assert_true(recv(before, &word, sizeof(word), 0) < 0);
	bring(after, OTHER); /* it is between the two */
	assert_int_equal(on.taken, -1);
	assert_int_equal(recv(before, &word, sizeof(word), 0), sizeof(word));
	assert_int_equal(word.process, OTHER);
	close(before);
	turn();
	bring(after, OTHER); /* that one is gone: it is refused here */
	assert_true(on.taken >= 0);
	close(on.taken);
	close(after);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, finish)
	const struct CMUnitTest tests[] = {
		ROW(who_is_waited_for_stays),
		ROW(others_are_not),
		ROW(a_role_may_refuse),
		ROW(what_it_carries_is_told),
		ROW(what_one_before_carries_is_known),
		ROW(connections_go_to_whose_they_are),
	};
#undef ROW

	return cmocka_run_group_tests_name("update", tests, NULL, NULL);
}
