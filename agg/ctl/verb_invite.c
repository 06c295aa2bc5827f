/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: setup, invite, revoke and rename: with the daemon where it runs, and on its
 * files where it does not. What a program wants, a token, is on stdout alone; what
 * is said to a person beside it is on stderr. So this works, too:
 *
 *     ssh vps aggctl invite home | aggctl join - --yes
 */
#include "agg/ctl/aggctl.h"
#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/ctl/starting.h"
#include "agg/pair/pairing.h"
#include "agg/pair/qr.h"
#include "agg/pair/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QR_BYTES_MAX (256 * 1024)

static int is_nobody(int err)
{
	return err == -ENOENT || err == -ECONNREFUSED || err == -ENOTDIR;
}

static int on_files(const struct aggctl_options *o, int argc,
                    const char *const *argv, struct buf *out)
{
	const struct pairing pairing = { .config = o->config };
	struct conf_error error = { "" };
	struct conf *conf = NULL;
	int err = conf_load(o->config, NULL, &conf, &error);

	if (err) {
		buf_printf(out, "%s\n", error.text);
		if (err == -ENOENT)
			buf_printf(out, "'aggctl setup' makes a concentrator's "
			           "configuration\n");
		return err;
	}
	if (conf->main.role != CONF_ROLE_CONCENTRATOR) {
		buf_printf(out, "%s is a gateway's; %s is for the concentrator\n",
		           o->config, argv[0]);
		err = -EINVAL;
	} else if (!strcmp(argv[0], "invite")) {
		err = pairing_invite(&pairing, conf, (uint64_t)time(NULL), argc,
		                     argv, out);
	} else if (!strcmp(argv[0], "revoke")) {
		err = pairing_revoke(&pairing, conf, (uint64_t)time(NULL), argc,
		                     argv, out);
	} else {
		err = pairing_rename(&pairing, conf, argc, argv, out);
	}
	conf_free(conf);
	return err;
}

static int count_of(const char *const *words)
{
	int n = 0;

	while (words[n])
		n++;
	return n;
}

/* The answer into out; an exit status. */
static int request(const struct aggctl_options *o, int argc,
                   const char *const *argv, struct buf *out)
{
	int answer = 0;
	int err = ctl_request(o->socket, argc, argv, &answer, out);

	if (!err)
		return answer == CTL_REFUSED ? EXIT_REFUSED : EXIT_DONE;
	if (is_nobody(err))
		return on_files(o, argc, argv, out) ? EXIT_REFUSED : EXIT_DONE;
	ctl_explain(o->socket, err, out);
	return EXIT_NO_DAEMON;
}

int verb_change(const struct aggctl_options *o, const char *const *words)
{
	struct buf out;

	buf_init(&out, CTL_ANSWER_MAX);
	int status = request(o, count_of(words), words, &out);
	if (status == EXIT_DONE)
		aggctl_say(o, stdout, "", &out);
	else
		aggctl_say(o, stderr, "aggctl: ", &out);
	buf_finish(&out);
	return status;
}

/* Inviting --------------------------------------------------------------------------- */

static void draw(const struct aggctl_options *o, const char *token)
{
	struct buf out;

	if (!isatty(STDOUT_FILENO))
		return;
	buf_init(&out, QR_BYTES_MAX);
	if (!qr_print(token, o->width, &out)) {
		putchar('\n');
		fwrite(buf_head(&out), 1, out.len, stdout);
	}
	fflush(stdout);
	buf_finish(&out);
}

/* The token on stdout, the rest on stderr. */
static void show_invitation(const struct aggctl_options *o, struct buf *answer)
{
	size_t n = strcspn((const char *)buf_head(answer), "\n");
	char *token = strndup((const char *)buf_head(answer), n);
	struct buf notes;

	buf_take(answer, n + 1 < answer->len ? n + 1 : answer->len);
	buf_init(&notes, CTL_REQUEST_MAX);
	buf_printf(&notes, "On the gateway: sudo aggctl join, and this behind "
	           "it:\n");
	aggctl_say(o, stderr, "", &notes);
	puts(token ? token : "");
	fflush(stdout);
	draw(o, token ? token : "");
	aggctl_say(o, stderr, "", answer);
	buf_finish(&notes);
	free(token);
}

static int invite_site(const struct aggctl_options *o, const char *site)
{
	const char *argv[CTL_WORDS_MAX] = { "invite" };
	struct buf out;
	int argc = 1;

	if (site)
		argv[argc++] = site;
	if (o->valid) {
		argv[argc++] = "--for";
		argv[argc++] = o->valid;
	}
	for (unsigned i = 0; i < o->endpoint_count; i++) {
		argv[argc++] = "--endpoint";
		argv[argc++] = o->endpoints[i];
	}
	buf_init(&out, CTL_ANSWER_MAX);
	int status = request(o, argc, argv, &out);
	if (status != EXIT_DONE)
		aggctl_say(o, stderr, "aggctl: ", &out);
	else if (site && !buf_put(&out, "", 1))
		show_invitation(o, &out);
	else
		aggctl_say(o, stdout, "", &out);
	buf_finish(&out);
	return status;
}

int verb_invite(const struct aggctl_options *o, const char *const *words)
{
	return invite_site(o, words[1]);
}

/* Setting up ------------------------------------------------------------------ */

int verb_setup(const struct aggctl_options *o, const char *const *words)
{
	struct aggctl_options then = *o;
	struct setup_args args = {
		.config = o->config, .state = o->state, .sites = o->sites,
		.control = o->socket_said ? o->socket : NULL, .listen = o->listen,
	};
	struct conf_main main = { .role = CONF_ROLE_CONCENTRATOR };
	struct conf_error error = { "" };
	struct buf out;

	buf_init(&out, CTL_ANSWER_MAX);
	bool is_there = !conf_load_main(o->config, &main, &error);
	args.runs = starting_answers(is_there ? main.control : o->socket);
	int err = setup_make(&args, &main, &out);
	if (err) {
		aggctl_say(o, stderr, "aggctl: ", &out);
		buf_finish(&out);
		return EXIT_REFUSED;
	}
	then.socket = main.control;
	if (starting_begin(main.control, o->config, !o->no_start, &out))
		buf_printf(&out, "aggd runs\n");
	buf_put(&out, "\n", 1);
	aggctl_say(o, stderr, "", &out);
	buf_finish(&out);
	return invite_site(&then, words[1] ? words[1] : "home");
}
