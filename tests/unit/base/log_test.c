/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what arrives on stderr. Stderr is a temporary file meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX (1 << 20)
#define FLOOD 1000
#define UNREAD 20000 /* lines: more than any buffer has */

struct capture {
	FILE *file;
	int stderr_fd;
	char text[TEXT_MAX];
};

static int begin(void **state)
{
	static struct capture c;

	memset(&c, 0, sizeof(c));
	unsetenv("JOURNAL_STREAM");
	log_set_level(LOG_LEVEL_INFO);
	fflush(stderr);
	c.stderr_fd = dup(STDERR_FILENO);
	c.file = tmpfile();
	assert_non_null(c.file);
	assert_true(dup2(fileno(c.file), STDERR_FILENO) >= 0);
	*state = &c;
	return 0;
}

static int end(void **state)
{
	struct capture *c = *state;

	unsetenv("JOURNAL_STREAM");
	fflush(stderr);
	if (c->stderr_fd >= 0) {
		dup2(c->stderr_fd, STDERR_FILENO);
		close(c->stderr_fd);
		c->stderr_fd = -1;
		fclose(c->file);
	}
	return 0;
}

/* Gives stderr back and returns what went to it. */
static const char *captured(void **state)
{
	struct capture *c = *state;

	fflush(stderr);
	rewind(c->file);
	c->text[fread(c->text, 1, TEXT_MAX - 1, c->file)] = 0;
	end(state);
	return c->text;
}

static unsigned lines_with(const char *text, const char *word)
{
	unsigned n = 0;

	while ((text = strstr(text, word))) {
		n++;
		text += strlen(word);
	}
	return n;
}

static void a_line_says_whose_fault_it_is(void **state)
{
	log_user("key %s", "carrier");
	log_sys("cannot bind");
	log_bug("negative credit");
	log_info("started");
	assert_string_equal(captured(state),
		"aggd: error: key carrier\n"
		"aggd: warning: system: cannot bind\n"
		"aggd: error: bug: negative credit\n"
		"aggd: info: started\n");
}

static void the_level_decides(void **state)
{
	assert_false(log_debugging());
	log_debug("unseen");
	log_set_level(LOG_LEVEL_ERROR);
	log_info("unseen");
	log_sys("unseen");
	log_user("seen");
	log_set_level(LOG_LEVEL_DEBUG);
	assert_true(log_debugging());
	log_debug("seen");
	assert_string_equal(captured(state),
	                    "aggd: error: seen\naggd: debug: seen\n");
}

static void the_journal_gets_its_prefix(void **state)
{
	setenv("JOURNAL_STREAM", "8:12345", 1);
	log_user("a");
	log_sys("b");
	log_info("c");
	assert_string_equal(captured(state), "<3>a\n<4>system: b\n<6>c\n");
}

static void a_long_line_is_cut_and_still_one_line(void **state)
{
	char word[5000];

	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = 0;
	log_info("%s", word);
	const char *text = captured(state);
	assert_int_equal(lines_with(text, "\n"), 1);
	assert_true(strlen(text) < 1200);
	assert_int_equal(text[strlen(text) - 1], '\n');
}

/* A peer's own words are not lines of ours. */
static void nobody_forges_a_line(void **state)
{
	log_info("closed by peer: %s", "bye\naggd: info: all is well\x1b[2J\xff");
	assert_string_equal(captured(state),
		"aggd: info: closed by peer: "
		"bye\\x0aaggd: info: all is well\\x1b[2J\\xff\n");
}

/* Stderr is that descriptor now; the file of before is kept for the end. */
static void to_stderr(struct capture *c, int fd)
{
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	close(fd);
}

/* All there is to be read without waiting. */
static size_t drain(int fd, char *text)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n < TEXT_MAX - 1 && poll(&ready, 1, 0) > 0) {
		ssize_t got = read(fd, text + n, TEXT_MAX - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	text[n] = 0;
	return n;
}

/* The test would hang where a line waits. Every line that was not lost is
 * whole, and those that were are counted. */
static void check_unread(void **state, int reader, int writer)
{
	struct capture *c = *state;
	int flags = fcntl(writer, F_GETFL);
	unsigned lost, arrived;

	assert_true(flags >= 0 && !(flags & O_NONBLOCK));
	to_stderr(c, dup(writer));
	alarm(60);
	for (int i = 0; i < UNREAD; i++)
		log_info("line %d of many, to fill what is between us", i);
	assert_int_equal(fcntl(writer, F_GETFL), flags); /* others' too */
	drain(reader, c->text);
	arrived = lines_with(c->text, "between us\n");
	assert_int_equal(arrived, lines_with(c->text, "\n"));
	assert_in_range(arrived, 1, UNREAD - 1);
	log_info("last");
	alarm(0);
	drain(reader, c->text);
	const char *told = strstr(c->text, "aggd: warning: ");
	assert_non_null(told);
	assert_int_equal(sscanf(told, "aggd: warning: %u lines lost", &lost), 1);
	assert_int_equal(lost, UNREAD - arrived);
	assert_non_null(strstr(told, "\naggd: info: last\n"));
	close(reader);
	close(writer);
}

static void a_pipe_that_nobody_reads(void **state)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	check_unread(state, fd[0], fd[1]);
}

static void a_socket_that_nobody_reads(void **state)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	check_unread(state, fd[0], fd[1]);
}

/* A terminal may tear a line; only that it does not wait is asked for. */
static void a_terminal_that_nobody_reads(void **state)
{
	struct capture *c = *state;
	int master = posix_openpt(O_RDWR | O_NOCTTY);

	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	to_stderr(c, dup(slave));
	alarm(60);
	for (int i = 0; i < UNREAD; i++)
		log_info("line %d of many, to fill what is between us", i);
	alarm(0);
	assert_false(fcntl(slave, F_GETFL) & O_NONBLOCK);
	while (drain(master, c->text))
		;
	log_info("last");
	drain(master, c->text);
	assert_non_null(strstr(c->text, "lines lost"));
	assert_non_null(strstr(c->text, "aggd: info: last"));
	close(slave);
	close(master);
}

/* Nobody is there to read: no signal, no wait. */
static void a_reader_that_went(void **state)
{
	struct capture *c = *state;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	signal(SIGPIPE, SIG_IGN); /* as main does */
	to_stderr(c, fd[1]);
	close(fd[0]);
	log_info("unheard");
	signal(SIGPIPE, SIG_DFL);
}

static void words_of_levels(void **state)
{
	assert_int_equal(log_level_parse("error"), LOG_LEVEL_ERROR);
	assert_int_equal(log_level_parse("warning"), LOG_LEVEL_WARNING);
	assert_int_equal(log_level_parse("info"), LOG_LEVEL_INFO);
	assert_int_equal(log_level_parse("debug"), LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse("Info"), -1);
	assert_int_equal(log_level_parse(""), -1);
}

static void lines_about_peers_are_limited_and_counted(void **state)
{
	time_t begun = time(NULL);

	for (int i = 0; i < FLOOD; i++)
		log_peer("stranger %d", i);
	usleep(1200000); /* the allowance is given by the second */
	log_peer("at last");
	time_t seconds = time(NULL) - begun + 2;
	const char *text = captured(state);
	unsigned passed = lines_with(text, "peer: stranger");
	assert_true(passed >= LOG_PEER_BURST);
	assert_true(passed <= LOG_PEER_BURST + (unsigned)seconds * LOG_PEER_PER_SECOND);
	assert_int_equal(lines_with(text, "peer: at last"), 1);
	assert_non_null(strstr(text, "lines about peers left out"));
	if (passed == LOG_PEER_BURST)
		assert_non_null(strstr(text,
			"aggd: info: 980 lines about peers left out\n"
			"aggd: warning: peer: at last\n"));
}

static void the_last_lines_are_kept(void **state)
{
	struct buf text;

	for (unsigned i = 0; i < LOG_KEPT_BYTES / 10; i++)
		log_info("line %u", i);
	log_user("the end");
	buf_init(&text, LOG_KEPT_BYTES + 1);
	assert_int_equal(log_recent(&text), 0);
	assert_true(text.len <= LOG_KEPT_BYTES && text.len > LOG_KEPT_BYTES / 2);
	buf_put(&text, "", 1);
	const char *all = (const char *)buf_head(&text);
	/* Whole lines, the oldest first. */
	assert_int_equal(strspn(all, "0123456789-"), 10);
	const char *line = strstr(all, " info: line "), *last = strstr(all, "error: the end\n");
	assert_non_null(line);
	assert_non_null(last);
	assert_true(line < last && !last[15]);
	buf_finish(&text);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		ROW(a_line_says_whose_fault_it_is),
		ROW(the_level_decides),
		ROW(the_journal_gets_its_prefix),
		ROW(a_long_line_is_cut_and_still_one_line),
		ROW(nobody_forges_a_line),
		ROW(a_pipe_that_nobody_reads),
		ROW(a_socket_that_nobody_reads),
		ROW(a_terminal_that_nobody_reads),
		ROW(a_reader_that_went),
		ROW(words_of_levels),
		ROW(the_last_lines_are_kept),
		ROW(lines_about_peers_are_limited_and_counted),
	};
#undef ROW

	return cmocka_run_group_tests(tests, NULL, NULL);
}
