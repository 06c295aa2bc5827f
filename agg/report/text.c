/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the report for a terminal: a line about the daemon, a paragraph a
 * session, and one table each for uplinks, streams and sites. A table is
 * gathered row by row and printed when the walk has left its part. Nothing is
 * wider than the terminal that it is for, and nothing is cut (columns.h).
 */
#include "agg/report/text_impl.h"

#include "agg/base/columns.h"
#include "agg/base/printable.h"
#include "agg/report/human.h"
#include "agg/report/limit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX COLUMNS_CELL_MAX
/* Less was never a load: greetings and pings. */
#define SEEN_MIN_BPS 25000u
#define UDP_KNOWN_US 10000000u

#define NO_SITE \
	"no gateway may connect yet: put 'config site' with its pin, which " \
	"'aggctl pin' prints on the gateway, into the configuration, and " \
	"'aggctl reload'."

struct text {
	unsigned part; /* whose table is being gathered; 0: none */
	unsigned sessions, well, wrong; /* shown, of a status: uplinks that are up */
	size_t passed_over[2];   /* sessions, uplinks that are not shown */
	struct columns columns;
};

void text_say(struct render *r, const char *fmt, ...)
{
	char line[TEXT_LINE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	r->failed |= columns_wrap(line, 2, r->line_max, r->out) < 0;
}

static void end_table(struct render *r, struct text *t)
{
	if (!t->part)
		return;
	t->part = 0;
	PRINT(r, "\n");
	r->failed |= columns_print(&t->columns, r->line_max, r->out) < 0;
	columns_finish(&t->columns);
}

/* The table of a part: begun with its heading at the first row. */
static struct columns *table(struct render *r, unsigned part, const char *align,
                             const char *const *heading)
{
	struct text *t = r->state;

	if (t->part == part)
		return &t->columns;
	end_table(r, t);
	t->part = part;
	columns_init(&t->columns, align);
	for (; *heading; heading++)
		columns_add(&t->columns, *heading);
	return &t->columns;
}

static bool is_status(const struct render *r)
{
	return (r->parts & REPORT_PART_SESSIONS) && (r->parts & REPORT_PART_UPLINKS);
}

static bool is_new(const struct report *report)
{
	return !report->session_count ||
	       report->sessions[0].state != REPORT_SESSION_UP;
}

/* And where it belongs, while whoever sets up the other side may ask. */
static void print_own_pin(struct render *r, const struct report_head *head)
{
	if (!*head->own_pin || !(r->parts & REPORT_PART_SESSIONS))
		return;
	PRINT(r, "own pin %s\n", head->own_pin);
	if (is_new(r->report))
		PRINT(r, "  (put it into %s)\n", strcmp(head->role, "gateway") ?
		      "config concentrator on the gateways" :
		      "config site on the concentrator");
}

/* "degraded: download at 47.1 Mbit/s, as dsl is full; lte is down". */
static void print_limit(struct render *r)
{
	char text[LIMIT_TEXT_MAX + 1], line[LIMIT_TEXT_MAX + 16];

	if (!is_status(r))
		return;
	limit_sentence(r->report, text);
	snprintf(line, sizeof(line), "%s: %s",
	         limit_health_text(limit_health(r->report)), text);
	r->failed |= columns_wrap(line, 0, r->line_max, r->out) < 0;
}

static void on_head(struct render *r, const struct report_head *head)
{
	char age[HUMAN_MAX];

	r->state = calloc(1, sizeof(struct text));
	r->failed |= !r->state;
	PRINT(r, "aggd %s, %s, running for %s\n", head->version, head->role,
	      human_age(head->uptime_us, age));
	print_limit(r);
	print_own_pin(r, head);
	if (*head->waits_for) {
		char line[REPORT_WAITS_MAX + 16];
		snprintf(line, sizeof(line), "waits for %s", head->waits_for);
		r->failed |= columns_wrap(line, 0, r->line_max, r->out) < 0;
	}
}


/* One is told whole; of many those that are not up. */
static void on_session(struct render *r, const struct report_session *s)
{
	struct text *t = r->state;

	if (!t)
		return;
	if (!is_status(r) || r->report->session_count <= TEXT_SESSIONS_WHOLE ||
	    (s->state != REPORT_SESSION_UP && t->sessions < TEXT_SESSIONS_SHOWN)) {
		t->sessions++;
		text_session(r, s);
	} else {
		t->passed_over[0]++;
	}
}

/* "47.1 of 49.8", which is the most that was carried of late; "0.3" where it
 * was never loaded, and "-" where there is nothing to say. */
static void add_rate(struct columns *c, uint64_t bps, uint64_t best_bps)
{
	char now[HUMAN_MAX], most[HUMAN_MAX], cell[CELL_MAX];
	bool known = best_bps >= SEEN_MIN_BPS;

	human_rate(bps, now);
	human_rate(bps > best_bps ? bps : best_bps, most);
	if (known)
		snprintf(cell, sizeof(cell), "%s of %s", now, most);
	else
		snprintf(cell, sizeof(cell), "%s", strcmp(now, "0.0") ? now : "-");
	columns_add(c, cell);
}

static void add_bytes(struct columns *c, uint64_t bytes)
{
	char text[HUMAN_MAX];

	columns_add(c, human_bytes(bytes, text));
}

static void add_ms(struct columns *c, uint64_t us)
{
	char text[HUMAN_MAX];

	columns_add(c, us ? human_ms(us, text) : "-");
}

static void add_known(struct columns *c, const char *text)
{
	columns_add(c, *text ? text : "-");
}

static void add_count(struct columns *c, uint64_t count)
{
	char text[HUMAN_MAX];

	snprintf(text, sizeof(text), "%" PRIu64, count);
	columns_add(c, text);
}

/* "0.12 %" */
static void add_ppm(struct columns *c, unsigned ppm, uint64_t of_bytes)
{
	char text[HUMAN_MAX];

	snprintf(text, sizeof(text), "%.2f %%", ppm / 1e4);
	columns_add(c, of_bytes ? text : "-");
}

/* Where the kernel's MPTCP is not on it everywhere. */
static const char *note_mptcp(const struct report_uplink *u,
                              char buf[REPORT_WORDS_MAX + 64])
{
	const size_t size = REPORT_WORDS_MAX + 64;

	if (!*u->mptcp || (u->mptcp_alive && u->mptcp_alive == u->mptcp_total))
		return "";
	if (u->mptcp_alive)
		snprintf(buf, size, "MPTCP: %s to %u of %u", u->mptcp,
		         u->mptcp_alive, u->mptcp_total);
	else
		snprintf(buf, size, "MPTCP: %s", u->mptcp);
	return buf;
}

/* Beside the sessions: not all of the subflows live. */
static const char *note_subflows(const struct render *r,
                                 const struct report_uplink *u,
                                 char buf[CELL_MAX])
{
	if (!(r->parts & REPORT_PART_SESSIONS) || !u->subflows_alive ||
	    u->subflows_alive >= u->subflows_total)
		return "";
	snprintf(buf, CELL_MAX, "%u of %u subflows", u->subflows_alive,
	         u->subflows_total);
	return buf;
}

/* Its path of the packet tunnel that is up, and whose session's; -1: none. */
static int find_path(const struct report *report, const struct report_uplink *u,
                     const struct report_session **out)
{
	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = *out = &report->sessions[i];
		for (unsigned p = 0; p < s->tunnel.path_count; p++)
			if (s->tunnel.state == REPORT_TUNNEL_UP &&
			    !strcmp(s->site, u->site) &&
			    !strcmp(s->tunnel.path[p].uplink, u->name))
				return (int)p;
	}
	return -1;
}

/* It carries TCP, but no datagrams; in the first seconds that is not known. */
static const char *note_udp(const struct render *r, const struct report_uplink *u)
{
	const struct report_session *s;
	int path = find_path(r->report, u, &s);

	return path >= 0 && u->state == REPORT_PATH_UP && !s->tunnel.path[path].works &&
	       s->age_us > UDP_KNOWN_US ? "UDP does not pass" : "";
}

/* What a person asks about an uplink that is not simply up. */
static void add_note(const struct render *r, struct columns *c,
                     const struct report_uplink *u)
{
	char cell[CELL_MAX] = "", again[HUMAN_MAX + 16] = "";
	char mptcp[REPORT_WORDS_MAX + 64], subflows[CELL_MAX];
	char costs[REPORT_WORDS_MAX + REPORT_NAME_MAX + 4];
	bool cost = *u->cost && strcmp(u->cost, "normal");

	if (u->reconnects)
		snprintf(again, sizeof(again), "%" PRIu64 " reconnect%s",
		         u->reconnects, u->reconnects == 1 ? "" : "s");
	/* In a status it is in the sentence. */
	bool why = *u->cost_why && !(r->parts & REPORT_PART_SESSIONS);
	snprintf(costs, sizeof(costs), "%s%s%s", u->cost, why ? ": " : "",
	         why ? u->cost_why : "");
	const char *parts[] = { u->why, note_subflows(r, u, subflows),
	                        note_udp(r, u), cost ? costs : "", again,
	                        note_mptcp(u, mptcp) };
	size_t used = 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		if (*parts[i] && used < sizeof(cell))
			used += (size_t)snprintf(cell + used, sizeof(cell) - used,
			                         "%s%s", used ? "; " : "",
			                         parts[i]);
	columns_add(c, cell);
}

/* Names of several sites may be the same: there they are "home/dsl". */
static void add_name(struct columns *c, const char *site, const char *name)
{
	char cell[CELL_MAX];

	snprintf(cell, sizeof(cell), "%s%s%s", site, *site ? "/" : "", name);
	columns_add(c, cell);
}

/* "vps.example.net 203.0.113.10:443" */
static void add_endpoint(struct columns *c, const struct report_uplink *u)
{
	char cell[REPORT_DEST_MAX + ADDR_TEXT_MAX + 2];

	snprintf(cell, sizeof(cell), "%s%s%s", u->endpoint_name,
	         *u->endpoint_name ? " " : "", u->endpoint);
	add_known(c, cell);
}

static unsigned count_wrong(const struct report *report)
{
	unsigned n = 0;

	for (size_t i = 0; i < report->uplink_count; i++)
		n += report->uplinks[i].state != REPORT_PATH_UP;
	return n;
}

/* Of many, those that are not up come first. */
static bool has_room(const struct render *r, const struct report_uplink *u)
{
	struct text *t = r->state;
	unsigned wrong = count_wrong(r->report);

	if (!is_status(r) || r->report->uplink_count <= TEXT_UPLINKS_SHOWN)
		return true;
	bool shown = u->state != REPORT_PATH_UP ? t->wrong < TEXT_UPLINKS_SHOWN :
		t->well + wrong < TEXT_UPLINKS_SHOWN;
	if (!shown)
		t->passed_over[1]++;
	else if (u->state != REPORT_PATH_UP)
		t->wrong++;
	else
		t->well++;
	return shown;
}

/* Beside the sessions the table is kept narrow; alone it says all. */
static void on_uplink(struct render *r, const struct report_uplink *u)
{
	static const char *const brief[] = {
		"uplink", "state", "rtt", "down Mbit/s", "up Mbit/s", "resent",
		"note", NULL };
	static const char *const full[] = {
		"uplink", "state", "rtt", "down Mbit/s", "up Mbit/s", "resent",
		"queue", "down", "up", "subflows", "device", "address", "endpoint", "note",
		NULL };
	bool is_brief = r->parts & REPORT_PART_SESSIONS;
	const struct report_session *s;
	char subflows[HUMAN_MAX];

	if (!r->state || !has_room(r, u))
		return;
	struct columns *c = table(r, REPORT_PART_UPLINKS,
	                          is_brief ? "llrrrrn" : "llrrrrrrrrllln",
	                          is_brief ? brief : full);
	add_name(c, u->site, u->name);
	columns_add(c, report_path_state_text(u->state));
	add_ms(c, u->srtt_us);
	add_rate(c, u->down_bps, u->down_best_bps);
	add_rate(c, u->up_bps, u->up_best_bps);
	add_ppm(c, u->retransmitted_ppm, u->sent_bytes);
	if (!is_brief) {
		int path = find_path(r->report, u, &s);
		/* Of what this side sends, as the tunnel sees it. */
		add_ms(c, path < 0 ? 0 : s->tunnel.path[path].queue_us);
		add_bytes(c, u->down_bytes);
		add_bytes(c, u->up_bytes);
		snprintf(subflows, sizeof(subflows), "%u of %u",
		         u->subflows_alive, u->subflows_total);
		columns_add(c, subflows);
		add_known(c, u->device);
		add_known(c, u->address);
		add_endpoint(c, u);
	}
	add_note(r, c, u);
}

static void on_subflow(struct render *r, const struct report_subflow *s)
{
	static const char *const heading[] = {
		"mptcp subflow", "bundle", "rtt", "Mbit/s", "resent", "down", "up",
		"local", "remote", "note", NULL };
	char rate[HUMAN_MAX];

	if (!r->state || is_status(r)) /* there is a line for each of them there */
		return;
	struct columns *c = table(r, REPORT_PART_SUBFLOWS, "lrrrrrrlln", heading);
	add_name(c, s->site, *s->uplink ? s->uplink : "?");
	add_count(c, s->bundle);
	add_ms(c, s->srtt_us);
	columns_add(c, s->rate_bps ? human_rate(s->rate_bps, rate) : "-");
	add_ppm(c, s->retransmitted_ppm, s->sent_bytes);
	add_bytes(c, s->down_bytes);
	add_bytes(c, s->up_bytes);
	columns_add(c, s->local);
	columns_add(c, s->remote);
	columns_add(c, s->fallback ? "fell back to TCP" :
	            s->checksum ? "checksums" : "");
}

/* "dsl 62 %, lte 38 %" */
static void add_shares(struct columns *c, const struct report *report,
                       const struct report_stream *s)
{
	char cell[CELL_MAX] = "";
	uint64_t sum = 0;
	size_t used = 0;

	for (unsigned i = 0; i < s->share_count; i++)
		sum += s->shares[i].bytes;
	for (unsigned i = 0; sum && i < s->share_count; i++) {
		const struct report_share *share = &s->shares[i];
		const char *name = report_share_name(report, share);
		if (!*name || used >= sizeof(cell))
			continue;
		used += (size_t)snprintf(cell + used, sizeof(cell) - used,
		                         "%s%s %.0f %%", used ? ", " : "", name,
		                         100. * (double)share->bytes / (double)sum);
	}
	columns_add(c, cell);
}

static void on_stream(struct render *r, const struct report_stream *s)
{
	static const char *const heading[] = {
		"stream", "destination", "down", "up", "age", "state", "class",
		"client", "paths", NULL };
	char age[HUMAN_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_STREAMS, "rlrrrllln", heading);
	add_count(c, s->id);
	columns_add(c, s->dest);
	add_bytes(c, s->down_bytes);
	add_bytes(c, s->up_bytes);
	columns_add(c, human_age(s->age_us, age));
	columns_add(c, report_stream_state_text(s->state));
	add_known(c, s->class);
	add_name(c, s->site, s->client);
	add_shares(c, r->report, s);
}

static void on_site(struct render *r, const struct report_site *s)
{
	static const char *const heading[] = { "site", "state", "since", "uplinks",
	                                       "streams", "down", "up", "note",
	                                       NULL };
	char age[HUMAN_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_SITES, "llrrrrrl", heading);
	columns_add(c, s->name);
	columns_add(c, s->connected ? "connected"
	                            : s->since_us ? "away" : "never seen");
	columns_add(c, s->since_us ? human_age(s->since_us, age) : "-");
	add_count(c, s->uplinks);
	add_count(c, s->streams);
	add_bytes(c, s->down_bytes);
	add_bytes(c, s->up_bytes);
	columns_add(c, s->note);
}

static void on_choice(struct render *r, const struct report_choice *choice)
{
	static const char *const heading[] = { "kind", "name", "runs",
	                                       "what it does", NULL };
	char cell[CELL_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_CHOICES, "llln", heading);
	columns_add(c, choice->kind);
	columns_add(c, choice->name);
	add_known(c, choice->runs);
	snprintf(cell, sizeof(cell), "%s%s%s", choice->summary,
	         *choice->order ? "; order " : "", choice->order);
	columns_add(c, cell);
}

static void say_nothing_of(struct render *r, const char *what)
{
	PRINT(r, "\n");
	r->failed |= columns_wrap(what, 0, r->line_max, r->out) < 0;
}

/* What there is none of, why that is, and what to do. */
static const char *no_session(const struct report *report)
{
	if (strcmp(report->head.role, "concentrator"))
		return "no session";
	if (!report->site_count)
		return NO_SITE;
	return "no session: no gateway is connected. 'aggctl sites' lists those "
	       "that may; on the gateway, 'aggctl status' says what is in its way.";
}

static const char *no_site(const struct report *report)
{
	if (!strcmp(report->head.role, "concentrator"))
		return NO_SITE;
	return "no sites: this is a gateway, which knows none. 'aggctl sites' on "
	       "the concentrator lists its gateways; 'aggctl status' here shows "
	       "the session with it.";
}

/* Nothing to show is said, so that nobody wonders. */
static void say_none(struct render *r)
{
	const struct report *report = r->report;
	char left[HUMAN_MAX * 2];

	if ((r->parts & REPORT_PART_SESSIONS) && !report->session_count)
		say_nothing_of(r, no_session(report));
	else if ((r->parts & REPORT_PART_UPLINKS) && !report->uplink_count)
		say_nothing_of(r, "no uplinks: no gateway is connected");
	if ((r->parts & REPORT_PART_STREAMS) && !report->stream_count)
		say_nothing_of(r, "no streams: nobody has a connection through the "
		                  "aggregate now");
	if ((r->parts & REPORT_PART_SITES) && !report->site_count)
		say_nothing_of(r, no_site(report));
	if (report->left_out) {
		snprintf(left, sizeof(left), "and %zu more, not shown",
		         report->left_out);
		say_nothing_of(r, left);
	}
}

static void say_passed_over(struct render *r, const struct text *t)
{
	char line[TEXT_LINE_BYTES];

	if (!t->passed_over[0] && !t->passed_over[1])
		return;
	snprintf(line, sizeof(line), "%zu sessions and %zu uplinks more: 'aggctl "
	         "sites' and 'aggctl uplinks' list them", t->passed_over[0],
	         t->passed_over[1]);
	say_nothing_of(r, line);
}

static void on_tail(struct render *r)
{
	if (r->state) {
		end_table(r, r->state);
		say_passed_over(r, r->state);
	}
	say_none(r);
	free(r->state);
}

const struct render_ops render_text = {
	.name = "text",
	.head = on_head,
	.session = on_session,
	.uplink = on_uplink,
	.stream = on_stream,
	.site = on_site,
	.choice = on_choice,
	.subflow = on_subflow,
	.tail = on_tail,
};
