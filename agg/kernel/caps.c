/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: privileges by libcap-ng; capabilities(7). nft, and at an update the next
 * process, are run by an exec that must carry them also where the user is not root: so
 * they are raised in the inheritable and the ambient set, which no_new_privs lets pass.
 * The library keeps its state in a variable of its own; only this file uses it.
 */
#include "agg/kernel/caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static const struct {
	unsigned capability;
	const char *name, *use;
} needed[] = {
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "routes, TPROXY, the nft table" },
	{ CAP_NET_RAW, "CAP_NET_RAW", "sockets bound to an uplink" },
	{ CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "ports below 1024" },
};
#define NEEDED_COUNT (sizeof(needed) / sizeof(needed[0]))

/* Fills the library's sets with what is needed and there. The bounding set
 * keeps what the child inherits, as else that could not be made inheritable.
 * *may_bound: the process may shrink that set. */
static int choose(bool *may_bound)
{
	bool have[NEEDED_COUNT];

	if (capng_get_caps_process() < 0)
		return -EIO;
	*may_bound = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP);
	for (size_t i = 0; i < NEEDED_COUNT; i++)
		have[i] = capng_have_capability(CAPNG_PERMITTED, needed[i].capability);
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < NEEDED_COUNT; i++) {
		int sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
			CAPNG_AMBIENT | CAPNG_BOUNDING_SET;
		if (have[i])
			capng_update(CAPNG_ADD, (capng_type_t)sets, needed[i].capability);
	}
	return 0;
}

static int become(const struct passwd *user)
{
	if (capng_change_id((int)user->pw_uid, (int)user->pw_gid,
	                    CAPNG_INIT_SUPP_GRP) < 0)
		return -EPERM;
	/* The kernel empties the ambient set when root becomes another. */
	return capng_apply(CAPNG_SELECT_AMBIENT) < 0 ? -EPERM : 0;
}

int caps_drop(const char *user, struct kerr *err)
{
	const struct passwd *pw = NULL;
	bool may_bound;

	if (user && !(pw = getpwnam(user)))
		return kerr_set(err, -ENOENT, "user %s", user);
	int rc = choose(&may_bound);
	if (rc)
		return kerr_set(err, rc, "reading the capabilities");
	if (may_bound && capng_apply(CAPNG_SELECT_BOUNDS) < 0)
		rc = -EPERM;
	else if (pw)
		rc = become(pw);
	else if (capng_apply(CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT) < 0)
		rc = -EPERM;
	if (rc)
		return kerr_set(err, rc, "dropping privileges%s%s",
		                pw ? " to user " : "", pw ? user : "");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return kerr_set(err, -errno, "no_new_privs");
	return 0;
}

unsigned caps_missing(char *text, size_t text_size)
{
	unsigned missing = 0;
	size_t len = 0;

	text[0] = 0;
	if (capng_get_caps_process() < 0)
		return 0;
	for (size_t i = 0; i < NEEDED_COUNT; i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].capability))
			continue;
		int n = snprintf(text + len, text_size - len, "%s%s (%s)",
		                 missing ? ", " : "", needed[i].name, needed[i].use);
		len += (size_t)n < text_size - len ? (size_t)n : text_size - len - 1;
		missing++;
	}
	return missing;
}
