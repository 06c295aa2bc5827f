/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a session for a terminal: a paragraph; of many sessions a line each.
 */
#include "agg/report/text_impl.h"

#include "agg/base/columns.h"
#include "agg/base/printable.h"
#include "agg/report/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SILENCE_SHOWN_US 100000u /* less is no news */

static void print_sending(struct render *r, const char *direction,
                          const struct report_sending *sending,
                          const char *note)
{
	char text[REPORT_SENDING_MAX + 1], clean[REPORT_SENDING_MAX + 1];

	report_sending_text(sending, text);
	if (*text)
		text_say(r, "%s: %s%s", direction,
		    printable_ascii(clean, sizeof(clean), text), note);
}

/* "sent again: 1.10 MB suspect, 100 KB tail" */
static void print_again(struct render *r, const struct report_session *s)
{
	char text[HUMAN_MAX], parts[COLUMNS_CELL_MAX] = "";
	size_t used = 0;

	for (int i = 0; i < REPORT_AGAIN_COUNT; i++) {
		if (!s->again_bytes[i])
			continue;
		used += (size_t)snprintf(parts + used, sizeof(parts) - used,
		                         "%s %s %s", used ? "," : "",
		                         human_bytes(s->again_bytes[i], text),
		                         report_again_text((enum report_again)i));
	}
	if (used)
		text_say(r, "sent again:%s", parts);
}

/* What a person sees stand still. */
static void print_silence(struct render *r, const struct report_session *s)
{
	if (s->silent_us >= SILENCE_SHOWN_US)
		text_say(r, "longest silence of the last minute %" PRIu64 " ms: %s was late",
		    s->silent_us / 1000, s->silent_uplink);
}

/* "carrier auto: MPTCP is not on every uplink; the kernel's scheduler: default" */
static void print_carrier(struct render *r, const struct report_session *s)
{
	char why[REPORT_WORDS_MAX + 1];
	bool kernel = *s->kernel_scheduler && strcmp(s->carrier, "subflows");

	if (*s->carrier_wanted)
		text_say(r, "carrier %s: %s%s%s", s->carrier_wanted,
		    printable_ascii(why, sizeof(why), s->carrier_why),
		    kernel ? "; the kernel's scheduler: " : "",
		    kernel ? s->kernel_scheduler : "");
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
	char text[COLUMNS_CELL_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < sizeof(troubles) / sizeof(*troubles); i++)
		if (troubles[i].count)
			used += (size_t)snprintf(text + used, sizeof(text) - used,
			                         "%s%" PRIu64 " %s",
			                         used ? ", " : "",
			                         troubles[i].count,
			                         troubles[i].what);
	if (used)
		text_say(r, "MPTCP on this host: %s", text);
}

/* Of "OpenSSL 3.0.22 25 Aug 2026" the name and the version. */
static int name_length(const char *library)
{
	const char *blank = strchr(library, ' ');
	const char *end = blank ? strchr(blank + 1, ' ') : NULL;

	return (int)(end ? (size_t)(end - library) : strlen(library));
}

static void print_headline(struct render *r, const struct report_session *s)
{
	char age[HUMAN_MAX], why[REPORT_WORDS_MAX + 1], line[TEXT_LINE_BYTES];

	snprintf(line, sizeof(line), "session %s: %s for %s%s%s",
	         *s->concentrator ? s->concentrator : s->site,
	         report_session_state_text(s->state), human_age(s->age_us, age),
	         *s->why ? ": " : "", printable_ascii(why, sizeof(why), s->why));
	if (*s->cipher && !*s->why) {
		size_t len = strlen(line);
		snprintf(line + len, sizeof(line) - len, ", %s, %.*s", s->cipher,
		         name_length(s->library), s->library);
	}
	PRINT(r, "\n");
	r->failed |= columns_wrap(line, 0, r->line_max, r->out) < 0;
}

/* "interception: broken: nft table is gone"; "in force; new connections leave
 * directly" */
static void print_interception(struct render *r,
                               const struct report_interception *i)
{
	char why[REPORT_WORDS_MAX + 1];

	const char *colon = i->state == REPORT_INTERCEPTION_IN_FORCE ? "; " : ": ";

	if (i->state != REPORT_INTERCEPTION_NONE)
		text_say(r, "interception: %s%s%s", report_interception_text(i->state),
		    *i->why ? colon : "", printable_ascii(why, sizeof(why), i->why));
}

/* ", 12 flows tunnelled"; "" where it is not up */
static const char *name_flows(const struct report_tunnel *t,
                              char buf[COLUMNS_CELL_MAX])
{
	*buf = 0;
	if (t->state == REPORT_TUNNEL_UP)
		snprintf(buf, COLUMNS_CELL_MAX, ", %u flow%s tunnelled",
		         t->flows, t->flows == 1 ? "" : "s");
	return buf;
}

/* What costs CPU time is said; nothing is broken by it. */
static void print_offload(struct render *r, const struct report_tunnel *t)
{
	bool device = !strcmp(t->device_offload, "none");

	if (device || !t->segments)
		text_say(r, "packet tunnel: packets %s%s%s one by one",
		         device ? "go to and from the device" : "",
		         device && !t->segments ? ", and " : "",
		         t->segments ? "" : "leave by the uplinks");
}

/* "packet tunnel: down: no path carries datagrams" */
static void print_tunnel(struct render *r, const struct report_tunnel *t)
{
	char why[REPORT_WORDS_MAX + 1];

	if (t->state == REPORT_TUNNEL_UP && t->device_offload && *t->device_offload)
		print_offload(r, t);

	if (t->state == REPORT_TUNNEL_DOWN)
		text_say(r, "packet tunnel: %s: %s", report_tunnel_text(t->state),
		         printable_ascii(why, sizeof(why), t->why));
}

static bool is_said_before(const struct report *report, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(report->uplinks[i].endpoint_name,
		            report->uplinks[at].endpoint_name) &&
		    !strcmp(report->uplinks[i].endpoint,
		            report->uplinks[at].endpoint))
			return true;
	return false;
}

/* ", at vps.example.net, 203.0.113.10:443": names, and their addresses in use. */
static void find_endpoints(const struct report *report,
                           char out[COLUMNS_CELL_MAX])
{
	size_t used = 0;

	*out = 0;
	for (size_t i = 0; i < report->uplink_count && used < COLUMNS_CELL_MAX; i++)
		if (*report->uplinks[i].endpoint_name &&
		    !is_said_before(report, i))
			used += (size_t)snprintf(out + used, COLUMNS_CELL_MAX - used,
			                         ", at %s, %s",
			                         report->uplinks[i].endpoint_name,
			                         report->uplinks[i].endpoint);
}

void text_session(struct render *r, const struct report_session *s)
{
	char down[HUMAN_MAX], up[HUMAN_MAX], used[HUMAN_MAX], budget[HUMAN_MAX];
	char bundles[HUMAN_MAX + 16] = "", at[COLUMNS_CELL_MAX];
	char flows[COLUMNS_CELL_MAX];

	print_headline(r, s);
	if (r->report->session_count > TEXT_SESSIONS_WHOLE)
		return;
	if (s->bundles) /* which the gateway chooses */
		snprintf(bundles, sizeof(bundles), " in %u bundle%s", s->bundles,
		         s->bundles == 1 ? "" : "s");
	find_endpoints(r->report, at);
	text_say(r, "%u stream%s%s over %s%s%s", s->streams,
	         s->streams == 1 ? "" : "s", bundles, s->carrier,
	         name_flows(&s->tunnel, flows), at);
	print_interception(r, &s->interception);
	print_tunnel(r, &s->tunnel);
	print_carrier(r, s);
	print_trouble(r, &s->mptcp);
	bool follows = !*s->up.bulk || report_sending_equal(&s->down, &s->up);
	if (follows && *s->up.bulk) {
		print_sending(r, "down and up", &s->down, "");
	} else {
		print_sending(r, "down", &s->down,
		              follows ? "" : " (not what the gateway wishes)");
		print_sending(r, "up", &s->up, "");
	}
	text_say(r, "moved %s down, %s up; %s of %s memory in use",
	    human_bytes(s->down_bytes, down), human_bytes(s->up_bytes, up),
	    human_bytes(s->memory_bytes, used),
	    human_bytes(s->memory_budget_bytes, budget));
	print_again(r, s);
	print_silence(r, s);
}
