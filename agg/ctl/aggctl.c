/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl, the client program. What needs the daemon is one request at its
 * control socket; keygen and pin work on an identity's directory alone, which
 * is why this file may name tls.h; advise asks once, and then simulates here.
 *
 * Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon.
 */
#include "agg/base/columns.h"
#include "agg/base/words.h"
#include "agg/conf/conf.h"
#include "agg/ctl/advice.h"
#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/report/human.h"
#include "agg/transport/tls.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define WATCH_S 1
#define LEFT_WIDTH 28 /* of the usage's commands */
#define SCHEDULER_WORDS_MAX 6 /* NAME order NAME reinjection NAME SITE */
#define ADVISE_NICE 10 /* the daemon, and all others, come first */
#define CONFIG_PATH "/etc/config/aggd" /* as aggd's */
#define CLEAR_SCREEN "\033[H\033[J" /* ECMA-48: home, erase to the end */
#define VERBS_MAX 16
#define EXPLAIN_MAX 4096

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON };

struct options {
	const char *socket;
	const char *class; /* of streams; NULL: not said */
	const char *config;
	bool json, metrics;
	bool watch;
	unsigned width; /* of the terminal; 0: there is none */
};

struct verb {
	const char *name;
	const char *args;
	const char *help;
	bool is_report; /* it takes --json, and --watch */
	bool metrics;   /* and --metrics */
	int words_min, words_max; /* how many follow the name */
	int (*run)(const struct options *options, const char *const *argv);
};

/* Lines of text, in so many as the terminal needs; what they are indented by
 * they keep. Only without a terminal a line stays one. */
static void say(const struct options *options, FILE *to, const char *prefix,
                const struct buf *text)
{
	const char *line = (const char *)buf_head(text);
	const char *end = line + text->len;
	struct buf out;

	buf_init(&out, 2 * CTL_ANSWER_MAX);
	for (; line < end; prefix = "") {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t n = (size_t)((stop ? stop : end) - line);
		size_t indent = strspn(line, " ") < n ? strspn(line, " ") : 0;
		char *one = NULL;
		if (asprintf(&one, "%s%.*s", prefix, (int)(n - indent),
		             line + indent) < 0)
			break;
		columns_wrap(one, (unsigned)indent, options->width, &out);
		free(one);
		line += n + 1;
	}
	fwrite(buf_head(&out), 1, out.len, to);
	fflush(to);
	buf_finish(&out);
}

static int refuse(const struct options *options, int err)
{
	struct buf text;

	buf_init(&text, EXPLAIN_MAX);
	ctl_explain(options->socket, err, &text);
	say(options, stderr, "aggctl: ", &text);
	buf_finish(&text);
	return EXIT_NO_DAEMON;
}

/* A report for people, which needs to know how wide its terminal is. */
static bool is_table(const char *const *argv);

/* What the daemon is asked: the words, then what the options say. */
static int gather_words(const struct options *options, const char *const *argv,
                        char width[HUMAN_MAX],
                        const char *words[CTL_WORDS_MAX])
{
	int n = 0;

	for (; argv[n] && n < CTL_WORDS_MAX - 3; n++)
		words[n] = argv[n];
	if (options->json)
		words[n++] = "--json";
	else if (options->metrics)
		words[n++] = "--metrics";
	else if (options->width && is_table(argv)) {
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

static int ask_once(const struct options *options, const char *const *argv)
{
	const char *words[CTL_WORDS_MAX];
	char width[HUMAN_MAX];
	int count = gather_words(options, argv, width, words);
	struct buf answer;
	bool ok = false;

	buf_init(&answer, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int err = ctl_request(options->socket, count, words, &ok, &answer);
	if (!err) {
		if (options->watch && ok && isatty(STDOUT_FILENO))
			fputs(CLEAR_SCREEN, stdout);
		if (!ok || !is_table(argv))
			say(options, ok ? stdout : stderr, ok ? "" : "aggctl: ",
			    &answer);
		else
			fwrite(buf_head(&answer), 1, answer.len, stdout);
		fflush(stdout);
	}
	buf_finish(&answer);
	if (err)
		return refuse(options, err);
	return ok ? EXIT_DONE : EXIT_REFUSED;
}

static int ask(const struct options *options, const char *const *argv)
{
	struct options now = *options;
	int status;

	do {
		status = ask_once(&now, argv);
		now.width = columns_of_terminal(); /* it may have another size */
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

	if (!err && !ok) {
		say(options, stderr, "aggctl: ", out);
		return EXIT_REFUSED;
	}
	if (!err)
		err = buf_put(out, "", 1);
	return err ? refuse(options, err) : EXIT_DONE;
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

static int advise_verb(const struct options *options, const char *const *argv)
{
	struct measured *measured = calloc(1, sizeof(*measured));
	struct buf status;

	buf_init(&status, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	int exit_status = measured ? ask_status(options, &status) : EXIT_REFUSED;
	if (exit_status == EXIT_DONE &&
	    measured_read((const char *)buf_head(&status), argv[1], measured)) {
		struct buf why;
		buf_init(&why, EXPLAIN_MAX);
		buf_printf(&why, "%s\n", measured->why);
		say(options, stderr, "aggctl: ", &why);
		buf_finish(&why);
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

static int print_pin_of(const char *dir)
{
	char text[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;
	int err = tls_identity_pin(dir, &pin);

	if (err)
		return identity_error(dir, err);
	puts(tls_pin_format(&pin, text));
	return EXIT_DONE;
}

/* Of the directory, else of the one that the configuration names. */
static int print_pin(const struct options *options, const char *const *argv)
{
	struct conf_error error = { .text = "" };
	char state[CONF_PATH_MAX + 1];

	if (argv[1])
		return print_pin_of(argv[1]);
	if (!conf_load_state(options->config, state, &error))
		return print_pin_of(state);
	fprintf(stderr, "aggctl: %s\n", error.text);
	fprintf(stderr, "Another configuration is named by -c FILE, the identity's "
	        "directory by: aggctl pin DIR\n");
	return EXIT_REFUSED;
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
	return print_pin_of(argv[1]);
}

static int help(const struct options *options, const char *const *argv);

static const struct verb verbs[] = {
	{ "status", "[--json|--metrics] [--watch]",
	  "sessions and uplinks, and how they are", true, true, 0, 0, ask },
	{ "uplinks", "[--json|--metrics] [--watch]",
	  "every uplink: addresses, rates, losses", true, true, 0, 0, ask },
	{ "streams", "[--json|--metrics] [--watch]",
	  "every connection, and which uplinks carry it", true, true, 0, 0,
	  ask },
	{ "sites", "[--json|--metrics] [--watch]",
	  "on the concentrator: the gateways", true, true, 0, 0, ask },
	{ "scheduler", "[--json] [--watch]",
	  "what there is to choose from, and what runs", true, false, 0, 0,
	  ask },
	{ "scheduler", "[NAME] [order NAME] [reinjection NAME] "
	  "[--class NAME] [SITE]",
	  "how to send from now on; not kept in the file", false, false, 1,
	  SCHEDULER_WORDS_MAX, ask },
	{ "advise", "[--json] [SITE]",
	  "simulates the schedulers on the uplinks as measured", true, false, 0, 1,
	  advise_verb },
	{ "reload", "", "reads the configuration again", false, false, 0, 0, ask },
	{ "keygen", "DIR", "makes an identity in DIR, prints its pin", false, false,
	  1, 1, keygen },
	{ "pin", "[-c FILE | DIR]",
	  "prints this side's pin, for the other side's file", false, false, 0, 1,
	  print_pin },
	{ "help", "", "this list", false, false, 0, 0, help },
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
	fprintf(to, "\n  --json     for programs: one JSON object on one line\n"
	            "  --metrics  for Prometheus: OpenMetrics\n"
	            "  --watch    again every second\n"
	            "  --class    interactive or bulk: only for these streams\n"
	            "  -c FILE    --config, for pin; else " CONFIG_PATH "\n"
	            "  -s SOCKET  --socket; else AGGD_CONTROL of the environment, "
	            "else\n             %s\n"
	            "  -h --help, -V --version\n",
	        CTL_PATH_DEFAULT);
}

static int help(const struct options *options, const char *const *argv)
{
	print_usage(stdout);
	return EXIT_DONE;
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

static bool is_table(const char *const *argv)
{
	const struct verb *verb = find_verb(argv[0], argv[1] ? 1 : 0);

	return verb && verb->is_report;
}

static int on_unknown_verb(const struct options *options, const char *name)
{
	static const char *const of_systemd[] = { "start", "stop", "restart",
		"enable", "disable", NULL };
	const char *names[VERBS_MAX + 1] = { NULL };
	char allowed[VERBS_MAX * 16];
	struct buf text;
	size_t n = 0;

	for (const struct verb *v = verbs; v->name && n < VERBS_MAX; v++)
		if (!n || strcmp(v->name, names[n - 1]))
			names[n++] = v->name;
	const char *near = words_near(names, name);
	buf_init(&text, EXPLAIN_MAX);
	buf_printf(&text, "unknown command '%s'", name);
	for (size_t i = 0; of_systemd[i]; i++)
		if (!strcmp(of_systemd[i], name))
			buf_printf(&text, "; for that it is 'systemctl %s aggd'",
			           name);
	if (near)
		buf_printf(&text, ", did you mean '%s'?", near);
	buf_printf(&text, "%s allowed: %s\n", near ? "" : ";",
	           words_list(names, allowed, sizeof(allowed)));
	say(options, stderr, "aggctl: ", &text);
	buf_finish(&text);
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
		return on_unknown_verb(options, argv[0]);
	if (argc - 1 < verb->words_min || argc - 1 > verb->words_max) {
		fprintf(stderr, "usage: aggctl %s %s\n", verb->name, verb->args);
		return EXIT_USAGE;
	}
	if (options->watch && verb->run == advise_verb) {
		fprintf(stderr, "aggctl: advise takes no --watch\n");
		return EXIT_USAGE;
	}
	if ((options->json || options->metrics || options->watch) &&
	    !verb->is_report) {
		fprintf(stderr, "aggctl: %s takes neither --json nor --metrics nor "
		        "--watch\n", verb->name);
		return EXIT_USAGE;
	}
	if (options->metrics && (!verb->metrics || options->json)) {
		fprintf(stderr, verb->metrics ?
		        "aggctl: %s: --json or --metrics, not both\n" :
		        "aggctl: %s has no --metrics; allowed: --json\n",
		        verb->name);
		return EXIT_USAGE;
	}
	if (options->class && (verb->is_report || verb->words_max < 2)) {
		fprintf(stderr, "aggctl: --class goes with scheduler NAME\n");
		return EXIT_USAGE;
	}
	return verb->run(options, (const char *const *)argv);
}

static const struct option longs[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "metrics", no_argument, NULL, 'm' },
	{ "watch", no_argument, NULL, 'w' },
	{ "class", required_argument, NULL, 'C' },
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL },
};

/* The option at which getopt stopped. */
static int on_bad_option(char **argv, bool lacks_value)
{
	const char *word = argv[optind - 1], *near = words_near_option(longs, word);

	if (lacks_value)
		fprintf(stderr, "aggctl: %s needs a value\n", word);
	else if (near)
		fprintf(stderr, "aggctl: unknown option '%s', did you mean "
		        "'--%s'?\n", word, near);
	else
		fprintf(stderr, "aggctl: unknown option '%s'\n", word);
	fprintf(stderr, "'aggctl help' lists what there is.\n");
	return EXIT_USAGE;
}

/* EXIT_DONE: options are set, and the rest is a command; -1: all is done. */
static int take_options(int argc, char **argv, struct options *options)
{
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:s:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'j': options->json = true; break;
		case 'm': options->metrics = true; break;
		case 'w': options->watch = true; break;
		case 'C': options->class = optarg; break;
		case 'c': options->config = optarg; break;
		case 's': options->socket = optarg; break;
		case 'h': print_usage(stdout); return -1;
		case 'V': puts("aggctl " AGGD_VERSION); return -1;
		default: return on_bad_option(argv, c == ':');
		}
	}
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct options options = { .socket = getenv("AGGD_CONTROL"),
	                           .config = CONFIG_PATH,
	                           .width = columns_of_terminal() };

	if (!options.socket || !*options.socket)
		options.socket = CTL_PATH_DEFAULT;
	int rc = take_options(argc, argv, &options);
	if (rc != EXIT_DONE)
		return rc < 0 ? EXIT_DONE : rc;
	return run(&options, argc - optind, argv + optind);
}
