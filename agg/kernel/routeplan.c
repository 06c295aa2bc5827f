/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see routeplan.h. Owns nothing.
 */
#include "agg/kernel/routeplan.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Where in the row of preferences. */
enum { AT_MARK, AT_DEVICE, AT_SOURCE_MAIN, AT_SOURCE };
_Static_assert(AT_SOURCE < ROUTE_PREFERENCES, "preferences");

const char *routeplan_device(const struct routeplan *p)
{
	return *p->tunnel ? p->tunnel : p->mark ? "lo" : p->uplink.device;
}

const char *routeplan_whose(const struct routeplan *p)
{
	return p->mark && !*p->tunnel ? "TPROXY's" : routeplan_device(p);
}

unsigned routeplan_ways(const struct routeplan *p, int ifindex,
                        struct way out[ROUTEPLAN_WAYS_MAX])
{
	const struct route_uplink *u = &p->uplink;
	struct way all = { .family = p->family, .table = p->table,
	                   .dest = { .family = p->family },
	                   .ifindex = ifindex,
	                   .local = p->mark && !*p->tunnel };
	unsigned n = 0;

	if (p->mark) {
		out[n++] = all;
		return n;
	}
	if (u->source.family == p->family)
		all.source = u->source;
	for (size_t i = 0; i < u->connected_count; i++) {
		if (u->connected[i].family != p->family)
			continue;
		out[n] = all;
		out[n++].dest = u->connected[i];
	}
	all.gateway = u->gateway;
	out[n++] = all;
	return n;
}

static struct rule rule_at(const struct routeplan *p,
                           const struct routeplan_place *place, uint32_t at)
{
	return (struct rule){
		.family = p->family, .protocol = ROUTE_PROTOCOL,
		.action = FR_ACT_TO_TBL, .table = p->table,
		.priority = place->first + at * place->step,
	};
}

static void set_source(struct rule *rule, const struct addr *source)
{
	rule->source = (struct addr){ .family = source->family };
	memcpy(rule->source.ip, source->ip, addr_ip_len(source));
}

/* By a mark, of what comes in by the LAN's devices. */
static unsigned marked_rules(const struct routeplan *p,
                             const struct routeplan_place *place,
                             uint32_t mark, uint32_t mask,
                             struct rule out[ROUTEPLAN_RULES_MAX])
{
	unsigned count = p->device_count ? p->device_count : 1;

	for (unsigned i = 0; i < count; i++) {
		out[i] = rule_at(p, place, AT_MARK);
		out[i].mark = mark;
		out[i].mask = mask;
		memcpy(out[i].iif, p->devices[i], IFNAMSIZ); /* "": any */
	}
	return count;
}

unsigned routeplan_rules(const struct routeplan *p,
                         const struct routeplan_place *place,
                         struct rule out[ROUTEPLAN_RULES_MAX])
{
	const struct route_uplink *u = &p->uplink;
	unsigned n = 0;

	if (p->mark)
		n = marked_rules(p, place, p->mark, p->mask, out);
	if (p->mark && *p->tunnel && p->device_count) { /* a gateway's */
		out[n] = rule_at(p, place, AT_DEVICE);
		memcpy(out[n++].oif, p->tunnel, sizeof(p->tunnel));
	}
	if (p->mark)
		return n;
	if (p->way_mask)
		n = marked_rules(p, place, p->way, p->way_mask, out);
	out[n] = rule_at(p, place, AT_DEVICE);
	memcpy(out[n++].oif, u->device, sizeof(u->device));
	if (u->source.family != p->family)
		return n;
	out[n] = rule_at(p, place, AT_SOURCE_MAIN);
	out[n].table = RT_TABLE_MAIN;
	out[n].but_default = true;
	set_source(&out[n++], &u->source);
	out[n] = rule_at(p, place, AT_SOURCE);
	set_source(&out[n++], &u->source);
	return n;
}

static bool leads_away(const struct rule *rule)
{
	if (rule->protocol == ROUTE_PROTOCOL || rule->action == FR_ACT_NOP)
		return false;
	return rule->action != FR_ACT_TO_TBL || rule->table != RT_TABLE_LOCAL;
}

static uint32_t last_of(const struct routeplan_place *place)
{
	return place->first + AT_SOURCE * place->step;
}

struct routeplan_place routeplan_place(const struct rules_list *rules,
                                       uint32_t preference)
{
	struct routeplan_place place = { .first = preference, .step = 1 };

	for (unsigned i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->items[i];
		if (!leads_away(rule) || rule->priority > last_of(&place))
			continue;
		if (!rule->priority) { /* beside the kernel's first */
			place.before = rule;
			continue;
		}
		place.step = rule->priority >= ROUTE_PREFERENCES;
		place.first = rule->priority -
			(place.step ? ROUTE_PREFERENCES : 1);
		place.avoided = rule;
	}
	return place;
}

const struct rule *routeplan_find(const struct rules_list *rules,
                                  const struct rule *want)
{
	const struct rule *elsewhere = NULL;

	for (unsigned i = 0; i < rules->count; i++) {
		struct rule rule = rules->items[i];
		if (rule.protocol != ROUTE_PROTOCOL)
			continue;
		if (rule_equal(&rule, want))
			return &rules->items[i];
		rule.priority = want->priority;
		if (rule_equal(&rule, want))
			elsewhere = &rules->items[i];
	}
	return elsewhere;
}

bool routeplan_owns(const struct rules_list *rules, const struct rule *rule,
                    uint32_t table)
{
	if (rule->protocol != ROUTE_PROTOCOL)
		return false;
	if (rule->table == table)
		return true;
	for (unsigned i = 0; i < rules->count && rule->but_default; i++)
		if (rules->items[i].protocol == ROUTE_PROTOCOL &&
		    rules->items[i].table == table &&
		    addr_equal_ip(&rules->items[i].source, &rule->source))
			return true;
	return false;
}
