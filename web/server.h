/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page's server, by libmicrohttpd, inside of the daemon's loop. It has no
 * verbs of its own: the page asks and orders what aggctl does, by the same table.
 *
 *     GET  /              the page, and its files: for everybody who may reach it
 *     GET  /api/VERB      what the verb answers with --json, where it only asks
 *     GET  /api/events    `status --json` once a second (server-sent events)
 *     GET  /metrics       `status --metrics`
 *     POST /api/VERB      the verb with the words of the body, one a line
 *
 * By HTTPS, where it has a certificate (cert.h). All but the files wants
 * "Authorization: Bearer SECRET" (access.h). A verb's "no"
 * is 422, with its text; an order that answers with a number is not done yet: 202.
 */
#ifndef WEB_SERVER_H
#define WEB_SERVER_H

#include "agg/base/loop.h"
#include "agg/ctl/ctl.h"
#include "web/access.h"

#define SERVER_ADDRESSES_MAX 4
#define SERVER_CONNECTIONS_MAX 32      /* of an address of ours */
#define SERVER_CONNECTIONS_OF_ONE 12   /* of a client's address */
#define SERVER_IDLE_S 15               /* a connection without a byte */
#define SERVER_MEMORY_BYTES 32768      /* of a connection; its header, too */
#define SERVER_LISTENERS_MAX 8         /* who get events */
#define SERVER_EVENT_US 1000000u

struct server_args {
	struct loop *loop;                   /* borrowed, as verbs */
	const struct addr *addresses;        /* may come late, and go */
	unsigned count;                      /* <= SERVER_ADDRESSES_MAX */
	const char *secret;                  /* copied */
	const char *key, *chain;             /* PEM, borrowed; NULL: by HTTP */
	const struct ctl_verb *verbs;        /* ends with a NULL name */
	void *ctx;                           /* of the verbs */
	void (*on_wrong_secret)(const struct addr *from);
};

struct server;

/* NULL: errno, and *at is the address that it was about, if any. ENOSYS: this build
 * has none; ENOPKG, ELIBBAD: its module is not there, or not fit. */
struct server *server_create(const struct server_args *args, unsigned *at);
void server_destroy(struct server *s); /* NULL is fine */
/* There is no server now: what the start of its libraries left in memory goes. */
void server_rest(void);

#endif
