/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside of the program aggctl: what a verb is given, and what it may use.
 * A verb is a function in a file of its own (verb_*.c), declared here, and a row
 * of the table in aggctl.c, which says also which options it takes; an option is
 * a row of the other table there, and a field here.
 */
#ifndef AGG_CTL_AGGCTL_H
#define AGG_CTL_AGGCTL_H

#include "agg/base/buf.h"

#include <stdbool.h>
#include <stdio.h>

#define AGGCTL_CONFIG_PATH "/etc/config/aggd" /* as aggd's */
#define AGGCTL_EXPLAIN_MAX 4096
#define AGGCTL_UPLINKS_MAX 8   /* as of a configuration */
#define AGGCTL_ENDPOINTS_MAX 6 /* that fit a request */

/* Exit status. The last two are of status alone, for people: by the number of the
 * daemon's "ok". */
enum aggctl_exit {
	EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON, EXIT_DEGRADED,
	EXIT_DOWN
};
#define EXIT_OF_ANSWER(number) ((number) ? (number) - 1 + EXIT_DEGRADED : EXIT_DONE)

/* The options; a verb says which it takes. */
enum aggctl_takes {
	TAKES_JSON = 1 << 0, /* it is a report: asked with the terminal's width */
	TAKES_METRICS = 1 << 1,
	TAKES_WATCH = 1 << 2,
	TAKES_CLASS = 1 << 3,
	TAKES_CONFIG = 1 << 4,
	TAKES_YES = 1 << 5,
	TAKES_NO_START = 1 << 6,
	TAKES_UPLINK = 1 << 7,
	TAKES_LAN = 1 << 8,
	TAKES_STATE = 1 << 9,
	TAKES_FOR = 1 << 10,
	TAKES_ENDPOINT = 1 << 11,
	TAKES_LISTEN = 1 << 12,
	TAKES_SITES = 1 << 13,
	TAKES_LEVEL = 1 << 14, /* of a history */
	TAKES_HTML = 1 << 15,
};

struct aggctl_verb;

/* What was typed; all strings are borrowed from main's argv. */
struct aggctl_options {
	const struct aggctl_verb *verb; /* which runs */
	unsigned given;                 /* enum aggctl_takes */
	const char *socket;
	const char *class;  /* of streams; NULL: not said */
	const char *level;  /* of a history, as "--hours"; NULL: not said */
	const char *config;
	bool json, metrics, html;
	bool watch;
	unsigned width; /* of the terminal; 0: there is none */
	bool socket_said;   /* by the option, or the environment */
	/* Of setup, invite and join; NULL: not said. */
	const char *state, *lan, *listen, *sites, *valid;
	const char *uplinks[AGGCTL_UPLINKS_MAX], *endpoints[AGGCTL_ENDPOINTS_MAX];
	unsigned uplink_count, endpoint_count;
	bool yes, no_start;
};

struct aggctl_verb {
	const char *name;
	const char *args;
	const char *help;
	unsigned takes;           /* enum aggctl_takes */
	int words_min, words_max; /* how many follow the name */
	/* words[0] is the name, NULL follows the last: an exit status. */
	int (*run)(const struct aggctl_options *options,
	           const char *const *words);
};

/* The letter is also what getopt says for it: a capital one of an option that is
 * only a word. */
struct aggctl_option {
	char letter;
	const char *name;
	const char *value; /* what follows it; NULL: nothing */
	unsigned takes;    /* enum aggctl_takes; 0: every verb takes it */
	const char *help;
};

/* All that there are; their last has no name. */
extern const struct aggctl_verb aggctl_verbs[];
extern const struct aggctl_option aggctl_all_options[];
/* Is it an option by its letter too? */
bool aggctl_is_short(const struct aggctl_option *option);

/* Lines of text, in so many as the terminal needs; what they are indented by
 * they keep. Only without a terminal a line stays one. prefix, "aggctl: " or
 * "", stands before the first. */
void aggctl_say(const struct aggctl_options *options, FILE *to,
                const char *prefix, const struct buf *text);
/* The same of one line to stderr, after "aggctl: ". */
void aggctl_complain(const struct aggctl_options *options, const char *format,
                     ...) __attribute__((format(printf, 2, 3)));

/* One question of these words: the answer's text into out (of CTL_ANSWER_MAX +
 * CTL_REQUEST_MAX bytes), and the number of its "ok" into number, if that is not
 * NULL. EXIT_DONE; EXIT_REFUSED and EXIT_NO_DAEMON: why is said already. */
int aggctl_request(const struct aggctl_options *options, int count,
                   const char *const *words, int *number, struct buf *out);

/* Asks the daemon the words as they are, and shows the answer. */
int verb_ask(const struct aggctl_options *options, const char *const *words);
int verb_advise(const struct aggctl_options *options, const char *const *words);
int verb_bugreport(const struct aggctl_options *options,
                   const char *const *words);
/* What shells and the manual know of aggctl, from its tables. */
int verb_completion(const struct aggctl_options *options,
                    const char *const *words);
int verb_doctor(const struct aggctl_options *options, const char *const *words);
int verb_web(const struct aggctl_options *options, const char *const *words);
int verb_speedtest(const struct aggctl_options *options,
                   const char *const *words);
int verb_keygen(const struct aggctl_options *options, const char *const *words);
int verb_pin(const struct aggctl_options *options, const char *const *words);

int verb_setup(const struct aggctl_options *options, const char *const *words);
int verb_invite(const struct aggctl_options *options, const char *const *words);
int verb_join(const struct aggctl_options *options, const char *const *words);
/* revoke and rename. */
int verb_change(const struct aggctl_options *options, const char *const *words);

#endif
