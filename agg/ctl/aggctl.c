/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl, the client program. What needs the daemon is one request at its
 * control socket; keygen and pin work on an identity's directory alone, which
 * is why this file may name tls.h; advise asks once, and then simulates here.
 *
 * Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon.
 */
#include "agg/ctl/advice.h"
#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/transport/tls.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WATCH_S 1
#define LEFT_WIDTH 28 /* of the usage's commands */
#define SCHEDULER_WORDS_MAX 6 /* NAME order NAME reinjection NAME SITE */
#define ADVISE_NICE 10 /* the daemon, and all others, come first */
#define CLEAR_SCREEN "\033[H\033[J" /* ECMA-48: home, erase to the end */
#define NO_DAEMON_HELP \
	"Is aggd running? Its log says why not. Another socket (the option\n" \
	"'control' of its configuration) is named by -s SOCKET or AGGD_CONTROL.\n"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON };

struct options {
	const char *socket;
	const char *class; /* of streams; NULL: not said */
	bool json;
	bool watch;
};

struct verb {
	const char *name;
	const char *args;
	const char *help;
	bool is_report; /* it takes --json, and --watch */
	int words_min, words_max; /* how many follow the name */
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

/* What the daemon is asked: the words, then what the options say. */
static int gather_words(const struct options *options, const char *const *argv,
                        const char *words[CTL_WORDS_MAX])
{
	int n = 0;

	for (; argv[n] && n < CTL_WORDS_MAX - 3; n++)
		words[n] = argv[n];
	if (options->json)
		words[n++] = "--json";
	if (options->class) {
		words[n++] = "--class";
		words[n++] = options->class;
	}
	return n;
}

static int ask_once(const struct options *options, const char *const *argv)
{
	const char *words[CTL_WORDS_MAX];
	int count = gather_words(options, argv, words);
	struct buf answer;
	bool ok = false;

	buf_init(&answer, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int err = ctl_request(options->socket, count, words, &ok, &answer);
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
		status = ask_once(options, argv);
	} while (!status && options->watch && !ferror(stdout) &&
	         !sleep(WATCH_S));
	return status;
}

/* The daemon's status into out, ended by a NUL: an exit status. */
static int ask_status(const struct options *options, struct buf *out)
{
	static const char *const words[] = { "status", "--json" };
	bool ok = false;
	int err = ctl_request(options->socket, 2, words, &ok, out);

	if (!err)
		err = buf_put(out, "", 1);
	if (err)
		return refuse(options, err);
	if (ok)
		return EXIT_DONE;
	fprintf(stderr, "aggctl: %s", (const char *)buf_head(out));
	return EXIT_REFUSED;
}

static void show_progress(void *ctx, unsigned done, unsigned of)
{
	fprintf(stderr, "\rsimulating: %u of %u ", done + 1, of);
}

static int advise_on(const struct options *options, struct measured *measured)
{
	struct advise_result *result = calloc(1, sizeof(*result));
	struct conf_error error = { .text = "" };
	struct buf out;

	buf_init(&out, ADVICE_TEXT_MAX);
	if (isatty(STDERR_FILENO))
		measured->question.on_progress = show_progress;
	int err = result ? advise(&measured->question, result, &error) : -ENOMEM;
	if (measured->question.on_progress)
		fprintf(stderr, "\r%*s\r", LEFT_WIDTH, "");
	if (!err)
		err = options->json ? advice_json(measured, result, &out)
		                    : advice_text(measured, result, &out);
	if (err)
		fprintf(stderr, "aggctl: no advice: %s\n",
		        *error.text ? error.text : strerror(-err));
	else
		fwrite(buf_head(&out), 1, out.len, stdout);
	buf_finish(&out);
	free(result);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

static int advise_verb(const struct options *options, const char *const *argv)
{
	struct measured *measured = calloc(1, sizeof(*measured));
	struct buf status;

	buf_init(&status, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int exit_status = measured ? ask_status(options, &status) : EXIT_REFUSED;
	if (exit_status == EXIT_DONE &&
	    measured_read((const char *)buf_head(&status), argv[1], measured)) {
		fprintf(stderr, "aggctl: %s\n", measured->why);
		exit_status = EXIT_REFUSED;
	}
	if (exit_status == EXIT_DONE) {
		setpriority(PRIO_PROCESS, 0, ADVISE_NICE);
		exit_status = advise_on(options, measured);
	}
	buf_finish(&status);
	free(measured);
	return exit_status;
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
	  "sessions and uplinks, and how they are", true, 0, 0, ask },
	{ "uplinks", "[--json] [--watch]",
	  "every uplink: addresses, rates, losses", true, 0, 0, ask },
	{ "streams", "[--json] [--watch]",
	  "every connection, and which uplinks carry it", true, 0, 0, ask },
	{ "sites", "[--json] [--watch]",
	  "on the concentrator: the gateways", true, 0, 0, ask },
	{ "scheduler", "[--json] [--watch]",
	  "what there is to choose from, and what runs", true, 0, 0, ask },
	{ "scheduler", "[NAME] [order NAME] [reinjection NAME] "
	  "[--class NAME] [SITE]",
	  "how to send from now on; not kept in the file", false, 1,
	  SCHEDULER_WORDS_MAX, ask },
	{ "advise", "[--json] [SITE]",
	  "simulates every scheduler on the uplinks as measured", true, 0, 1,
	  advise_verb },
	{ "reload", "", "reads the configuration again", false, 0, 0, ask },
	{ "keygen", "DIR", "makes an identity in DIR, prints its pin", false, 1,
	  1, keygen },
	{ "pin", "DIR", "prints the pin of the identity in DIR", false, 1, 1,
	  print_pin },
	{ "help", "", "this list", false, 0, 0, help },
	{ NULL },
};

static void print_usage(FILE *to)
{
	char left[128];

	fprintf(to, "usage: aggctl [-s SOCKET] COMMAND\n\n");
	for (const struct verb *v = verbs; v->name; v++) {
		snprintf(left, sizeof(left), "%s %s", v->name, v->args);
		if (strlen(left) > LEFT_WIDTH)
			fprintf(to, "  %s\n  %-*s %s\n", left, LEFT_WIDTH, "",
			        v->help);
		else
			fprintf(to, "  %-*s %s\n", LEFT_WIDTH, left, v->help);
	}
	fprintf(to, "\n  --json   for programs: one JSON object on one line\n"
	            "  --watch  again every second\n"
	            "  --class  interactive or bulk: only for these streams\n"
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

/* The row of the name for so many words, else the last of the name. */
static const struct verb *find_verb(const char *name, int words)
{
	const struct verb *found = NULL;

	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(v->name, name))
			continue;
		found = v;
		if (words >= v->words_min && words <= v->words_max)
			break;
	}
	return found;
}

static int on_unknown_verb(const char *name)
{
	fprintf(stderr, "aggctl: unknown command '%s'; allowed:", name);
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->name, v[1].name ? v[1].name : ""))
			fprintf(stderr, " %s", v->name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

static int run(const struct options *options, int argc, char **argv)
{
	const struct verb *verb = argc ? find_verb(argv[0], argc - 1) : NULL;

	if (!argc) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	if (!verb)
		return on_unknown_verb(argv[0]);
	if (argc - 1 < verb->words_min || argc - 1 > verb->words_max) {
		fprintf(stderr, "usage: aggctl %s %s\n", verb->name, verb->args);
		return EXIT_USAGE;
	}
	if (options->watch && verb->run == advise_verb) {
		fprintf(stderr, "aggctl: advise takes no --watch\n");
		return EXIT_USAGE;
	}
	if ((options->json || options->watch) && !verb->is_report) {
		fprintf(stderr, "aggctl: %s takes neither --json nor --watch\n",
		        verb->name);
		return EXIT_USAGE;
	}
	if (options->class && (verb->is_report || verb->words_max < 2)) {
		fprintf(stderr, "aggctl: --class goes with scheduler NAME\n");
		return EXIT_USAGE;
	}
	return verb->run(options, (const char *const *)argv);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "watch", no_argument, NULL, 'w' },
		{ "class", required_argument, NULL, 'c' },
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
		else if (c == 'c')
			options.class = optarg;
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
