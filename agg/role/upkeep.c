/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see upkeep.h. Owns a timer. Looks are cheap (a list of rules and small
 * tables) but not free: a flood of events is one look each UPKEEP_LOOK_US.
 */
#include "agg/role/upkeep.h"

#include "agg/base/log.h"
#include "agg/kernel/arp.h"
#include "agg/role/pace.h"
#include "agg/role/redo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPKEEP_LOOK_US 20000u    /* between looks */
#define UPKEEP_IDLE_US 10000000u /* without an event */
#define UPKEEP_FIRST_US 1000000u /* what could not be put at the start */

struct upkeep {
	struct loop *loop;      /* borrowed, as the next two */
	struct netmon *netmon;
	struct route *route;
	struct loop_timer *timer;
	uint64_t looked_us;
	struct redo redo;
	struct pace losses, changes; /* of routes, of ARP: lines about them */
	struct links links;
	uint64_t links_us;      /* looked at */
	bool apart_failed;
};

static void say_loss(struct upkeep *u, const struct route_look *look,
                     uint64_t now)
{
	char others[48] = "", earlier[PACE_WORDS_MAX];

	if ((!look->missing && !look->before[0]) ||
	    !pace_may_say(&u->losses, now, earlier))
		return;
	if (look->missing > 1)
		snprintf(others, sizeof(others), " and %u more", look->missing - 1);
	if (look->missing)
		log_sys("routes: %s%s: gone by somebody else's doing; put again%s",
		        look->words, others, earlier);
	else
		log_sys("routes: %s of somebody else came before ours; ours now "
		        "come before it%s", look->before, earlier);
}

/* A device that goes takes its routes along before we know of it: only what is
 * refused twice is a fault. */
static void put_again(struct upkeep *u, uint64_t now)
{
	unsigned failures = u->redo.failures;
	struct route_look look;

	redo_begin(&u->redo);
	route_look(u->route, true, &look);
	redo_end(&u->redo, !look.error, now);
	if (u->redo.failures == 2)
		log_sys("routes: %s; tried again with pauses", look.failure);
	else if (failures > 1 && !look.error)
		log_info("routes: in force, after %u failures", failures);
	if (!look.error)
		say_loss(u, &look, now);
}

/* 0, or -errno that was said. */
static int keep_apart(struct upkeep *u)
{
	char journal[ARP_PATH_MAX];
	struct kerr err = { "" };
	int rc = arp_journal_path(journal);
	const struct arp_place place = { .journal = journal };

	if (!rc)
		rc = arp_keep_apart(&place,
		                    (const char (*)[IFNAMSIZ])u->links.devices,
		                    u->links.count, &err);
	if (rc && !u->apart_failed)
		log_sys("uplinks on one link: %s: their routers may learn the wrong "
		        "device", *err.text ? err.text : strerror(-rc));
	u->apart_failed = rc;
	return rc;
}

/* A setting that somebody changes tells nobody. */
static void look_at_links(struct upkeep *u, uint64_t now)
{
	const struct arp_place place = { .journal = NULL };
	char earlier[PACE_WORDS_MAX];

	if (now - u->links_us < UPKEEP_IDLE_US)
		return;
	u->links_us = now;
	if (arp_is_kept(&place, (const char (*)[IFNAMSIZ])u->links.devices,
	                u->links.count) || keep_apart(u) ||
	    !pace_may_say(&u->changes, now, earlier))
		return;
	log_sys("uplinks on one link: somebody changed arp_ignore or arp_announce; "
	        "they are set again%s", earlier);
}

void upkeep_look(struct upkeep *u)
{
	uint64_t now = loop_now_us(u->loop), idle = now + UPKEEP_IDLE_US;
	struct route_look look;

	u->looked_us = now;
	route_look(u->route, false, &look);
	if (look.missing || look.moved || look.error)
		redo_lose(&u->redo, now);
	if (u->redo.due_us <= now)
		put_again(u, now);
	look_at_links(u, now);
	loop_timer_arm(u->timer,
	               u->redo.due_us < idle ? u->redo.due_us : idle);
}

void upkeep_set_links(struct upkeep *u, const struct links *links)
{
	if (links_equal(&u->links, links))
		return;
	u->links = *links;
	if (!keep_apart(u) && links->count)
		log_info("uplinks on one link: %s and %s%s: arp_ignore and "
		         "arp_announce are set", links->devices[0],
		         links->devices[1], links->count > 2 ? " and more" : "");
}

static void on_timer(void *ctx)
{
	upkeep_look(ctx);
}

static void on_doubt(void *ctx)
{
	struct upkeep *u = ctx;
	uint64_t due = u->looked_us + UPKEEP_LOOK_US;

	if (u->redo.failures) /* what stood in the way may be gone */
		redo_want(&u->redo, loop_now_us(u->loop));
	if (loop_now_us(u->loop) >= due)
		upkeep_look(u);
	else
		loop_timer_arm(u->timer, due);
}

struct upkeep *upkeep_create(struct loop *loop, struct netmon *netmon,
                             struct route *route)
{
	struct upkeep *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->loop = loop;
	u->netmon = netmon;
	u->route = route;
	redo_init(&u->redo);
	u->timer = loop_timer_create(loop, on_timer, u);
	if (!u->timer) {
		free(u);
		return NULL;
	}
	netmon_watch_policy(netmon, on_doubt, u);
	loop_timer_arm(u->timer, loop_now_us(loop) + UPKEEP_FIRST_US);
	return u;
}

void upkeep_destroy(struct upkeep *u)
{
	if (!u)
		return;
	netmon_watch_policy(u->netmon, NULL, NULL);
	loop_timer_destroy(u->timer);
	free(u);
}
