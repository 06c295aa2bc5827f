/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page's server as a module, aggd-web.so: a daemon that has no page loads
 * none of the libraries that it stands on, libmicrohttpd and GnuTLS with ten more.
 * loaded.c offers server.h and cert.h to the daemon, and looks for it where a page
 * is asked for; module.c is its one name.
 */
#ifndef WEB_MODULE_H
#define WEB_MODULE_H

#include "web/cert.h"
#include "web/server.h"

#define MODULE_FILE "aggd-web.so"
#define MODULE_NAME "aggd_web" /* a struct module */

/* The functions of the same names. */
struct module {
	const char *version; /* the daemon's own, or it is not used */
	struct server *(*server_create)(const struct server_args *args, unsigned *at);
	void (*server_destroy)(struct server *s);
	int (*cert_make)(const struct addr *at, unsigned count, struct buf *out);
	int (*cert_check)(const struct cert *cert);
};

#endif
