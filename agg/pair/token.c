/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see token.h.
 */
#include "agg/pair/token.h"

#include "agg/base/base64url.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PREFIX_LEN (sizeof(TOKEN_PREFIX) - 1)
#define UNTIL_BYTES 5
#define SUM_BYTES 4
#define CRC_POLYNOMIAL 0xedb88320u /* IEEE 802.3, reflected */

static uint32_t sum_of(const uint8_t *p, size_t n)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
	}
	return ~crc;
}

/* A place in the bytes, which remembers whether it ran over their end. */
struct place {
	uint8_t *at, *end;
	bool over;
};

static void put(struct place *p, const void *from, size_t n)
{
	if (n > (size_t)(p->end - p->at)) {
		p->over = true;
		return;
	}
	memcpy(p->at, from, n);
	p->at += n;
}

static void put_uint(struct place *p, uint64_t value, unsigned bytes)
{
	uint8_t all[8];

	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		all[i - 1] = (uint8_t)value;
	put(p, all, bytes);
}

static void put_text(struct place *p, const char *text)
{
	put_uint(p, strlen(text), 1);
	put(p, text, strlen(text));
}

static void put_endpoint(struct place *p, const struct conf_endpoint *e)
{
	unsigned n = addr_ip_len(&e->addr);

	if (*e->host) {
		put_uint(p, 0, 1);
		put_text(p, e->host);
	} else {
		put_uint(p, n == 16 ? 6 : 4, 1);
		put(p, e->addr.ip, n);
	}
	put_uint(p, e->addr.port, 2);
}

int token_encode(const struct token *token, char text[TOKEN_TEXT_MAX])
{
	uint8_t bytes[TOKEN_BYTES_MAX];
	struct place p = { bytes, bytes + sizeof(bytes), false };

	put(&p, token->pin.sha256, sizeof(token->pin.sha256));
	put(&p, token->secret, sizeof(token->secret));
	put_uint(&p, token->until_s, UNTIL_BYTES);
	put_text(&p, token->site);
	put_uint(&p, token->endpoint_count, 1);
	for (unsigned i = 0; i < token->endpoint_count; i++)
		put_endpoint(&p, &token->endpoints[i]);
	put_uint(&p, sum_of(bytes, (size_t)(p.at - bytes)), SUM_BYTES);
	if (!p.over) {
		memcpy(text, TOKEN_PREFIX, PREFIX_LEN);
		base64url_encode(text + PREFIX_LEN, bytes, (size_t)(p.at - bytes));
	}
	explicit_bzero(bytes, sizeof(bytes));
	return p.over ? -E2BIG : 0;
}

static void take(struct place *p, void *to, size_t n)
{
	if (n > (size_t)(p->end - p->at)) {
		p->over = true;
		memset(to, 0, n);
		return;
	}
	memcpy(to, p->at, n);
	p->at += n;
}

static uint64_t take_uint(struct place *p, unsigned bytes)
{
	uint8_t all[8];
	uint64_t value = 0;

	take(p, all, bytes);
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | all[i];
	return value;
}

/* Of visible ASCII, at most max; at least one. */
static void take_text(struct place *p, char *to, size_t max)
{
	size_t n = take_uint(p, 1);

	*to = 0;
	if (!n || n > max) {
		p->over = true;
		return;
	}
	take(p, to, n);
	to[n] = 0;
	for (size_t i = 0; i < n; i++)
		p->over |= to[i] <= ' ' || to[i] > '~';
}

static void take_endpoint(struct place *p, struct conf_endpoint *e)
{
	uint64_t family = take_uint(p, 1);

	*e = (struct conf_endpoint){ .host = "" };
	if (family == 0) {
		take_text(p, e->host, CONF_HOST_MAX);
	} else if (family == 4 || family == 6) {
		e->addr.family = family == 4 ? AF_INET : AF_INET6;
		take(p, e->addr.ip, addr_ip_len(&e->addr));
	} else {
		p->over = true;
	}
	e->addr.port = (uint16_t)take_uint(p, 2);
	p->over |= !e->addr.port;
}

/* A name is one that a configuration may have; so is the text of an endpoint. */
static bool is_sound(const struct token *token)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	char text[CONF_VALUE_TEXT_MAX];
	struct conf_endpoint again;

	for (unsigned i = 0; i < token->endpoint_count; i++) {
		conf_endpoint_format(&token->endpoints[i], text);
		if (conf_endpoint_read(text, -1, &again) < 0)
			return false;
	}
	return token->endpoint_count &&
	       !token->site[strspn(token->site, letters)];
}

static bool take_all(struct token *token, struct place *p)
{
	take(p, token->pin.sha256, sizeof(token->pin.sha256));
	take(p, token->secret, sizeof(token->secret));
	token->until_s = take_uint(p, UNTIL_BYTES);
	take_text(p, token->site, CONF_NAME_MAX);
	token->endpoint_count = (unsigned)take_uint(p, 1);
	if (token->endpoint_count > TOKEN_ENDPOINTS_MAX)
		return false;
	for (unsigned i = 0; i < token->endpoint_count; i++)
		take_endpoint(p, &token->endpoints[i]);
	return !p->over && p->at == p->end && is_sound(token);
}

/* Without blanks; its length, or 0: too long. */
static size_t gather(char out[TOKEN_TEXT_MAX], const char *text)
{
	size_t n = 0;

	for (; *text; text++) {
		if (isspace((unsigned char)*text))
			continue;
		if (n == TOKEN_TEXT_MAX - 1)
			return 0;
		out[n++] = *text;
	}
	out[n] = 0;
	return n;
}

/* How many bytes so many characters are; 0: none are. */
static size_t bytes_of(size_t letters)
{
	return letters % 4 == 1 ? 0 : letters * 3 / 4;
}

static int decode(struct token *token, const char *letters, const char **why)
{
	uint8_t bytes[TOKEN_BYTES_MAX + 8];
	size_t n = bytes_of(strlen(letters));
	bool whole = n > SUM_BYTES && n <= TOKEN_BYTES_MAX &&
	             !base64url_decode(bytes, n, letters);
	size_t body = whole ? n - SUM_BYTES : 0;
	struct place sum = { bytes + body, bytes + n, false };
	struct place p = { bytes, bytes + body, false };

	whole = whole && take_uint(&sum, SUM_BYTES) == sum_of(bytes, body);
	*why = whole ? "it is of another version of aggd"
	             : "a part of it is missing, or a letter is another; copy it "
	               "whole";
	bool good = whole && take_all(token, &p);
	explicit_bzero(bytes, sizeof(bytes));
	return good ? 0 : -EINVAL;
}

int token_decode(struct token *token, const char *text, const char **why)
{
	char all[TOKEN_TEXT_MAX];
	size_t n = gather(all, text);
	int err = -EINVAL;

	*token = (struct token){ .until_s = 0 };
	if (n <= PREFIX_LEN || strncmp(all, TOKEN_PREFIX, PREFIX_LEN))
		*why = "an invitation begins with " TOKEN_PREFIX;
	else
		err = decode(token, all + PREFIX_LEN, why);
	if (err)
		explicit_bzero(token, sizeof(*token));
	explicit_bzero(all, sizeof(all));
	return err;
}
