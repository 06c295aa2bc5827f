/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the report for a terminal: a line about the daemon, a paragraph a
 * session, and one table each for uplinks, streams and sites. A table is
 * gathered row by row and printed when the walk has left its part.
 */
#include "agg/report/report.h"

#include "agg/report/columns.h"
#include "agg/report/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CELL_MAX 256

struct text {
	unsigned part; /* whose table is being gathered; 0: none */
	struct columns columns;
};

#define PRINT(r, ...) ((r)->failed |= buf_printf((r)->out, __VA_ARGS__) < 0)

static void end_table(struct render *r, struct text *t)
{
	if (!t->part)
		return;
	t->part = 0;
	PRINT(r, "\n");
	r->failed |= columns_print(&t->columns, r->out) < 0;
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

static void on_head(struct render *r, const struct report_head *head)
{
	char age[HUMAN_MAX];

	r->state = calloc(1, sizeof(struct text));
	r->failed |= !r->state;
	PRINT(r, "aggd %s, %s, running for %s\n", head->version, head->role,
	      human_age(head->uptime_us, age));
}

static void print_sending(struct render *r, const char *direction,
                          const struct report_sending *sending,
                          const char *note)
{
	char text[REPORT_SENDING_MAX + 1], clean[REPORT_SENDING_MAX + 1];

	report_sending_text(sending, text);
	if (*text)
		PRINT(r, "  %s: %s%s\n", direction,
		      human_clean(clean, sizeof(clean), text), note);
}

/* "sent again 1.20 MB: 1.10 MB suspect, 100 KB tail" */
static void print_again(struct render *r, const struct report_session *s)
{
	char text[HUMAN_MAX];
	uint64_t sum = 0;
	bool first = true;

	for (int i = 0; i < REPORT_AGAIN_COUNT; i++)
		sum += s->again_bytes[i];
	if (!sum)
		return;
	PRINT(r, "  sent again %s:", human_bytes(sum, text));
	for (int i = 0; i < REPORT_AGAIN_COUNT; i++) {
		if (!s->again_bytes[i])
			continue;
		PRINT(r, "%s %s %s", first ? "" : ",",
		      human_bytes(s->again_bytes[i], text),
		      report_again_text((enum report_again)i));
		first = false;
	}
	PRINT(r, "\n");
}

/* "carrier auto: MPTCP is not on every uplink; the kernel's scheduler: default" */
static void print_carrier(struct render *r, const struct report_session *s)
{
	char why[REPORT_WORDS_MAX + 1];

	if (!*s->carrier_wanted)
		return;
	PRINT(r, "  carrier %s: %s", s->carrier_wanted,
	      human_clean(why, sizeof(why), s->carrier_why));
	if (*s->kernel_scheduler && strcmp(s->carrier, "subflows"))
		PRINT(r, "; the kernel's scheduler: %s", s->kernel_scheduler);
	PRINT(r, "\n");
}

/* "MPTCP on this host: 2 fell back to TCP, 3 joins refused" */
static void print_trouble(struct render *r, const struct report_mptcp *m)
{
	const struct { uint64_t count; const char *what; } troubles[] = {
		{ m->fallbacks, "fell back to TCP" },
		{ m->joins > m->joined ? m->joins - m->joined : 0,
		  "joined in vain" },
		{ m->joins_refused, "refused to join" },
		{ m->checksum_errors, "with a wrong checksum" },
		{ m->blackholes, "times turned off for a blackhole" },
	};
	bool first = true;

	for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++) {
		if (!troubles[i].count)
			continue;
		PRINT(r, "%s%" PRIu64 " %s", first ? "  MPTCP on this host: " : ", ",
		      troubles[i].count, troubles[i].what);
		first = false;
	}
	if (!first)
		PRINT(r, "\n");
}

/* "interception: broken: nft table is gone" */
static void print_interception(struct render *r,
                               const struct report_interception *i)
{
	char why[REPORT_WORDS_MAX + 1];

	if (i->state != REPORT_INTERCEPTION_NONE)
		PRINT(r, "  interception: %s%s%s\n",
		      report_interception_text(i->state), *i->why ? ": " : "",
		      human_clean(why, sizeof(why), i->why));
}

static void on_session(struct render *r, const struct report_session *s)
{
	char age[HUMAN_MAX], down[HUMAN_MAX], up[HUMAN_MAX];
	char used[HUMAN_MAX], budget[HUMAN_MAX], why[REPORT_WORDS_MAX + 1];

	PRINT(r, "\nsession %s: %s for %s%s%s\n",
	      *s->concentrator ? s->concentrator : s->site,
	      report_session_state_text(s->state), human_age(s->age_us, age),
	      *s->why ? ": " : "", human_clean(why, sizeof(why), s->why));
	PRINT(r, "  %u stream%s", s->streams, s->streams == 1 ? "" : "s");
	if (s->bundles) /* which the gateway chooses */
		PRINT(r, " in %u bundle%s", s->bundles, s->bundles == 1 ? "" : "s");
	PRINT(r, " over %s\n", s->carrier);
	print_interception(r, &s->interception);
	print_carrier(r, s);
	print_trouble(r, &s->mptcp);
	bool follows = !*s->up.bulk || report_sending_equal(&s->down, &s->up);
	print_sending(r, "down", &s->down,
	              follows ? "" : " (not what the gateway wishes)");
	print_sending(r, "up", &s->up, "");
	PRINT(r, "  moved %s down, %s up; %s of %s memory in use\n",
	      human_bytes(s->down_bytes, down), human_bytes(s->up_bytes, up),
	      human_bytes(s->memory_bytes, used),
	      human_bytes(s->memory_budget_bytes, budget));
	print_again(r, s);
	if (*s->cipher)
		PRINT(r, "  %s, %s\n", s->cipher, s->library);
}

/* "47.1 of 49.8" */
static void add_rate(struct columns *c, uint64_t bps, uint64_t capacity_bps)
{
	char now[HUMAN_MAX], most[HUMAN_MAX], cell[CELL_MAX];

	snprintf(cell, sizeof(cell), "%s%s%s", human_rate(bps, now),
	         capacity_bps ? " of " : "",
	         capacity_bps ? human_rate(capacity_bps, most) : "");
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
static void add_ppm(struct columns *c, unsigned ppm)
{
	char text[HUMAN_MAX];

	snprintf(text, sizeof(text), "%.2f %%", ppm / 1e4);
	columns_add(c, text);
}

/* Where the kernel's MPTCP is not on it everywhere. */
static const char *note_mptcp(const struct report_uplink *u, char buf[CELL_MAX])
{
	if (!*u->mptcp || (u->mptcp_alive && u->mptcp_alive == u->mptcp_total))
		return "";
	if (u->mptcp_alive)
		snprintf(buf, CELL_MAX, "MPTCP: %s to %u of %u", u->mptcp,
		         u->mptcp_alive, u->mptcp_total);
	else
		snprintf(buf, CELL_MAX, "MPTCP: %s", u->mptcp);
	return buf;
}

/* What a person asks about an uplink that is not simply up. */
static void add_note(struct columns *c, const struct report_uplink *u)
{
	char cell[CELL_MAX], again[HUMAN_MAX + 16] = "", mptcp[CELL_MAX];
	bool cost = *u->cost && strcmp(u->cost, "normal");

	if (u->reconnects)
		snprintf(again, sizeof(again), "%" PRIu64 " reconnect%s",
		         u->reconnects, u->reconnects == 1 ? "" : "s");
	const char *parts[] = { u->why, cost ? u->cost : "", again,
	                        note_mptcp(u, mptcp) };
	size_t used = 0;
	cell[0] = 0;
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

/* Beside the sessions the table is kept narrow; alone it says all. */
static void on_uplink(struct render *r, const struct report_uplink *u)
{
	static const char *const brief[] = {
		"uplink", "state", "rtt", "down Mbit/s", "up Mbit/s", "down", "up",
		"resent", "subflows", "note", NULL };
	static const char *const full[] = {
		"uplink", "state", "rtt", "down Mbit/s", "up Mbit/s", "down", "up",
		"resent", "subflows", "device", "address", "endpoint", "note",
		NULL };
	bool is_brief = r->parts & REPORT_PART_SESSIONS;
	char subflows[HUMAN_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_UPLINKS,
	                          is_brief ? "llrrrrrrrl" : "llrrrrrrrllll",
	                          is_brief ? brief : full);
	add_name(c, u->site, u->name);
	columns_add(c, report_path_state_text(u->state));
	add_ms(c, u->srtt_us);
	add_rate(c, u->down_bps, u->down_capacity_bps);
	add_rate(c, u->up_bps, u->up_capacity_bps);
	add_bytes(c, u->down_bytes);
	add_bytes(c, u->up_bytes);
	add_ppm(c, u->retransmitted_ppm);
	snprintf(subflows, sizeof(subflows), "%u of %u", u->subflows_alive,
	         u->subflows_total);
	columns_add(c, subflows);
	if (!is_brief) {
		add_known(c, u->device);
		add_known(c, u->address);
		add_known(c, u->endpoint);
	}
	add_note(c, u);
}

static void on_subflow(struct render *r, const struct report_subflow *s)
{
	static const char *const heading[] = {
		"mptcp subflow", "bundle", "local", "remote", "rtt", "Mbit/s",
		"down", "up", "resent", "note", NULL };

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_SUBFLOWS, "lrllrrrrrl", heading);
	add_name(c, s->site, *s->uplink ? s->uplink : "?");
	add_count(c, s->bundle);
	columns_add(c, s->local);
	columns_add(c, s->remote);
	add_ms(c, s->srtt_us);
	add_rate(c, s->rate_bps, 0);
	add_bytes(c, s->down_bytes);
	add_bytes(c, s->up_bytes);
	add_ppm(c, s->retransmitted_ppm);
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
		"stream", "client", "destination", "state", "class", "age", "down",
		"up", "paths", NULL };
	char age[HUMAN_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_STREAMS, "rllllrrrl", heading);
	add_count(c, s->id);
	add_name(c, s->site, s->client);
	columns_add(c, s->dest);
	columns_add(c, report_stream_state_text(s->state));
	add_known(c, s->class);
	columns_add(c, human_age(s->age_us, age));
	add_bytes(c, s->down_bytes);
	add_bytes(c, s->up_bytes);
	add_shares(c, r->report, s);
}

static void on_site(struct render *r, const struct report_site *s)
{
	static const char *const heading[] = { "site", "state", "since", "uplinks",
	                                       "streams", "down", "up", NULL };
	char age[HUMAN_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_SITES, "llrrrrr", heading);
	columns_add(c, s->name);
	columns_add(c, s->connected ? "connected"
	                            : s->since_us ? "away" : "never seen");
	columns_add(c, s->since_us ? human_age(s->since_us, age) : "-");
	add_count(c, s->uplinks);
	add_count(c, s->streams);
	add_bytes(c, s->down_bytes);
	add_bytes(c, s->up_bytes);
}

static void on_choice(struct render *r, const struct report_choice *choice)
{
	static const char *const heading[] = { "kind", "name", "runs",
	                                       "what it does", NULL };
	char cell[CELL_MAX];

	if (!r->state)
		return;
	struct columns *c = table(r, REPORT_PART_CHOICES, "llll", heading);
	columns_add(c, choice->kind);
	columns_add(c, choice->name);
	add_known(c, choice->runs);
	snprintf(cell, sizeof(cell), "%s%s%s", choice->summary,
	         *choice->order ? "; order " : "", choice->order);
	columns_add(c, cell);
}

/* Nothing to show is said, so that nobody wonders. */
static void say_none(struct render *r)
{
	const struct report *report = r->report;

	if ((r->parts & REPORT_PART_SESSIONS) && !report->session_count)
		PRINT(r, "\nno session\n");
	if ((r->parts & REPORT_PART_UPLINKS) && !report->uplink_count)
		PRINT(r, "\nno uplinks\n");
	if ((r->parts & REPORT_PART_STREAMS) && !report->stream_count)
		PRINT(r, "\nno streams\n");
	if ((r->parts & REPORT_PART_SITES) && !report->site_count)
		PRINT(r, "\nno sites\n");
	if (report->left_out)
		PRINT(r, "\nand %zu more, not shown\n", report->left_out);
}

static void on_tail(struct render *r)
{
	if (r->state)
		end_table(r, r->state);
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
