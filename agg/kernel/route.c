/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see route.h. What there is in the kernel is read back each time, by our
 * protocol number: so a restart, a crash and somebody else's `ip route flush`
 * need no special case. What shall be is remembered here, table by table, and
 * one function, settle(), makes the one like the other (routeplan.h decides).
 * Owns the connections of rules.h and ways.h; a call waits for the kernel's
 * answers.
 */
#include "agg/kernel/route.h"
#include "agg/kernel/routeplan.h"
#include "agg/kernel/waymark.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tables of ours by index: uplinks', TPROXY's, tunnels'. */
#define TPROXY ROUTE_UPLINKS_MAX
#define TUNNELS (TPROXY + 1)
#define TABLES_FIRST (TUNNELS + 1) /* there is room for so many at first */

/* A table of ours that shall be. */
struct wanted {
	struct routeplan plan;
	char why[ROUTE_WORDS_MAX]; /* not in force; "" */
	bool refused; /* by the kernel, when it was put last: why says so */
	bool absent;  /* as IPv6 is turned off: tried again, and no fault */
};

struct route {
	struct ways *ways;
	struct rules *rules;
	uint32_t preference;
	bool rests;
	uint32_t way_bit; /* 0: nothing is marked for an uplink */
	char way_devices[ROUTE_LAN_DEVICES_MAX][IFNAMSIZ];
	unsigned way_device_count;
	struct wanted **tables[2]; /* by family; NULL: not wanted */
	unsigned room[2];
};

/* What settle() found, and whether it may change anything. */
struct work {
	struct route *r;
	sa_family_t family;
	const struct rules_list *rules;
	struct routeplan_place place;
	bool mend;
	struct route_look *look;
};

static const sa_family_t families[] = { AF_INET, AF_INET6 };

static const char *family_word(sa_family_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

static int refuse(const char *reason, int rc, struct kerr *err, const char *what)
{
	if (!rc)
		return 0;
	if (reason && *reason)
		return kerr_set(err, rc, "%s (%s)", what, reason);
	return kerr_set(err, rc, "%s", what);
}

/* For a table of that index. 0, or -1 with errno. */
static int make_room(struct route *r, sa_family_t family, unsigned index)
{
	unsigned f = family == AF_INET6, room = r->room[f];

	room = room ? room : TABLES_FIRST;
	while (room <= index)
		room *= 2;
	if (room == r->room[f])
		return 0;
	struct wanted **tables = realloc(r->tables[f], room * sizeof(*tables));
	if (!tables)
		return -1;
	memset(tables + r->room[f], 0, (room - r->room[f]) * sizeof(*tables));
	r->tables[f] = tables;
	r->room[f] = room;
	return 0;
}

struct route *route_create(struct kerr *err)
{
	struct route *r = calloc(1, sizeof(*r));
	int error;

	if (!r) {
		kerr_set(err, -ENOMEM, "netlink");
		return NULL;
	}
	r->preference = ROUTE_PREFERENCE;
	r->ways = ways_create();
	r->rules = r->ways ? rules_create() : NULL;
	if (!r->rules || make_room(r, AF_INET, 0) < 0 ||
	    make_room(r, AF_INET6, 0) < 0) {
		error = errno;
		route_destroy(r);
		kerr_set(err, -error, "netlink");
		errno = error;
		return NULL;
	}
	return r;
}

void route_destroy(struct route *r)
{
	if (!r)
		return;
	for (unsigned f = 0; f < 2; f++) {
		for (unsigned i = 0; i < r->room[f]; i++)
			free(r->tables[f][i]);
		free(r->tables[f]);
	}
	rules_destroy(r->rules);
	ways_destroy(r->ways);
	free(r);
}

void route_rest(struct route *r, bool rests)
{
	r->rests = rests;
}

void route_set_preference(struct route *r, uint32_t preference)
{
	r->preference = preference;
}

/* What shall be ------------------------------------------------------------- */

static struct wanted **place_of(struct route *r, unsigned index,
                                sa_family_t family)
{
	return &r->tables[family == AF_INET6][index];
}

static uint32_t table_of(unsigned index)
{
	if (index >= TUNNELS)
		return ROUTE_TABLE_TUNNEL + index - TUNNELS;
	return index == TPROXY ? ROUTE_TABLE_TPROXY : ROUTE_TABLE_BASE + index;
}

/* By which mark packets are led to it. */
static void set_way(const struct route *r, struct routeplan *plan, unsigned index)
{
	plan->way = waymark_of(r->way_bit, WAYMARK_UPLINK + index);
	plan->way_mask = waymark_mask(r->way_bit);
	if (index >= WAYMARK_UPLINKS_MAX)
		plan->way_mask = 0;
	memcpy(plan->devices, r->way_devices, sizeof(plan->devices));
	plan->device_count = r->way_device_count;
}

/* Making one like the other ------------------------------------------------- */

static void lacks(struct work *w, struct wanted *want, const char *what)
{
	char words[ROUTE_WORDS_MAX];

	snprintf(words, sizeof(words), "%s %s (%s)",
	         routeplan_whose(&want->plan), what,
	         family_word(w->family));
	if (!w->look->missing++)
		memcpy(w->look->words, words, sizeof(words));
	if (!want->why[0])
		snprintf(want->why, sizeof(want->why), "%.100s is gone", words);
}

static int settle_ways(struct work *w, struct wanted *want)
{
	const struct routeplan *plan = &want->plan;
	int ifindex = (int)if_nametoindex(routeplan_device(plan));
	struct way ways[ROUTEPLAN_WAYS_MAX];
	unsigned count = routeplan_ways(plan, ifindex, ways);
	struct ways_list found;
	int rc = ways_read(w->r->ways, w->family, plan->table, &found);

	for (unsigned i = 0; i < count && !rc; i++) {
		bool there = false;
		for (unsigned k = 0; k < found.count; k++)
			there |= way_equal(&ways[i], &found.items[k].way);
		if (there)
			continue;
		lacks(w, want, "route");
		if (w->mend)
			rc = ifindex ? ways_put(w->r->ways, &ways[i]) : -ENODEV;
	}
	for (unsigned k = 0; k < found.count && !rc && w->mend; k++) {
		bool told = false; /* by its destination: else it was replaced */
		for (unsigned i = 0; i < count; i++)
			told |= ways[i].dest.length == found.items[k].way.dest.length &&
			        !memcmp(ways[i].dest.ip, found.items[k].way.dest.ip,
			                sizeof(ways[i].dest.ip));
		if (!told)
			rc = ways_remove(w->r->ways, &found.items[k]);
	}
	ways_list_finish(&found);
	return rc;
}

/* Two uplinks may have one address, and so one rule to the main table. */
static bool serves_another(const struct route *r, const struct rule *rule,
                           uint32_t table)
{
	unsigned f = rule->family == AF_INET6;

	for (unsigned i = 0; i < TPROXY && rule->but_default; i++)
		if (r->tables[f][i] && r->tables[f][i]->plan.table != table &&
		    addr_equal_ip(&r->tables[f][i]->plan.uplink.source,
		                  &rule->source))
			return true;
	return false;
}

/* Removes ours of the table that are not among the wanted ones. */
static int prune_rules(struct route *r, const struct rules_list *rules,
                       uint32_t table, const struct rule *want, unsigned count)
{
	int rc = 0;

	for (unsigned i = 0; i < rules->count && !rc; i++) {
		bool wanted = false;
		if (!routeplan_owns(rules, &rules->items[i], table) ||
		    serves_another(r, &rules->items[i], table))
			continue;
		for (unsigned k = 0; k < count; k++)
			wanted |= rule_equal(&rules->items[i], &want[k]);
		if (!wanted)
			rc = rules_remove(r->rules, &rules->items[i]);
	}
	return rc;
}

/* It is there, but at another preference: which matters only while a rule of
 * others comes before it. */
static void stands_elsewhere(struct work *w, struct wanted *want,
                             const struct rule *found)
{
	char text[RULE_TEXT_MAX];

	w->look->moved++;
	if (!w->place.avoided || found->priority < w->place.avoided->priority)
		return;
	rule_format(w->place.avoided, text);
	snprintf(w->look->before, sizeof(w->look->before), "%.120s", text);
	if (!want->why[0])
		snprintf(want->why, sizeof(want->why), "%.100s comes before ours",
		         text);
}

static int settle_rules(struct work *w, struct wanted *want)
{
	struct rule rules[ROUTEPLAN_RULES_MAX];
	unsigned count = routeplan_rules(&want->plan, &w->place, rules);
	int rc = 0;

	for (unsigned i = 0; i < count && !rc; i++) {
		const struct rule *found = routeplan_find(w->rules, &rules[i]);
		if (found && found->priority == rules[i].priority)
			continue;
		if (found)
			stands_elsewhere(w, want, found);
		else
			lacks(w, want, "rule");
		if (w->mend)
			rc = rules_add(w->r->rules, &rules[i]);
		if (rc == -EEXIST) /* another uplink has the same address */
			rc = 0;
	}
	if (!rc && w->mend)
		rc = prune_rules(w->r, w->rules, want->plan.table, rules,
		                 count);
	return rc;
}

/* A host with disable_ipv6, which may be turned on later. */
static bool is_without_ipv6(const struct wanted *want, int rc)
{
	return rc == -EACCES && want->plan.mark && want->plan.family == AF_INET6;
}

/* One table and its rules. The routes first: nothing shall be sent into a table
 * that is half made. */
static int settle(struct work *w, struct wanted *want, struct kerr *err)
{
	char before[RULE_TEXT_MAX], what[IFNAMSIZ + 16];
	struct kerr kerr = { "" };

	unsigned lacked = w->look->missing + w->look->moved;
	unsigned missing = w->look->missing;
	if (w->mend || !want->refused)
		want->why[0] = 0;
	int rc = settle_ways(w, want);
	const char *reason = ways_reason(w->r->ways);
	if (!rc) {
		rc = settle_rules(w, want);
		reason = rules_reason(w->r->rules);
	}
	if (w->mend && (is_without_ipv6(want, rc) || want->absent)) {
		want->absent = is_without_ipv6(want, rc);
		w->look->missing = missing; /* by nobody's doing */
		rc = want->absent ? 0 : rc;
	}
	if (w->mend || want->absent ||
	    w->look->missing + w->look->moved == lacked)
		want->why[0] = 0;
	if (w->mend)
		want->refused = rc;
	if (rc) {
		snprintf(what, sizeof(what), "%s route",
		         routeplan_whose(&want->plan));
		refuse(reason, rc, &kerr, want->plan.mark ? what
		                          : want->plan.uplink.device);
		snprintf(want->why, sizeof(want->why), "%.120s", kerr.text);
		*err = kerr;
	} else if (w->place.before && !want->why[0]) {
		snprintf(want->why, sizeof(want->why), "%.100s comes before ours",
		         rule_format(w->place.before, before));
	}
	return rc;
}

static int settle_one(struct route *r, unsigned index, sa_family_t family,
                      struct kerr *err)
{
	struct route_look look = { 0 };
	struct rules_list rules;
	struct work w = { .r = r, .family = family, .rules = &rules,
	                  .mend = true, .look = &look };

	if (r->rests)
		return 0;
	int rc = rules_read(r->rules, family, &rules);
	if (!rc) {
		w.place = routeplan_place(&rules, r->preference);
		rc = settle(&w, *place_of(r, index, family), err);
	} else {
		kerr_set(err, rc, "reading the rules (%s)", family_word(family));
	}
	rules_list_finish(&rules);
	return rc;
}

static void note_failure(struct route_look *look, int rc, const struct kerr *err)
{
	look->error = rc;
	snprintf(look->failure, sizeof(look->failure), "%.120s", err->text);
}

void route_look(struct route *r, bool mend, struct route_look *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned f = 0; f < 2 && !r->rests; f++) {
		struct rules_list rules;
		struct kerr err;
		struct work w = { .r = r, .family = families[f],
		                  .rules = &rules, .mend = mend, .look = out };
		int rc = rules_read(r->rules, families[f], &rules);

		w.place = routeplan_place(&rules, r->preference);
		for (unsigned i = 0; i < r->room[f] && !rc; i++)
			if (r->tables[f][i] && settle(&w, r->tables[f][i], &err))
				note_failure(out, -EIO, &err);
		if (rc && rc != -EAFNOSUPPORT && rc != -EOPNOTSUPP)
			note_failure(out, kerr_set(&err, rc, "the rules"), &err);
		rules_list_finish(&rules);
	}
}

/* The owner ------------------------------------------------------------------ */

static struct wanted *want_table(struct route *r, unsigned index,
                                 sa_family_t family)
{
	if (make_room(r, family, index) < 0)
		return NULL;
	struct wanted **place = place_of(r, index, family);
	if (!*place)
		*place = calloc(1, sizeof(**place));
	if (*place) {
		(*place)->plan.table = table_of(index);
		(*place)->plan.family = family;
	}
	return *place;
}

static void forget(struct route *r, unsigned index, sa_family_t family)
{
	struct wanted **place = place_of(r, index, family);

	free(*place);
	*place = NULL;
}

int route_set_uplink(struct route *r, const struct route_uplink *want,
                     struct kerr *err)
{
	struct routeplan *plan;

	if (want->index >= ROUTE_UPLINKS_MAX ||
	    want->connected_count > ROUTE_CONNECTED_MAX)
		return kerr_set(err, -EINVAL, "routes of %s", want->device);
	struct wanted *table = want_table(r, want->index, want->family);
	if (!table)
		return kerr_set(err, -ENOMEM, "routes of %s", want->device);
	plan = &table->plan;
	plan->uplink = *want;
	set_way(r, plan, want->index);
	if (want->connected_count)
		memcpy(plan->connected, want->connected,
		       want->connected_count * sizeof(*plan->connected));
	plan->uplink.connected = plan->connected;
	return settle_one(r, want->index, want->family, err);
}

/* Another choice than is in force? Then it is noted. */
static bool note_ways(struct route *r, uint32_t bit,
                      const char (*devices)[IFNAMSIZ], unsigned count)
{
	char before[ROUTE_LAN_DEVICES_MAX][IFNAMSIZ];
	bool same = r->way_bit == bit && r->way_device_count == count;

	memcpy(before, r->way_devices, sizeof(before));
	memset(r->way_devices, 0, sizeof(r->way_devices));
	if (count)
		memcpy(r->way_devices, devices, count * IFNAMSIZ);
	r->way_bit = bit;
	r->way_device_count = count;
	return !same || memcmp(before, r->way_devices, sizeof(before));
}

int route_set_ways(struct route *r, uint32_t bit,
                   const char (*devices)[IFNAMSIZ], unsigned count,
                   struct kerr *err)
{
	int rc = 0;

	if (count > ROUTE_LAN_DEVICES_MAX)
		return kerr_set(err, -EINVAL, "routes by mark: %u devices", count);
	if (!note_ways(r, bit, devices, count))
		return 0;
	for (unsigned i = 0; i < TPROXY; i++)
		for (unsigned f = 0; f < 2; f++) {
			struct wanted *table = *place_of(r, i, families[f]);
			if (!table)
				continue;
			set_way(r, &table->plan, i);
			int failed = settle_one(r, i, families[f], err);
			rc = rc ? rc : failed;
		}
	return rc;
}

/* Rules and routes of one table. The rules first: nothing shall be sent into a
 * table that is half gone. */
static int clear_table(struct route *r, unsigned index, sa_family_t family)
{
	uint32_t table = table_of(index);
	struct rules_list rules;
	struct ways_list ways;

	forget(r, index, family);
	if (r->rests)
		return 0;
	int rc = rules_read(r->rules, family, &rules);
	if (!rc)
		rc = prune_rules(r, &rules, table, NULL, 0);
	rules_list_finish(&rules);
	if (rc)
		return rc;
	rc = ways_read(r->ways, family, table, &ways);
	for (unsigned i = 0; i < ways.count && !rc; i++)
		rc = ways_remove(r->ways, &ways.items[i]);
	ways_list_finish(&ways);
	return rc;
}

int route_clear_uplink(struct route *r, unsigned index, sa_family_t family,
                       struct kerr *err)
{
	return refuse(NULL, clear_table(r, index, family), err,
	              "removing an uplink's routes");
}

/* Of both families the same; a kernel without IPv6 gets IPv4's. */
static int set_marked(struct route *r, unsigned index,
                      const struct routeplan *want, struct kerr *err)
{
	int rc = 0;

	for (unsigned f = 0; f < 2; f++) {
		struct wanted *table = want_table(r, index, families[f]);
		if (!table)
			return kerr_set(err, -ENOMEM, "routes");
		struct routeplan plan = *want;
		plan.table = table->plan.table;
		plan.family = families[f];
		table->plan = plan;
		int failed = settle_one(r, index, families[f], err);
		if (f && (failed == -EAFNOSUPPORT || failed == -EOPNOTSUPP)) {
			forget(r, index, AF_INET6);
			failed = 0;
		}
		rc = rc ? rc : failed;
	}
	return rc;
}

static void set_from(struct routeplan *plan, const char (*devices)[IFNAMSIZ],
                     unsigned count)
{
	plan->device_count = count;
	if (count)
		memcpy(plan->devices, devices, count * IFNAMSIZ);
}

int route_set_tproxy(struct route *r, uint32_t mark,
                     const char (*devices)[IFNAMSIZ], unsigned count,
                     struct kerr *err)
{
	struct routeplan plan = { .mark = mark, .mask = mark };

	if (count > ROUTE_LAN_DEVICES_MAX)
		return kerr_set(err, -EINVAL, "TPROXY's route: %u devices", count);
	set_from(&plan, devices, count);
	return set_marked(r, TPROXY, &plan, err);
}

int route_set_tunnel(struct route *r, const struct route_tunnel *want,
                     struct kerr *err)
{
	struct routeplan plan = { .mark = want->mark, .mask = want->mask };

	if (want->number >= ROUTE_TUNNELS_MAX || !*want->device ||
	    want->from_count > ROUTE_LAN_DEVICES_MAX)
		return kerr_set(err, -EINVAL, "routes of %s", want->device);
	set_from(&plan, want->from, want->from_count);
	memcpy(plan.tunnel, want->device, sizeof(plan.tunnel));
	return set_marked(r, TUNNELS + want->number, &plan, err);
}

static int clear_marked(struct route *r, unsigned index)
{
	int rc = 0;

	for (unsigned f = 0; f < 2 && !rc; f++)
		if (index < r->room[f])
			rc = clear_table(r, index, families[f]);
	return rc;
}

int route_clear_tproxy(struct route *r, struct kerr *err)
{
	return refuse(NULL, clear_marked(r, TPROXY), err,
	              "removing TPROXY's route");
}

int route_clear_tunnel(struct route *r, unsigned number, struct kerr *err)
{
	return refuse(NULL, clear_marked(r, TUNNELS + number), err,
	              "removing a tunnel's routes");
}

static const char *why_of(const struct route *r, unsigned index)
{
	for (unsigned f = 0; f < 2; f++)
		if (index < r->room[f] && r->tables[f][index] &&
		    r->tables[f][index]->why[0])
			return r->tables[f][index]->why;
	return "";
}

const char *route_tproxy_why(const struct route *r)
{
	return why_of(r, TPROXY);
}

const char *route_uplink_why(const struct route *r, unsigned index)
{
	return why_of(r, index);
}

const char *route_tunnel_why(const struct route *r, unsigned number)
{
	return why_of(r, TUNNELS + number);
}

static int remove_all(struct route *r, sa_family_t family)
{
	struct rules_list rules;
	struct ways_list ways;
	int rc = rules_read(r->rules, family, &rules), failed;

	for (unsigned i = 0; i < rules.count; i++) {
		failed = rules.items[i].protocol != ROUTE_PROTOCOL ? 0 :
		         rules_remove(r->rules, &rules.items[i]);
		rc = rc ? rc : failed;
	}
	rules_list_finish(&rules);
	failed = ways_read(r->ways, family, 0, &ways);
	rc = rc ? rc : failed;
	for (unsigned i = 0; i < ways.count; i++) {
		failed = ways_remove(r->ways, &ways.items[i]);
		rc = rc ? rc : failed;
	}
	ways_list_finish(&ways);
	return rc;
}

int route_cleanup(struct route *r, struct kerr *err)
{
	int rc = 0;

	for (int i = 0; i < 2; i++) {
		for (unsigned t = 0; t < r->room[i]; t++)
			forget(r, t, families[i]);
		int failed = remove_all(r, families[i]);
		if (failed != -EAFNOSUPPORT && failed != -EOPNOTSUPP)
			rc = rc ? rc : failed;
	}
	return refuse(NULL, rc, err, "removing our routes and rules");
}
