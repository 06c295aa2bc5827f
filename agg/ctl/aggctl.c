/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl, the client program: its verbs and its options, a table each, and
 * how they are found, refused and run. What a verb does is in a file of its own.
 *
 * Exit status: 0 done, 1 refused, 2 wrong usage, 3 no daemon; of status 4, it is
 * degraded, and 5, it is down.
 */
#include "agg/ctl/aggctl.h"

#include "agg/base/columns.h"
#include "agg/base/words.h"
#include "agg/ctl/ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define LEFT_WIDTH 28 /* of the usage's commands */
#define SCHEDULER_WORDS_MAX 6 /* NAME order NAME reinjection NAME SITE */
#define SET_WORDS_MAX 12
#define VERBS_MAX 40
#define OPTIONS_MAX 32

#define REPORT (TAKES_JSON | TAKES_METRICS | TAKES_WATCH)

static int help(const struct aggctl_options *options, const char *const *words);

const struct aggctl_verb aggctl_verbs[] = {
	{ "status", "[--json|--metrics] [--watch]",
	  "sessions and uplinks, and how they are", REPORT, 0, 0, verb_ask },
	{ "uplinks", "[--json|--metrics] [--watch]",
	  "every uplink: addresses, rates, losses", REPORT, 0, 0, verb_ask },
	{ "streams", "[--json|--metrics] [--watch]",
	  "every connection, and which uplinks carry it", REPORT, 0, 0, verb_ask },
	{ "sites", "[--json|--metrics] [--watch]",
	  "on the concentrator: the gateways", REPORT, 0, 0, verb_ask },
	{ "setup", "[SITE] [--listen ADDRESS] [--no-start] ...",
	  "on a fresh VPS: makes all, prints an invitation",
	  TAKES_CONFIG | TAKES_YES | TAKES_NO_START | TAKES_STATE | TAKES_FOR |
	  TAKES_ENDPOINT | TAKES_LISTEN | TAKES_SITES, 0, 1, verb_setup },
	{ "invite", "[SITE [--for 1d] [--endpoint HOST]...]",
	  "on the concentrator: a token, or the open ones",
	  TAKES_CONFIG | TAKES_FOR | TAKES_ENDPOINT, 0, 1, verb_invite },
	{ "join", "TOKEN|- [--yes] [--uplink DEVICE]... [--lan DEVICE] ...",
	  "on the gateway: finds all, pins both, is up",
	  TAKES_CONFIG | TAKES_YES | TAKES_NO_START | TAKES_STATE | TAKES_UPLINK |
	  TAKES_LAN, 1, 1, verb_join },
	{ "revoke", "SITE", "on the concentrator: a site's key is void", TAKES_CONFIG,
	  1, 1, verb_change },
	{ "rename", "SITE NEW", "gives a site another name", TAKES_CONFIG, 2, 2,
	  verb_change },
	{ "scheduler", "[--json] [--watch]",
	  "what there is to choose from, and what runs", TAKES_JSON | TAKES_WATCH,
	  0, 0, verb_ask },
	{ "scheduler", "[NAME] [order NAME] [reinjection NAME] "
	  "[--class NAME] [SITE]",
	  "how to send from now on; not kept in the file", TAKES_CLASS, 1,
	  SCHEDULER_WORDS_MAX, verb_ask },
	{ "advise", "[--json|--html] [SITE]",
	  "simulates schedulers on the uplinks as measured",
	  TAKES_JSON | TAKES_HTML, 0, 1, verb_advise },
	{ "doctor", "[--json] [-c FILE]",
	  "names what fails, and what to type",
	  TAKES_JSON | TAKES_CONFIG, 0, 0, verb_doctor },
	{ "bugreport", "[-c FILE] [FILE|-]",
	  "one file for who helps: no keys, addresses masked",
	  TAKES_CONFIG, 0, 1, verb_bugreport },
	{ "speedtest", "[--json] [UPLINK]",
	  "each uplink and all together, and the latency",
	  TAKES_JSON, 0, 1, verb_speedtest },
	{ "history", "[UPLINK|DEVICE] [--minutes|--hours|--days] [--json]",
	  "what uplinks and devices of the LAN carried",
	  TAKES_JSON | TAKES_LEVEL, 0, 1, verb_ask },
	{ "sections", "", "the configuration that is in force", 0, 0, 0, verb_ask },
	{ "set", "TYPE NAME KEY=VALUE...",
	  "changes the configuration, in the file too", 0, 3, SET_WORDS_MAX, verb_ask },
	{ "unset", "TYPE NAME", "takes that out of it", 0, 2, 2, verb_ask },
	{ "log", "", "the last lines of aggd's log", 0, 0, 0, verb_ask },
	{ "web", "[--lan DEVICE] ...",
	  "where the page is, with its secret; or makes it",
	  TAKES_CONFIG | TAKES_STATE | TAKES_LAN | TAKES_NO_START, 0, 0, verb_web },
	{ "reload", "", "reads the configuration again", 0, 0, 0, verb_ask },
	{ "update", "", "an installed newer aggd takes over; streams go on", 0, 0, 0,
	  verb_ask },
	{ "keygen", "DIR", "makes an identity in DIR, prints its pin", 0, 1, 1,
	  verb_keygen },
	{ "pin", "[-c FILE | DIR]",
	  "prints this side's pin, for the other side's file", TAKES_CONFIG, 0, 1,
	  verb_pin },
	{ "completion", "bash|zsh|fish|man",
	  "what a shell completes, or the manual's lists", 0, 1, 1,
	  verb_completion },
	{ "help", "", "this list", 0, 0, 0, help },
	{ NULL },
};

const struct aggctl_option aggctl_all_options[] = {
	{ 'J', "json", NULL, TAKES_JSON, "for programs: one JSON object on one line" },
	{ 'M', "metrics", NULL, TAKES_METRICS, "for Prometheus: OpenMetrics" },
	{ 'P', "html", NULL, TAKES_HTML, "a page that plays it, for a browser" },
	{ 'W', "watch", NULL, TAKES_WATCH, "again every second" },
	{ 'C', "class", "NAME", TAKES_CLASS,
	  "interactive or bulk: only for these streams" },
	{ 'T', "seconds", NULL, TAKES_LEVEL, "second by second, of ten minutes" },
	{ 'O', "minutes", NULL, TAKES_LEVEL, "of a day" },
	{ 'H', "hours", NULL, TAKES_LEVEL, "of a month" },
	{ 'A', "days", NULL, TAKES_LEVEL, "of a year" },
	{ 'Y', "yes", NULL, TAKES_YES, "asks nothing" },
	{ 'N', "no-start", NULL, TAKES_NO_START, "leaves the service as it is" },
	{ 'U', "uplink", "DEVICE", TAKES_UPLINK, "an Internet access; several" },
	{ 'L', "lan", "DEVICE", TAKES_LAN, "whose connections are taken" },
	{ 'F', "for", "TIME", TAKES_FOR, "how long it is good: 30m, 1h, 1d; else 1h" },
	{ 'E', "endpoint", "HOST", TAKES_ENDPOINT,
	  "HOST[:PORT] that gateways reach; several" },
	{ 'I', "listen", "ADDRESS", TAKES_LISTEN, "else [::]:443" },
	{ 'S', "state", "DIR", TAKES_STATE, "where the keys are" },
	{ 'D', "sites", "DIR", TAKES_SITES, "a file for each site; else "
	  "/etc/aggd/sites.d" },
	{ 'c', "config", "FILE", TAKES_CONFIG, "else " AGGCTL_CONFIG_PATH },
	{ 's', "socket", "SOCKET", 0,
	  "else AGGD_CONTROL, else " CTL_PATH_DEFAULT },
	{ 'h', "help", NULL, 0, "this list" },
	{ 'V', "version", NULL, 0, "of aggctl" },
	{ 0 },
};

void aggctl_say(const struct aggctl_options *options, FILE *to,
                const char *prefix, const struct buf *text)
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

void aggctl_complain(const struct aggctl_options *options, const char *format,
                     ...)
{
	char line[AGGCTL_EXPLAIN_MAX];
	struct buf text;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	buf_init(&text, AGGCTL_EXPLAIN_MAX);
	if (!buf_put(&text, line, strlen(line)))
		aggctl_say(options, stderr, "aggctl: ", &text);
	buf_finish(&text);
}

bool aggctl_is_short(const struct aggctl_option *option)
{
	return option->letter >= 'a' || option->letter == 'V';
}

static void print_options(FILE *to)
{
	char left[64];

	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++) {
		bool is_short = aggctl_is_short(o);
		snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s",
		         is_short ? "-" : "", is_short ? &o->letter : "",
		         is_short ? " " : "", o->name, o->value ? " " : "",
		         o->value ? o->value : "");
		fprintf(to, "  %-*s %s\n", LEFT_WIDTH, left, o->help);
	}
}

static void print_verb(FILE *to, const struct aggctl_verb *v)
{
	char left[128];

	snprintf(left, sizeof(left), "%s %s", v->name, v->args);
	if (strlen(left) > LEFT_WIDTH)
		fprintf(to, "  %s\n  %-*s %s\n", left, LEFT_WIDTH, "", v->help);
	else
		fprintf(to, "  %-*s %s\n", LEFT_WIDTH, left, v->help);
}

static void print_usage(FILE *to)
{
	fprintf(to, "usage: aggctl [-s SOCKET] COMMAND\n\n");
	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++)
		print_verb(to, v);
	fprintf(to, "\n");
	print_options(to);
	fprintf(to, "\nexit status: 0 done, 1 refused, 2 wrong usage, 3 aggd is not "
	        "running; of status\nalso 4 degraded, 5 down (but with --json and "
	        "--metrics)\n");
}

static int help(const struct aggctl_options *options, const char *const *words)
{
	print_usage(stdout);
	return EXIT_DONE;
}

/* The row of the name for so many words, else the last of the name. */
static const struct aggctl_verb *find_verb(const char *name, int words)
{
	const struct aggctl_verb *found = NULL;

	for (const struct aggctl_verb *v = aggctl_verbs; v->name; v++) {
		if (strcmp(v->name, name))
			continue;
		found = v;
		if (words >= v->words_min && words <= v->words_max)
			break;
	}
	return found;
}

static int on_unknown_verb(const struct aggctl_options *options,
                           const char *name)
{
	static const char *const of_systemd[] = { "start", "stop", "restart",
		"enable", "disable", NULL };
	const char *names[VERBS_MAX + 1] = { NULL }, *other = NULL;
	char allowed[VERBS_MAX * 16];
	size_t n = 0;

	for (const struct aggctl_verb *v = aggctl_verbs; v->name && n < VERBS_MAX; v++)
		if (!n || strcmp(v->name, names[n - 1]))
			names[n++] = v->name;
	for (size_t i = 0; of_systemd[i]; i++)
		if (!strcmp(of_systemd[i], name))
			other = name;
	const char *near = words_near(names, name);
	aggctl_complain(options, "unknown command '%s'%s%s%s%s%s%s%s allowed: %s\n",
	                name, other ? "; for that it is 'systemctl " : "",
	                other ? other : "", other ? " aggd'" : "",
	                near ? ", did you mean '" : "", near ? near : "",
	                near ? "'?" : "", near ? "" : ";",
	                words_list(names, allowed, sizeof(allowed)));
	return EXIT_USAGE;
}

/* What is given and not taken is named, with what is. */
static int on_wrong_option(const struct aggctl_options *options,
                           const struct aggctl_verb *verb)
{
	char allowed[OPTIONS_MAX * 16] = "", wrong[32] = "";
	size_t used = 0;

	for (const struct aggctl_option *o = aggctl_all_options; o->letter; o++) {
		if (o->takes & options->given & ~verb->takes)
			snprintf(wrong, sizeof(wrong), "%s", o->name);
		if (o->takes & verb->takes && used < sizeof(allowed))
			used += (size_t)snprintf(allowed + used,
			                         sizeof(allowed) - used, "%s--%s",
			                         used ? ", " : "", o->name);
	}
	aggctl_complain(options, "'%s%s%s' takes no --%s%s%s\n", verb->name,
	                *verb->args ? " " : "", verb->args, wrong,
	                used ? "; allowed: " : "", allowed);
	return EXIT_USAGE;
}

static int run(struct aggctl_options *options, int argc, char **argv)
{
	const struct aggctl_verb *verb =
		argc ? find_verb(argv[0], argc - 1) : NULL;

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
	if (options->given & ~verb->takes)
		return on_wrong_option(options, verb);
	if (options->json && options->metrics) {
		aggctl_complain(options, "%s: --json or --metrics, not both\n",
		                verb->name);
		return EXIT_USAGE;
	}
	options->verb = verb;
	return verb->run(options, (const char *const *)argv);
}

/* The option at which getopt stopped. */
static int on_bad_option(const char *word, const struct option *longs,
                         bool lacks_value)
{
	const char *near = words_near_option(longs, word);

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

/* The table as getopt wants it. */
static void gather_longs(struct option longs[OPTIONS_MAX + 1])
{
	size_t n = 0;

	for (const struct aggctl_option *o = aggctl_all_options;
	     o->letter && n < OPTIONS_MAX; o++)
		longs[n++] = (struct option){
			o->name, o->value ? required_argument : no_argument, NULL,
			o->letter };
	longs[n] = (struct option){ NULL };
}

static unsigned takes_of(int letter)
{
	const struct aggctl_option *o = aggctl_all_options;

	while (o->letter && o->letter != letter)
		o++;
	return o->takes;
}

/* EXIT_DONE: options are set, and the rest is a command; -1: all is done. */
/* Of an option that may come several times. */
static bool take_another(struct aggctl_options *options, int c)
{
	bool uplink = c == 'U';
	unsigned most = uplink ? AGGCTL_UPLINKS_MAX : AGGCTL_ENDPOINTS_MAX;
	unsigned *count = uplink ? &options->uplink_count
	                         : &options->endpoint_count;

	if (*count == most) {
		aggctl_complain(options, "--%s: allowed are %u of them",
		                uplink ? "uplink" : "endpoint", most);
		return false;
	}
	(uplink ? options->uplinks : options->endpoints)[(*count)++] = optarg;
	return true;
}

static int take_options(int argc, char **argv, struct aggctl_options *options)
{
	struct option longs[OPTIONS_MAX + 1];
	int c;

	gather_longs(longs);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:s:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'J': options->json = true; break;
		case 'M': options->metrics = true; break;
		case 'P': options->html = true; break;
		case 'W': options->watch = true; break;
		case 'T': options->level = "--seconds"; break;
		case 'O': options->level = "--minutes"; break;
		case 'H': options->level = "--hours"; break;
		case 'A': options->level = "--days"; break;
		case 'C': options->class = optarg; break;
		case 'c': options->config = optarg; break;
		case 's': options->socket = optarg; break;
		case 'Y': options->yes = true; break;
		case 'N': options->no_start = true; break;
		case 'L': options->lan = optarg; break;
		case 'F': options->valid = optarg; break;
		case 'I': options->listen = optarg; break;
		case 'S': options->state = optarg; break;
		case 'D': options->sites = optarg; break;
		case 'U':
		case 'E':
			if (!take_another(options, c))
				return EXIT_USAGE;
			break;
		case 'h': print_usage(stdout); return -1;
		case 'V': puts("aggctl " AGGD_VERSION); return -1;
		default: return on_bad_option(words_stopped_at(argc, argv, optind),
		                              longs, c == ':');
		}
		options->given |= takes_of(c);
	}
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct aggctl_options options = { .socket = getenv("AGGD_CONTROL"),
	                                  .config = AGGCTL_CONFIG_PATH,
	                                  .width = columns_of_terminal() };

	if (!options.socket || !*options.socket)
		options.socket = CTL_PATH_DEFAULT;
	int rc = take_options(argc, argv, &options);
	options.socket_said = strcmp(options.socket, CTL_PATH_DEFAULT);
	if (rc != EXIT_DONE)
		return rc < 0 ? EXIT_DONE : rc;
	return run(&options, argc - optind, argv + optind);
}
