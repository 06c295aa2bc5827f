/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl's verbs that are the daemon's: one request at its control socket,
 * whose answer is shown as it is; and what other verbs ask it by.
 */
#include "agg/ctl/aggctl.h"

#include "agg/base/columns.h"
#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/ctl/screen.h"
#include "agg/report/human.h"

#include <unistd.h>

#define WATCH_S 1

static int refuse(const struct aggctl_options *options, int err)
{
	struct buf text;

	buf_init(&text, AGGCTL_EXPLAIN_MAX);
	ctl_explain(options->socket, err, &text);
	aggctl_say(options, stderr, "aggctl: ", &text);
	buf_finish(&text);
	return EXIT_NO_DAEMON;
}

int aggctl_request(const struct aggctl_options *options, int count,
                   const char *const *words, int *number, struct buf *out)
{
	int status = 0;
	int err = ctl_request(options->socket, count, words, &status, out);

	if (err)
		return refuse(options, err);
	if (number)
		*number = status;
	if (status != CTL_REFUSED)
		return EXIT_DONE;
	aggctl_say(options, stderr, "aggctl: ", out);
	return EXIT_REFUSED;
}

/* A report for people, which needs to know how wide its terminal is. */
static bool is_table(const struct aggctl_options *options)
{
	return options->verb->takes & TAKES_JSON;
}

/* What the daemon is asked: the words, then what the options say. */
static int gather_words(const struct aggctl_options *options,
                        const char *const *argv, char width[HUMAN_MAX],
                        const char *words[CTL_WORDS_MAX])
{
	int n = 0;

	for (; argv[n] && n < CTL_WORDS_MAX - 4; n++)
		words[n] = argv[n];
	if (options->level)
		words[n++] = options->level;
	if (options->json)
		words[n++] = "--json";
	else if (options->metrics)
		words[n++] = "--metrics";
	else if (options->width && is_table(options)) {
		snprintf(width, HUMAN_MAX, "%u", options->width);
		words[n++] = "--width";
		words[n++] = width;
	}
	if (options->class) {
		words[n++] = "--class";
		words[n++] = options->class;
	}
	return n;
}

static void show(const struct aggctl_options *options, const struct buf *answer)
{
	const char *text = (const char *)buf_head(answer);

	if (!is_table(options))
		aggctl_say(options, stdout, "", answer);
	else if (options->watch && isatty(STDOUT_FILENO))
		screen_draw(text, answer->len, screen_has_colours());
	else if (!options->json && !options->metrics && screen_has_colours())
		screen_paint(stdout, text, answer->len);
	else
		fwrite(text, 1, answer->len, stdout);
	fflush(stdout);
}

/* How it went: an exit status. Into *after what it is in the end, if that is all. */
static int ask_once(const struct aggctl_options *options,
                    const char *const *argv, int *after)
{
	const char *words[CTL_WORDS_MAX];
	char width[HUMAN_MAX];
	int count = gather_words(options, argv, width, words);
	struct buf answer;
	int number = 0;

	buf_init(&answer, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int status = aggctl_request(options, count, words, &number, &answer);
	if (status == EXIT_DONE)
		show(options, &answer);
	buf_finish(&answer);
	/* A program reads the state, and fails where it cannot. */
	bool tells = !options->json && !options->metrics;
	*after = status ? status : tells ? EXIT_OF_ANSWER(number) : EXIT_DONE;
	return status;
}

static int watch(const struct aggctl_options *options, const char *const *words)
{
	struct aggctl_options now = *options;
	int status, after;

	screen_begin();
	do {
		now.width = columns_of_terminal(); /* it may have another size */
		status = ask_once(&now, words, &after);
	} while (!status && !ferror(stdout) && screen_wait(WATCH_S));
	screen_end();
	return after;
}

int verb_ask(const struct aggctl_options *options, const char *const *words)
{
	int after;

	if (options->watch)
		return watch(options, words);
	ask_once(options, words, &after);
	return after;
}
