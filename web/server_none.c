/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: server.h where the build has no libmicrohttpd: there is no page.
 */
#include "web/server.h"

#include <errno.h>

struct server *server_create(const struct server_args *args, unsigned *at)
{
	*at = args->count;
	errno = ENOSYS;
	return NULL;
}

void server_destroy(struct server *s)
{
}

void server_rest(void)
{
}
