/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see page.h. The secret stands behind the #, which a browser keeps to itself.
 */
#include "agg/page.h"

#include "agg/base/log.h"
#include "web/secret.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_as_wanted(const struct page *page, const struct conf_main *main)
{
	if (page->count != main->web_count || page->why[0])
		return false;
	for (unsigned i = 0; i < page->count; i++)
		if (!addr_equal(&page->at[i], &main->web[i]))
			return false;
	return true;
}

static void fail(struct page *page, const char *what, int err)
{
	const char *words = err == -ENOSYS ? "this aggd was built without it" :
		err == -EBADMSG ? "its file " SECRET_FILE " is damaged; remove it" :
		err == -EPERM ? "others may read its file " SECRET_FILE
		              : strerror(-err);

	snprintf(page->why, sizeof(page->why), "%s: %s", what, words);
	log_user("page: %s", page->why);
}

static void open_server(struct page *page, const char *state)
{
	char text[ADDR_TEXT_MAX];
	unsigned at;
	int err = secret_load(state, page->secret);

	if (err < 0) {
		fail(page, "the secret", err);
		return;
	}
	const struct server_args args = {
		.loop = page->loop, .addresses = page->at, .count = page->count,
		.secret = page->secret, .verbs = verbs_table, .ctx = page->verbs,
	};
	page->server = server_create(&args, &at);
	if (!page->server)
		fail(page, at < page->count ? addr_format(&page->at[at], text)
		                            : "the server", -errno);
	for (unsigned i = 0; page->server && i < page->count; i++)
		log_info("page: http://%s", addr_format(&page->at[i], text));
}

void page_set(struct page *page, const struct conf_main *main)
{
	if (!main->web_count)
		server_rest();
	if (is_as_wanted(page, main))
		return;
	page_end(page);
	page->count = main->web_count;
	memcpy(page->at, main->web, sizeof(page->at));
	if (page->count)
		open_server(page, main->state);
}

int page_tell(const struct page *page, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	if (page->server) {
		for (unsigned i = 0; i < page->count; i++)
			buf_printf(out, "http://%s/#secret=%s\n",
			           addr_format(&page->at[i], text), page->secret);
		return 0;
	}
	if (page->why[0])
		buf_printf(out, "there is no page: %s\n", page->why);
	else
		buf_printf(out, "there is no page: the configuration has no 'list web', "
		           "as '192.168.1.1:8080' or '127.0.0.1:8080'\n");
	return -ENOENT;
}

void page_end(struct page *page)
{
	server_destroy(page->server);
	page->server = NULL;
	page->count = 0;
	page->why[0] = '\0';
	explicit_bzero(page->secret, sizeof(page->secret));
}
