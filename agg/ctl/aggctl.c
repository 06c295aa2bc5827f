/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl, the client program. What needs the daemon is one request at its
 * control socket; keygen and pin work on an identity's directory alone, which
 * is why this file may name tls.h.
 *
 * Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon.
 */
#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/transport/tls.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WATCH_S 1
#define CLEAR_SCREEN "\033[H\033[J" /* ECMA-48: home, erase to the end */
#define NO_DAEMON_HELP \
	"Is aggd running? Its log says why not. Another socket (the option\n" \
	"'control' of its configuration) is named by -s SOCKET or AGGD_CONTROL.\n"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON };

struct options {
	const char *socket;
	bool json;
	bool watch;
};

struct verb {
	const char *name;
	const char *args;
	const char *help;
	bool is_report; /* takes --json and --watch */
	int words;      /* how many follow the name */
	int (*run)(const struct options *options, const char *const *argv);
};

static int refuse(const struct options *options, int err)
{
	fprintf(stderr, "aggctl: no answer at %s: %s\n", options->socket,
	        strerror(-err));
	if (err == -EACCES || err == -EPERM)
		fprintf(stderr, "You may not open it: try as root.\n");
	else
		fprintf(stderr, NO_DAEMON_HELP);
	return EXIT_NO_DAEMON;
}

static int ask_once(const struct options *options, const char *name)
{
	const char *const words[] = { name, "--json" };
	struct buf answer;
	bool ok = false;

	buf_init(&answer, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int err = ctl_request(options->socket, options->json ? 2 : 1, words, &ok,
	                      &answer);
	if (!err) {
		if (options->watch && ok && isatty(STDOUT_FILENO))
			fputs(CLEAR_SCREEN, stdout);
		FILE *to = ok ? stdout : stderr;
		if (!ok)
			fputs("aggctl: ", stderr);
		fwrite(buf_head(&answer), 1, answer.len, to);
		fflush(to);
	}
	buf_finish(&answer);
	if (err)
		return refuse(options, err);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

static int ask(const struct options *options, const char *const *argv)
{
	int status;

	do {
		status = ask_once(options, argv[0]);
	} while (!status && options->watch && !ferror(stdout) &&
	         !sleep(WATCH_S));
	return status;
}

static int identity_error(const char *dir, int err)
{
	if (err == -EBADMSG)
		fprintf(stderr, "aggctl: %s/identity.pem is no identity\n", dir);
	else if (err == -EPERM)
		fprintf(stderr, "aggctl: others may read %s/identity.pem: "
		        "chmod 600 it, or make a new one\n", dir);
	else if (err == -ENOENT)
		fprintf(stderr, "aggctl: there is no identity in %s; "
		        "aggctl keygen %s makes one\n", dir, dir);
	else
		fprintf(stderr, "aggctl: %s/identity.pem: %s\n", dir,
		        strerror(-err));
	return EXIT_REFUSED;
}

static int print_pin(const struct options *options, const char *const *argv)
{
	char text[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;
	int err = tls_identity_pin(argv[1], &pin);

	if (err)
		return identity_error(argv[1], err);
	puts(tls_pin_format(&pin, text));
	return EXIT_DONE;
}

/* The pin alone is on stdout, for scripts. */
static int keygen(const struct options *options, const char *const *argv)
{
	int err = tls_identity_generate(argv[1]);

	if (err == -EEXIST)
		fprintf(stderr, "aggctl: there is an identity in %s already; "
		        "nothing was changed\n", argv[1]);
	else if (err)
		return identity_error(argv[1], err);
	return print_pin(options, argv);
}

static int help(const struct options *options, const char *const *argv);

static const struct verb verbs[] = {
	{ "status", "[--json] [--watch]",
	  "sessions and uplinks, and how they are", true, 0, ask },
	{ "uplinks", "[--json] [--watch]",
	  "every uplink: addresses, rates, losses", true, 0, ask },
	{ "streams", "[--json] [--watch]",
	  "every connection, and which uplinks carry it", true, 0, ask },
	{ "sites", "[--json] [--watch]",
	  "on the concentrator: the gateways", true, 0, ask },
	{ "reload", "", "reads the configuration again", false, 0, ask },
	{ "keygen", "DIR", "makes an identity in DIR, prints its pin", false, 1,
	  keygen },
	{ "pin", "DIR", "prints the pin of the identity in DIR", false, 1,
	  print_pin },
	{ "help", "", "this list", false, 0, help },
	{ NULL },
};

static void print_usage(FILE *to)
{
	char left[64];

	fprintf(to, "usage: aggctl [-s SOCKET] COMMAND\n\n");
	for (const struct verb *v = verbs; v->name; v++) {
		snprintf(left, sizeof(left), "%s %s", v->name, v->args);
		fprintf(to, "  %-28s %s\n", left, v->help);
	}
	fprintf(to, "\n  --json   for programs: one JSON object on one line\n"
	            "  --watch  again every second\n"
	            "  -s SOCKET, else AGGD_CONTROL of the environment, else %s\n",
	        CTL_PATH_DEFAULT);
}

static int help(const struct options *options, const char *const *argv)
{
	print_usage(stdout);
	return EXIT_DONE;
}

static int usage_error(void)
{
	fprintf(stderr, "'aggctl help' lists the commands.\n");
	return EXIT_USAGE;
}

static const struct verb *find_verb(const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static int on_unknown_verb(const char *name)
{
	fprintf(stderr, "aggctl: unknown command '%s'; allowed:", name);
	for (const struct verb *v = verbs; v->name; v++)
		fprintf(stderr, " %s", v->name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

static int run(const struct options *options, int argc, char **argv)
{
	const struct verb *verb = argc ? find_verb(argv[0]) : NULL;

	if (!argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!verb)
		return on_unknown_verb(argv[0]);
	if (argc - 1 != verb->words) {
		fprintf(stderr, "usage: aggctl %s %s\n", verb->name, verb->args);
		return EXIT_USAGE;
	}
	if ((options->json || options->watch) && !verb->is_report) {
		fprintf(stderr, "aggctl: %s takes neither --json nor --watch\n",
		        verb->name);
		return EXIT_USAGE;
	}
	return verb->run(options, (const char *const *)argv);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", no_argument, NULL, 'w' },
		{ "socket", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL },
	};
	struct options options = { .socket = getenv("AGGD_CONTROL") };
	int c;

	if (!options.socket || !*options.socket)
		options.socket = CTL_PATH_DEFAULT;
	while ((c = getopt_long(argc, argv, "s:hV", longs, NULL)) != -1) {
		if (c == 'j')
			options.json = true;
		else if (c == 'w')
			options.watch = true;
		else if (c == 's')
			options.socket = optarg;
		else if (c == 'h')
			return help(&options, NULL);
		else if (c == 'V')
			return puts("aggctl " AGGD_VERSION) < 0;
		else
			return usage_error();
	}
	return run(&options, argc - optind, argv + optind);
}
