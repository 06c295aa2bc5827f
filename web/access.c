/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see access.h. Wrong guesses are counted as time: each takes
 * ACCESS_GUESS_US of a source's account, which holds ACCESS_GUESSES of them and
 * fills by itself. Where all places are taken, the one that is filled first is
 * given to the next: so who comes by many addresses gets no more than so many
 * guesses for each of them, of 192 bits.
 */
#include "web/access.h"

#include <stdio.h>
#include <string.h>

#define BEARER "Bearer "

bool access_is_host(const char *host)
{
	struct addr a;

	if (!host)
		return false;
	size_t name = strcspn(host, ":");
	if (name == strlen("localhost") && !strncmp(host, "localhost", name))
		return true;
	return !addr_parse(&a, host, 80);
}

bool access_is_own_origin(const char *origin, const char *host)
{
	static const char *const schemes[] = { "http://", "https://" };

	if (!origin)
		return true;
	for (unsigned i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i]);
		if (host && !strncmp(origin, schemes[i], n) &&
		    !strcmp(origin + n, host))
			return true;
	}
	return false;
}

/* Takes as long for a wrong secret as for the right one. */
static bool is_secret(const struct access *a, const char *given)
{
	unsigned difference = strlen(given) != ACCESS_SECRET_LEN;

	for (size_t i = 0; !difference && i < ACCESS_SECRET_LEN; i++)
		difference |= (unsigned char)given[i] ^ (unsigned char)a->secret[i];
	return !difference;
}

/* Its own place, or the one that is to be had. */
static struct access_source *find(struct access *a, const struct addr *from)
{
	struct access_source *oldest = &a->sources[0];

	for (unsigned i = 0; i < ACCESS_SOURCES_MAX; i++) {
		struct access_source *source = &a->sources[i];
		if (addr_equal_ip(&source->from, from))
			return source;
		if (source->spent_us < oldest->spent_us)
			oldest = source;
	}
	*oldest = (struct access_source){ .from = *from };
	return oldest;
}

enum access_verdict access_check(struct access *a, const struct addr *from,
                                 const char *authorization, uint64_t now_us)
{
	if (!authorization || strncmp(authorization, BEARER, strlen(BEARER)))
		return ACCESS_NONE;
	struct access_source *source = find(a, from);
	uint64_t full = (uint64_t)ACCESS_GUESSES * ACCESS_GUESS_US;
	if (source->spent_us > now_us &&
	    source->spent_us - now_us > full - ACCESS_GUESS_US)
		return ACCESS_TOO_OFTEN;
	if (is_secret(a, authorization + strlen(BEARER)))
		return ACCESS_OK;
	if (source->spent_us < now_us)
		source->spent_us = now_us;
	source->spent_us += ACCESS_GUESS_US;
	return ACCESS_WRONG;
}
