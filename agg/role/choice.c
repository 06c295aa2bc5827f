/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see choice.h. Knows no scheduler by name, only the registries.
 */
#include "agg/role/choice.h"

#include "agg/base/words.h"
#include "agg/role/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LIST_MAX 512

/* The word list's own copy; NULL: why says what is allowed. */
static const char *find(const char *what, const char *const *known,
                        const char *word, struct buf *why)
{
	char list[LIST_MAX];

	for (size_t i = 0; word && known[i]; i++)
		if (!strcmp(known[i], word))
			return known[i];
	const char *near = word ? words_near(known, word) : NULL;
	if (!word)
		buf_printf(why, "%s: its name is missing", what);
	else
		buf_printf(why, "there is no %s '%s'", what, word);
	if (near)
		buf_printf(why, ", did you mean '%s'?", near);
	else
		buf_printf(why, ";");
	buf_printf(why, " allowed: %s\n",
	           words_list(known, list, sizeof(list)));
	return NULL;
}

/* Words in progress. */
struct words {
	const char *const *argv; /* the rest, ended by at == end */
	int at, end;
	bool begun;              /* the scheduler's place is over */
	struct policy_known known;
	struct choice *out;
	struct buf *why;
};

static bool is_next(struct words *w, const char *word)
{
	if (strcmp(w->argv[w->at], word))
		return false;
	w->at++;
	return true;
}

/* The name behind a word. */
static bool take_name(struct words *w, const char *what,
                      const char *const *known, const char **out)
{
	const char *word = w->at < w->end ? w->argv[w->at++] : NULL;

	if (*out) {
		buf_printf(w->why, "%s is there twice; allowed: once\n", what);
		return false;
	}
	*out = find(what, known, word, w->why);
	return *out;
}

static bool take_class(struct words *w)
{
	static const char *const names[] = { "interactive", "bulk", NULL };
	const char *name = NULL;

	if (!take_name(w, "class", names, &name))
		return false;
	for (int c = 0; c < STREAM_CLASS_COUNT; c++)
		if (!strcmp(name, stream_class_name(c)))
			w->out->class = c;
	return true;
}

static bool take_site(struct words *w)
{
	const char *word = w->argv[w->at++];

	if (*word == '-' || w->out->site) {
		buf_printf(w->why, "'%s' is a word too many; allowed: [NAME] "
		           "[order NAME] [reinjection NAME] [--class NAME] "
		           "[SITE]\n", word);
		return false;
	}
	w->out->site = word;
	return true;
}

static bool take(struct words *w)
{
	bool first = !w->begun;

	if (is_next(w, "--class"))
		return take_class(w);
	w->begun = true;
	if (is_next(w, "order"))
		return take_name(w, "order", w->known.orders, &w->out->order);
	if (is_next(w, "reinjection"))
		return take_name(w, "reinjection", w->known.reinjections,
		                 &w->out->reinjection);
	if (first)
		return take_name(w, "scheduler", w->known.schedulers,
		                 &w->out->scheduler);
	return take_site(w);
}

int choice_parse(int argc, const char *const *argv, struct choice *out,
                 struct buf *why)
{
	struct words w = { argv, 1, argc, .out = out, .why = why };

	*out = (struct choice){ .class = -1 };
	policy_known(&w.known);
	while (w.at < w.end)
		if (!take(&w))
			return -EINVAL;
	if (out->class >= 0 && !out->scheduler) {
		find("scheduler for the class", w.known.schedulers, NULL, why);
		return -EINVAL;
	}
	return 0;
}

const struct conf_site *choice_site(const struct choice *choice,
                                    const struct conf *conf, struct buf *why)
{
	const struct conf_site *sites = conf->sites;

	if (!choice->site && conf->site_count == 1)
		return sites;
	for (unsigned i = 0; choice->site && i < conf->site_count; i++)
		if (!strcmp(sites[i].name, choice->site))
			return &sites[i];
	if (!conf->site_count)
		buf_printf(why, "there is no site in the configuration");
	else if (choice->site)
		buf_printf(why, "there is no site '%s'; allowed:", choice->site);
	else
		buf_printf(why, "there are several sites, name one of them:");
	for (unsigned i = 0; i < conf->site_count; i++)
		buf_printf(why, "%s %s", i ? "," : "", sites[i].name);
	buf_printf(why, "\n");
	return NULL;
}

void choice_apply(const struct choice *choice, struct policy_names *person)
{
	for (int c = 0; c < STREAM_CLASS_COUNT; c++)
		if (choice->scheduler && (choice->class < 0 || choice->class == c))
			person->by_class[c] = choice->scheduler;
	if (choice->order)
		person->order = choice->order;
	if (choice->reinjection)
		person->reinjection = choice->reinjection;
}

static void tell_option(struct buf *out, const char *key, const char *value)
{
	if (value)
		buf_printf(out, "        option %s '%s'\n", key, value);
}

/* The sections of the classes that the choice names, or overrules. */
static void tell_classes(const struct choice *choice, const struct conf *conf,
                         struct buf *out)
{
	for (int c = 0; choice->scheduler && c < STREAM_CLASS_COUNT; c++) {
		const char *name = stream_class_name(c);
		const struct conf_class *class = conf_find_class(conf, name);
		if (choice->class != c &&
		    (choice->class >= 0 || !class || !*class->scheduler))
			continue;
		buf_printf(out, "    config class '%s'\n", name);
		tell_option(out, "scheduler", choice->scheduler);
	}
}

void choice_tell(const struct choice *choice, const struct conf *conf,
                 const char *section, struct buf *out)
{
	const char *scheduler = choice->class < 0 ? choice->scheduler : NULL;

	buf_printf(out, "until a restart, or a reload of a file whose own choice "
	                "was changed; to keep it, write there:\n");
	if (scheduler || choice->order || choice->reinjection)
		buf_printf(out, "    %s\n", section);
	tell_option(out, "scheduler", scheduler);
	tell_option(out, "order", choice->order);
	tell_option(out, "reinjection", choice->reinjection);
	tell_classes(choice, conf, out);
}

void choice_tell_sending(const char *direction, const struct wire_wish *names,
                         struct buf *out)
{
	struct report_sending sending;
	char text[REPORT_SENDING_MAX + 1];

	snapshot_sending(names, &sending);
	buf_printf(out, "%s: %s\n", direction,
	           report_sending_text(&sending, text));
}

/* The list ------------------------------------------------------------------ */

/* Which name of a sending a kind of choice is. */
enum kind { KIND_SCHEDULER, KIND_ORDER, KIND_REINJECTION };

static const char *const kind_names[] = {
	[KIND_SCHEDULER] = "scheduler", [KIND_ORDER] = "order",
	[KIND_REINJECTION] = "reinjection",
};

/* "down", "down interactive"; NULL: not at all. */
static const char *use_of(enum kind kind, const char *name,
                          const struct report_sending *s)
{
	bool interactive = !strcmp(s->interactive, name);
	bool bulk = !strcmp(s->bulk, name);

	switch (kind) {
	case KIND_SCHEDULER:
		return interactive && bulk ? "" : interactive ? " interactive" :
			bulk ? " bulk" : NULL;
	case KIND_ORDER:
		return strcmp(s->order, name) ? NULL : "";
	case KIND_REINJECTION:
		return strcmp(s->reinjection, name) ? NULL : "";
	}
	return NULL;
}

/* Appends to runs, cut where it is full. */
static void add_use(struct report_choice *choice, const struct report *report,
                    const struct report_session *session,
                    const char *direction, const char *use)
{
	size_t used = strlen(choice->runs);
	bool many = report->session_count > 1;

	if (use)
		snprintf(choice->runs + used, sizeof(choice->runs) - used,
		         "%s%s%s%s%s", used ? ", " : "",
		         many ? session->site : "", many ? " " : "", direction,
		         use);
}

static void add_choice(struct report *report, enum kind kind, const char *name,
                       const char *summary, const char *order)
{
	struct report_choice *choice = report_add_choice(report);

	if (!choice)
		return;
	snprintf(choice->kind, sizeof(choice->kind), "%s", kind_names[kind]);
	snprintf(choice->name, sizeof(choice->name), "%s", name);
	snprintf(choice->summary, sizeof(choice->summary), "%s", summary);
	snprintf(choice->order, sizeof(choice->order), "%s", order);
	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = &report->sessions[i];
		add_use(choice, report, s, "down", use_of(kind, name, &s->down));
		add_use(choice, report, s, "up", use_of(kind, name, &s->up));
	}
}

void choice_list(struct report *report)
{
	for (size_t i = 0; i < sched_count; i++)
		add_choice(report, KIND_SCHEDULER, sched_all[i]->name,
		           sched_all[i]->summary, sched_all[i]->order);
	for (size_t i = 0; i < order_count; i++)
		add_choice(report, KIND_ORDER, order_all[i]->name,
		           order_all[i]->summary, "");
	for (int i = 0; i < REINJECT_COUNT; i++)
		add_choice(report, KIND_REINJECTION,
		           reinject_name((enum reinject_policy)i),
		           reinject_summary((enum reinject_policy)i), "");
}
