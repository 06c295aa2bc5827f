/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see outage.h.
 */
#include "agg/role/outage.h"

void outage_init(struct outage *o, uint64_t now_us)
{
	*o = (struct outage){ .is_on = true, .pathless_us = now_us,
	                      .since_us = now_us };
}

bool outage_step(struct outage *o, bool path_works, uint64_t now_us)
{
	bool was_on = o->is_on;

	if (path_works)
		o->pathless_us = 0;
	else if (!o->pathless_us)
		o->pathless_us = now_us;
	o->is_on = o->pathless_us &&
	           (was_on || now_us - o->pathless_us >= OUTAGE_US);
	if (o->is_on == was_on)
		return false;
	o->since_us = now_us;
	return true;
}

enum intercept_mode outage_mode(const struct outage *o,
                                const struct outage_facts *facts,
                                sa_family_t family)
{
	if (facts->draining)
		return INTERCEPT_FORWARD;
	if (o->is_on)
		return facts->on_outage == CONF_OUTAGE_DIRECT ?
			INTERCEPT_FORWARD : INTERCEPT_REJECT;
	return family == AF_INET || facts->remote_ipv6 ? INTERCEPT_TAKE
	                                               : INTERCEPT_REJECT;
}

enum intercept_mode outage_tunnel_mode(const struct outage *tunnel, bool was_up,
                                       const struct outage_facts *facts,
                                       sa_family_t family)
{
	if (facts->draining)
		return INTERCEPT_FORWARD;
	if (tunnel->is_on)
		return was_up && facts->on_outage == CONF_OUTAGE_BLOCK ?
			INTERCEPT_REJECT : INTERCEPT_FORWARD;
	return family == AF_INET || facts->remote_ipv6 ? INTERCEPT_TAKE
	                                               : INTERCEPT_REJECT;
}

enum outage_way outage_way(const struct outage *o,
                           const struct outage_facts *facts)
{
	if (facts->draining)
		return OUTAGE_REFUSE;
	if (!o->is_on)
		return OUTAGE_STREAM;
	return facts->on_outage == CONF_OUTAGE_DIRECT ? OUTAGE_DIRECT
	                                              : OUTAGE_REFUSE;
}

enum report_session_state outage_state(const struct outage *o, bool was_up)
{
	if (!o->pathless_us)
		return REPORT_SESSION_UP;
	return o->is_on && was_up ? REPORT_SESSION_OUTAGE
	                          : REPORT_SESSION_CONNECTING;
}

const char *outage_follows(enum conf_outage on_outage)
{
	return on_outage == CONF_OUTAGE_DIRECT ? "new connections leave directly"
	                                       : "new connections are refused";
}

const char *outage_passes(const struct outage *o,
                          const struct outage_facts *facts)
{
	switch (outage_mode(o, facts, AF_INET)) {
	case INTERCEPT_FORWARD:
		return outage_follows(CONF_OUTAGE_DIRECT);
	case INTERCEPT_REJECT:
		return outage_follows(CONF_OUTAGE_BLOCK);
	case INTERCEPT_TAKE:
		return "";
	}
	return "";
}

const char *outage_text(const struct outage *o, enum conf_outage on_outage)
{
	if (!o->is_on)
		return "up";
	return on_outage == CONF_OUTAGE_DIRECT ?
		"no path works; new connections leave directly" :
		"no path works; new connections are refused";
}
