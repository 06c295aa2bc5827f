/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: join: the invitation, what is found, a person's yes, and a session.
 */
#include "agg/ctl/aggctl.h"
#include "agg/ctl/ctl.h"
#include "agg/ctl/starting.h"
#include "agg/pair/join.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The argument, or what stdin has. The caller's to free; NULL: nothing. */
static char *read_token(const char *word)
{
	char *text = NULL;
	size_t n;

	if (strcmp(word, "-"))
		return strdup(word);
	n = 0;
	text = calloc(1, TOKEN_TEXT_MAX);
	if (text)
		n = fread(text, 1, TOKEN_TEXT_MAX - 1, stdin);
	return n ? text : (free(text), NULL);
}

/* 1: yes, 0: no, -1: there is nobody to ask. */
static int confirm(const char *question)
{
	char answer[16];
	FILE *tty = fopen("/dev/tty", "r+e");

	if (!tty)
		return -1;
	fprintf(tty, "\n%s [Y/n] ", question);
	fflush(tty);
	bool said = fgets(answer, sizeof(answer), tty);
	fclose(tty);
	return said && (*answer == '\n' || *answer == 'y' || *answer == 'Y');
}

/* How the Internet sees the LAN from now on. */
static void say_families(const struct wire_redeemed *a, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	if (a->egress4.family)
		buf_printf(out, "  IPv4: the Internet sees you as %s\n",
		           addr_format_ip(&a->egress4, text));
	else
		buf_printf(out, "  IPv4: by an address of the concentrator's "
		           "provider\n");
	if (a->egress6.family)
		buf_printf(out, "  IPv6: as %s\n",
		           addr_format_ip(&a->egress6, text));
	else
		buf_printf(out, "  IPv6: the concentrator has none\n");
}

static void say_joined(const struct join *j, struct buf *out)
{
	buf_printf(out, "joined as site '%s'; configuration: %s\n",
	           j->answer.site, j->args.config);
	say_families(&j->answer, out);
}

static int conclude(const struct aggctl_options *o, const struct join *j,
                    struct buf *out)
{
	int status = EXIT_DONE;

	say_joined(j, out);
	if (starting_begin(j->control, o->config, !o->no_start, out)) {
		if (starting_has_session(j->control)) {
			buf_printf(out, "the session is up; 'aggctl status' shows "
			           "it\n");
		} else {
			buf_printf(out, "aggd runs, but its session is not up after "
			           "%u s; 'aggctl status' says why\n",
			           STARTING_SESSION_S);
			status = EXIT_REFUSED;
		}
	}
	aggctl_say(o, stdout, "", out);
	return status;
}

static int ask_and_redeem(const struct aggctl_options *o, struct join *j,
                          struct buf *out)
{
	if (join_show(j, o->width, out) == 0)
		fwrite(buf_head(out), 1, out->len, stdout);
	fflush(stdout);
	buf_take(out, out->len);
	int yes = o->yes ? 1 : confirm("Join?");
	if (yes < 0)
		buf_printf(out, "there is no terminal to ask at; --yes joins "
		           "without asking\n");
	else if (!yes)
		buf_printf(out, "nothing was changed\n");
	if (yes < 1 || join_redeem(j, (uint64_t)time(NULL), out) < 0) {
		aggctl_say(o, stderr, "aggctl: ", out);
		return EXIT_REFUSED;
	}
	return conclude(o, j, out);
}

int verb_join(const struct aggctl_options *o, const char *const *words)
{
	struct join_args args = {
		.config = o->config, .state = o->state, .lan = o->lan,
		.control = o->socket_said ? o->socket : NULL,
		.uplink_count = o->uplink_count,
	};
	char *token = read_token(words[1]);
	struct join *j = calloc(1, sizeof(*j));
	struct buf out;
	int status = EXIT_REFUSED;

	memcpy(args.uplinks, o->uplinks, sizeof(args.uplinks));
	buf_init(&out, CTL_ANSWER_MAX);
	if (j && join_look(j, &args, token ? token : "", &out) == 0)
		status = ask_and_redeem(o, j, &out);
	else
		aggctl_say(o, stderr, "aggctl: ", &out);
	if (j)
		join_finish(j);
	free(j);
	if (token)
		explicit_bzero(token, strlen(token));
	free(token);
	buf_finish(&out);
	return status;
}
