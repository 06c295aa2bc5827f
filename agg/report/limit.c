/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see limit.h. Of the busiest session and its busier direction: whatever its
 * sender waited for most is the limit, a full CPU before all else. Where nothing
 * waited, who gives the bytes is; where the receiver's credit was used up, what
 * the receiver sees says why.
 */
#include "agg/report/limit.h"

#include "agg/base/printable.h"
#include "agg/report/human.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAMED_MAX 3u          /* things that are named one by one */
#define LATE_US 50000u        /* so much later than the fastest, and ... */
#define LATE_TIMES 3u         /* ... so many times: no help for it */

/* One direction of one session. */
struct way {
	const struct report *report;
	const struct report_session *session;
	const struct report_flow *flow;
	bool down;
	uint64_t bps;
};

struct words {
	char *out;
	size_t used;
};

static void add(struct words *w, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct words *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(w->out + w->used, LIMIT_TEXT_MAX + 1 - w->used, format,
	                  args);
	va_end(args);
	if (n > 0)
		w->used += (size_t)n;
	if (w->used > LIMIT_TEXT_MAX)
		w->used = LIMIT_TEXT_MAX;
}

static void add_clean(struct words *w, const char *text)
{
	char clean[REPORT_WAITS_MAX + 1];

	add(w, "%s", printable_ascii(clean, sizeof(clean), text));
}

/* What is wrong -------------------------------------------------------------- */

static bool is_gateway(const struct report *report)
{
	return !strcmp(report->head.role, "gateway");
}

static bool is_wrong(const struct report_uplink *u)
{
	return u->state != REPORT_PATH_UP && u->state != REPORT_PATH_DISABLED;
}

static bool is_down(const struct report *report)
{
	if (!is_gateway(report))
		return false;
	return !report->session_count ||
	       report->sessions[0].state != REPORT_SESSION_UP;
}

static unsigned count_wrong(const struct report *report)
{
	unsigned n = 0;

	for (size_t i = 0; i < report->uplink_count; i++)
		n += is_wrong(&report->uplinks[i]);
	return n;
}

/* "dsl is down (no carrier)"; "dsl is down, lte is connecting and 2 more", where
 * the notes of the table say why. */
static unsigned add_uplinks(struct words *w, const struct report *report)
{
	bool one = count_wrong(report) == 1;
	unsigned n = 0;

	for (size_t i = 0; i < report->uplink_count; i++) {
		const struct report_uplink *u = &report->uplinks[i];
		if (!is_wrong(u) || n++ >= NAMED_MAX)
			continue;
		add(w, "%s", n == 1 ? "; " : ", ");
		if (*u->site)
			add_clean(w, u->site), add(w, "/");
		add_clean(w, u->name);
		add(w, " is %s", u->state == REPORT_PATH_SUSPECT ?
		    "without progress" : report_path_state_text(u->state));
		if (*u->why && one)
			add(w, " ("), add_clean(w, u->why), add(w, ")");
	}
	if (n > NAMED_MAX)
		add(w, " and %u more", n - NAMED_MAX);
	return n;
}

static unsigned add_sessions(struct words *w, const struct report *report)
{
	unsigned n = 0;

	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = &report->sessions[i];
		if (s->interception.state == REPORT_INTERCEPTION_BROKEN) {
			add(w, "; the LAN's connections are not taken (");
			add_clean(w, s->interception.why);
			add(w, ")");
			n++;
		}
		if (s->tunnel.lost && s->state == REPORT_SESSION_UP) {
			add(w, "; the LAN's packets have no tunnel (");
			add_clean(w, s->tunnel.why);
			add(w, ")");
			n++;
		}
		if (is_gateway(report) || s->state == REPORT_SESSION_UP ||
		    n++ >= NAMED_MAX)
			continue;
		add(w, "; site "), add_clean(w, s->site), add(w, " is away");
	}
	return n;
}

/* It is no fault, but why an uplink carries less than it could. */
static void add_caps(struct words *w, const struct report *report)
{
	unsigned n = 0;

	for (size_t i = 0; i < report->uplink_count; i++) {
		const struct report_uplink *u = &report->uplinks[i];
		if (!*u->cost_why || is_wrong(u) || n++ >= NAMED_MAX)
			continue;
		add(w, "; "), add_clean(w, u->name);
		add(w, " is %s (", u->cost), add_clean(w, u->cost_why), add(w, ")");
	}
}

/* How many things. */
static unsigned add_wrong(struct words *w, const struct report *report)
{
	unsigned n = add_uplinks(w, report) + add_sessions(w, report);

	if (*report->head.waits_for) {
		add(w, "; it waits for ");
		add_clean(w, report->head.waits_for);
		n++;
	}
	return n;
}

/* What limits ------------------------------------------------------------------ */

static bool is_of(const struct report_uplink *u, const struct report_session *s)
{
	return !strcmp(u->site, s->site);
}

static uint64_t rate_of(const struct report *report,
                        const struct report_session *s, bool down)
{
	uint64_t bps = 0;

	for (size_t i = 0; i < report->uplink_count; i++)
		if (is_of(&report->uplinks[i], s))
			bps += down ? report->uplinks[i].down_bps
			            : report->uplinks[i].up_bps;
	return bps;
}

/* False: nobody is busy. (One walk of the uplinks for each session: only where
 * there are few of them is anybody asked for a sentence more than once a second.) */
static bool find_busiest(const struct report *report, struct way *out)
{
	*out = (struct way){ .report = report };
	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = &report->sessions[i];
		for (int down = 1; down >= 0; down--) {
			uint64_t bps = rate_of(report, s, down);
			if (bps < LIMIT_BUSY_BPS || bps <= out->bps)
				continue;
			*out = (struct way){ report, s, down ? &s->down_flow
			                                     : &s->up_flow,
			                     down, bps };
		}
	}
	return out->session;
}

static bool is_full(const struct way *way, const struct report_uplink *u)
{
	return (way->down ? u->down_full_permille : u->up_full_permille) >=
	       LIMIT_FULL_PERMILLE;
}

static uint64_t fastest_rtt_us(const struct way *way)
{
	uint64_t least = 0;

	for (size_t i = 0; i < way->report->uplink_count; i++) {
		const struct report_uplink *u = &way->report->uplinks[i];
		if (is_of(u, way->session) && u->min_rtt_us &&
		    (!least || u->min_rtt_us < least))
			least = u->min_rtt_us;
	}
	return least;
}

/* Up, not full, and no help as what it would take arrives too late. */
static bool is_late(const struct way *way, const struct report_uplink *u)
{
	uint64_t least = fastest_rtt_us(way);

	return u->state == REPORT_PATH_UP && !is_full(way, u) &&
	       u->min_rtt_us > least + LATE_US && u->min_rtt_us > LATE_TIMES * least;
}

/* "dsl, lte and sat", of those that are so; how many. */
static unsigned add_names(struct words *w, const struct way *way,
                          bool (*is_so)(const struct way *,
                                        const struct report_uplink *))
{
	const struct report_uplink *last = NULL;
	unsigned n = 0;

	for (size_t i = 0; i < way->report->uplink_count; i++) {
		const struct report_uplink *u = &way->report->uplinks[i];
		if (!is_of(u, way->session) || !is_so(way, u))
			continue;
		if (last) {
			add(w, "%s", n > 1 ? ", " : "");
			add_clean(w, last->name);
		}
		last = u;
		n++;
	}
	if (last) {
		add(w, "%s", n > 1 ? " and " : "");
		add_clean(w, last->name);
	}
	return n;
}

static void add_links(struct words *w, const struct way *way)
{
	unsigned full = add_names(w, way, is_full);
	char names[LIMIT_TEXT_MAX + 1] = "";
	struct words late = { names, 0 };

	if (full)
		add(w, full > 1 ? " are full" : " is full");
	else
		add(w, "its links are full");
	unsigned n = add_names(&late, way, is_late);
	if (n)
		add(w, ", and %s %s too far behind to carry more", names,
		    n > 1 ? "are" : "is");
}

/* The receiver's credit is used up, and why. */
static void add_receiver(struct words *w, const struct way *way)
{
	const struct report_flow *f = way->flow;
	const char *late = way->session->silent_uplink;

	if (f->reader_full) {
		add(w, "the %s takes no more", way->down ? "client" : "server");
	} else if (f->memory_short) {
		add(w, "the memory of the receiving session is used up "
		    "('option memory')");
	} else if (f->hole) {
		add(w, "what is late or lost");
		if (*late)
			add(w, " on "), add_clean(w, late);
		add(w, " holds up the rest");
	} else {
		add(w, "it waits for the receiver's credit");
	}
}

static bool add_cpu(struct words *w, const struct way *way)
{
	const struct report_flow *f = way->flow;
	unsigned most = f->sender_cpu_permille > f->receiver_cpu_permille ?
		f->sender_cpu_permille : f->receiver_cpu_permille;
	bool sender = most == f->sender_cpu_permille;

	if (most < LIMIT_CPU_PERMILLE)
		return false;
	add(w, "the CPU of the %s is full (%u %% of a core)",
	    sender == way->down ? "concentrator" : "gateway", most / 10);
	return true;
}

static void add_limit(struct words *w, const struct way *way)
{
	const struct report_flow *f = way->flow;
	char rate[HUMAN_MAX];

	if (*way->session->site)
		add(w, "site "), add_clean(w, way->session->site), add(w, ": ");
	add(w, "%s at %s Mbit/s", way->down ? "download" : "upload",
	    human_rate(way->bps, rate));
	if (!f->known && f->receiver_cpu_permille < LIMIT_CPU_PERMILLE)
		return;
	add(w, ", as ");
	if (add_cpu(w, way))
		return;
	if (f->credit_permille >= LIMIT_WAIT_PERMILLE &&
	    f->credit_permille > f->paths_permille)
		add_receiver(w, way);
	else if (f->paths_permille >= LIMIT_WAIT_PERMILLE)
		add_links(w, way);
	else
		add(w, "the %s sends no faster", way->down ? "server" : "client");
}

/* The sentence --------------------------------------------------------------- */

static void add_down(struct words *w, const struct report *report)
{
	const struct report_session *s = report->sessions;

	if (report->head.unpaired)
		add(w, "this gateway has not joined a concentrator yet; 'aggctl "
		    "join TOKEN' does it, or its page");
	else if (!report->session_count)
		add(w, "there is no session");
	else if (*s->why)
		add_clean(w, s->why);
	else
		add(w, "the session is %s", report_session_state_text(s->state));
}

/* Which is no fault. */
static void add_before(struct words *w, const struct report_head *head)
{
	char down[HUMAN_MAX], up[HUMAN_MAX];

	if (head->before_streams)
		add(w, "; streams of before an update go on: %u, at %s Mbit/s down and "
		    "%s up", head->before_streams,
		    human_rate(head->before_down_bps, down),
		    human_rate(head->before_up_bps, up));
}

void limit_sentence(const struct report *report, char out[LIMIT_TEXT_MAX + 1])
{
	struct words w = { out, 0 };
	struct way way;

	*out = 0;
	if (is_down(report))
		add_down(&w, report);
	else if (find_busiest(report, &way))
		add_limit(&w, &way);
	else if (!report->session_count)
		add(&w, "no gateway is connected");
	else
		add(&w, "nothing is under way");
	add_wrong(&w, report);
	add_caps(&w, report);
	add_before(&w, &report->head);
}

enum report_health limit_health(const struct report *report)
{
	char text[LIMIT_TEXT_MAX + 1];
	struct words w = { text, 0 };

	if (is_down(report))
		return REPORT_HEALTH_DOWN;
	return add_wrong(&w, report) ? REPORT_HEALTH_DEGRADED : REPORT_HEALTH_UP;
}

const char *limit_health_text(enum report_health health)
{
	switch (health) {
	case REPORT_HEALTH_UP:
		return "up";
	case REPORT_HEALTH_DEGRADED:
		return "degraded";
	case REPORT_HEALTH_DOWN:
		return "down";
	}
	return "?";
}
