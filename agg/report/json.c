/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the report as one JSON object on one line (RFC 8259), for programs.
 * Keys are stable, bear their units, and are always there; what is not known
 * is null. A part that was not asked for is not there. Names that a peer chose
 * are reduced to printable ASCII, so that the text is always valid.
 */
#include "agg/report/report.h"

#include "agg/base/printable.h"
#include "agg/report/limit.h"

#include <string.h>

#include <json-c/json.h>

#define TEXT_MAX 512

/* Takes value over, whatever happens. NULL stands for JSON's null, which is
 * why no_memory is said apart. */
static void put(struct render *r, struct json_object *in, const char *key,
                struct json_object *value)
{
	const unsigned flags =
		JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_ADD_CONSTANT_KEY;

	if (!in || json_object_object_add_ex(in, key, value, flags) < 0) {
		json_object_put(value);
		r->failed = true;
	}
}

static void put_text(struct render *r, struct json_object *in, const char *key,
                     const char *text)
{
	char clean[TEXT_MAX];
	struct json_object *value = NULL;

	if (*text) {
		value = json_object_new_string(
			printable_ascii(clean, sizeof(clean), text));
		r->failed |= !value;
	}
	put(r, in, key, value);
}

static void put_number(struct render *r, struct json_object *in,
                       const char *key, uint64_t number)
{
	struct json_object *value = json_object_new_uint64(number);

	r->failed |= !value;
	put(r, in, key, value);
}

/* 0 is not known. */
static void put_known(struct render *r, struct json_object *in,
                      const char *key, uint64_t number)
{
	if (number)
		put_number(r, in, key, number);
	else
		put(r, in, key, NULL);
}

static void put_ppm(struct render *r, struct json_object *in,
                    unsigned ppm, uint64_t of_bytes)
{
	if (of_bytes)
		put_number(r, in, "retransmitted_ppm", ppm);
	else
		put(r, in, "retransmitted_ppm", NULL);
}

/* The array of a part, to which an object is added. */
static struct json_object *append_object(struct render *r, const char *part)
{
	struct json_object *array = NULL;
	struct json_object *object = json_object_new_object();

	json_object_object_get_ex(r->state, part, &array);
	if (!array || !object || json_object_array_add(array, object) < 0) {
		json_object_put(object);
		r->failed = true;
		return NULL;
	}
	return object;
}

static void put_part(struct render *r, unsigned part, const char *key)
{
	if (!(r->parts & part))
		return;
	struct json_object *array = json_object_new_array();
	r->failed |= !array;
	put(r, r->state, key, array);
}

/* Of a status alone. */
static void put_health(struct render *r, struct json_object *in)
{
	const unsigned status = REPORT_PART_SESSIONS | REPORT_PART_UPLINKS;
	char text[LIMIT_TEXT_MAX + 1];

	if ((r->parts & status) != status)
		return;
	limit_sentence(r->report, text);
	put_text(r, in, "state", limit_health_text(limit_health(r->report)));
	put_text(r, in, "limit", text);
}

static void put_before(struct render *r, struct json_object *in,
                       const struct report_head *head)
{
	struct json_object *o = json_object_new_object();

	put_number(r, o, "streams", head->before_streams);
	put_number(r, o, "down_bytes_per_s", head->before_down_bps);
	put_number(r, o, "up_bytes_per_s", head->before_up_bps);
	json_object_object_add(in, "before", o);
}

static void on_head(struct render *r, const struct report_head *head)
{
	struct json_object *root = r->state = json_object_new_object();

	put_number(r, root, "schema_version", REPORT_SCHEMA_VERSION);
	put_text(r, root, "role", head->role);
	put_text(r, root, "version", head->version);
	put_number(r, root, "uptime_us", head->uptime_us);
	put_health(r, root);
	put_known(r, root, "descriptors_used", head->descriptors_used);
	put_known(r, root, "descriptors_max", head->descriptors_max);
	if (*head->waits_for)
		put_text(r, root, "waits_for", head->waits_for);
	if (head->before_streams)
		put_before(r, root, head);
	if (head->unpaired)
		json_object_object_add(root, "paired", json_object_new_boolean(false));
	put_text(r, root, "own_pin", head->own_pin);
	put_part(r, REPORT_PART_SESSIONS, "sessions");
	put_part(r, REPORT_PART_UPLINKS, "uplinks");
	put_part(r, REPORT_PART_SUBFLOWS, "mptcp_subflows");
	put_part(r, REPORT_PART_STREAMS, "streams");
	put_part(r, REPORT_PART_SITES, "sites");
	put_part(r, REPORT_PART_CHOICES, "choices");
}

static void put_sending(struct render *r, struct json_object *in,
                        const char *key, const struct report_sending *s)
{
	struct json_object *o = NULL;

	if (*s->bulk) {
		o = json_object_new_object();
		put_text(r, o, "interactive", s->interactive);
		put_text(r, o, "bulk", s->bulk);
		put_text(r, o, "order", s->order);
		put_text(r, o, "reinjection", s->reinjection);
	}
	put(r, in, key, o);
}

static void put_again(struct render *r, struct json_object *in,
                      const struct report_session *s)
{
	struct json_object *o = json_object_new_object();

	for (int i = 0; i < REPORT_AGAIN_COUNT; i++)
		put_number(r, o, report_again_text((enum report_again)i),
		           s->again_bytes[i]);
	put(r, in, "again_bytes", o);
}

static void put_bool(struct render *r, struct json_object *in, const char *key,
                     bool value)
{
	put(r, in, key, json_object_new_boolean(value));
}

static void put_flow(struct render *r, struct json_object *in, const char *key,
                     const struct report_flow *f)
{
	struct json_object *o = json_object_new_object();

	put_bool(r, o, "sender_known", f->known);
	put_number(r, o, "waits_for_path_permille", f->paths_permille);
	put_number(r, o, "waits_for_credit_permille", f->credit_permille);
	put_number(r, o, "sender_cpu_permille", f->sender_cpu_permille);
	put_number(r, o, "receiver_cpu_permille", f->receiver_cpu_permille);
	put_bool(r, o, "reader_full", f->reader_full);
	put_bool(r, o, "hole", f->hole);
	put_bool(r, o, "memory_short", f->memory_short);
	put(r, in, key, o);
}

static void put_picks(struct render *r, struct json_object *in,
                      const struct report_session *s)
{
	struct json_object *o = json_object_new_object();

	put_number(r, o, "sent", s->picks_sent);
	put_number(r, o, "waited", s->picks_waited);
	put_number(r, o, "again", s->picks_again);
	put(r, in, "scheduler_picks", o);
}

/* Its keys are the ways in which a stream ends. */
static void put_ends(struct render *r, struct json_object *in,
                     const struct report_session *s)
{
	struct json_object *o = json_object_new_object();

	for (unsigned i = 0; i < s->end_count; i++)
		put_number(r, o, s->ends[i].why, s->ends[i].count); /* lives as long */
	put(r, in, "stream_ends", o);
}

static void put_mptcp_host(struct render *r, struct json_object *in,
                           const struct report_session *s)
{
	struct json_object *o = NULL;

	if (*s->kernel_scheduler) {
		o = json_object_new_object();
		put_number(r, o, "fallbacks", s->mptcp.fallbacks);
		put_number(r, o, "joins", s->mptcp.joins);
		put_number(r, o, "joined", s->mptcp.joined);
		put_number(r, o, "joins_refused", s->mptcp.joins_refused);
		put_number(r, o, "checksum_errors", s->mptcp.checksum_errors);
		put_number(r, o, "blackholes", s->mptcp.blackholes);
	}
	put(r, in, "mptcp_host", o);
}

/* null where nothing is intercepted. */
static void put_interception(struct render *r, struct json_object *in,
                             const struct report_interception *i)
{
	struct json_object *o = NULL;

	if (i->state != REPORT_INTERCEPTION_NONE) {
		o = json_object_new_object();
		put_text(r, o, "state", report_interception_text(i->state));
		put_text(r, o, "why", i->why);
	}
	put(r, in, "interception", o);
}

static void put_tunnel_paths(struct render *r, struct json_object *in,
                             const struct report_tunnel *t)
{
	struct json_object *all = json_object_new_array();

	for (unsigned i = 0; i < t->path_count; i++) {
		struct json_object *o = json_object_new_object();
		put_text(r, o, "uplink", t->path[i].uplink);
		put_bool(r, o, "works", t->path[i].works);
		put_number(r, o, "srtt_us", t->path[i].srtt_us);
		put_number(r, o, "mtu", t->path[i].mtu);
		put_number(r, o, "rate_bps", t->path[i].rate_bps);
		put_number(r, o, "queue_us", t->path[i].queue_us);
		put_number(r, o, "loss_ppm", t->path[i].loss_ppm);
		put_number(r, o, "down_bytes", t->path[i].down_bytes);
		put_number(r, o, "up_bytes", t->path[i].up_bytes);
		json_object_array_add(all, o);
	}
	put(r, in, "paths", all);
}

static void put_tunnel_classes(struct render *r, struct json_object *in,
                               const struct report_tunnel *t)
{
	struct json_object *all = json_object_new_object();

	for (unsigned i = 0; i < REPORT_CLASSES; i++) {
		struct json_object *o = json_object_new_object();
		put_number(r, o, "sent_packets", t->class[i].packets);
		put_number(r, o, "sent_bytes", t->class[i].bytes);
		put_number(r, o, "dropped_packets", t->class[i].dropped);
		put_number(r, o, "wait_us", t->class[i].wait_us);
		put(r, all, report_class_text((enum report_class)i), o);
	}
	put(r, in, "classes", all);
}

/* null where there is none. */
static void put_tunnel(struct render *r, struct json_object *in,
                       const struct report_tunnel *t)
{
	struct json_object *o = NULL, *drops;

	if (t->state != REPORT_TUNNEL_NONE) {
		o = json_object_new_object();
		put_text(r, o, "state", report_tunnel_text(t->state));
		put_text(r, o, "why", t->why);
		put_number(r, o, "mtu", t->mtu);
		put_number(r, o, "flows", t->flows);
		put_number(r, o, "queued_bytes", t->queued_bytes);
		put_number(r, o, "memory_bytes", t->memory_bytes);
		put_number(r, o, "down_packets", t->down_packets);
		put_number(r, o, "up_packets", t->up_packets);
		put_number(r, o, "down_bytes", t->down_bytes);
		put_number(r, o, "up_bytes", t->up_bytes);
		put_text(r, o, "device_offload", t->device_offload);
		put_bool(r, o, "segments", t->segments);
		put_number(r, o, "device_in_packets", t->device_in);
		put_number(r, o, "device_reads", t->device_reads);
		put_number(r, o, "device_out_packets", t->device_out);
		put_number(r, o, "device_writes", t->device_writes);
		drops = json_object_new_object();
		for (unsigned i = 0; i < t->drop_count; i++)
			put_number(r, drops, t->drop[i].why, t->drop[i].packets);
		put(r, o, "dropped_packets", drops);
		put_tunnel_classes(r, o, t);
		put_tunnel_paths(r, o, t);
	}
	put(r, in, "tunnel", o);
}

static void on_session(struct render *r, const struct report_session *s)
{
	struct json_object *o = append_object(r, "sessions");

	put_text(r, o, "site", s->site);
	put_text(r, o, "concentrator", s->concentrator);
	put_text(r, o, "state", report_session_state_text(s->state));
	put_text(r, o, "why", s->why);
	put_number(r, o, "age_us", s->age_us);
	put_interception(r, o, &s->interception);
	put_tunnel(r, o, &s->tunnel);
	put_text(r, o, "scheduler", s->scheduler);
	put_sending(r, o, "down", &s->down);
	put_sending(r, o, "up", &s->up);
	put_again(r, o, s);
	put_picks(r, o, s);
	put_flow(r, o, "down_flow", &s->down_flow);
	put_flow(r, o, "up_flow", &s->up_flow);
	put_ends(r, o, s);
	put_text(r, o, "carrier", s->carrier);
	put_text(r, o, "carrier_wanted", s->carrier_wanted);
	put_text(r, o, "carrier_why", s->carrier_why);
	put_text(r, o, "kernel_scheduler", s->kernel_scheduler);
	put_mptcp_host(r, o, s);
	put_text(r, o, "library", s->library);
	put_text(r, o, "cipher", s->cipher);
	if (s->peer_known)
		put_bool(r, o, "peer_ipv6", s->peer_ipv6);
	else
		put(r, o, "peer_ipv6", NULL);
	put_number(r, o, "bundles", s->bundles);
	put_number(r, o, "streams", s->streams);
	put_number(r, o, "memory_bytes", s->memory_bytes);
	put_number(r, o, "memory_budget_bytes", s->memory_budget_bytes);
	put_number(r, o, "silent_us", s->silent_us);
	put_text(r, o, "silent_uplink", s->silent_uplink);
	put_number(r, o, "down_bytes", s->down_bytes);
	put_number(r, o, "up_bytes", s->up_bytes);
}

/* null where the kernel's MPTCP is not used on it. */
static void put_mptcp(struct render *r, struct json_object *in,
                      const struct report_uplink *u)
{
	struct json_object *o = NULL;

	if (*u->mptcp) {
		o = json_object_new_object();
		put_text(r, o, "state", u->mptcp);
		put_number(r, o, "bundles_joined", u->mptcp_alive);
		put_number(r, o, "bundles_total", u->mptcp_total);
		put_known(r, o, "srtt_us", u->mptcp_srtt_us);
		put_known(r, o, "rate_bytes_per_s", u->mptcp_rate_bps);
		put_number(r, o, "down_bytes", u->mptcp_down_bytes);
		put_number(r, o, "up_bytes", u->mptcp_up_bytes);
	}
	put(r, in, "mptcp", o);
}

static void on_uplink(struct render *r, const struct report_uplink *u)
{
	struct json_object *o = append_object(r, "uplinks");

	put_text(r, o, "site", u->site);
	put_text(r, o, "name", u->name);
	put_text(r, o, "device", u->device);
	put_text(r, o, "cost", u->cost);
	put_text(r, o, "cost_why", u->cost_why);
	put_known(r, o, "month_bytes", u->month_bytes);
	put_known(r, o, "cap_bytes", u->cap_bytes);
	put_text(r, o, "state", report_path_state_text(u->state));
	put_text(r, o, "why", u->why);
	put_text(r, o, "address", u->address);
	if (*u->seen) {
		put_text(r, o, "seen_as", u->seen);
		put_bool(r, o, "keeps_port", u->keeps_port);
	}
	put_text(r, o, "endpoint", u->endpoint);
	put_text(r, o, "endpoint_name", u->endpoint_name);
	put_known(r, o, "srtt_us", u->srtt_us);
	put_known(r, o, "rttvar_us", u->rttvar_us);
	put_known(r, o, "min_rtt_us", u->min_rtt_us);
	put_number(r, o, "down_bytes_per_s", u->down_bps);
	put_number(r, o, "up_bytes_per_s", u->up_bps);
	put_number(r, o, "down_best_bytes_per_s", u->down_best_bps);
	put_number(r, o, "up_best_bytes_per_s", u->up_best_bps);
	put_number(r, o, "down_full_permille", u->down_full_permille);
	put_number(r, o, "up_full_permille", u->up_full_permille);
	put_known(r, o, "down_capacity_bytes_per_s", u->down_capacity_bps);
	put_known(r, o, "up_capacity_bytes_per_s", u->up_capacity_bps);
	put_number(r, o, "down_bytes", u->down_bytes);
	put_number(r, o, "up_bytes", u->up_bytes);
	put_ppm(r, o, u->retransmitted_ppm, u->sent_bytes);
	put_number(r, o, "subflows_alive", u->subflows_alive);
	put_number(r, o, "subflows_total", u->subflows_total);
	put_number(r, o, "reconnects", u->reconnects);
	put_mptcp(r, o, u);
}

static void on_subflow(struct render *r, const struct report_subflow *s)
{
	struct json_object *o = append_object(r, "mptcp_subflows");

	put_text(r, o, "site", s->site);
	put_text(r, o, "uplink", s->uplink);
	put_number(r, o, "bundle", s->bundle);
	put_text(r, o, "local", s->local);
	put_text(r, o, "remote", s->remote);
	put_bool(r, o, "fallback", s->fallback);
	put_bool(r, o, "checksum", s->checksum);
	put_known(r, o, "srtt_us", s->srtt_us);
	put_known(r, o, "min_rtt_us", s->min_rtt_us);
	put_known(r, o, "rate_bytes_per_s", s->rate_bps);
	put_number(r, o, "down_bytes", s->down_bytes);
	put_number(r, o, "up_bytes", s->up_bytes);
	put_ppm(r, o, s->retransmitted_ppm, s->sent_bytes);
	put_number(r, o, "silent_us", s->silent_us);
}

static void put_shares(struct render *r, struct json_object *o,
                       const struct report_stream *s)
{
	struct json_object *shares = json_object_new_array();

	r->failed |= !shares;
	put(r, o, "paths", shares);
	for (unsigned i = 0; !r->failed && i < s->share_count; i++) {
		const char *name = report_share_name(r->report, &s->shares[i]);
		if (!*name)
			continue;
		struct json_object *share = json_object_new_object();
		put_text(r, share, "uplink", name);
		put_number(r, share, "bytes", s->shares[i].bytes);
		if (json_object_array_add(shares, share) < 0) {
			json_object_put(share);
			r->failed = true;
		}
	}
}

static void on_stream(struct render *r, const struct report_stream *s)
{
	struct json_object *o = append_object(r, "streams");

	put_number(r, o, "id", s->id);
	put_text(r, o, "site", s->site);
	put_text(r, o, "client", s->client);
	put_text(r, o, "destination", s->dest);
	put_text(r, o, "state", report_stream_state_text(s->state));
	put_text(r, o, "class", s->class);
	put_number(r, o, "age_us", s->age_us);
	put_number(r, o, "down_bytes", s->down_bytes);
	put_number(r, o, "up_bytes", s->up_bytes);
	put_shares(r, o, s);
}

static void on_site(struct render *r, const struct report_site *s)
{
	struct json_object *o = append_object(r, "sites");

	put_text(r, o, "name", s->name);
	put_bool(r, o, "connected", s->connected);
	put_known(r, o, "since_us", s->since_us);
	put_number(r, o, "uplinks", s->uplinks);
	put_number(r, o, "streams", s->streams);
	put_number(r, o, "down_bytes", s->down_bytes);
	put_number(r, o, "up_bytes", s->up_bytes);
	put_text(r, o, "note", s->note);
	put_known(r, o, "month_bytes", s->month_bytes);
	put_known(r, o, "quota_bytes", s->quota_bytes);
	put_known(r, o, "rate_mbit_per_s", s->rate_mbps);
}

static void on_choice(struct render *r, const struct report_choice *c)
{
	struct json_object *o = append_object(r, "choices");

	put_text(r, o, "kind", c->kind);
	put_text(r, o, "name", c->name);
	put_text(r, o, "summary", c->summary);
	put_text(r, o, "order", c->order);
	put_text(r, o, "runs", c->runs);
}

static void put_devices(struct render *r)
{
	size_t count = r->parts & REPORT_PART_DEVICES ? r->report->device_count : 0;

	put_part(r, REPORT_PART_DEVICES, "devices");
	for (size_t i = 0; i < count; i++) {
		const struct report_device *d = &r->report->devices[i];
		struct json_object *o = append_object(r, "devices");
		put_text(r, o, "name", d->name);
		put_text(r, o, "address", d->address);
		put_number(r, o, "down_bytes", d->down_bytes);
		put_number(r, o, "up_bytes", d->up_bytes);
	}
}

static void on_tail(struct render *r)
{
	if (r->report->device_count)
		put_devices(r);
	put_number(r, r->state, "left_out", r->report->left_out);
	const char *text = r->failed ? NULL
		: json_object_to_json_string_ext(r->state,
			JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text || buf_put(r->out, text, strlen(text)) < 0 ||
	    buf_put(r->out, "\n", 1) < 0)
		r->failed = true;
	json_object_put(r->state);
}

const struct render_ops render_json = {
	.name = "json",
	.head = on_head,
	.session = on_session,
	.uplink = on_uplink,
	.stream = on_stream,
	.site = on_site,
	.choice = on_choice,
	.subflow = on_subflow,
	.tail = on_tail,
};
