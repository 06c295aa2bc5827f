/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see hello.h. Owns nothing, and never reads behind n.
 *
 * A ClientHello may lie in any number of records, cut anywhere: its bytes are
 * gathered first. Then it is walked through as far as it is there: the name is
 * known as soon as its extension is whole.
 */
#include "proxy/hello.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define RECORD_HANDSHAKE 22
#define RECORD_HEAD 5
#define TLS_MAJOR 3
#define CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME 0
#define NAME_TYPE_HOST 0
#define RANDOM_BYTES (2 + 32) /* the version before it */
#define HTTP_LINE_MAX 8192 /* RFC 9112, 3: of a request line, at least 8000 */
#define METHOD_MAX 16      /* the longest of use is PROPPATCH */

/* Bytes that are read from the front. */
struct cursor {
	const uint8_t *p;
	size_t n;
	bool whole; /* there are no more than these; else they may come */
};

/* The name ------------------------------------------------------------------ */

static bool is_name_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

static enum hello take_name(const uint8_t *p, size_t n,
                            char name[HELLO_NAME_MAX + 1])
{
	if (n && p[n - 1] == '.')
		n--;
	if (!n || n > HELLO_NAME_MAX)
		return HELLO_NONE;
	for (size_t i = 0; i < n; i++) {
		uint8_t c = p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i];
		if (!is_name_byte(c))
			return HELLO_NONE;
		name[i] = (char)c;
	}
	name[n] = 0;
	return HELLO_NAMED;
}

/* TLS ----------------------------------------------------------------------- */

static enum hello short_of(const struct cursor *c)
{
	return c->whole ? HELLO_NONE : HELLO_MORE;
}

/* A number of `bytes` bytes. False: it is not there. */
static bool take_number(struct cursor *c, size_t bytes, size_t *out)
{
	if (c->n < bytes)
		return false;
	*out = 0;
	for (size_t i = 0; i < bytes; i++)
		*out = *out << 8 | c->p[i];
	c->p += bytes;
	c->n -= bytes;
	return true;
}

/* What follows its length, a number of `bytes` bytes; inner has as much of it as
 * is there. False: not even the length. */
static bool take_vector(struct cursor *c, size_t bytes, struct cursor *inner)
{
	size_t len;

	if (!take_number(c, bytes, &len))
		return false;
	bool all = len <= c->n;
	*inner = (struct cursor){ c->p, all ? len : c->n, all || c->whole };
	c->p += inner->n;
	c->n -= inner->n;
	return true;
}

/* The list of RFC 6066, 3. */
static enum hello read_server_name(struct cursor ext,
                                   char name[HELLO_NAME_MAX + 1])
{
	struct cursor list, host;
	size_t type;

	if (!ext.whole || !take_vector(&ext, 2, &list) || !list.whole)
		return short_of(&ext);
	while (take_number(&list, 1, &type) && take_vector(&list, 2, &host))
		if (type == NAME_TYPE_HOST)
			return take_name(host.p, host.n, name);
	return HELLO_NONE;
}

static enum hello read_extensions(struct cursor all,
                                  char name[HELLO_NAME_MAX + 1])
{
	struct cursor ext;
	size_t type;

	while (take_number(&all, 2, &type) && take_vector(&all, 2, &ext))
		if (type == EXTENSION_SERVER_NAME)
			return read_server_name(ext, name);
	return short_of(&all);
}

static enum hello read_client_hello(struct cursor handshake,
                                    char name[HELLO_NAME_MAX + 1])
{
	struct cursor body, skipped, extensions;
	size_t type;

	if (!take_number(&handshake, 1, &type))
		return short_of(&handshake);
	if (type != CLIENT_HELLO)
		return HELLO_NONE;
	if (!take_vector(&handshake, 3, &body))
		return short_of(&handshake);
	if (body.n < RANDOM_BYTES)
		return short_of(&body);
	body.p += RANDOM_BYTES;
	body.n -= RANDOM_BYTES;
	/* The session's id, the ciphers, the compressions. */
	if (!take_vector(&body, 1, &skipped) ||
	    !take_vector(&body, 2, &skipped) ||
	    !take_vector(&body, 1, &skipped) ||
	    !take_vector(&body, 2, &extensions))
		return short_of(&body);
	return read_extensions(extensions, name);
}

/* What the records' handshake bytes are; whole: what comes next is none. False:
 * it is not TLS. */
static bool gather(const uint8_t *p, size_t n, uint8_t out[HELLO_BYTES_MAX],
                   struct cursor *handshake)
{
	*handshake = (struct cursor){ .p = out, .whole = n >= HELLO_BYTES_MAX };
	while (n) {
		if (p[0] != RECORD_HANDSHAKE || (n > 1 && p[1] != TLS_MAJOR)) {
			handshake->whole = true;
			return handshake->n > 0;
		}
		if (n < RECORD_HEAD)
			return true;
		size_t len = (size_t)p[3] << 8 | p[4];
		p += RECORD_HEAD;
		n -= RECORD_HEAD;
		size_t there = len < n ? len : n;
		memcpy(out + handshake->n, p, there);
		handshake->n += there;
		p += there;
		n -= there;
	}
	return true;
}

/* HTTP ---------------------------------------------------------------------- */

/* Does it begin as a request does: a method in capitals, and a space? */
static enum hello looks_like_http(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < METHOD_MAX && p[i] >= 'A' && p[i] <= 'Z')
		i++;
	if (i == n && n < METHOD_MAX)
		return HELLO_MORE;
	return i > 0 && i < n && p[i] == ' ' ? HELLO_NAMED : HELLO_NONE;
}

/* "host", "host:port"; of "[v6]:port" it is none. */
static enum hello take_host(const uint8_t *p, size_t n,
                            char name[HELLO_NAME_MAX + 1])
{
	while (n && (*p == ' ' || *p == '\t'))
		p++, n--;
	const uint8_t *colon = n ? memchr(p, ':', n) : NULL;
	if (colon)
		n = (size_t)(colon - p);
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return take_name(p, n, name);
}

static enum hello read_http(const uint8_t *p, size_t n,
                            char name[HELLO_NAME_MAX + 1])
{
	static const char host[] = "host:";
	const size_t host_len = sizeof(host) - 1;
	enum hello like = looks_like_http(p, n);

	if (like != HELLO_NAMED)
		return like;
	for (bool first = true;; first = false) {
		const uint8_t *end = n ? memchr(p, '\n', n) : NULL;
		size_t len = end ? (size_t)(end - p) : n;
		if (len >= HTTP_LINE_MAX)
			return HELLO_NONE;
		if (!end)
			return HELLO_MORE;
		size_t text = len && p[len - 1] == '\r' ? len - 1 : len;
		if (!first && !text)
			return HELLO_NONE; /* the head's end */
		if (!first && text >= host_len &&
		    !strncasecmp((const char *)p, host, host_len))
			return take_host(p + host_len, text - host_len, name);
		p += len + 1;
		n -= len + 1;
	}
}

enum hello hello_read(const uint8_t *bytes, size_t n,
                      char name[HELLO_NAME_MAX + 1])
{
	uint8_t gathered[HELLO_BYTES_MAX];
	struct cursor handshake;
	enum hello said = HELLO_NONE;

	if (!n)
		return HELLO_MORE;
	size_t seen = n < HELLO_BYTES_MAX ? n : HELLO_BYTES_MAX;
	if (bytes[0] != RECORD_HANDSHAKE)
		said = read_http(bytes, seen, name);
	else if (gather(bytes, seen, gathered, &handshake))
		said = read_client_hello(handshake, name);
	return said == HELLO_MORE && n >= HELLO_BYTES_MAX ? HELLO_NONE : said;
}
