/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what two processes of an update say to each other, with both ends in one.
 */
#include "agg/line.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct story {
	struct loop *loop;
	struct line *ends[2];
	struct line_word word; /* the last that one end heard */
	int fd;                /* with it */
	unsigned words, ended;
};

static void on_word(void *ctx, const struct line_word *word, int fd)
{
	struct story *s = ctx;

	s->word = *word;
	s->fd = fd;
	s->words++;
}

static void on_end(void *ctx)
{
	struct story *s = ctx;

	s->ended++;
	line_destroy(s->ends[0]);
	s->ends[0] = NULL;
}

static const struct line_events events = { on_word, on_end };

static void begin(struct story *s, int fds[2])
{
	*s = (struct story){ .loop = loop_create(), .fd = -1 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	s->ends[0] = line_create(s->loop, fds[0], &events, s);
	assert_non_null(s->ends[0]);
}

static void on_late(void *ctx)
{
	loop_stop(ctx);
}

static void turn(struct story *s)
{
	struct loop_timer *late = loop_timer_create(s->loop, on_late, s->loop);

	loop_timer_arm(late, loop_now_us(s->loop));
	loop_run(s->loop);
	loop_timer_destroy(late);
}

static void finish(struct story *s)
{
	line_destroy(s->ends[0]);
	line_destroy(s->ends[1]);
	loop_destroy(s->loop);
}

static void words_arrive(void **state)
{
	struct story s;
	int fds[2];

	begin(&s, fds);
	s.ends[1] = line_create(s.loop, fds[1], &events, &s);
	const struct line_word said = { .kind = LINE_CARRIES, .streams = 3, .down = 7 };
	assert_int_equal(line_say(s.ends[1], &said, -1), 0);
	assert_int_equal(line_say(s.ends[1], &said, -1), 0);
	turn(&s);
	assert_int_equal(s.words, 2);
	assert_int_equal(s.fd, -1);
	assert_memory_equal(&s.word, &said, sizeof(said));
	finish(&s);
}

static void a_descriptor_goes_with_it(void **state)
{
	const struct line_word said = { .kind = LINE_CONNECTION, .process = 5 };
	struct story s;
	int fds[2], pipe_fds[2];
	char got = 0;

	begin(&s, fds);
	s.ends[1] = line_create(s.loop, fds[1], &events, &s);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(line_say(s.ends[1], &said, pipe_fds[0]), 0);
	close(pipe_fds[0]);
	turn(&s);
	assert_int_equal(s.word.process, 5);
	assert_true(s.fd >= 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	assert_int_equal(read(s.fd, &got, 1), 1);
	assert_int_equal(got, 'x');
	close(s.fd);
	close(pipe_fds[1]);
	finish(&s);
}

/* Another release may say more, or less. */
static void words_of_another_length_are_passed_over(void **state)
{
	struct line_word word = { 0 };
	struct story s;
	int fds[2];

	begin(&s, fds);
	assert_int_equal(send(fds[1], "x", 1, 0), 1);
	assert_int_equal(send(fds[1], &word, sizeof(word) - 1, 0), sizeof(word) - 1);
	turn(&s);
	assert_int_equal(s.words, 0);
	assert_int_equal(send(fds[1], &word, sizeof(word), 0), sizeof(word));
	turn(&s);
	assert_int_equal(s.words, 1);
	assert_int_equal(s.ended, 0);
	close(fds[1]);
	finish(&s);
}

static void the_other_one_ends(void **state)
{
	struct story s;
	int fds[2];

	begin(&s, fds);
	close(fds[1]);
	turn(&s);
	assert_int_equal(s.ended, 1);
	finish(&s);
}

/* Who does not listen holds nobody up. */
static void a_full_line_is_told(void **state)
{
	const struct line_word word = { 0 };
	struct story s;
	int fds[2], err = 0;

	begin(&s, fds);
	for (int i = 0; i < 100000 && !err; i++)
		err = line_say(s.ends[0], &word, -1);
	assert_int_equal(err, -EAGAIN);
	close(fds[1]);
	finish(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_arrive),
		cmocka_unit_test(a_descriptor_goes_with_it),
		cmocka_unit_test(words_of_another_length_are_passed_over),
		cmocka_unit_test(the_other_one_ends),
		cmocka_unit_test(a_full_line_is_told),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
