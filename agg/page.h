/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page of this daemon: served where the configuration says, by the same
 * verbs as the control socket. That it cannot be is said, and no more: the daemon
 * does its work without it.
 */
#ifndef AGG_PAGE_H
#define AGG_PAGE_H

#include "agg/conf/conf.h"
#include "agg/role/verbs.h"
#include "web/cert.h"
#include "web/server.h"

struct page {
	struct loop *loop;     /* borrowed, as verbs */
	struct verbs *verbs;
	struct server *server; /* NULL: there is none */
	struct addr at[CONF_WEBS_MAX];
	unsigned count;
	struct cert cert;      /* all 0: by HTTP */
	char secret[ACCESS_SECRET_LEN + 1];
	char why[ADDR_TEXT_MAX + 128]; /* there is none, although there should be */
};

/* Makes it as the configuration says, or leaves it where that is so. */
void page_set(struct page *page, const struct conf_main *main);
/* `aggctl web`: where it is, with the secret. 0 or -ENOENT. */
int page_tell(const struct page *page, struct buf *out);
void page_end(struct page *page); /* all 0 is fine */

#endif
