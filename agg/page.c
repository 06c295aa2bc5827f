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

static bool is_as_wanted(const struct page *page, const struct conf_main *main,
                         const struct cert *cert)
{
	if (page->count != main->web_count || page->why[0] ||
	    !cert_equal(&page->cert, cert))
		return false;
	for (unsigned i = 0; i < page->count; i++)
		if (!addr_equal(&page->at[i], &main->web[i]))
			return false;
	return true;
}

static void fail(struct page *page, const char *what, const char *words)
{
	snprintf(page->why, sizeof(page->why), "%s: %s", what, words);
	log_user("page: %s", page->why);
}

static const char *words_of(int err)
{
	return err == -ENOSYS ? "this aggd was built without it" :
	       err == -ENOPKG ? "aggd-web is not installed" :
	       err == -ELIBBAD ? "aggd-web does not fit; the log says why" :
	       strerror(-err);
}

static void on_wrong_secret(const struct addr *from)
{
	char text[ADDR_TEXT_MAX];

	log_peer("page: a wrong secret from %s", addr_format_ip(from, text));
}

static void no_secret(struct page *page, int err)
{
	fail(page, "the secret", err == -EBADMSG ?
	     "its file " SECRET_FILE " is damaged; remove it" :
	     err == -EPERM ? "others may read its file " SECRET_FILE : words_of(err));
}

static void no_cert(struct page *page, const struct conf_main *main, int err)
{
	bool own = !*main->web_cert;

	fail(page, "HTTPS", err == -EPERM ? own ? "others may read " CERT_FILE
	                                        : "others may read the file web_key" :
	     err != -EBADMSG ? words_of(err) :
	     own ? "its file " CERT_FILE " is damaged; remove it"
	         : "web_cert and web_key are no pair in PEM");
}

static const char *scheme(const struct page *page)
{
	return page->cert.key.len ? "https" : "http";
}

static void open_server(struct page *page, const char *state)
{
	bool tls = page->cert.key.len > 0;
	char text[ADDR_TEXT_MAX];
	unsigned at;
	int err = secret_load(state, page->secret);

	if (err < 0) {
		no_secret(page, err);
		return;
	}
	const struct server_args args = {
		.loop = page->loop, .addresses = page->at, .count = page->count,
		.secret = page->secret, .verbs = verbs_table, .ctx = page->verbs,
		.on_wrong_secret = on_wrong_secret,
		.key = tls ? (char *)buf_head(&page->cert.key) : NULL,
		.chain = tls ? (char *)buf_head(&page->cert.chain) : NULL,
	};
	page->server = server_create(&args, &at);
	if (!page->server)
		fail(page, at < page->count ? addr_format(&page->at[at], text)
		                            : "the server", words_of(-errno));
	for (unsigned i = 0; page->server && i < page->count; i++)
		log_info("page: %s://%s", scheme(page), addr_format(&page->at[i], text));
}

static int load_cert(const struct conf_main *main, struct cert *out)
{
	*out = (struct cert){ { 0 }, { 0 } };
	if (!main->web_tls || !main->web_count)
		return 0;
	return *main->web_cert ? cert_read(main->web_cert, main->web_key, out)
	                       : cert_own(main->state, main->web, main->web_count, out);
}

void page_set(struct page *page, const struct conf_main *main)
{
	struct cert cert;
	int err = load_cert(main, &cert);

	if (!main->web_count)
		server_rest();
	if (!err && is_as_wanted(page, main, &cert)) {
		cert_finish(&cert);
		return;
	}
	page_end(page);
	page->count = main->web_count;
	page->cert = cert;
	memcpy(page->at, main->web, sizeof(page->at));
	if (err)
		no_cert(page, main, err);
	else if (page->count)
		open_server(page, main->state);
}

int page_tell(const struct page *page, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	if (page->server) {
		for (unsigned i = 0; i < page->count; i++)
			buf_printf(out, "%s://%s/#secret=%s\n", scheme(page),
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
	cert_finish(&page->cert);
	explicit_bzero(page->secret, sizeof(page->secret));
}
