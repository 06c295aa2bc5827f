/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see measured.h. A rate is the best that was carried of late; what the
 * sending side's congestion control thinks of a path raises it a little, for
 * an estimate that nothing was sent by is worth nothing.
 */
#include "agg/ctl/measured.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#define CAPACITY_TIMES 1.5   /* an estimate counts up to so many times the best */
#define UP_SHARE 20          /* of down: less is what acknowledges it */
#define LOSS_OF_BYTES 200000 /* of fewer sent, none is known */
#define CONGESTION "bbr"     /* as subflows have it where the kernel does */

#define NOT_UP "it is not up"
#define NO_RTT "its round-trip time is not measured yet"
#define NO_RATE "it carried no download of late, so its rate is not known"
#define TOO_MANY "there are more uplinks than can be simulated"

#define WRONG(m, ...) \
	(snprintf((m)->why, sizeof((m)->why), __VA_ARGS__), -EINVAL)

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) || !value)
		return "";
	const char *text = json_object_get_string(value);
	return text ? text : "";
}

/* Not known is 0. */
static uint64_t number_of(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) || !value)
		return 0;
	int64_t number = json_object_get_int64(value);
	return number > 0 ? (uint64_t)number : 0;
}

static struct json_object *list_of(struct json_object *o, const char *key)
{
	struct json_object *list;

	if (!json_object_object_get_ex(o, key, &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

static size_t length_of(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

/* Uplinks --------------------------------------------------------------- */

static uint64_t rate_of(uint64_t best_bps, uint64_t capacity_bps)
{
	uint64_t most_bps = (uint64_t)((double)best_bps * CAPACITY_TIMES);

	if (capacity_bps <= best_bps)
		return best_bps;
	return capacity_bps < most_bps ? capacity_bps : most_bps;
}

static enum sched_path_class cost_of(const char *word)
{
	if (!strcmp(word, "metered"))
		return SCHED_CLASS_METERED;
	return strcmp(word, "backup") ? SCHED_CLASS_NORMAL : SCHED_CLASS_BACKUP;
}

static void read_link(const struct measured *m, struct json_object *o,
                      struct advise_link *link)
{
	bool up = !strcmp(m->role, "gateway"); /* its own direction */
	uint64_t up_best_bps = number_of(o, "up_best_bytes_per_s");

	*link = (struct advise_link){
		.min_rtt_us = number_of(o, "min_rtt_us"),
		.srtt_us = number_of(o, "srtt_us"),
		.rttvar_us = number_of(o, "rttvar_us"),
		.cost = cost_of(text_of(o, "cost")),
	};
	snprintf(link->name, sizeof(link->name), "%s", text_of(o, "name"));
	if (!link->min_rtt_us)
		link->min_rtt_us = link->srtt_us;
	link->down_bps = rate_of(number_of(o, "down_best_bytes_per_s"),
	                         number_of(o, "down_capacity_bytes_per_s"));
	if (up_best_bps * UP_SHARE >= link->down_bps)
		link->up_bps = rate_of(up_best_bps,
		                       number_of(o, "up_capacity_bytes_per_s"));
	if (number_of(o, up ? "up_bytes" : "down_bytes") >= LOSS_OF_BYTES)
		link->loss_ppm = number_of(o, "retransmitted_ppm");
}

static void take_uplink(struct measured *m, struct json_object *o)
{
	struct advise_question *q = &m->question;
	struct advise_link link;
	const char *why = NULL;

	read_link(m, o, &link);
	if (strcmp(text_of(o, "state"), "up"))
		why = NOT_UP;
	else if (!link.min_rtt_us)
		why = NO_RTT;
	else if (link.down_bps < MEASURED_RATE_MIN_BPS)
		why = NO_RATE;
	else if (q->link_count == ADVISE_LINKS_MAX)
		why = TOO_MANY;
	else
		q->links[q->link_count++] = link;
	if (!why || m->left_count == MEASURED_LEFT_MAX)
		return;
	struct measured_left *left = &m->left[m->left_count++];
	left->why = why;
	snprintf(left->name, sizeof(left->name), "%.*s", REPORT_NAME_MAX,
	         text_of(o, "name"));
}

static int say_no_links(struct measured *m)
{
	size_t used = 0;

	for (unsigned i = 0; i < m->left_count && used < MEASURED_WHY_MAX; i++)
		used += (size_t)snprintf(m->why + used, sizeof(m->why) - used,
		                         "%s: %s\n", m->left[i].name,
		                         m->left[i].why);
	if (used < MEASURED_WHY_MAX)
		snprintf(m->why + used, sizeof(m->why) - used,
		         "there is no uplink to advise on; run a large download "
		         "over the aggregate for ten seconds, and ask again");
	return -EINVAL;
}

static int read_uplinks(struct measured *m, struct json_object *root)
{
	struct json_object *list = list_of(root, "uplinks");

	for (size_t i = 0; i < length_of(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (!strcmp(text_of(o, "site"), m->site))
			take_uplink(m, o);
	}
	return m->question.link_count ? 0 : say_no_links(m);
}

/* How it is sent now ---------------------------------------------------- */

static int unknown(struct measured *m, const char *what, const char *name)
{
	return WRONG(m, "the daemon runs %s '%s', which this aggctl does not "
	             "know: are both of one version?", what, name);
}

static int read_policy(struct measured *m, struct json_object *session)
{
	static const char *const keys[STREAM_CLASS_COUNT] = {
		[STREAM_INTERACTIVE] = "interactive", [STREAM_BULK] = "bulk",
	};
	struct advise_policy *p = &m->question.present;
	struct json_object *down;

	if (!json_object_object_get_ex(session, "down", &down) || !down)
		return WRONG(m, "the session is not up yet: how it sends is not "
		             "known; 'aggctl status' says why");
	for (int i = 0; i < STREAM_CLASS_COUNT; i++) {
		const char *name = text_of(down, keys[i]);
		if (!(p->scheduler[i] = sched_find(name)))
			return unknown(m, "scheduler", name);
	}
	if (!(p->order = order_find(text_of(down, "order"))))
		return unknown(m, "order", text_of(down, "order"));
	int policy = reinject_find(text_of(down, "reinjection"));
	if (policy < 0)
		return unknown(m, "reinjection", text_of(down, "reinjection"));
	p->reinjection = (enum reinject_policy)policy;
	return 0;
}

static int say_sites(struct measured *m, struct json_object *sessions,
                     const char *site)
{
	size_t used, count = length_of(sessions);

	if (!count)
		return WRONG(m, "no gateway is connected");
	if (site)
		used = (size_t)snprintf(m->why, sizeof(m->why), "there is no "
		                        "session of a site '%.31s'; allowed:",
		                        site);
	else
		used = (size_t)snprintf(m->why, sizeof(m->why), "which site? "
		                        "'aggctl advise SITE', or ask on its "
		                        "gateway; allowed:");
	for (size_t i = 0; i < count && used < MEASURED_WHY_MAX; i++)
		used += (size_t)snprintf(
			m->why + used, sizeof(m->why) - used, "%s %s",
			i ? "," : "",
			text_of(json_object_array_get_idx(sessions, i), "site"));
	return -EINVAL;
}

/* The site's session, or the only one. */
static int find_session(struct measured *m, struct json_object *root,
                        const char *site, struct json_object **out)
{
	struct json_object *list = list_of(root, "sessions");
	size_t count = length_of(list);

	*out = NULL;
	if (!strcmp(m->role, "gateway") && site)
		return WRONG(m, "sites are the concentrator's; here it is "
		             "'aggctl advise' alone");
	for (size_t i = 0; i < count; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		if (site ? !strcmp(text_of(o, "site"), site) : count == 1)
			*out = o;
	}
	if (*out)
		return 0;
	return strcmp(m->role, "gateway") ? say_sites(m, list, site)
	                                  : WRONG(m, "there is no session");
}

static int read_root(struct measured *m, struct json_object *root,
                     const char *site)
{
	struct json_object *session;
	struct advise_question *q = &m->question;

	snprintf(m->role, sizeof(m->role), "%.*s", REPORT_NAME_MAX,
	         text_of(root, "role"));
	int err = find_session(m, root, site, &session);
	if (!err)
		err = read_policy(m, session);
	if (err)
		return err;
	snprintf(m->site, sizeof(m->site), "%.*s", REPORT_NAME_MAX,
	         text_of(session, "site"));
	snprintf(q->congestion, sizeof(q->congestion), "%s", CONGESTION);
	q->bundles = (unsigned)number_of(session, "bundles");
	if (q->bundles > WIRE_BUNDLES_MAX)
		q->bundles = 0;
	q->memory_bytes = number_of(session, "memory_budget_bytes");
	return read_uplinks(m, root);
}

int measured_read(const char *json, const char *site, struct measured *out)
{
	struct json_object *root = json_tokener_parse(json);
	int err;

	*out = (struct measured){ .left_count = 0 };
	if (json_object_is_type(root, json_type_object))
		err = read_root(out, root, site);
	else
		err = WRONG(out, "the daemon's answer is no JSON object");
	json_object_put(root);
	return err;
}
