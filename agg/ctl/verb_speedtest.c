/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl speedtest: has the daemon begin one, asks how far it is, and shows
 * the result. When nobody asks any more it ends by itself.
 */
#include "agg/ctl/aggctl.h"

#include "agg/ctl/ctl.h"
#include "agg/report/human.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS 300000000 /* between two questions */
#define PROGRESS_WIDTH 50

/* "dsl, down (1 of 6)" in one place. */
static void show_progress(const struct buf *text)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%-*.*s", PROGRESS_WIDTH,
		        (int)(text->len ? text->len - 1 : 0),
		        (const char *)buf_head(text));
}

static void end_progress(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
}

/* An answer's number is 1 while it runs. */
static int ask_for_it(const struct aggctl_options *options, int *runs)
{
	char width[HUMAN_MAX];
	const char *words[] = { "speedtest", "show",
		options->json ? "--json" : "--width", width };
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	struct buf text;

	snprintf(width, sizeof(width), "%u", options->width);
	buf_init(&text, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int status = aggctl_request(options, options->json ? 3 : 4, words, runs,
	                            &text);
	if (!status && *runs) {
		show_progress(&text);
		nanosleep(&pause, NULL);
	} else if (!status) {
		end_progress();
		fwrite(buf_head(&text), 1, text.len, stdout);
	}
	buf_finish(&text);
	return status;
}

int verb_speedtest(const struct aggctl_options *options,
                   const char *const *words)
{
	const char *begin[] = { "speedtest", "start", words[1] };
	struct buf text;
	int runs = 0;

	buf_init(&text, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int status = aggctl_request(options, words[1] ? 3 : 2, begin, NULL, &text);
	buf_finish(&text);
	do {
		status = status ? status : ask_for_it(options, &runs);
	} while (!status && runs);
	return status;
}
