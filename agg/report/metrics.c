/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the report as OpenMetrics 1.0 text, for Prometheus. The format wants
 * all samples of a family side by side, so the families are the outer walk
 * and all is done in tail. Streams are not shown: each would be a time series
 * of its own for ever.
 */
#include "agg/report/report.h"

#include "agg/base/printable.h"
#include "agg/report/limit.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define MBIT_BYTES 125000u

enum value { VALUE_U64, VALUE_UNSIGNED, VALUE_BOOL, VALUE_SECONDS, VALUE_PPM, VALUE_PERMILLE,
             VALUE_MBIT, VALUE_SESSION_UP, VALUE_PATH_UP, VALUE_ONE };

/* A family: one field of each item, or a pair of them, down and up. */
struct family {
	const char *name, *type, *unit, *help;
	enum value value;
	size_t offset;
	size_t up_offset; /* 0: there is no pair */
	size_t known;     /* of a number; where that is 0, so is no sample */
};

/* Items of one kind: where they are, and the fields that tell them apart. */
struct kind {
	const struct family *families;
	const uint8_t *items;
	size_t size, count;
	struct { const char *label; size_t offset; } labels[2];
};

#define PRINT(r, ...) ((r)->failed |= buf_printf((r)->out, __VA_ARGS__) < 0)
#define SESSION(field) offsetof(struct report_session, field)
#define UPLINK(field) offsetof(struct report_uplink, field)
#define SITE(field) offsetof(struct report_site, field)
#define DEVICE(field) offsetof(struct report_device, field)

static const struct family session_families[] = {
	{ "aggd_session_up", "gauge", "", "1: the session is up.",
	  VALUE_SESSION_UP, SESSION(state) },
	{ "aggd_session_streams", "gauge", "", "Streams that are open.",
	  VALUE_UNSIGNED, SESSION(streams) },
	{ "aggd_session_memory_bytes", "gauge", "bytes",
	  "What it holds, or has promised as credit.", VALUE_U64,
	  SESSION(memory_bytes) },
	{ "aggd_session_silence_seconds", "gauge", "seconds",
	  "Longest silence of the last minute as bytes were missing.",
	  VALUE_SECONDS, SESSION(silent_us) },
	{ "aggd_session_path_wait_ratio", "gauge", "ratio",
	  "Share of the time of late in which bytes waited for a path.",
	  VALUE_PERMILLE, SESSION(down_flow.paths_permille),
	  SESSION(up_flow.paths_permille) },
	{ "aggd_session_credit_wait_ratio", "gauge", "ratio",
	  "Share of the time of late in which bytes waited for credit.",
	  VALUE_PERMILLE, SESSION(down_flow.credit_permille),
	  SESSION(up_flow.credit_permille) },
	{ "aggd_session_sender_cpu_ratio", "gauge", "ratio",
	  "CPU of the direction's sender, of a core.", VALUE_PERMILLE,
	  SESSION(down_flow.sender_cpu_permille),
	  SESSION(up_flow.sender_cpu_permille) },
	{ "aggd_session_bytes", "counter", "bytes", "Bytes of streams.",
	  VALUE_U64, SESSION(down_bytes), SESSION(up_bytes) },
	{ NULL },
};

static const struct family uplink_families[] = {
	{ "aggd_uplink_up", "gauge", "", "1: the path is up.", VALUE_PATH_UP,
	  UPLINK(state) },
	{ "aggd_uplink_rtt_seconds", "gauge", "seconds",
	  "Smoothed round-trip time.", VALUE_SECONDS, UPLINK(srtt_us),
	  .known = UPLINK(srtt_us) },
	{ "aggd_uplink_min_rtt_seconds", "gauge", "seconds",
	  "Smallest round-trip time.", VALUE_SECONDS, UPLINK(min_rtt_us),
	  .known = UPLINK(min_rtt_us) },
	{ "aggd_uplink_bytes", "counter", "bytes", "Bytes over the path.",
	  VALUE_U64, UPLINK(down_bytes), UPLINK(up_bytes) },
	{ "aggd_uplink_retransmitted_ratio", "gauge", "ratio",
	  "Share of the sent bytes that was sent again.", VALUE_PPM,
	  UPLINK(retransmitted_ppm), .known = UPLINK(sent_bytes) },
	{ "aggd_uplink_full_ratio", "gauge", "ratio",
	  "Share of the time of late in which the path was full.", VALUE_PERMILLE,
	  UPLINK(down_full_permille), UPLINK(up_full_permille) },
	{ "aggd_uplink_subflows", "gauge", "", "Subflows that are alive.",
	  VALUE_UNSIGNED, UPLINK(subflows_alive) },
	{ "aggd_uplink_mptcp_bundles", "gauge", "",
	  "Bundles of MPTCP that the kernel has joined to the uplink.",
	  VALUE_UNSIGNED, UPLINK(mptcp_alive) },
	{ "aggd_uplink_mptcp_bytes", "counter", "bytes",
	  "Bytes that MPTCP moved over it.", VALUE_U64,
	  UPLINK(mptcp_down_bytes), UPLINK(mptcp_up_bytes) },
	{ "aggd_uplink_reconnects", "counter", "", "Subflows made again.",
	  VALUE_U64, UPLINK(reconnects) },
	{ "aggd_uplink_cap_bytes", "gauge", "bytes", "It may carry a month.",
	  VALUE_U64, UPLINK(cap_bytes), .known = UPLINK(cap_bytes) },
	{ "aggd_uplink_month_bytes", "gauge", "bytes",
	  "Carried in this month of billing, of one with a cap.", VALUE_U64,
	  UPLINK(month_bytes), .known = UPLINK(cap_bytes) },
	{ NULL },
};

static const struct family site_families[] = {
	{ "aggd_site_connected", "gauge", "", "1: the site is connected.",
	  VALUE_BOOL, SITE(connected) },
	{ "aggd_site_streams", "gauge", "", "Streams that are open.",
	  VALUE_UNSIGNED, SITE(streams) },
	{ "aggd_site_bytes", "counter", "bytes", "Bytes of the site's streams.",
	  VALUE_U64, SITE(down_bytes), SITE(up_bytes) },
	{ "aggd_site_quota_bytes", "gauge", "bytes", "It may use a month.",
	  VALUE_U64, SITE(quota_bytes), .known = SITE(quota_bytes) },
	{ "aggd_site_month_bytes", "gauge", "bytes",
	  "Used in this month, of one with a quota.", VALUE_U64,
	  SITE(month_bytes), .known = SITE(quota_bytes) },
	{ "aggd_site_rate_limit_bytes_per_second", "gauge", "bytes_per_second",
	  "It may have, each way.", VALUE_MBIT, SITE(rate_mbps),
	  .known = SITE(rate_mbps) },
	{ NULL },
};

static const struct family device_families[] = {
	{ "aggd_device_bytes", "counter", "bytes",
	  "Bytes of a device of the LAN, by streams and packets.", VALUE_U64,
	  DEVICE(down_bytes), DEVICE(up_bytes) },
	{ NULL },
};

/* Its address may change, and its bytes are one series all the same. */
static const struct family device_addresses[] = {
	{ "aggd_device", "info", "", "A device of the LAN, and its last address.",
	  VALUE_ONE },
	{ NULL },
};

static unsigned read_unsigned(const uint8_t *at)
{
	unsigned value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t read_u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void print_value(struct render *r, enum value value, const uint8_t *at)
{
	switch (value) {
	case VALUE_U64:
		PRINT(r, " %" PRIu64 "\n", read_u64(at));
		break;
	case VALUE_UNSIGNED:
		PRINT(r, " %u\n", read_unsigned(at));
		break;
	case VALUE_BOOL:
		PRINT(r, " %d\n", *(const bool *)at);
		break;
	case VALUE_SECONDS:
		PRINT(r, " %.6f\n", (double)read_u64(at) * 1e-6);
		break;
	case VALUE_PPM:
		PRINT(r, " %.6f\n", read_unsigned(at) * 1e-6);
		break;
	case VALUE_PERMILLE:
		PRINT(r, " %.3f\n", read_unsigned(at) * 1e-3);
		break;
	case VALUE_MBIT:
		PRINT(r, " %" PRIu64 "\n", read_u64(at) * MBIT_BYTES);
		break;
	case VALUE_ONE:
		PRINT(r, " 1\n");
		break;
	case VALUE_SESSION_UP:
		PRINT(r, " %d\n", read_unsigned(at) == REPORT_SESSION_UP);
		break;
	case VALUE_PATH_UP:
		PRINT(r, " %d\n", read_unsigned(at) == REPORT_PATH_UP);
		break;
	}
}

/* Quotes and backslashes are escaped; the rest is printable already. */
static void print_label(struct render *r, const char *label, const char *text,
                        bool first)
{
	char clean[REPORT_WORDS_MAX + 1];

	PRINT(r, "%s%s=\"", first ? "" : ",", label);
	printable_ascii(clean, sizeof(clean), text);
	for (const char *at = clean; *at;) {
		int plain = (int)strcspn(at + 1, "\"\\") + 1;
		PRINT(r, "%s%.*s", *at == '"' || *at == '\\' ? "\\" : "", plain, at);
		at += plain;
	}
	PRINT(r, "\"");
}

static void print_sample(struct render *r, const struct kind *kind,
                         const struct family *family, const uint8_t *item,
                         const char *direction)
{
	bool first = true;

	PRINT(r, "%s%s{", family->name, !strcmp(family->type, "counter") ? "_total" :
	      !strcmp(family->type, "info") ? "_info" : "");
	for (size_t i = 0; i < 2 && kind->labels[i].label; i++) {
		const char *text = (const char *)item + kind->labels[i].offset;
		if (!*text)
			continue;
		print_label(r, kind->labels[i].label, text, first);
		first = false;
	}
	if (direction)
		print_label(r, "direction", direction, first);
	PRINT(r, "}");
	bool is_up = direction && !strcmp(direction, "up");
	print_value(r, family->value,
	            item + (is_up ? family->up_offset : family->offset));
}

static void print_family_head(struct render *r, const char *name,
                              const char *type, const char *unit,
                              const char *help)
{
	PRINT(r, "# TYPE %s %s\n", name, type);
	if (*unit) /* the name ends in it, as the standard wants */
		PRINT(r, "# UNIT %s %s\n", name, unit);
	PRINT(r, "# HELP %s %s\n", name, help);
}

static void print_kind(struct render *r, const struct kind *kind)
{
	if (!kind->count)
		return;
	for (const struct family *f = kind->families; f->name; f++) {
		print_family_head(r, f->name, f->type, f->unit, f->help);
		for (size_t i = 0; i < kind->count; i++) {
			const uint8_t *item = kind->items + i * kind->size;
			if (f->known && !read_u64(item + f->known))
				continue;
			print_sample(r, kind, f, item, f->up_offset ? "down" : NULL);
			if (f->up_offset)
				print_sample(r, kind, f, item, "up");
		}
	}
}

/* The labels that tell an item of a kind. */
static void print_session_labels(struct render *r,
                                 const struct report_session *s)
{
	if (*s->site)
		print_label(r, "site", s->site, true);
	if (*s->concentrator)
		print_label(r, "concentrator", s->concentrator, !*s->site);
}

static void print_sending(struct render *r, const struct report_session *s,
                          const char *direction,
                          const struct report_sending *sending)
{
	if (!*sending->bulk)
		return;
	PRINT(r, "aggd_session_sending_info{");
	print_session_labels(r, s);
	print_label(r, "direction", direction,
	            !*s->site && !*s->concentrator);
	print_label(r, "interactive", sending->interactive, false);
	print_label(r, "bulk", sending->bulk, false);
	print_label(r, "order", sending->order, false);
	print_label(r, "reinjection", sending->reinjection, false);
	PRINT(r, "} 1\n");
}

static void print_again(struct render *r, const struct report_session *s)
{
	for (int i = 0; i < REPORT_AGAIN_COUNT; i++) {
		PRINT(r, "aggd_session_again_bytes_total{");
		print_session_labels(r, s);
		print_label(r, "reason", report_again_text((enum report_again)i),
		            !*s->site && !*s->concentrator);
		PRINT(r, "} %" PRIu64 "\n", s->again_bytes[i]);
	}
}

static void print_one(struct render *r, const struct report_session *s,
                      const char *family, const char *label, const char *of,
                      uint64_t count)
{
	PRINT(r, "%s_total{", family);
	print_session_labels(r, s);
	print_label(r, label, of, !*s->site && !*s->concentrator);
	PRINT(r, "} %" PRIu64 "\n", count);
}

static void print_counts(struct render *r, const struct report *report)
{
	const char *picks = "aggd_session_picks", *ends = "aggd_session_stream_ends";

	print_family_head(r, picks, "counter", "",
	                  "What this side's schedulers said.");
	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = &report->sessions[i];
		print_one(r, s, picks, "verdict", "sent", s->picks_sent);
		print_one(r, s, picks, "verdict", "waited", s->picks_waited);
		print_one(r, s, picks, "verdict", "again", s->picks_again);
	}
	print_family_head(r, ends, "counter", "", "Streams, by how they ended.");
	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = &report->sessions[i];
		for (unsigned e = 0; e < s->end_count; e++)
			print_one(r, s, ends, "reason", s->ends[e].why,
			          s->ends[e].count);
	}
}

/* What is no number of a session, or several. */
static void print_more_of_sessions(struct render *r,
                                   const struct report *report)
{
	const struct report_session *s = report->sessions;

	if (!report->session_count)
		return;
	print_family_head(r, "aggd_session_sending", "info", "",
	                  "How a direction is sent: schedulers by class, and more.");
	for (size_t i = 0; i < report->session_count; i++) {
		print_sending(r, &s[i], "down", &s[i].down);
		print_sending(r, &s[i], "up", &s[i].up);
	}
	print_family_head(r, "aggd_session_again_bytes", "counter", "bytes",
	                  "Bytes that this side sent again on another path.");
	for (size_t i = 0; i < report->session_count; i++)
		print_again(r, &s[i]);
	print_counts(r, report);
}

/* Of gateways: what each uplink costs now. */
static void print_costs(struct render *r, const struct report *report)
{
	bool first = true;

	for (size_t i = 0; i < report->uplink_count; i++) {
		const struct report_uplink *u = &report->uplinks[i];
		if (!*u->cost)
			continue;
		if (first)
			print_family_head(r, "aggd_uplink_cost", "info", "",
			                  "When it is used: normal, metered or backup.");
		first = false;
		PRINT(r, "aggd_uplink_cost_info{");
		print_label(r, "uplink", u->name, true);
		print_label(r, "cost", u->cost, false);
		PRINT(r, "} 1\n");
	}
}

/* Of gateways that intercept. */
static void print_interception(struct render *r, const struct report *report)
{
	bool first = true;

	for (size_t i = 0; i < report->session_count; i++) {
		const struct report_session *s = &report->sessions[i];
		if (s->interception.state == REPORT_INTERCEPTION_NONE)
			continue;
		if (first)
			print_family_head(r, "aggd_interception_in_force", "gauge",
			                  "", "1: the LAN's TCP is led to the proxy.");
		first = false;
		PRINT(r, "aggd_interception_in_force{");
		print_session_labels(r, s);
		PRINT(r, "} %d\n", s->interception.state ==
		      REPORT_INTERCEPTION_IN_FORCE);
	}
}

static bool has_tunnel(const struct report *report)
{
	for (size_t i = 0; i < report->session_count; i++)
		if (report->sessions[i].tunnel.state != REPORT_TUNNEL_NONE)
			return true;
	return false;
}

static void print_tunnel(struct render *r, const struct report_session *s,
                         const char *family, unsigned what)
{
	const struct report_tunnel *t = &s->tunnel;

	if (what == 0) {
		PRINT(r, "%s{", family);
		print_session_labels(r, s);
		PRINT(r, "} %d\n", t->state == REPORT_TUNNEL_UP);
	} else if (what == 1) {
		print_one(r, s, family, "direction", "down", t->down_bytes);
		print_one(r, s, family, "direction", "up", t->up_bytes);
	} else if (what == 2) {
		print_one(r, s, family, "direction", "in", t->device_in);
		print_one(r, s, family, "direction", "out", t->device_out);
	} else if (what == 3) {
		print_one(r, s, family, "direction", "in", t->device_reads);
		print_one(r, s, family, "direction", "out", t->device_writes);
	} else {
		for (unsigned i = 0; i < t->drop_count; i++)
			print_one(r, s, family, "reason", t->drop[i].why,
			          t->drop[i].packets);
	}
}

static void print_part(struct render *r, const struct report_session *s, const char *family,
                       const char *label, const char *of, double value)
{
	PRINT(r, "%s{", family);
	print_session_labels(r, s);
	print_label(r, label, of, !*s->site && !*s->concentrator);
	PRINT(r, "} %.6f\n", value);
}

static void print_tunnel_class(struct render *r, const struct report_session *s,
                               const char *family, unsigned what)
{
	for (unsigned i = 0; i < REPORT_CLASSES; i++) {
		const char *class = report_class_text((enum report_class)i);
		if (what == 0)
			print_one(r, s, family, "class", class, s->tunnel.class[i].bytes);
		else if (what == 1)
			print_one(r, s, family, "class", class, s->tunnel.class[i].dropped);
		else
			print_part(r, s, family, "class", class,
			           (double)s->tunnel.class[i].wait_us * 1e-6);
	}
}

static void print_tunnel_path(struct render *r, const struct report_session *s,
                              const char *family, unsigned what)
{
	for (unsigned i = 0; i < s->tunnel.path_count; i++) {
		double value = what == 0 ? s->tunnel.path[i].works :
			what == 1 ? (double)s->tunnel.path[i].rate_bps :
			what == 2 ? s->tunnel.path[i].loss_ppm * 1e-6 :
			what == 3 ? (double)s->tunnel.path[i].queue_us * 1e-6 :
			(double)s->tunnel.path[i].srtt_us * 1e-6;
		print_part(r, s, family, "uplink", s->tunnel.path[i].uplink, value);
	}
}

/* Of sessions that have a packet tunnel. */
static void print_tunnels(struct render *r, const struct report *report)
{
	static const struct {
		const char *name, *type, *unit, *help;
		void (*print)(struct render *r, const struct report_session *s,
		              const char *family, unsigned what);
		unsigned what;
	} families[] = {
		{ "aggd_tunnel_up", "gauge", "", "1: the packet tunnel carries.",
		  print_tunnel, 0 },
		{ "aggd_tunnel_bytes", "counter", "bytes", "Of packets inside.",
		  print_tunnel, 1 },
		{ "aggd_tunnel_device_packets", "counter", "",
		  "That the device gave (in) and took (out).", print_tunnel, 2 },
		{ "aggd_tunnel_device_calls", "counter", "",
		  "Of the kernel, for these packets.", print_tunnel, 3 },
		{ "aggd_tunnel_dropped_packets", "counter", "",
		  "Packets that this side dropped.", print_tunnel, 4 },
		{ "aggd_tunnel_class_bytes", "counter", "bytes",
		  "Of packets inside that this side sent.", print_tunnel_class, 0 },
		{ "aggd_tunnel_class_dropped_packets", "counter", "",
		  "Packets that a queue of this side dropped.", print_tunnel_class, 1 },
		{ "aggd_tunnel_class_wait_seconds", "gauge", "seconds",
		  "In a queue of this side, in the mean of the last packets.",
		  print_tunnel_class, 2 },
		{ "aggd_tunnel_path_up", "gauge", "", "1: datagrams pass.",
		  print_tunnel_path, 0 },
		{ "aggd_tunnel_path_rate_bytes_per_second", "gauge", "bytes_per_second",
		  "By which this side sends there; 0: not known.", print_tunnel_path, 1 },
		{ "aggd_tunnel_path_loss_ratio", "gauge", "ratio",
		  "Of this side's datagrams there.", print_tunnel_path, 2 },
		{ "aggd_tunnel_path_queue_seconds", "gauge", "seconds",
		  "What stands there before this side's datagrams.", print_tunnel_path, 3 },
		{ "aggd_tunnel_path_round_trip_seconds", "gauge", "seconds",
		  "Of probes.", print_tunnel_path, 4 },
	};

	for (unsigned f = 0; f < sizeof(families) / sizeof(*families) && has_tunnel(report); f++) {
		print_family_head(r, families[f].name, families[f].type,
		                  families[f].unit, families[f].help);
		for (size_t i = 0; i < report->session_count; i++)
			if (report->sessions[i].tunnel.state != REPORT_TUNNEL_NONE)
				families[f].print(r, &report->sessions[i], families[f].name,
				                  families[f].what);
	}
}

static void print_head(struct render *r, const struct report_head *head)
{
	print_family_head(r, "aggd", "info", "", "What runs.");
	PRINT(r, "aggd_info{");
	print_label(r, "role", head->role, true);
	print_label(r, "version", head->version, false);
	PRINT(r, "} 1\n");
	print_family_head(r, "aggd_uptime_seconds", "gauge", "seconds",
	                  "How long it runs.");
	PRINT(r, "aggd_uptime_seconds %.6f\n", (double)head->uptime_us * 1e-6);
	if (!head->descriptors_max)
		return;
	print_family_head(r, "aggd_descriptors", "gauge", "",
	                  "Descriptors in use.");
	PRINT(r, "aggd_descriptors %u\n", head->descriptors_used);
	print_family_head(r, "aggd_descriptors_limit", "gauge", "",
	                  "Of so many in use, connections are refused.");
	PRINT(r, "aggd_descriptors_limit %u\n", head->descriptors_max);
}

static void print_health(struct render *r)
{
	const unsigned status = REPORT_PART_SESSIONS | REPORT_PART_UPLINKS;

	if ((r->parts & status) != status)
		return;
	print_family_head(r, "aggd_health", "gauge", "",
	                  "0: up. 1: degraded. 2: down.");
	PRINT(r, "aggd_health %d\n", (int)limit_health(r->report));
}

static void print_devices(struct render *r, const struct report *report)
{
	struct kind devices = {
		device_families, (const uint8_t *)report->devices,
		sizeof(*report->devices), report->device_count,
		{ { "device", DEVICE(name) }, { NULL, 0 } } };

	print_kind(r, &devices);
	devices.families = device_addresses;
	devices.labels[1].label = "address";
	devices.labels[1].offset = DEVICE(address);
	print_kind(r, &devices);
}

static void on_tail(struct render *r)
{
	const struct report *report = r->report;
	const struct kind sessions = {
		session_families, (const uint8_t *)report->sessions,
		sizeof(*report->sessions), report->session_count,
		{ { "site", SESSION(site) },
		  { "concentrator", SESSION(concentrator) } } };
	const struct kind uplinks = {
		uplink_families, (const uint8_t *)report->uplinks,
		sizeof(*report->uplinks), report->uplink_count,
		{ { "site", UPLINK(site) }, { "uplink", UPLINK(name) } } };
	const struct kind sites = {
		site_families, (const uint8_t *)report->sites,
		sizeof(*report->sites), report->site_count,
		{ { "site", SITE(name) }, { NULL, 0 } } };

	print_head(r, &report->head);
	print_health(r);
	if (r->parts & REPORT_PART_SESSIONS)
		print_kind(r, &sessions);
	if (r->parts & REPORT_PART_SESSIONS)
		print_more_of_sessions(r, report);
	if (r->parts & REPORT_PART_SESSIONS)
		print_interception(r, report);
	if (r->parts & REPORT_PART_SESSIONS)
		print_tunnels(r, report);
	if (r->parts & REPORT_PART_UPLINKS) {
		print_kind(r, &uplinks);
		print_costs(r, report);
	}
	if (r->parts & REPORT_PART_SITES)
		print_kind(r, &sites);
	if (r->parts & REPORT_PART_DEVICES)
		print_devices(r, report);
	PRINT(r, "# EOF\n");
}

const struct render_ops render_metrics = {
	.name = "metrics",
	.tail = on_tail,
};
