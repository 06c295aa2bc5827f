/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see verbs_job.h. An invitation goes to aggctl by its standard input, as
 * words are to be seen by all users of the host.
 */
#include "agg/role/verbs_job.h"

#include "agg/kernel/job.h"
#include "agg/role/verbs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRAM "aggctl"
#define WORDS_MAX 10
#define TIMEOUT_US 180000000u
#define OUTPUT_MAX (8u << 20)

static const struct kind {
	const char *name;
	const char *words[4];
	bool takes_config, takes_input, takes_word;
	int good_max;       /* exit statuses that are an answer */
	enum conf_role role; /* of whom, where it is of one alone */
	bool of_one;
} kinds[VERBS_JOBS] = {
	{ "join", { "join", "-", "--yes" }, true, true,
	  .role = CONF_ROLE_GATEWAY, .of_one = true },
	{ "doctor", { "doctor", "--json" }, true, .good_max = 1 },
	{ "bugreport", { "bugreport", "-" }, true },
	{ "advise", { "advise", "--json" }, .takes_word = true },
	{ "film", { "advise", "--html" }, .takes_word = true },
};

static unsigned find_kind(const char *name)
{
	unsigned i = 0;

	while (i < VERBS_JOBS - 1 && strcmp(kinds[i].name, name))
		i++;
	return i;
}

/* The one beside this program, or where programs for users are; else by PATH. */
static const char *find_program(char path[PATH_MAX])
{
	static const char *const beside[] = { "/" PROGRAM, "/../bin/" PROGRAM };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = 0;
	char *slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(beside) / sizeof(*beside); i++) {
		int len = snprintf(path, PATH_MAX, "%.*s%s", (int)(slash - self),
		                   self, beside[i]);
		if (len > 0 && len < PATH_MAX && !access(path, X_OK))
			return path;
	}
	return PROGRAM;
}

static struct job *run(struct verbs *v, const struct kind *kind,
                       const char *word)
{
	const struct role *role = v->args.role;
	const char *argv[WORDS_MAX + 1] = { NULL };
	char program[PATH_MAX];
	unsigned n = 0;

	argv[n++] = find_program(program);
	argv[n++] = "-s";
	argv[n++] = role->conf->main.control;
	if (kind->takes_config && role->pairing) {
		argv[n++] = "-c";
		argv[n++] = role->pairing->config;
	}
	for (unsigned i = 0; kind->words[i]; i++)
		argv[n++] = kind->words[i];
	if (word && kind->takes_word)
		argv[n++] = word;
	const char *input = word && kind->takes_input ? word : "";
	const struct job_args args = {
		.loop = role->loop, .argv = argv, .input = input,
		.input_len = strlen(input), .timeout_us = TIMEOUT_US,
		.output_max = OUTPUT_MAX,
	};
	return job_start(&args);
}

static int start(struct verbs *v, unsigned at, const char *word,
                 struct buf *out)
{
	const struct kind *kind = &kinds[at];

	if (kind->of_one && v->args.role->conf->main.role != kind->role) {
		buf_printf(out, "%s is for the gateway; this is a concentrator\n",
		           kind->name);
		return -EINVAL;
	}
	if (kind->takes_input != !!word && !kind->takes_word) {
		buf_printf(out, kind->takes_input ? "an invitation is needed\n"
		                                  : "it takes no more words\n");
		return -EINVAL;
	}
	if (v->jobs[at] && !job_is_over(v->jobs[at])) {
		buf_printf(out, "that is under way already\n");
		return -EBUSY;
	}
	job_destroy(v->jobs[at]);
	v->jobs[at] = run(v, kind, word);
	if (v->jobs[at])
		return 0;
	int err = -errno;
	buf_printf(out, PROGRAM ": %s\n", strerror(-err));
	return err;
}

/* 1: it is under way; 0: what it says is the answer. */
static int show(const struct verbs *v, unsigned at, struct buf *out)
{
	const struct job *job = v->jobs[at];

	if (!job) {
		buf_printf(out, "that was not begun\n");
		return -ENOENT;
	}
	const struct buf *said = job_output(job);
	int err = buf_put(out, buf_head(said), said->len);
	if (err || !job_is_over(job))
		return err ? err : 1;
	int status = job_status(job);
	if (status == -ETIMEDOUT)
		buf_printf(out, "it took more than %u s, and was ended\n",
		           TIMEOUT_US / 1000000);
	return status < 0 ? status : status <= kinds[at].good_max ? 0 : -EIO;
}

int verbs_job(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	struct verbs *v = ctx;
	unsigned at = find_kind(argv[0]);

	if ((argc == 2 || argc == 3) && !strcmp(argv[1], "start") &&
	    (argc == 2 || *argv[2] != '-'))
		return start(v, at, argc == 3 ? argv[2] : NULL, out);
	if (argc == 2 && !strcmp(argv[1], "show"))
		return show(v, at, out);
	buf_printf(out, "allowed: %s start%s, %s show\n", argv[0],
	           kinds[at].takes_input ? " TOKEN" :
	           kinds[at].takes_word ? " [SITE]" : "", argv[0]);
	return -EINVAL;
}

void verbs_job_finish(struct verbs *v)
{
	for (unsigned i = 0; i < VERBS_JOBS; i++) {
		job_destroy(v->jobs[i]);
		v->jobs[i] = NULL;
	}
}
