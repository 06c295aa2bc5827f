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

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 65536
#define FLOOD 1000

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
	assert_true(passed <= LOG_PEER_BURST + seconds * LOG_PEER_PER_SECOND);
	assert_int_equal(lines_with(text, "peer: at last"), 1);
	assert_non_null(strstr(text, "lines about peers left out"));
	if (passed == LOG_PEER_BURST)
		assert_non_null(strstr(text,
			"aggd: info: 980 lines about peers left out\n"
			"aggd: warning: peer: at last\n"));
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		ROW(a_line_says_whose_fault_it_is),
		ROW(the_level_decides),
		ROW(the_journal_gets_its_prefix),
		ROW(a_long_line_is_cut_and_still_one_line),
		ROW(words_of_levels),
		ROW(lines_about_peers_are_limited_and_counted),
	};
#undef ROW

	return cmocka_run_group_tests(tests, NULL, NULL);
}
