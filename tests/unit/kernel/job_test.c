/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a program beside the loop: what it is told and says, how it ends, and that it
 * and its children end with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/kernel/job.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US 20000000u
#define LOOK_US 2000u

struct fixture {
	struct loop *loop;
	struct loop_timer *timer;
	struct job *job;
	uint64_t until_us;
};

static void on_look(void *ctx)
{
	struct fixture *f = ctx;
	uint64_t now = loop_now_us(f->loop);

	if (job_is_over(f->job) || now > f->until_us)
		loop_stop(f->loop);
	else
		loop_timer_arm(f->timer, now + LOOK_US);
}

/* Runs the words of a shell to their end. */
static void run(struct fixture *f, const char *words, const char *input,
                uint64_t timeout_us, size_t output_max)
{
	const char *argv[] = { "sh", "-c", words, NULL };

	f->loop = loop_create();
	f->timer = loop_timer_create(f->loop, on_look, f);
	const struct job_args args = {
		.loop = f->loop, .argv = argv, .input = input,
		.input_len = strlen(input), .timeout_us = timeout_us,
		.output_max = output_max,
	};
	f->job = job_start(&args);
	assert_non_null(f->job);
	assert_false(job_is_over(f->job));
	f->until_us = loop_now_us(f->loop) + PATIENCE_US;
	loop_timer_arm(f->timer, 0);
	loop_run(f->loop);
}

static void end(struct fixture *f)
{
	job_destroy(f->job);
	loop_timer_destroy(f->timer);
	loop_destroy(f->loop);
}

static void assert_said(const struct fixture *f, const char *text)
{
	const struct buf *said = job_output(f->job);

	assert_int_equal(said->len, strlen(text));
	assert_memory_equal(buf_head(said), text, said->len);
}

static void says_what_it_is_told(void **state)
{
	struct fixture f;

	run(&f, "read a; echo got $a; echo and this >&2; exit 3", "it\n",
	    PATIENCE_US, 4096);
	assert_true(job_is_over(f.job));
	assert_int_equal(job_status(f.job), 3);
	assert_said(&f, "got it\nand this\n");
	end(&f);
}

static void says_no_more_than_is_taken(void **state)
{
	struct fixture f;

	run(&f, "printf 0123456789; printf abcdef", "", PATIENCE_US, 12);
	assert_int_equal(job_status(f.job), 0);
	assert_said(&f, "0123456789ab");
	end(&f);
}

/* Its child holds the output open. */
static void is_ended_when_its_time_is_up(void **state)
{
	struct fixture f;

	run(&f, "echo begun; sleep 300 & wait", "", 300000, 4096);
	assert_true(job_is_over(f.job));
	assert_int_equal(job_status(f.job), -ETIMEDOUT);
	end(&f);
}

static void a_signal_is_no_status(void **state)
{
	struct fixture f;

	run(&f, "kill -9 $$", "", PATIENCE_US, 4096);
	assert_int_equal(job_status(f.job), -EIO);
	end(&f);
}

static void what_is_not_there_does_not_start(void **state)
{
	const char *argv[] = { "no-such-program-of-aggd", NULL };
	struct loop *loop = loop_create();
	const struct job_args args = { .loop = loop, .argv = argv, .input = "",
	                               .timeout_us = 1, .output_max = 1 };

	assert_null(job_start(&args));
	assert_int_equal(errno, ENOENT);
	loop_destroy(loop);
}

static void who_destroys_it_ends_it(void **state)
{
	const char *argv[] = { "sleep", "300", NULL };
	struct loop *loop = loop_create();
	const struct job_args args = { .loop = loop, .argv = argv, .input = "",
	                               .timeout_us = PATIENCE_US,
	                               .output_max = 1 };

	job_destroy(job_start(&args)); /* it does not wait */
	job_destroy(NULL);
	loop_destroy(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_it_is_told),
		cmocka_unit_test(says_no_more_than_is_taken),
		cmocka_unit_test(is_ended_when_its_time_is_up),
		cmocka_unit_test(a_signal_is_no_status),
		cmocka_unit_test(what_is_not_there_does_not_start),
		cmocka_unit_test(who_destroys_it_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
