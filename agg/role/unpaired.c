/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a gateway without a concentrator yet: it takes nothing and leads nothing, and
 * is there for its page, by which it is joined. A reload that finds a concentrator
 * makes it a gateway (main.c).
 */
#include "agg/role/role.h"

#include <errno.h>
#include <stdlib.h>

static struct role *unpaired_create(struct loop *loop, const struct conf *conf,
                                    struct netmon *netmon)
{
	struct role *role = calloc(1, sizeof(*role));

	if (role)
		role_init(role, &role_unpaired, loop, conf, netmon);
	return role;
}

static int unpaired_reload(struct role *role, const struct conf *conf,
                           struct conf_error *error)
{
	role->conf = conf;
	return 0;
}

static void unpaired_on_netdev(struct role *role, const struct netdev *dev)
{
}

static void unpaired_drain(struct role *role)
{
}

static unsigned unpaired_streams(const struct role *role)
{
	return 0;
}

static void unpaired_report(struct role *role, struct report *out)
{
	out->head.unpaired = true;
}

static int unpaired_choose(struct role *role, const struct choice *choice,
                           struct buf *out)
{
	buf_printf(out, "this gateway has not joined a concentrator yet\n");
	return -EINVAL;
}

static void unpaired_destroy(struct role *role)
{
	free(role);
}

const struct role_ops role_unpaired = {
	.name = "gateway",
	.create = unpaired_create,
	.reload = unpaired_reload,
	.on_netdev = unpaired_on_netdev,
	.drain = unpaired_drain,
	.streams = unpaired_streams,
	.report = unpaired_report,
	.choose = unpaired_choose,
	.destroy = unpaired_destroy,
};
