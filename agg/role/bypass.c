/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see bypass.h.
 */
#include "agg/role/bypass.h"

#include <string.h>

_Static_assert(CONF_UPLINKS_MAX <= WAYMARK_UPLINKS_MAX, "ways");
_Static_assert(CONF_BYPASS_MARK_BITS == WAYMARK_BITS, "bits");

#define FAMILIES 2

/* Which section ------------------------------------------------------------- */

static bool fits_host(const struct conf_bypass *s, const struct bypass_flow *flow)
{
	for (unsigned i = 0; i < s->host_count; i++)
		if (selector_host_has(&s->host[i], flow->host, flow->mac))
			return true;
	return !s->host_count;
}

static bool fits_port(const struct conf_bypass *s, const struct bypass_flow *flow)
{
	for (unsigned i = 0; i < s->port_count; i++)
		if (selector_ports_has(&s->port[i], flow->protocol,
		                       flow->dest->addr.port))
			return true;
	return !s->port_count;
}

static bool fits_dest(const struct conf_bypass *s, const struct bypass_flow *flow)
{
	for (unsigned i = 0; i < s->dest_count; i++)
		if (prefix_has(&s->dest[i], &flow->dest->addr))
			return true;
	return !s->dest_count && !s->names_count;
}

static bool fits_name(const struct conf_bypass *s, const char *name)
{
	for (unsigned i = 0; i < s->names_count; i++)
		if (selector_domain_has(s->names[i], name))
			return true;
	return false;
}

static bool is_to_tunnel(const struct conf_bypass *s)
{
	return !strcmp(s->to, CONF_TO_TUNNEL);
}

const struct conf_bypass *bypass_find(const struct conf *conf,
                                      const struct bypass_flow *flow)
{
	for (unsigned i = 0; i < conf->bypass_count; i++) {
		const struct conf_bypass *s = &conf->bypasses[i];
		if (fits_host(s, flow) && fits_port(s, flow) &&
		    (fits_dest(s, flow) || fits_name(s, flow->name)))
			return s;
	}
	return NULL;
}

/* What a section to the tunnel takes by name, it took as packets. */
bool bypass_hangs_on_name(const struct conf *conf,
                          const struct bypass_flow *flow)
{
	for (unsigned i = 0; i < conf->bypass_count; i++) {
		const struct conf_bypass *s = &conf->bypasses[i];
		if (!fits_host(s, flow) || !fits_port(s, flow))
			continue;
		if (fits_dest(s, flow))
			return false;
		if (s->names_count && !is_to_tunnel(s))
			return true;
	}
	return false;
}

bool bypass_hangs_on_mac(const struct conf *conf)
{
	for (unsigned i = 0; i < conf->bypass_count; i++)
		if (selector_hosts_have_mac(conf->bypasses[i].host, conf->bypasses[i].host_count))
			return true;
	return false;
}

/* Which uplink -------------------------------------------------------------- */

void bypass_init(struct bypass *b)
{
	memset(b, 0, sizeof(*b));
	for (unsigned f = 0; f < FAMILIES; f++) {
		b->direct[f] = b->facts.direct[f] = BYPASS_NOBODY;
		for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
			b->led[f][i] = (uint8_t)i;
	}
}

/* Silence of all of them is the concentrator's. */
static bool somebody_works(const struct bypass_facts *facts)
{
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (*facts->paths[i].name && facts->paths[i].health_us > 0)
			return true;
	return false;
}

static bool works(const struct bypass *b, unsigned f, unsigned i, uint64_t now_us)
{
	const struct bypass_path *path = &b->facts.paths[i];
	bool failed = b->failed_us[i] && now_us - b->failed_us[i] >= BYPASS_FAIL_US;

	return *path->name && path->ready[f] &&
	       !(failed && somebody_works(&b->facts));
}

/* The best of those that work: least cost, then least round-trip time. */
static uint8_t best(const struct bypass *b, unsigned f, uint64_t now_us)
{
	const struct bypass_path *paths = b->facts.paths;
	uint8_t found = BYPASS_NOBODY;

	for (uint8_t i = 0; i < CONF_UPLINKS_MAX; i++) {
		if (!works(b, f, i, now_us) || paths[i].health_us <= 0)
			continue;
		if (found == BYPASS_NOBODY || paths[i].cost < paths[found].cost ||
		    (paths[i].cost == paths[found].cost &&
		     paths[i].health_us < paths[found].health_us))
			found = i;
	}
	return found;
}

/* Does the owner of a way lead it? At once where nobody else does; else when it
 * has worked for a while. */
static bool may_lead(const struct bypass *b, unsigned f, unsigned i,
                     bool leads, uint64_t now_us)
{
	return works(b, f, i, now_us) &&
	       (leads || now_us - b->out_us[f][i] >= BYPASS_BACK_US);
}

/* Who leads what is owner's, after who did: who took its place keeps it while
 * he works, as a change ends connections. own: the word for the owner. */
static uint8_t choose(const struct bypass *b, unsigned f, uint8_t owner,
                      uint8_t own, uint8_t before, uint64_t now_us)
{
	uint8_t other;

	if (owner == BYPASS_NOBODY ||
	    may_lead(b, f, owner, before == own, now_us))
		return own;
	if (before != own && before != BYPASS_NOBODY &&
	    works(b, f, before, now_us))
		return before;
	other = best(b, f, now_us);
	return other == BYPASS_NOBODY ? own : other;
}

static void take_facts(struct bypass *b, const struct bypass_facts *facts,
                       uint64_t now_us)
{
	b->facts = *facts;
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		const struct bypass_path *path = &facts->paths[i];
		if (!*path->name || path->health_us >= 0)
			b->failed_us[i] = 0;
		else if (!b->failed_us[i])
			b->failed_us[i] = now_us;
	}
}

/* True: one stopped working. */
static bool note_losses(struct bypass *b, uint64_t now_us)
{
	bool any = false;

	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		b->lost[i] = false;
		for (unsigned f = 0; f < FAMILIES; f++) {
			bool work = works(b, f, i, now_us);
			b->lost[i] |= b->works[f][i] && !work;
			b->works[f][i] = work;
			if (!work)
				b->out_us[f][i] = now_us;
		}
		any |= b->lost[i];
	}
	return any;
}

static bool lead(uint8_t *led, uint8_t now)
{
	bool changed = *led != now;

	*led = now;
	return changed;
}

bool bypass_step(struct bypass *b, const struct bypass_facts *facts,
                 uint64_t now_us)
{
	take_facts(b, facts, now_us);
	bool changed = note_losses(b, now_us);
	for (unsigned f = 0; f < FAMILIES; f++) {
		for (uint8_t i = 0; i < CONF_UPLINKS_MAX; i++)
			changed |= lead(&b->led[f][i], choose(b, f, i, i,
			                                      b->led[f][i], now_us));
		changed |= lead(&b->direct[f],
		                choose(b, f, facts->direct[f], BYPASS_NOBODY,
		                       b->direct[f], now_us));
	}
	return changed;
}

/* Answers -------------------------------------------------------------------- */

static uint8_t path_of(const struct bypass *b, const char *name)
{
	for (uint8_t i = 0; i < CONF_UPLINKS_MAX; i++)
		if (!strcmp(b->facts.paths[i].name, name))
			return i;
	return BYPASS_NOBODY;
}

uint8_t bypass_leads(const struct bypass *b, const struct conf_bypass *section,
                     sa_family_t family)
{
	unsigned f = family == AF_INET6;
	uint8_t path = path_of(b, section->to);

	return path == BYPASS_NOBODY ? b->direct[f] : b->led[f][path];
}

static unsigned way_of(const struct bypass *b, const struct conf_bypass *section)
{
	uint8_t path = path_of(b, section->to);

	if (is_to_tunnel(section))
		return WAYMARK_TUNNEL;
	return path == BYPASS_NOBODY ? WAYMARK_DIRECT
	                             : (unsigned)WAYMARK_UPLINK + path;
}

static void plan_rule(const struct bypass *b, const struct conf_bypass *s,
                      struct waymark_rule *out)
{
	*out = (struct waymark_rule){
		.dests = s->dest, .dest_count = s->dest_count,
		.named = s->names_count > 0,
		.hosts = s->host, .host_count = s->host_count,
		.ports = s->port, .port_count = s->port_count,
		.way = way_of(b, s),
	};
	memcpy(out->name, s->name, sizeof(out->name));
}

void bypass_plan(const struct bypass *b, const struct conf *conf,
                 struct waymark_rule rules[CONF_BYPASSES_MAX],
                 struct waymark_plan *out)
{
	*out = (struct waymark_plan){
		.rules = rules, .count = conf->bypass_count,
		.bit = conf->main.bypass_mark, .uplinks = CONF_UPLINKS_MAX,
	};
	for (unsigned i = 0; i < conf->bypass_count; i++)
		plan_rule(b, &conf->bypasses[i], &rules[i]);
	for (unsigned f = 0; f < FAMILIES; f++) {
		out->direct[f] = WAYMARK_DIRECT;
		if (b->direct[f] != BYPASS_NOBODY)
			out->direct[f] = (uint8_t)(WAYMARK_UPLINK + b->direct[f]);
		memcpy(out->led[f], b->led[f], sizeof(b->led[f]));
	}
}
