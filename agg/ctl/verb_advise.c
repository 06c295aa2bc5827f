/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl advise: asks the daemon once, and then simulates here.
 */
#include "agg/ctl/aggctl.h"

#include "agg/ctl/advice.h"
#include "agg/ctl/ctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ADVISE_NICE 10 /* the daemon, and all others, come first */
#define PROGRESS_WIDTH 28

static void show_progress(void *ctx, unsigned done, unsigned of)
{
	fprintf(stderr, "\rsimulating: %u of %u ", done + 1, of);
}

static int advise_on(const struct aggctl_options *options,
                     struct measured *measured)
{
	struct advise_result *result = calloc(1, sizeof(*result));
	struct conf_error error = { .text = "" };
	struct buf out;

	buf_init(&out, ADVICE_TEXT_MAX);
	if (isatty(STDERR_FILENO))
		measured->question.on_progress = show_progress;
	int err = result ? advise(&measured->question, result, &error) : -ENOMEM;
	if (measured->question.on_progress)
		fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
	if (!err)
		err = options->json ? advice_json(measured, result, &out)
		                    : advice_text(measured, result,
		                                  options->width, &out);
	if (err)
		fprintf(stderr, "aggctl: no advice: %s\n",
		        *error.text ? error.text : strerror(-err));
	else
		fwrite(buf_head(&out), 1, out.len, stdout);
	buf_finish(&out);
	free(result);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

static int play(const struct measured *measured)
{
	struct conf_error error = { .text = "" };
	int err = advise_film(&measured->question, stdout, &error);

	if (err)
		fprintf(stderr, "aggctl: no advice: %s\n",
		        *error.text ? error.text : strerror(-err));
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/* The daemon's status into out, ended by a NUL: an exit status. */
static int ask_status(const struct aggctl_options *options, struct buf *out)
{
	static const char *const words[] = { "status", "--json" };
	int status = aggctl_request(options, 2, words, NULL, out);

	return !status && buf_put(out, "", 1) ? EXIT_REFUSED : status;
}

int verb_advise(const struct aggctl_options *options, const char *const *words)
{
	struct measured *measured = calloc(1, sizeof(*measured));
	struct buf text;

	buf_init(&text, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int status = measured ? ask_status(options, &text) : EXIT_REFUSED;
	if (status == EXIT_DONE &&
	    measured_read((const char *)buf_head(&text), words[1], measured)) {
		aggctl_complain(options, "%s\n", measured->why);
		status = EXIT_REFUSED;
	}
	if (status == EXIT_DONE) {
		setpriority(PRIO_PROCESS, 0, ADVISE_NICE);
		status = options->html ? play(measured)
		                       : advise_on(options, measured);
	}
	buf_finish(&text);
	free(measured);
	return status;
}
