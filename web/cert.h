/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: key and certificate of the page, where it is asked for by HTTPS: its own, made
 * once and kept in the state directory, of which a browser warns as nobody else vouches
 * for it; or files. It has nothing to do with the identity, by which the ends of a
 * session know each other. cert_gnutls.c stands on the library that libmicrohttpd has
 * its TLS of, cert_gnutls_none.c where it has none.
 */
#ifndef WEB_CERT_H
#define WEB_CERT_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"

#include <stdbool.h>

#define CERT_FILE "page.pem"     /* of the state directory: both */
#define CERT_BYTES_MAX 65536     /* of a file */
#define CERT_ADDRESSES_MAX 8

/* PEM, each with a NUL behind it. All 0: there is none. */
struct cert {
	struct buf key, chain; /* the server's certificate first (RFC 8446, 4.4.2) */
};

/* The page's own, for a browser at these addresses; made where it is not there.
 * 0 or -errno: -EBADMSG: the file is damaged; -EPERM: others may read it; -ENOSYS:
 * this build has no TLS for the page; -ENOPKG, -ELIBBAD: as server_create. */
int cert_own(const char *dir, const struct addr *at, unsigned count, struct cert *out);
/* Somebody else's. The same, and -EBADMSG: they are not PEM, or no pair. */
int cert_read(const char *chain_path, const char *key_path, struct cert *out);
bool cert_equal(const struct cert *a, const struct cert *b);
void cert_finish(struct cert *cert); /* all 0 is fine; the key is wiped */

/* Of the library: a new one, key and certificate behind each other, to out. 0 or
 * -errno. */
int cert_make(const struct addr *at, unsigned count, struct buf *out);
/* 0: key and chain are a pair; -EBADMSG. */
int cert_check(const struct cert *cert);

#endif
