/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the loop over real descriptors and short real times. Only order and
 * "not before" are asserted, never "within"; a guard timer ends a test whose
 * event does not come.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GUARD_US 10000000
#define LOG_LEN 32

/* What happened, as a word of one letter each. */
struct scene {
	struct loop *loop;
	struct loop_timer *guard;
	int pair[2];
	char log[LOG_LEN];
	struct loop_timer *a, *b;
	struct loop_io *x, *y;
	struct loop_signal *sig;
	struct loop_task task_b, task_d, task_end;
	uint64_t at_us;
};

static void note(struct scene *s, char c)
{
	size_t n = strlen(s->log);

	assert_true(n < LOG_LEN - 1);
	s->log[n] = c;
}

static void on_guard(void *ctx)
{
	struct scene *s = ctx;

	note(s, '!');
	loop_stop(s->loop);
}

static void on_b(void *ctx)
{
	note(ctx, 'b');
}

static void on_end(void *ctx)
{
	struct scene *s = ctx;

	note(s, '.');
	loop_stop(s->loop);
}

static void post_b(void *ctx)
{
	struct scene *s = ctx;

	note(s, 'd');
	loop_task_post(&s->task_b);
}

static void init_tasks(struct scene *s)
{
	loop_task_init(&s->task_b, s->loop, on_b, s);
	loop_task_init(&s->task_d, s->loop, post_b, s);
	loop_task_init(&s->task_end, s->loop, on_end, s);
}

static int setup_on(void **state, struct loop *loop)
{
	static struct scene s;

	memset(&s, 0, sizeof(s));
	s.loop = loop;
	assert_non_null(s.loop);
	init_tasks(&s);
	s.guard = loop_timer_create(s.loop, on_guard, &s);
	loop_timer_arm(s.guard, loop_now_us(s.loop) + GUARD_US);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s.pair), 0);
	*state = &s;
	return 0;
}

static int setup(void **state)
{
	return setup_on(state, loop_create());
}

static int setup_polled(void **state)
{
	return setup_on(state, loop_create_polled());
}

static int teardown(void **state)
{
	struct scene *s = *state;

	loop_io_destroy(s->x);
	loop_io_destroy(s->y);
	loop_timer_destroy(s->a);
	loop_timer_destroy(s->b);
	loop_timer_destroy(s->guard);
	loop_signal_destroy(s->sig);
	loop_destroy(s->loop);
	close(s->pair[0]);
	close(s->pair[1]);
	return 0;
}

static void on_a(void *ctx)
{
	struct scene *s = ctx;

	assert_true(loop_now_us(s->loop) >= s->at_us);
	note(s, 'a');
}

/* Ends the run after wait_us; b is the scene's, else. */
static void end_after(struct scene *s, uint64_t wait_us)
{
	loop_timer_destroy(s->b);
	s->b = loop_timer_create(s->loop, on_end, s);
	loop_timer_arm(s->b, loop_now_us(s->loop) + wait_us);
}

static void timers_fire_in_order_of_time(void **state)
{
	struct scene *s = *state;
	uint64_t now = loop_now_us(s->loop);
	struct loop_timer *end = loop_timer_create(s->loop, on_end, s);

	s->a = loop_timer_create(s->loop, on_a, s);
	s->b = loop_timer_create(s->loop, on_b, s);
	s->at_us = now + 30000;
	loop_timer_arm(end, now + 60000);
	loop_timer_arm(s->a, s->at_us);
	loop_timer_arm(s->b, now + 1000);
	loop_run(s->loop);
	assert_string_equal(s->log, "ba.");
	loop_timer_destroy(end);
}

static void a_timer_fires_once_and_may_be_moved(void **state)
{
	struct scene *s = *state;
	uint64_t now = loop_now_us(s->loop);

	s->a = loop_timer_create(s->loop, on_a, s);
	s->at_us = now + 20000;
	loop_timer_arm(s->a, now + 1000);
	loop_timer_arm(s->a, s->at_us);
	end_after(s, 60000);
	loop_run(s->loop);
	assert_string_equal(s->log, "a.");
}

static void a_disarmed_timer_is_silent(void **state)
{
	struct scene *s = *state;

	s->a = loop_timer_create(s->loop, on_a, s);
	loop_timer_arm(s->a, loop_now_us(s->loop) + 1000);
	loop_timer_disarm(s->a);
	end_after(s, 20000);
	loop_run(s->loop);
	assert_string_equal(s->log, ".");
}

static void a_past_time_fires_in_the_next_turn(void **state)
{
	struct scene *s = *state;

	s->a = loop_timer_create(s->loop, on_end, s);
	loop_timer_arm(s->a, 0);
	assert_string_equal(s->log, "");
	loop_run(s->loop);
	assert_string_equal(s->log, ".");
}

static void on_a_destroys_both(void *ctx)
{
	struct scene *s = ctx;

	note(s, 'a');
	loop_timer_destroy(s->a);
	loop_timer_destroy(s->b);
	s->a = s->b = NULL;
	end_after(s, 20000);
}

/* Both are due in the same turn; whichever comes first kills the other. */
static void a_timer_destroys_itself_and_another(void **state)
{
	struct scene *s = *state;

	s->a = loop_timer_create(s->loop, on_a_destroys_both, s);
	s->b = loop_timer_create(s->loop, on_a_destroys_both, s);
	loop_timer_arm(s->a, 0);
	loop_timer_arm(s->b, 0);
	loop_run(s->loop);
	assert_string_equal(s->log, "a.");
}

static void on_x(void *ctx, unsigned events)
{
	struct scene *s = ctx;
	char c;

	if (events & LOOP_READ) {
		assert_int_equal(read(s->pair[0], &c, 1), 1);
		note(s, c);
	}
	if (events & LOOP_WRITE) {
		note(s, 'w');
		loop_io_want(s->x, LOOP_READ);
	}
	if (strchr(s->log, 'z'))
		loop_stop(s->loop);
}

static void an_io_tells_what_it_was_asked_for(void **state)
{
	struct scene *s = *state;

	s->x = loop_io_create(s->loop, s->pair[0], LOOP_READ | LOOP_WRITE,
	                      on_x, s);
	loop_io_want(s->x, LOOP_WRITE);
	assert_int_equal(write(s->pair[1], "rz", 2), 2);
	loop_run(s->loop);
	assert_string_equal(s->log, "wrz");
}

static void an_io_that_wants_nothing_is_silent(void **state)
{
	struct scene *s = *state;

	assert_int_equal(write(s->pair[1], "r", 1), 1);
	s->x = loop_io_create(s->loop, s->pair[0], 0, on_x, s);
	s->y = loop_io_create(s->loop, s->pair[0], LOOP_READ, on_x, s);
	loop_io_want(s->y, 0);
	end_after(s, 20000);
	loop_run(s->loop);
	assert_string_equal(s->log, ".");
}

static void on_io_destroys_both(void *ctx, unsigned events)
{
	struct scene *s = ctx;

	note(s, 'x');
	loop_io_destroy(s->x);
	loop_io_destroy(s->y);
	s->x = s->y = NULL;
	end_after(s, 20000);
}

static void an_io_destroys_itself_and_another(void **state)
{
	struct scene *s = *state;

	s->x = loop_io_create(s->loop, s->pair[0], LOOP_WRITE,
	                      on_io_destroys_both, s);
	s->y = loop_io_create(s->loop, s->pair[1], LOOP_WRITE,
	                      on_io_destroys_both, s);
	loop_run(s->loop);
	assert_string_equal(s->log, "x.");
}

static void on_timer_posts(void *ctx)
{
	struct scene *s = ctx;

	loop_task_post(&s->task_b);
	loop_task_post(&s->task_d);
	note(s, 't');
}

static void tasks_follow_the_callbacks(void **state)
{
	struct scene *s = *state;

	s->a = loop_timer_create(s->loop, on_timer_posts, s);
	loop_timer_arm(s->a, 0);
	end_after(s, 20000);
	loop_run(s->loop);
	assert_string_equal(s->log, "tbdb.");
}

static void a_task_that_is_posted_twice_runs_once(void **state)
{
	struct scene *s = *state;

	loop_task_post(&s->task_b);
	loop_task_post(&s->task_end);
	loop_task_post(&s->task_b);
	loop_run(s->loop);
	assert_string_equal(s->log, "b.");
}

static void cancel_b(void *ctx)
{
	struct scene *s = ctx;

	note(s, 'd');
	loop_task_cancel(&s->task_b);
	loop_task_cancel(&s->task_b);
	loop_task_post(&s->task_end);
}

/* Also one that is due in the same turn. */
static void a_cancelled_task_does_not_run(void **state)
{
	struct scene *s = *state;

	loop_task_init(&s->task_d, s->loop, cancel_b, s);
	loop_task_post(&s->task_d);
	loop_task_post(&s->task_b);
	loop_run(s->loop);
	assert_string_equal(s->log, "d.");
}

struct mortal {
	struct loop_task death;
	struct scene *scene;
};

static void on_death(void *ctx)
{
	struct mortal *m = ctx;

	note(m->scene, 'f');
	free(m);
}

static void a_task_may_free_its_object(void **state)
{
	struct scene *s = *state;
	struct mortal *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->scene = s;
	loop_task_init(&m->death, s->loop, on_death, m);
	loop_task_post(&m->death);
	loop_task_post(&s->task_end);
	loop_run(s->loop);
	assert_string_equal(s->log, "f.");
}

static void post_the_end(void *ctx)
{
	struct scene *s = ctx;

	note(s, 'd');
	loop_task_post(&s->task_end);
}

/* Else the guard would have to wake the loop. */
static void what_a_task_posts_comes_at_once(void **state)
{
	struct scene *s = *state;

	loop_task_init(&s->task_d, s->loop, post_the_end, s);
	loop_task_post(&s->task_d);
	loop_run(s->loop);
	assert_string_equal(s->log, "d.");
}

static void on_end_posts(void *ctx)
{
	struct scene *s = ctx;

	loop_task_post(&s->task_d);
	on_end(s);
}

static void the_last_turn_ends_like_any_other(void **state)
{
	struct scene *s = *state;

	s->a = loop_timer_create(s->loop, on_end_posts, s);
	loop_timer_arm(s->a, 0);
	loop_run(s->loop);
	assert_string_equal(s->log, ".db");
}

static void destroying_the_loop_runs_what_was_posted(void **state)
{
	struct scene s = { .loop = loop_create() };

	init_tasks(&s);
	loop_task_post(&s.task_d);
	loop_destroy(s.loop);
	assert_string_equal(s.log, "db");
	loop_destroy(NULL);
}

static void a_signal_is_an_event(void **state)
{
	struct scene *s = *state;

	s->sig = loop_signal_create(s->loop, SIGUSR1, on_end, s);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_string_equal(s->log, "");
	loop_run(s->loop);
	assert_string_equal(s->log, ".");
}

static void a_loop_with_nothing_to_wait_for_returns(void **state)
{
	struct scene *s = *state;

	s->sig = loop_signal_create(s->loop, SIGUSR1, on_end, s);
	s->x = loop_io_create(s->loop, s->pair[0], 0, on_x, s);
	loop_timer_disarm(s->guard);
	loop_run(s->loop);
	assert_string_equal(s->log, "");
}

#define POSTERS 4
#define POSTS 2000

/* Posts that threads make; each counts, and the last of all stops the loop. */
struct mailbox {
	struct loop *loop;
	unsigned arrived, next[POSTERS];
};
struct letter {
	struct loop_post post;
	struct mailbox *to;
	unsigned from, number;
};

static void on_letter(void *ctx)
{
	struct letter *l = ctx;
	struct mailbox *box = l->to;

	assert_int_equal(l->number, box->next[l->from]++);
	if (++box->arrived == POSTERS * POSTS)
		loop_stop(box->loop);
	free(l);
}

struct poster {
	struct mailbox *box;
	unsigned from;
	pthread_t thread;
};

static void *post_letters(void *ctx)
{
	const struct poster *p = ctx;

	for (unsigned i = 0; i < POSTS; i++) {
		struct letter *l = malloc(sizeof(*l));
		*l = (struct letter){ .to = p->box, .from = p->from,
			.number = i, .post = { .fn = on_letter, .ctx = l } };
		loop_post(p->box->loop, &l->post);
	}
	return NULL;
}

static void posts_come_from_any_thread(void **state)
{
	struct scene *s = *state;
	struct mailbox box = { .loop = s->loop };
	struct poster posters[POSTERS];

	for (unsigned i = 0; i < POSTERS; i++) {
		posters[i] = (struct poster){ .box = &box, .from = i };
		assert_int_equal(pthread_create(&posters[i].thread, NULL,
		                                post_letters, &posters[i]), 0);
	}
	loop_run(s->loop); /* the guard holds it */
	for (unsigned i = 0; i < POSTERS; i++)
		pthread_join(posters[i].thread, NULL);
	assert_string_equal(s->log, "");
	assert_int_equal(box.arrived, POSTERS * POSTS);
}

static void a_late_post_is_not_lost(void **state)
{
	struct scene s = { .loop = loop_create() };
	struct loop_post post = { .fn = on_b, .ctx = &s };

	loop_post(s.loop, &post);
	loop_destroy(s.loop);
	assert_string_equal(s.log, "b");
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define POLLED(fn) cmocka_unit_test_setup_teardown(fn, setup_polled, teardown)
	const struct CMUnitTest tests[] = {
		ROW(timers_fire_in_order_of_time),
		ROW(a_timer_fires_once_and_may_be_moved),
		ROW(a_disarmed_timer_is_silent),
		ROW(a_past_time_fires_in_the_next_turn),
		ROW(a_timer_destroys_itself_and_another),
		ROW(an_io_tells_what_it_was_asked_for),
		ROW(an_io_that_wants_nothing_is_silent),
		ROW(an_io_destroys_itself_and_another),
		ROW(tasks_follow_the_callbacks),
		ROW(a_task_that_is_posted_twice_runs_once),
		ROW(a_cancelled_task_does_not_run),
		ROW(a_task_may_free_its_object),
		ROW(what_a_task_posts_comes_at_once),
		ROW(the_last_turn_ends_like_any_other),
		ROW(destroying_the_loop_runs_what_was_posted),
		ROW(posts_come_from_any_thread),
		POLLED(posts_come_from_any_thread),
		POLLED(an_io_tells_what_it_was_asked_for),
		POLLED(an_io_that_wants_nothing_is_silent),
		POLLED(an_io_destroys_itself_and_another),
		POLLED(a_signal_is_an_event),
		ROW(a_late_post_is_not_lost),
		ROW(a_signal_is_an_event),
		ROW(a_loop_with_nothing_to_wait_for_returns),
	};
#undef ROW
#undef POLLED

	return cmocka_run_group_tests(tests, NULL, NULL);
}
