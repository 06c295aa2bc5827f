/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: linkem_ctl.c - the commands of the link emulator. One table of verbs
 * and one of keys; the help and the error texts come from them.
 */
#include "tests/lab/linkem_ctl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 16
#define NS_PER_MS 1e6
#define BITS_PER_MBIT 1e6
#define PPM_PER_PERCENT 1e4

struct answer {
	char *text;
	size_t len;
};

struct request {
	const struct linkem_ctl *ctl;
	char **words; /* after verb and link */
	unsigned count;
	unsigned link;
	uint64_t now_ns;
	struct answer *answer;
};

enum key_id { KEY_RATE, KEY_DELAY, KEY_JITTER, KEY_LOSS, KEY_BURST, KEY_QUEUE };

struct key {
	const char *name, *unit;
	double max;
};

static const struct key keys[] = {
	[KEY_RATE] = { "rate", "Mbit/s, 0 = no limit", 10000 },
	[KEY_DELAY] = { "delay", "ms", 10000 },
	[KEY_JITTER] = { "jitter", "ms", 10000 },
	[KEY_LOSS] = { "loss", "percent", 100 },
	[KEY_BURST] = { "burst", "frames", 1000 },
	[KEY_QUEUE] = { "queue", "ms", 10000 },
};
#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static const char *const dir_names[LINK_DIR_COUNT] = { "down", "up" };

static void __attribute__((format(printf, 2, 3)))
say(struct answer *a, const char *fmt, ...)
{
	size_t room = LINKEM_ANSWER_MAX - a->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(a->text + a->len, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		a->len += (size_t)n < room ? (size_t)n : room - 1;
}

static void say_keys(struct answer *a)
{
	for (size_t i = 0; i < KEY_COUNT; i++)
		say(a, "%s %s (%s)", i ? "," : "", keys[i].name, keys[i].unit);
}

static void put_key(struct shaper_config *c, enum key_id key, double value)
{
	switch (key) {
	case KEY_RATE:
		c->rate_bits = (uint64_t)(value * BITS_PER_MBIT);
		break;
	case KEY_DELAY:
		c->delay_ns = (uint64_t)(value * NS_PER_MS);
		break;
	case KEY_JITTER:
		c->jitter_ns = (uint64_t)(value * NS_PER_MS);
		break;
	case KEY_LOSS:
		c->loss_ppm = (uint32_t)(value * PPM_PER_PERCENT);
		break;
	case KEY_BURST:
		c->burst = (uint32_t)value;
		break;
	case KEY_QUEUE:
		c->queue_ns = (uint64_t)(value * NS_PER_MS);
		break;
	}
}

/* "key=value" into c; false: the answer says what is wrong. */
static bool parse_setting(struct answer *a, char *word, struct shaper_config *c)
{
	char *sign = strchr(word, '='), *end;
	double value;

	for (unsigned i = 0; sign && i < KEY_COUNT; i++) {
		if (strlen(keys[i].name) != (size_t)(sign - word) ||
		    strncmp(keys[i].name, word, (size_t)(sign - word)) != 0)
			continue;
		value = strtod(sign + 1, &end);
		if (end == sign + 1 || *end || !(value >= 0 && value <= keys[i].max)) {
			say(a, "error: %s: 0 to %g %s\n", keys[i].name, keys[i].max,
			    keys[i].unit);
			return false;
		}
		put_key(c, i, value);
		return true;
	}
	say(a, "error: '%s' is not KEY=VALUE; keys:", word);
	say_keys(a);
	say(a, "\n");
	return false;
}

static void run_set(struct request *r)
{
	struct link *link = &r->ctl->links[r->link];
	struct shaper_config new[LINK_DIR_COUNT];
	bool named[LINK_DIR_COUNT] = { true, true };
	unsigned first = 0;

	for (unsigned d = 0; d < LINK_DIR_COUNT; d++) {
		new[d] = link->dir[d].config;
		if (r->count > 0 && strcmp(r->words[0], dir_names[d]) == 0) {
			named[!d] = false;
			first = 1;
		}
	}
	if (first == r->count) {
		say(r->answer, "error: set LINK [down|up] KEY=VALUE ...; keys:");
		say_keys(r->answer);
		say(r->answer, "\n");
		return;
	}
	for (unsigned d = 0; d < LINK_DIR_COUNT; d++)
		for (unsigned i = first; named[d] && i < r->count; i++)
			if (!parse_setting(r->answer, r->words[i], &new[d]))
				return;
	for (unsigned d = 0; d < LINK_DIR_COUNT; d++)
		shaper_configure(&link->dir[d], &new[d], r->now_ns);
	say(r->answer, "ok\n");
}

static void set_cut(struct request *r, bool cut)
{
	struct link *link = &r->ctl->links[r->link];

	for (unsigned d = 0; d < LINK_DIR_COUNT; d++) {
		struct shaper_config new = link->dir[d].config;

		new.cut = cut;
		shaper_configure(&link->dir[d], &new, r->now_ns);
	}
	say(r->answer, "ok\n");
}

static void run_cut(struct request *r)
{
	set_cut(r, true);
}

static void run_restore(struct request *r)
{
	set_cut(r, false);
}

static void run_carrier(struct request *r)
{
	bool up = r->count == 1 && strcmp(r->words[0], "up") == 0;
	int err;

	if (!up && (r->count != 1 || strcmp(r->words[0], "down") != 0)) {
		say(r->answer, "error: carrier LINK up|down\n");
		return;
	}
	err = r->ctl->set_carrier(r->ctl->ctx, r->link, up);
	if (err < 0) {
		say(r->answer, "error: carrier: %s\n", strerror(-err));
		return;
	}
	r->ctl->links[r->link].carrier = up;
	set_cut(r, !up);
}

static void show_dir(struct answer *a, const struct link *link, enum link_dir d)
{
	const struct shaper_config *c = &link->dir[d].config;
	const struct shaper_counters *n = &link->dir[d].counters;

	say(a, "%s %s rate=%g delay=%g jitter=%g loss=%g burst=%u queue=%g "
	    "cut=%d carrier=%d queued_bytes=%" PRIu64 " delivered=%" PRIu64
	    " delivered_bytes=%" PRIu64 " dropped_queue=%" PRIu64
	    " dropped_loss=%" PRIu64 " dropped_cut=%" PRIu64 "\n",
	    link->name, dir_names[d], (double)c->rate_bits / BITS_PER_MBIT,
	    (double)c->delay_ns / NS_PER_MS, (double)c->jitter_ns / NS_PER_MS,
	    c->loss_ppm / PPM_PER_PERCENT, c->burst,
	    (double)c->queue_ns / NS_PER_MS, c->cut, link->carrier,
	    link->dir[d].queued_bytes, n->delivered, n->delivered_bytes,
	    n->dropped_queue, n->dropped_loss, n->dropped_cut);
}

static void run_show(struct request *r)
{
	say(r->answer, "ok\n");
	for (unsigned i = 0; i < r->ctl->count; i++)
		for (unsigned d = 0; d < LINK_DIR_COUNT; d++)
			show_dir(r->answer, &r->ctl->links[i], d);
}

static const struct verb {
	const char *name, *usage;
	bool needs_link;
	void (*run)(struct request *r);
} verbs[] = {
	{ "show", "show", false, run_show },
	{ "set", "set LINK [down|up] KEY=VALUE ...", true, run_set },
	{ "cut", "cut LINK", true, run_cut },
	{ "restore", "restore LINK", true, run_restore },
	{ "carrier", "carrier LINK up|down", true, run_carrier },
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void say_verbs(struct answer *a, const char *word)
{
	say(a, "error: '%s' is no command; there are:\n", word);
	for (size_t i = 0; i < VERB_COUNT; i++)
		say(a, "  %s\n", verbs[i].usage);
}

static bool find_link(struct request *r, const char *name)
{
	for (r->link = 0; r->link < r->ctl->count; r->link++)
		if (strcmp(r->ctl->links[r->link].name, name) == 0)
			return true;
	say(r->answer, "error: no link '%s'; there are:", name);
	for (unsigned i = 0; i < r->ctl->count; i++)
		say(r->answer, " %s", r->ctl->links[i].name);
	say(r->answer, "\n");
	return false;
}

static void dispatch(struct request *r, const struct verb *verb)
{
	r->words++;
	r->count--;
	if (verb->needs_link) {
		if (!find_link(r, r->count ? r->words[0] : ""))
			return;
		r->words++;
		r->count--;
	}
	verb->run(r);
}

void linkem_ctl_run(const struct linkem_ctl *ctl, char *command,
                    uint64_t now_ns, char answer[LINKEM_ANSWER_MAX])
{
	char *words[WORDS_MAX], *save = NULL;
	struct answer a = { .text = answer };
	struct request r = { .ctl = ctl, .words = words, .now_ns = now_ns,
	                     .answer = &a };

	answer[0] = '\0';
	for (char *w = strtok_r(command, " \t\r\n", &save); w && r.count < WORDS_MAX;
	     w = strtok_r(NULL, " \t\r\n", &save))
		words[r.count++] = w;
	for (size_t i = 0; r.count && i < VERB_COUNT; i++) {
		if (strcmp(words[0], verbs[i].name) == 0) {
			dispatch(&r, &verbs[i]);
			return;
		}
	}
	say_verbs(&a, r.count ? words[0] : "");
}
