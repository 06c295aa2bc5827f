/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the control server over real Unix sockets. Both ends live in one loop:
 * a peer gathers what it is sent until the server closes.
 */
#include "agg/ctl/ctl.h"

#include "agg/base/rand.h"
#include "agg/ctl/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LARGE_LINE 128 /* bytes of a line of the verb "large" */
#define PATIENCE_US (30 * 1000000ull) /* for a busy machine */
#define RECEIVED_MAX (CTL_ANSWER_MAX + 64)

struct fixture {
	char dir[64];
	char path[96];
	struct loop *loop;
	struct loop_timer *patience;
	struct ctl *ctl;
	size_t large_bytes; /* what the verb "large" answers */
	unsigned calls;
	unsigned peers_open;
	bool impatient;
};

struct peer {
	struct fixture *f;
	int fd;
	struct loop_io *io;
	struct buf received;
	bool closed;
};

static int verb_echo(void *ctx, int argc, const char *const *argv,
                     struct buf *out)
{
	struct fixture *f = ctx;

	f->calls++;
	for (int i = 0; i < argc; i++)
		buf_printf(out, "[%s]", argv[i]);
	return 0;
}

static int verb_fail(void *ctx, int argc, const char *const *argv,
                     struct buf *out)
{
	return -EBUSY;
}

static int verb_explain(void *ctx, int argc, const char *const *argv,
                        struct buf *out)
{
	buf_printf(out, "aggd.conf:3: no\n");
	return -EINVAL;
}

static int verb_large(void *ctx, int argc, const char *const *argv,
                      struct buf *out)
{
	struct fixture *f = ctx;

	for (size_t i = 0; i < f->large_bytes; i += LARGE_LINE)
		if (buf_printf(out, "%*zu\n", LARGE_LINE - 1, i) < 0)
			return -ENOBUFS;
	return 0;
}

static const struct ctl_verb verbs[] = {
	{ "echo", "[WORDS]", "says the words again", verb_echo },
	{ "fail", NULL, "always fails", verb_fail },
	{ "explain", NULL, "fails and says why", verb_explain },
	{ "large", NULL, "answers much", verb_large },
	{ NULL },
};

static void on_impatient(void *ctx)
{
	struct fixture *f = ctx;

	f->impatient = true;
	loop_stop(f->loop);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/ctl_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/aggd.sock", f->dir);
	f->loop = loop_create();
	assert_non_null(f->loop);
	f->patience = loop_timer_create(f->loop, on_impatient, f);
	f->ctl = ctl_create(f->loop, f->path, verbs, f);
	assert_non_null(f->ctl);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ctl_destroy(f->ctl);
	loop_timer_destroy(f->patience);
	loop_destroy(f->loop);
	assert_int_equal(rmdir(f->dir), 0); /* nothing was left in it */
	free(f);
	return 0;
}

static void on_peer_ready(void *ctx, unsigned events)
{
	struct peer *p = ctx;
	uint8_t piece[65536];
	ssize_t n = recv(p->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0) {
		assert_int_equal(buf_put(&p->received, piece, (size_t)n), 0);
		return;
	}
	p->closed = true;
	loop_io_want(p->io, 0);
	if (!--p->f->peers_open)
		loop_stop(p->f->loop);
}

static void peer_open(struct peer *p, struct fixture *f)
{
	*p = (struct peer){ .f = f };
	buf_init(&p->received, RECEIVED_MAX);
	p->fd = ctl_socket_connect(f->path, 10);
	assert_true(p->fd >= 0);
	p->io = loop_io_create(f->loop, p->fd, LOOP_READ, on_peer_ready, p);
	assert_non_null(p->io);
	f->peers_open++;
}

static void peer_send(struct peer *p, const char *bytes, size_t n)
{
	assert_int_equal(send(p->fd, bytes, n, MSG_NOSIGNAL), n);
}

static void peer_close(struct peer *p)
{
	loop_io_destroy(p->io);
	if (p->fd >= 0)
		close(p->fd);
	buf_finish(&p->received);
}

/* Runs until the server has closed all peers. */
static void run(struct fixture *f)
{
	loop_timer_arm(f->patience, loop_now_us(f->loop) + PATIENCE_US);
	loop_run(f->loop);
	loop_timer_disarm(f->patience);
	assert_false(f->impatient);
}

static void assert_received(struct peer *p, const char *text)
{
	assert_true(p->closed);
	assert_int_equal(buf_put(&p->received, "", 1), 0);
	assert_string_equal((const char *)buf_head(&p->received), text);
}

static void check_bytes(struct fixture *f, const char *bytes, size_t n,
                        const char *answer)
{
	struct peer p;

	peer_open(&p, f);
	peer_send(&p, bytes, n);
	run(f);
	assert_received(&p, answer);
	peer_close(&p);
}

static void check(struct fixture *f, const char *request, const char *answer)
{
	check_bytes(f, request, strlen(request), answer);
}

static void words_reach_the_handler(void **state)
{
	check(*state, "echo a --json  b\t\r\n", "ok\n[echo][a][--json][b]");
	check(*state, "echo\nand more\n", "ok\n[echo]");
}

static void request_may_come_in_pieces(void **state)
{
	struct fixture *f = *state;
	struct peer slow, quick;

	peer_open(&slow, f);
	peer_send(&slow, "ec", 2);
	f->peers_open--; /* so that the run ends with the quick one */
	peer_open(&quick, f);
	peer_send(&quick, "echo 1\n", 7);
	run(f);
	assert_received(&quick, "ok\n[echo][1]");
	assert_false(slow.closed);
	f->peers_open++;
	peer_send(&slow, "ho 2\n", 5);
	run(f);
	assert_received(&slow, "ok\n[echo][2]");
	peer_close(&slow);
	peer_close(&quick);
}

static void refusals_say_why(void **state)
{
	char busy[128];

	snprintf(busy, sizeof(busy), "no\n%s\n", strerror(EBUSY)); /* each libc's words */
	check(*state, "fail\n", busy);
	check(*state, "explain\n", "no\naggd.conf:3: no\n");
	check(*state, "fail now\n", "no\nfail takes no words\n");
	check(*state, "stats\n", "no\nunknown command; allowed here: echo, "
	      "fail, explain, large, help\n");
	check(*state, "\n", "no\nunknown command; allowed here: echo, "
	      "fail, explain, large, help\n");
	check(*state, "help\n", "ok\necho [WORDS]: says the words again\n"
	      "fail: always fails\nexplain: fails and says why\n"
	      "large: answers much\nhelp: this list\n");
}

static void bad_requests_are_refused(void **state)
{
	char words[] = "echo 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n";
	char full[CTL_REQUEST_MAX];

	check_bytes(*state, "echo\0x\n", 7,
	            "no\ncontrol characters in the request\n");
	check(*state, "echo \x1b[2J\n", "no\ncontrol characters in the request\n");
	check(*state, words, "no\ntoo many words in the request\n");
	memset(full, 'a', sizeof(full));
	check_bytes(*state, full, sizeof(full), "no\nthe request is too long\n");
	memcpy(full, "echo ", 5);
	full[sizeof(full) - 1] = '\n';
	struct fixture *f = *state;
	unsigned before = f->calls;
	struct peer p;
	peer_open(&p, f);
	peer_send(&p, full, sizeof(full)); /* the longest that is allowed */
	run(f);
	assert_int_equal(f->calls, before + 1);
	peer_close(&p);
}

static void half_a_request_is_closed(void **state)
{
	struct fixture *f = *state;
	struct peer p;

	peer_open(&p, f);
	peer_send(&p, "ec", 2);
	assert_int_equal(shutdown(p.fd, SHUT_WR), 0);
	run(f);
	assert_received(&p, "");
	peer_close(&p);
}

/* Whatever comes, the next one is served. */
static void noise_does_no_harm(void **state)
{
	struct rand rand = { 1 };
	char noise[600];

	for (int round = 0; round < 200; round++) {
		size_t n = 1 + rand_below(&rand, sizeof(noise) - 1);
		struct peer p;
		for (size_t i = 0; i < n; i++)
			noise[i] = (char)rand_u64(&rand);
		noise[n - 1] = '\n';
		peer_open(&p, *state);
		peer_send(&p, noise, n);
		run(*state);
		assert_true(p.received.len >= 3);
		assert_memory_equal(buf_head(&p.received), "no\n", 3);
		peer_close(&p);
	}
	check(*state, "echo\n", "ok\n[echo]");
}

static void silent_clients_are_told_and_closed(void **state)
{
	struct fixture *f = *state;
	uint64_t before_us = loop_now_us(f->loop);

	check(f, "echo", "no\nthe request did not come in time\n");
	assert_true(loop_now_us(f->loop) - before_us >= CTL_REQUEST_US_MAX / 2);
}

static void one_client_too_many_is_refused(void **state)
{
	struct fixture *f = *state;
	struct peer peers[CTL_CLIENTS_MAX], extra;

	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		peer_open(&peers[i], f);
	f->peers_open = 0;
	peer_open(&extra, f);
	run(f);
	assert_received(&extra, "no\ntoo many clients at once\n");
	peer_close(&extra);
	f->peers_open = CTL_CLIENTS_MAX;
	for (int i = 0; i < CTL_CLIENTS_MAX; i++)
		peer_send(&peers[i], "echo\n", 5);
	run(f);
	for (int i = 0; i < CTL_CLIENTS_MAX; i++) {
		assert_received(&peers[i], "ok\n[echo]");
		peer_close(&peers[i]);
	}
}

static void largest_answer_is_whole(void **state)
{
	struct fixture *f = *state;
	struct peer p;
	char line[LARGE_LINE + 1];

	f->large_bytes = CTL_ANSWER_MAX - LARGE_LINE;
	peer_open(&p, f);
	peer_send(&p, "large\n", 6);
	run(f);
	assert_int_equal(p.received.len, f->large_bytes + 3);
	for (size_t i = 0; i < f->large_bytes; i += LARGE_LINE) {
		snprintf(line, sizeof(line), "%*zu\n", LARGE_LINE - 1, i);
		assert_memory_equal(buf_head(&p.received) + 3 + i, line,
		                    LARGE_LINE);
	}
	peer_close(&p);
	f->large_bytes = CTL_ANSWER_MAX + LARGE_LINE;
	check(f, "large\n", "no\nthe answer is larger than 16777216 bytes\n");
}

static void who_does_not_read_is_closed(void **state)
{
	struct fixture *f = *state;
	struct peer lazy, prompt;

	f->large_bytes = CTL_ANSWER_MAX - LARGE_LINE;
	peer_open(&lazy, f);
	loop_io_want(lazy.io, 0);
	peer_send(&lazy, "large\n", 6);
	f->peers_open = 0;
	/* Others are served meanwhile. Three clients that say nothing last
	 * longer than the lazy one may. */
	peer_open(&prompt, f);
	peer_send(&prompt, "echo\n", 5);
	run(f);
	assert_received(&prompt, "ok\n[echo]");
	peer_close(&prompt);
	for (uint64_t us = 0; us <= CTL_STALL_US_MAX; us += CTL_REQUEST_US_MAX)
		check(f, "echo", "no\nthe request did not come in time\n");
	loop_io_want(lazy.io, LOOP_READ);
	f->peers_open = 1;
	run(f);
	assert_true(lazy.closed);
	assert_true(lazy.received.len < f->large_bytes);
	peer_close(&lazy);
}

static void vanished_clients_do_no_harm(void **state)
{
	struct fixture *f = *state;
	struct peer p;

	f->large_bytes = CTL_ANSWER_MAX - LARGE_LINE;
	for (int i = 0; i < CTL_CLIENTS_MAX / 2; i++) {
		peer_open(&p, f);
		peer_send(&p, "large\n", 6);
		peer_close(&p);
	}
	f->peers_open = 0;
	check(f, "echo\n", "ok\n[echo]");
}

static void socket_has_its_mode(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void live_socket_is_not_stolen(void **state)
{
	struct fixture *f = *state;

	assert_null(ctl_create(f->loop, f->path, verbs, f));
	assert_int_equal(errno, EADDRINUSE);
	assert_non_null(strstr(ctl_create_text(EADDRINUSE), "another daemon"));
	check(f, "echo\n", "ok\n[echo]");
}

static void stale_socket_is_replaced(void **state)
{
	struct fixture *f = *state;
	char dead[128];

	/* A crash: the name stays, nobody listens. */
	snprintf(dead, sizeof(dead), "%s.dead", f->path);
	assert_int_equal(rename(f->path, dead), 0);
	ctl_destroy(f->ctl);
	assert_int_equal(rename(dead, f->path), 0);
	f->ctl = ctl_create(f->loop, f->path, verbs, f);
	assert_non_null(f->ctl);
	check(f, "echo\n", "ok\n[echo]");
}

/* /run/aggd.sock leads into the daemon's own directory, and stays a link. */
static void a_link_leads_to_the_place(void **state)
{
	struct fixture *f = *state;
	char link[128], place[CTL_PATH_MAX + 1], want[128];
	struct stat st;

	snprintf(link, sizeof(link), "%s/link", f->dir);
	snprintf(want, sizeof(want), "%s/own/real.sock", f->dir);
	assert_int_equal(symlink("own/real.sock", link), 0);
	assert_int_equal(ctl_socket_place(link, place), 0);
	assert_string_equal(place, want);
	for (int i = 0; i < 2; i++) { /* the second finds the link still there */
		struct ctl *ctl = ctl_create(f->loop, link, verbs, f);
		assert_non_null(ctl);
		assert_int_equal(lstat(want, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		ctl_destroy(ctl);
		assert_int_equal(lstat(want, &st), -1);
		assert_int_equal(lstat(link, &st), 0);
		assert_true(S_ISLNK(st.st_mode));
	}
	snprintf(want, sizeof(want), "%s/own", f->dir);
	assert_int_equal(rmdir(want), 0);
	assert_int_equal(unlink(link), 0);
	assert_int_equal(symlink("/own/real.sock", link), 0);
	assert_int_equal(ctl_socket_place(link, place), 0);
	assert_string_equal(place, "/own/real.sock");
	assert_int_equal(unlink(link), 0);
	/* A stranger's is no link to follow, where the test may make one. */
	if (geteuid() == 0) {
		assert_int_equal(symlink("own/real.sock", link), 0);
		assert_int_equal(lchown(link, 65534, 65534), 0);
		assert_int_equal(ctl_socket_place(link, place), 0);
		assert_string_equal(place, link);
		assert_null(ctl_create(f->loop, link, verbs, f));
		assert_int_equal(errno, EEXIST);
		assert_non_null(strstr(ctl_create_text(EEXIST), "something else"));
		assert_int_equal(unlink(link), 0);
	}
}

static void other_files_are_left_alone(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/file", f->dir);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_null(ctl_create(f->loop, path, verbs, f));
	assert_int_equal(errno, EEXIST);
	assert_int_equal(unlink(path), 0);
}

static void directories_are_made(void **state)
{
	struct fixture *f = *state;
	char path[128], dir[128];

	snprintf(path, sizeof(path), "%s/a/b/aggd.sock", f->dir);
	struct ctl *other = ctl_create(f->loop, path, verbs, f);
	assert_non_null(other);
	ctl_destroy(other);
	assert_int_equal(access(path, F_OK), -1);
	snprintf(dir, sizeof(dir), "%s/a/b", f->dir);
	assert_int_equal(rmdir(dir), 0);
	snprintf(dir, sizeof(dir), "%s/a", f->dir);
	assert_int_equal(rmdir(dir), 0);
}

static void long_paths_are_refused(void **state)
{
	struct fixture *f = *state;
	char path[CTL_PATH_MAX + 2];

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = 0;
	assert_null(ctl_create(f->loop, path, verbs, f));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_null(ctl_create(f->loop, "", verbs, f));
	assert_int_equal(errno, EINVAL);
}

/* Another daemon's socket at our path is not ours to remove. */
static void only_our_socket_is_removed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->path), 0);
	struct ctl *other = ctl_create(f->loop, f->path, verbs, f);
	assert_non_null(other);
	ctl_destroy(f->ctl);
	assert_int_equal(access(f->path, F_OK), 0);
	f->ctl = other;
	check(f, "echo\n", "ok\n[echo]");
}

static void on_looked(void *ctx)
{
	struct fixture *f = ctx;

	loop_stop(f->loop);
}

static void removed_socket_is_made_again(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *timer = loop_timer_create(f->loop, on_looked, f);

	for (int i = 0; i < 2; i++) {
		assert_int_equal(unlink(f->path), 0);
		loop_timer_arm(timer, loop_now_us(f->loop) +
		               CTL_LOOK_US * 3 / 2);
		loop_run(f->loop);
		check(f, "echo\n", "ok\n[echo]");
	}
	loop_timer_destroy(timer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_reach_the_handler),
		TEST(request_may_come_in_pieces),
		TEST(refusals_say_why),
		TEST(bad_requests_are_refused),
		TEST(half_a_request_is_closed),
		TEST(noise_does_no_harm),
		TEST(silent_clients_are_told_and_closed),
		TEST(one_client_too_many_is_refused),
		TEST(largest_answer_is_whole),
		TEST(who_does_not_read_is_closed),
		TEST(vanished_clients_do_no_harm),
		TEST(socket_has_its_mode),
		TEST(live_socket_is_not_stolen),
		TEST(stale_socket_is_replaced),
		TEST(a_link_leads_to_the_place),
		TEST(other_files_are_left_alone),
		TEST(directories_are_made),
		TEST(long_paths_are_refused),
		TEST(only_our_socket_is_removed),
		TEST(removed_socket_is_made_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
