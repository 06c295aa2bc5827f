/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the endpoints of the path manager (mptcp_pm.h): ours follow what is
 * wanted, those of others are left alone. Asks the kernel what there is each
 * time, and notes in the journal what is ours before it is there.
 */
#include "agg/kernel/mptcp_pm_impl.h"

#include <errno.h>
#include <linux/mptcp.h>
#include <stdio.h>
#include <string.h>

/* Ours begin here, so that they are seldom where the kernel gives its own. */
#define ID_FIRST 100
#define ID_LAST 255

static bool is_same(const struct mptcp_journal_endpoint *ours,
                    const struct mptcp_msg_endpoint *there)
{
	return ours->ifindex == there->ifindex && !there->addr.port &&
	       addr_equal_ip(&ours->addr, &there->addr) &&
	       (!ours->id || ours->id == there->id);
}

static const struct mptcp_msg_endpoint *
find_there(const struct mptcp_nl_list *list,
           const struct mptcp_journal_endpoint *ours)
{
	for (unsigned i = 0; i < list->count; i++)
		if (is_same(ours, &list->of[i]))
			return &list->of[i];
	return NULL;
}

static const struct mptcp_msg_endpoint *
find_addr(const struct mptcp_nl_list *list, const struct addr *a)
{
	for (unsigned i = 0; i < list->count; i++)
		if (addr_equal_ip(&list->of[i].addr, a))
			return &list->of[i];
	return NULL;
}

static struct mptcp_journal_endpoint *find_ours(struct mptcp_pm *pm,
                                                const struct addr *a)
{
	for (unsigned i = 0; i < pm->ours.endpoints_count; i++)
		if (addr_equal_ip(&pm->ours.endpoints[i].addr, a))
			return &pm->ours.endpoints[i];
	return NULL;
}

static void forget(struct mptcp_pm *pm, unsigned i)
{
	struct mptcp_journal *j = &pm->ours;

	j->endpoints[i] = j->endpoints[--j->endpoints_count];
}

/* Those of ours that somebody removed are ours no more. */
static void forget_gone(struct mptcp_pm *pm, const struct mptcp_nl_list *list)
{
	for (unsigned i = pm->ours.endpoints_count; i-- > 0;)
		if (!find_there(list, &pm->ours.endpoints[i]))
			forget(pm, i);
}

static bool is_wanted(const struct mptcp_journal_endpoint *ours,
                      const struct mptcp_pm_endpoint *want, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (addr_equal_ip(&want[i].addr, &ours->addr))
			return want[i].ifindex == ours->ifindex;
	return false;
}

/* Gone in between: that was the wish. */
static int remove_there(struct mptcp_pm *pm, const struct mptcp_msg_endpoint *e)
{
	int rc = mptcp_nl_remove(pm->nl, e);
	struct mptcp_nl_list list;

	if (rc != -EINVAL && rc != -ENOENT)
		return rc;
	if (!mptcp_nl_list(pm->nl, &list) && !find_addr(&list, &e->addr))
		return 0;
	return rc;
}

int mptcp_pm_remove_unwanted(struct mptcp_pm *pm,
                             const struct mptcp_nl_list *list,
                             const struct mptcp_pm_endpoint *want,
                             unsigned count)
{
	int rc = 0;

	for (unsigned i = pm->ours.endpoints_count; i-- > 0;) {
		if (is_wanted(&pm->ours.endpoints[i], want, count))
			continue;
		const struct mptcp_msg_endpoint *there =
			find_there(list, &pm->ours.endpoints[i]);
		int failed = there ? remove_there(pm, there) : 0;
		if (!failed)
			forget(pm, i);
		rc = rc ? rc : failed;
	}
	return rc;
}

/* An id that nothing there has; 0: none is free. */
static uint8_t free_id(const struct mptcp_nl_list *list)
{
	bool taken[ID_LAST + 1] = { false };

	for (unsigned i = 0; i < list->count; i++)
		taken[list->of[i].id] = true;
	for (unsigned id = ID_FIRST; id <= ID_LAST; id++)
		if (!taken[id])
			return (uint8_t)id;
	return 0;
}

/* The id that the kernel gave: older ones choose it themselves. */
static int learn_id(struct mptcp_pm *pm, struct mptcp_journal_endpoint *ours)
{
	const struct mptcp_msg_endpoint *there;
	struct mptcp_nl_list list;
	int rc = mptcp_nl_list(pm->nl, &list);

	if (rc)
		return rc;
	there = find_addr(&list, &ours->addr);
	if (!there || there->ifindex != ours->ifindex)
		return -EAGAIN; /* somebody was faster */
	if (there->id == ours->id)
		return 0;
	ours->id = there->id;
	return mptcp_pm_save(pm);
}

static uint32_t flags_of(const struct mptcp_pm_endpoint *want)
{
	return MPTCP_PM_ADDR_FLAG_SUBFLOW |
	       (want->backup ? MPTCP_PM_ADDR_FLAG_BACKUP : 0);
}

/* An implicit endpoint, which the kernel made for a join that it accepted, is
 * replaced if no id is given; it keeps the one that it has. */
static int add(struct mptcp_pm *pm, const struct mptcp_nl_list *list,
               const struct mptcp_msg_endpoint *implicit,
               const struct mptcp_pm_endpoint *want)
{
	struct mptcp_journal *j = &pm->ours;
	struct mptcp_msg_endpoint e = { .addr = want->addr,
	                                .flags = flags_of(want),
	                                .ifindex = want->ifindex };

	if (j->endpoints_count == MPTCP_JOURNAL_ENDPOINTS_MAX)
		return -ENOSPC;
	e.id = implicit ? 0 : free_id(list);
	struct mptcp_journal_endpoint *ours = &j->endpoints[j->endpoints_count++];
	*ours = (struct mptcp_journal_endpoint){
		implicit ? implicit->id : e.id, want->addr, want->ifindex };
	int rc = mptcp_pm_save(pm);
	if (!rc)
		rc = mptcp_nl_add(pm->nl, &e);
	if (rc) {
		j->endpoints_count--;
		mptcp_pm_save(pm); /* what cannot be said now is said by the next */
		return rc;
	}
	return learn_id(pm, ours);
}

/* The flag of one of ours; by removing and adding where the kernel is too old
 * to change it in place. */
static int set_backup(struct mptcp_pm *pm, const struct mptcp_nl_list *list,
                      const struct mptcp_msg_endpoint *there,
                      const struct mptcp_pm_endpoint *want)
{
	struct mptcp_msg_endpoint e = *there;

	e.flags = (there->flags & ~(uint32_t)MPTCP_PM_ADDR_FLAG_BACKUP) |
	          flags_of(want);
	if (e.flags == there->flags)
		return 0;
	int rc = mptcp_nl_set_backup(pm->nl, &e);
	if (rc != -EOPNOTSUPP)
		return rc;
	rc = remove_there(pm, there);
	if (rc)
		return rc;
	forget(pm, (unsigned)(find_ours(pm, &want->addr) - pm->ours.endpoints));
	return add(pm, list, NULL, want);
}

static int set_one(struct mptcp_pm *pm, const struct mptcp_pm_endpoint *want)
{
	struct mptcp_nl_list list;
	int rc = mptcp_nl_list(pm->nl, &list);

	if (rc)
		return rc;
	const struct mptcp_msg_endpoint *there = find_addr(&list, &want->addr);
	if (there && find_ours(pm, &want->addr))
		return set_backup(pm, &list, there, want);
	if (there && !(there->flags & MPTCP_PM_ADDR_FLAG_IMPLICIT))
		return 0; /* somebody else's does as well */
	rc = add(pm, &list, there, want);
	/* The kernel says EINVAL or ERANGE of a full table. */
	if ((rc == -EINVAL || rc == -ERANGE) &&
	    list.count >= MPTCP_PM_ENDPOINTS_MAX)
		return -ENOSPC;
	return rc;
}

static int set_all(struct mptcp_pm *pm, const struct mptcp_pm_endpoint *want,
                   unsigned count, struct kerr *err)
{
	char what[ADDR_TEXT_MAX + 16], text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < count; i++) {
		int rc = set_one(pm, &want[i]);
		if (!rc)
			continue;
		snprintf(what, sizeof(what), "endpoint %s",
		         addr_format_ip(&want[i].addr, text));
		return mptcp_pm_refuse(pm, rc, err, rc == -ENOSPC ?
		              "others have endpoints too, no more fit" : what);
	}
	return 0;
}

/* As the kernel has them: without port and scope. */
static int copy_wishes(struct mptcp_pm_endpoint *to,
                       const struct mptcp_pm_endpoint *want, unsigned count,
                       struct kerr *err)
{

	if (count > MPTCP_PM_ENDPOINTS_MAX)
		return kerr_set(err, -ENOSPC, "MPTCP: %u endpoints, the kernel "
		                "has room for %d", count, MPTCP_PM_ENDPOINTS_MAX);
	for (unsigned i = 0; i < count; i++)
		if (!addr_ip_len(&want[i].addr) || want[i].ifindex < 0)
			return kerr_set(err, -EINVAL, "MPTCP: endpoint %u", i);
	for (unsigned i = 0; i < count; i++) {
		to[i] = want[i];
		to[i].addr.port = 0;
		to[i].addr.scope_id = 0;
	}
	return 0;
}

int mptcp_pm_set_endpoints(struct mptcp_pm *pm,
                           const struct mptcp_pm_endpoint *want,
                           unsigned count, struct kerr *err)
{
	struct mptcp_pm_endpoint wishes[MPTCP_PM_ENDPOINTS_MAX];
	struct mptcp_nl_list list;
	int rc = copy_wishes(wishes, want, count, err);

	if (rc)
		return rc;
	rc = mptcp_pm_refuse(pm, mptcp_nl_list(pm->nl, &list), err, "endpoints");
	if (rc)
		return rc;
	forget_gone(pm, &list);
	rc = mptcp_pm_refuse(pm, mptcp_pm_remove_unwanted(pm, &list, wishes, count),
	                     err, "removing an endpoint");
	if (!rc)
		rc = set_all(pm, wishes, count, err);
	int unsaved = mptcp_pm_save(pm);
	return rc || !unsaved ? rc : mptcp_pm_save_or_refuse(pm, err);
}
