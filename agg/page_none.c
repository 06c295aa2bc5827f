/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: page.h where the build has none.
 */
#include "agg/page.h"

#include "agg/base/log.h"

#include <errno.h>

#define WHY "this aggd was built without it"

void page_set(struct page *page, const struct conf_main *main)
{
	if (main->web_count && !page->count)
		log_user("page: " WHY);
	page->count = main->web_count;
}

int page_tell(const struct page *page, struct buf *out)
{
	buf_printf(out, "there is no page: " WHY "\n");
	return -ENOENT;
}

void page_end(struct page *page)
{
}
