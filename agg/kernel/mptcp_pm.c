/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_pm.h. The kernel is the memory of what is there, the journal
 * of what of that is ours. Owns a socket for requests, one for events that the
 * loop watches, and the journal's file.
 */
#include "agg/kernel/mptcp_pm_impl.h"

#include "agg/base/log.h"
#include "agg/kernel/mptcp_sched.h"
#include "agg/kernel/mptcp_store.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/mptcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int mptcp_pm_refuse(struct mptcp_pm *pm, int rc, struct kerr *err,
                    const char *what)
{
	const char *words = mptcp_nl_words(pm->nl);

	if (!rc)
		return 0;
	if (*words)
		return kerr_set(err, rc, "MPTCP: %s (%s)", what, words);
	return kerr_set(err, rc, "MPTCP: %s", what);
}

int mptcp_pm_save(struct mptcp_pm *pm)
{
	return pm->path ? mptcp_store_save(pm->path, &pm->ours) : 0;
}

int mptcp_pm_save_or_refuse(struct mptcp_pm *pm, struct kerr *err)
{
	int rc = mptcp_pm_save(pm);

	return rc ? kerr_set(err, rc, "MPTCP: journal %s", pm->path) : 0;
}

/* -- limits --------------------------------------------------------------- */

int mptcp_pm_limits(struct mptcp_pm *pm, struct mptcp_msg_limits *out,
                    struct kerr *err)
{
	return mptcp_pm_refuse(pm, mptcp_nl_get_limits(pm->nl, out), err, "limits");
}

/* Notes the change, and makes it; limit is one of the journal's two. What was
 * there before stays what it was while the setting is still as we set it. */
static int change_limit(struct mptcp_pm *pm, struct mptcp_journal_limit *limit,
                        uint32_t now, uint32_t set, struct kerr *err)
{
	const struct mptcp_journal_limit was = *limit;
	bool subflows = limit == &pm->ours.subflows;

	if (!limit->held || limit->set != now)
		limit->before = now;
	limit->set = set;
	limit->held = true;
	int rc = mptcp_pm_save_or_refuse(pm, err);
	if (rc) {
		*limit = was;
		return rc;
	}
	rc = mptcp_nl_set_limits(pm->nl, subflows ? NULL : &set,
	                         subflows ? &set : NULL);
	if (!rc)
		return 0;
	*limit = was;
	mptcp_pm_refuse(pm, rc, err, subflows ? "the limit of subflows" :
	       "the limit of accepted addresses");
	mptcp_pm_save(pm); /* what cannot be said now is said by the next */
	return rc;
}

int mptcp_pm_raise_limits(struct mptcp_pm *pm, unsigned subflows,
                          struct kerr *err)
{
	struct mptcp_msg_limits now;

	if (subflows > MPTCP_PM_SUBFLOWS_MAX)
		return kerr_set(err, -EINVAL, "MPTCP: %u subflows, at most %d",
		                subflows, MPTCP_PM_SUBFLOWS_MAX);
	int rc = mptcp_pm_limits(pm, &now, err);
	if (rc || now.subflows >= subflows)
		return rc;
	return change_limit(pm, &pm->ours.subflows, now.subflows, subflows, err);
}

int mptcp_pm_set_accepted_addresses(struct mptcp_pm *pm, unsigned accepted,
                                    struct kerr *err)
{
	struct mptcp_msg_limits now;
	int rc = mptcp_pm_limits(pm, &now, err);

	if (rc || now.accepted == accepted)
		return rc;
	return change_limit(pm, &pm->ours.accepted, now.accepted, accepted, err);
}

int mptcp_pm_set_scheduler(struct mptcp_pm *pm, const char *name,
                           struct kerr *err)
{
	struct mptcp_journal *j = &pm->ours;
	char now[MPTCP_SCHED_NAME_MAX];
	int rc = mptcp_sched_current(NULL, now);

	if (rc)
		return kerr_set(err, rc, "MPTCP: this kernel's scheduler");
	if (!mptcp_journal_is_name(name))
		return kerr_set(err, -EINVAL, "MPTCP: no name of a scheduler");
	if (!strcmp(now, name))
		return 0;
	struct mptcp_journal was = *j;
	if (!j->sched_held || strcmp(j->sched_set, now))
		memcpy(j->sched_before, now, sizeof(now));
	strncpy(j->sched_set, name, sizeof(j->sched_set) - 1);
	j->sched_held = true;
	rc = mptcp_pm_save_or_refuse(pm, err);
	if (rc)
		return rc;
	rc = mptcp_sched_set(NULL, name);
	if (!rc)
		return 0;
	*j = was;
	mptcp_pm_save(pm);
	return kerr_set(err, rc, "MPTCP: scheduler %s", name);
}

/* -- undoing -------------------------------------------------------------- */

static int restore_limits(struct mptcp_pm *pm)
{
	struct mptcp_journal_limit *s = &pm->ours.subflows, *a = &pm->ours.accepted;
	struct mptcp_msg_limits now;

	if (!s->held && !a->held)
		return 0;
	int rc = mptcp_nl_get_limits(pm->nl, &now);
	bool back_s = s->held && now.subflows == s->set;
	bool back_a = a->held && now.accepted == a->set;
	if (!rc && (back_s || back_a))
		rc = mptcp_nl_set_limits(pm->nl, back_a ? &a->before : NULL,
		                         back_s ? &s->before : NULL);
	if (!rc)
		s->held = a->held = false;
	return rc;
}

static int restore_scheduler(struct mptcp_pm *pm)
{
	char now[MPTCP_SCHED_NAME_MAX];
	int rc = 0;

	if (!pm->ours.sched_held)
		return 0;
	if (!mptcp_sched_current(NULL, now) && !strcmp(now, pm->ours.sched_set))
		rc = mptcp_sched_set(NULL, pm->ours.sched_before);
	if (rc == -ESRCH) /* its module has gone: there is no way back */
		rc = 0;
	if (!rc)
		pm->ours.sched_held = false;
	return rc;
}

int mptcp_pm_cleanup(struct mptcp_pm *pm, struct kerr *err)
{
	struct mptcp_nl_list list;
	int rc = mptcp_nl_list(pm->nl, &list);

	if (!rc)
		rc = mptcp_pm_remove_unwanted(pm, &list, NULL, 0);
	rc = mptcp_pm_refuse(pm, rc, err, "removing our endpoints");
	int limits = restore_limits(pm);
	rc = rc ? rc : mptcp_pm_refuse(pm, limits, err, "restoring the limits");
	int sched = restore_scheduler(pm);
	if (!rc && sched)
		rc = kerr_set(err, sched, "MPTCP: restoring the scheduler");
	int unsaved = mptcp_pm_save(pm);
	return rc || !unsaved ? rc : mptcp_pm_save_or_refuse(pm, err);
}

/* What an earlier run left. What cannot be undone stays in the journal. */
static void recover(struct mptcp_pm *pm)
{
	struct mptcp_journal old, place = pm->ours;
	struct kerr err;
	int rc = pm->path ? mptcp_store_load(pm->path, &old) : -ENOENT;

	if (rc == -ENOENT)
		return;
	if (rc) {
		log_sys("MPTCP: journal %s is ignored: %s", pm->path,
		        rc == -EBADMSG ? "it is not one, or cut off" : strerror(-rc));
		return;
	}
	if (!mptcp_journal_same_place(&old, &place)) {
		log_info("MPTCP: journal %s is ignored: of another boot or network "
		         "namespace", pm->path);
		return;
	}
	pm->ours = old;
	if (mptcp_pm_cleanup(pm, &err))
		log_sys("%s, left by an earlier run", err.text);
	else
		log_info("MPTCP: undid what an earlier run had left");
}

/* -- events --------------------------------------------------------------- */

static void tell(struct mptcp_pm *pm, const struct mptcp_event *event)
{
	if (pm->on_event)
		pm->on_event(pm->ctx, event);
}

static void take_events(void *ctx, const char *buf, size_t size)
{
	struct mptcp_pm *pm = ctx;
	int left = (int)size;

	for (const struct nlmsghdr *msg = (const void *)buf;
	     mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
		struct mptcp_event event;
		if (msg->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		if (mptcp_msg_event(&event, msg, (size_t)left) < 0) {
			pm->stats.malformed++;
		} else if (event.kind != MPTCP_EV_OTHER) {
			pm->stats.events++;
			tell(pm, &event);
		}
	}
}

static void on_readable(void *ctx, unsigned events)
{
	const struct mptcp_event overrun = { .kind = MPTCP_EV_OVERRUN,
	                                     .reset_reason = MPTCP_RESET_NONE };
	struct mptcp_pm *pm = ctx;

	if (nlhear_read(&pm->events, take_events, pm))
		tell(pm, &overrun);
}

static int open_events(struct mptcp_pm *pm)
{
	uint32_t group = mptcp_nl_events_group(pm->nl);

	if (!group)
		return 0;
	int rc = nlhear_open(&pm->events, NETLINK_GENERIC,
	                     MPTCP_PM_RECEIVE_BUFFER_BYTES, 0);
	if (!rc)
		rc = nlhear_join(&pm->events, group);
	if (rc)
		return rc;
	pm->io = loop_io_create(pm->loop, nlhear_fd(&pm->events), LOOP_READ,
	                        on_readable, pm);
	return pm->io ? 0 : -ENOMEM;
}

/* -- lifetime ------------------------------------------------------------- */

static int start(struct mptcp_pm *pm, const char *path, struct kerr *err)
{
	int rc = 0;

	if (path && !(pm->path = strdup(path)))
		return kerr_set(err, -ENOMEM, "MPTCP");
	pm->nl = mptcp_nl_create(err);
	if (!pm->nl)
		return -errno;
	rc = mptcp_store_place(&pm->ours);
	if (rc)
		return kerr_set(err, rc, "MPTCP: this boot and namespace");
	rc = open_events(pm);
	if (rc)
		return kerr_set(err, rc, "MPTCP: the path manager's events");
	recover(pm);
	return 0;
}

struct mptcp_pm *mptcp_pm_create(struct loop *loop, const char *journal_path,
                                 mptcp_pm_fn *on_event, void *ctx,
                                 struct kerr *err)
{
	struct mptcp_pm *pm = calloc(1, sizeof(*pm));

	if (!pm) {
		errno = ENOMEM;
		kerr_set(err, -ENOMEM, "MPTCP");
		return NULL;
	}
	pm->loop = loop;
	pm->on_event = on_event;
	pm->ctx = ctx;
	int rc = start(pm, journal_path, err);
	if (!rc)
		return pm;
	mptcp_pm_destroy(pm);
	errno = -rc;
	return NULL;
}

void mptcp_pm_destroy(struct mptcp_pm *pm)
{
	if (!pm)
		return;
	loop_io_destroy(pm->io);
	nlhear_close(&pm->events);
	mptcp_nl_destroy(pm->nl);
	free(pm->path);
	free(pm);
}

struct mptcp_pm_stats mptcp_pm_stats(const struct mptcp_pm *pm)
{
	struct mptcp_pm_stats stats = pm->stats;

	stats.overruns = pm->events.overruns;
	return stats;
}
