/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: who may ask the page's server, and from where. Pure.
 *
 * A request has to name an address of ours as its host, not a name: a page of
 * somebody else's, whose name was made to lead here (DNS rebinding), cannot. What
 * changes a state has to come from our own page, as its Origin tells (RFC 6454),
 * and carries the secret in a header, which no foreign page can make a browser
 * send: there is no cookie. Whoever guesses the secret wrongly too often waits.
 */
#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include "agg/base/addr.h"

#define ACCESS_SECRET_LEN 32      /* characters of base64url: 192 bits */
#define ACCESS_SOURCES_MAX 64     /* that are remembered for wrong guesses */
#define ACCESS_GUESSES 5          /* wrong ones at once, of a source ... */
#define ACCESS_GUESS_US 10000000u /* ... and one more in so long */

/* An address, or localhost, with or without a port. NULL: no. */
bool access_is_host(const char *host);
/* origin NULL: none was sent (no browser). */
bool access_is_own_origin(const char *origin, const char *host);

struct access_source {
	struct addr from;
	uint64_t spent_us;        /* its guesses are all back after that */
};

struct access {
	char secret[ACCESS_SECRET_LEN + 1];
	struct access_source sources[ACCESS_SOURCES_MAX];
};

enum access_verdict {
	ACCESS_OK,
	ACCESS_NONE,      /* no secret was given */
	ACCESS_WRONG,
	ACCESS_TOO_OFTEN, /* wait; what was given was not looked at */
};
/* authorization: "Bearer SECRET" (RFC 6750, 2.1); NULL: none. */
enum access_verdict access_check(struct access *a, const struct addr *from,
                                 const char *authorization, uint64_t now_us);

#endif
