/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see codel.h. RFC 8289, section 5, in the form that Linux gave it: a pace
 * that is taken up again goes on with what the last one had added. There, one call
 * drops several packets and gives the next; here, each packet is asked about by
 * itself, and what was done to the one before is remembered.
 */
#include "tun/codel.h"

#include <math.h>

enum { AFTER_NOTHING, AFTER_FIRST_DROP, AFTER_DROP };

static uint64_t next_drop(const struct codel *c, const struct codel_rule *rule,
                          uint64_t from_us)
{
	return from_us + (uint64_t)(rule->interval_us / sqrt(c->count));
}

static bool is_above(struct codel *c, const struct codel_rule *rule,
                     uint64_t waited_us, uint64_t backlog_bytes, uint64_t now_us)
{
	if (waited_us < rule->target_us || backlog_bytes <= rule->mtu) {
		c->above_us = 0;
		return false;
	}
	if (!c->above_us) {
		c->above_us = now_us + rule->interval_us;
		return false;
	}
	return now_us > c->above_us;
}

static void begin(struct codel *c, const struct codel_rule *rule, uint64_t now_us)
{
	uint32_t added = c->count - c->last_count;
	bool recent = now_us < c->drop_next_us +
	                       (uint64_t)CODEL_MEMORY * rule->interval_us;

	c->dropping = true;
	c->entered = true;
	c->count = added > 1 && added <= c->count && recent ? added : 1;
	c->last_count = c->count;
	c->drop_next_us = next_drop(c, rule, now_us);
}

bool codel_hits(struct codel *c, const struct codel_rule *rule, uint64_t waited_us,
                uint64_t backlog_bytes, uint64_t now_us)
{
	bool above = is_above(c, rule, waited_us, backlog_bytes, now_us);
	uint8_t after = c->after;

	c->after = AFTER_NOTHING;
	if (after == AFTER_FIRST_DROP)
		return false; /* the one behind the first always goes */
	if (!c->dropping) {
		if (above)
			begin(c, rule, now_us);
		return above;
	}
	if (!above) {
		c->dropping = false;
		return false;
	}
	if (after == AFTER_DROP)
		c->drop_next_us = next_drop(c, rule, c->drop_next_us);
	if (now_us < c->drop_next_us)
		return false;
	c->entered = false;
	c->count++;
	return true;
}

void codel_dropped(struct codel *c)
{
	c->after = c->entered ? AFTER_FIRST_DROP : AFTER_DROP;
}

void codel_marked(struct codel *c, const struct codel_rule *rule)
{
	if (!c->entered)
		c->drop_next_us = next_drop(c, rule, c->drop_next_us);
}

void codel_emptied(struct codel *c)
{
	c->above_us = 0;
	c->dropping = false;
	c->after = AFTER_NOTHING;
}

void codel_overflowed(struct codel *c, uint32_t packets)
{
	c->count += packets;
}
