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
#include "agg/report/human.h"

#include <unistd.h>

#define WATCH_S 1
#define CLEAR_SCREEN "\033[H\033[J" /* ECMA-48: home, erase to the end */

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
                   const char *const *words, struct buf *out)
{
	bool ok = false;
	int err = ctl_request(options->socket, count, words, &ok, out);

	if (err)
		return refuse(options, err);
	if (ok)
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

	for (; argv[n] && n < CTL_WORDS_MAX - 3; n++)
		words[n] = argv[n];
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
	if (options->watch && isatty(STDOUT_FILENO))
		fputs(CLEAR_SCREEN, stdout);
	if (is_table(options))
		fwrite(buf_head(answer), 1, answer->len, stdout);
	else
		aggctl_say(options, stdout, "", answer);
	fflush(stdout);
}

static int ask_once(const struct aggctl_options *options,
                    const char *const *argv)
{
	const char *words[CTL_WORDS_MAX];
	char width[HUMAN_MAX];
	int count = gather_words(options, argv, width, words);
	struct buf answer;

	buf_init(&answer, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int status = aggctl_request(options, count, words, &answer);
	if (status == EXIT_DONE)
		show(options, &answer);
	buf_finish(&answer);
	return status;
}

int verb_ask(const struct aggctl_options *options, const char *const *words)
{
	struct aggctl_options now = *options;
	int status;

	do {
		status = ask_once(&now, words);
		now.width = columns_of_terminal(); /* it may have another size */
	} while (!status && options->watch && !ferror(stdout) &&
	         !sleep(WATCH_S));
	return status;
}
