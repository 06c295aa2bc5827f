/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the verbs of pairing, see verbs_pair.h.
 */
#include "agg/role/verbs_pair.h"

#include "agg/base/log.h"
#include "agg/pair/qr.h"
#include "agg/role/verbs.h"

#include <errno.h>
#include <time.h>

/* True: it is no concentrator, and out says so. */
static bool has_no_sites(const struct verbs *v, const char *verb,
                         struct buf *out)
{
	const struct role *role = v->args.role;

	if (role->pairing && role->conf->main.role == CONF_ROLE_CONCENTRATOR)
		return false;
	buf_printf(out, "%s is for the concentrator; this is a gateway\n", verb);
	return true;
}

/* What came of it, but no token, in the log. */
static int conclude(struct verbs *v, int err, int argc, const char *const *argv)
{
	if (!err && argc > 1)
		log_info("aggctl: %s %s", argv[0], argv[1]);
	role_changed(v->args.role);
	return err;
}

int verbs_invite(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	struct verbs *v = ctx;
	const struct role *role = v->args.role;

	if (has_no_sites(v, argv[0], out))
		return -EINVAL;
	return conclude(v, pairing_invite(role->pairing, role->conf,
	                                  (uint64_t)time(NULL), argc, argv, out),
	                argc, argv);
}

int verbs_revoke(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	struct verbs *v = ctx;
	const struct role *role = v->args.role;

	if (has_no_sites(v, argv[0], out))
		return -EINVAL;
	return conclude(v, pairing_revoke(role->pairing, role->conf,
	                                  (uint64_t)time(NULL), argc, argv, out),
	                argc, argv);
}

int verbs_rename(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	struct verbs *v = ctx;
	const struct role *role = v->args.role;

	if (has_no_sites(v, argv[0], out))
		return -EINVAL;
	return conclude(v, pairing_rename(role->pairing, role->conf, argc, argv,
	                                  out), argc, argv);
}

int verbs_qr(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	if (argc != 2) {
		buf_printf(out, "needed: the text, without a blank in it\n");
		return -EINVAL;
	}
	return qr_rows(argv[1], out);
}
