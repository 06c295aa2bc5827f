/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see redact.h. The text is cut into words of the letters that addresses and
 * pins are made of; a word that is one is replaced.
 */
#include "agg/doctor/redact.h"

#include "agg/base/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 127 /* of longer ones none is an address */
#define PIN "sha256:"
#define KEY_BEGINS "-----BEGIN "
#define KEY_ENDS "-----END "
#define MAC_LEN 17   /* "02:00:00:00:00:01" */
#define MAC_MAKER 8  /* of it: "02:00:00" */

struct known {
	struct addr addrs[REDACT_ADDRESSES_MAX];
	unsigned count;
};

/* Which one of those before it, or the next; from 1. */
static unsigned number_of(struct known *known, const struct addr *a)
{
	unsigned i = 0;

	while (i < known->count && !addr_equal_ip(&known->addrs[i], a))
		i++;
	if (i == known->count && known->count < REDACT_ADDRESSES_MAX)
		known->addrs[known->count++] = *a;
	return i + 1;
}

static bool is_private4(const uint8_t ip[4])
{
	return ip[0] == 10 || ip[0] == 127 || !ip[0] || ip[0] >= 224 ||
	       (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
	       (ip[0] == 192 && ip[1] == 168) || (ip[0] == 169 && ip[1] == 254) ||
	       (ip[0] == 100 && (ip[1] & 0xc0) == 64);
}

/* All that is routed is 2000::/3; an IPv4 one may be embedded elsewhere. */
static bool is_public(const struct addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == AF_INET)
		return !is_private4(a->ip);
	return (a->ip[0] & 0xe0) == 0x20 || (a->ip[0] == 0 && a->ip[1] == 0x64) ||
	       (!memcmp(a->ip, mapped, sizeof(mapped)) && !is_private4(a->ip + 12));
}

/* "192.0.2.1", "2001:db8::1"; with what follows it: ":443", "/24", ".". */
static size_t parse_address(const char *word, size_t len, struct addr *out)
{
	char text[WORD_MAX + 1];

	for (; len; len--) { /* the longest part that is one */
		snprintf(text, sizeof(text), "%.*s", (int)len, word);
		*out = (struct addr){ .family = AF_INET };
		if (inet_pton(AF_INET, text, out->ip) == 1)
			return len;
		out->family = AF_INET6;
		if (strchr(text, ':') && inet_pton(AF_INET6, text, out->ip) == 1)
			return len;
	}
	return 0;
}

static bool is_mac(const char *word, size_t len)
{
	for (size_t i = 0; i < MAC_LEN && i < len; i++)
		if (i % 3 == 2 ? word[i] != ':' : !isxdigit((unsigned char)word[i]))
			return false;
	return len == MAC_LEN;
}

static bool is_address_letter(char c)
{
	return isxdigit((unsigned char)c) || c == ':' || c == '.';
}

static bool is_pin_letter(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static int put_word(struct known *known, const char *word, size_t len,
                    struct buf *out)
{
	struct addr a;
	size_t n;

	if (len > WORD_MAX)
		return buf_put(out, word, len);
	if (is_mac(word, len))
		return buf_printf(out, "%.*s:xx:xx:xx", MAC_MAKER, word);
	n = parse_address(word, len, &a);
	if (!n || !is_public(&a))
		return buf_put(out, word, len);
	return buf_printf(out, "PUBLIC%c-%u%.*s", a.family == AF_INET ? '4' : '6',
	                  number_of(known, &a), (int)(len - n), word + n);
}

/* A pin, at its start: how long it is. 0: it is none. */
static size_t pin_length(const char *text, size_t len)
{
	size_t n = sizeof(PIN) - 1;

	if (len < n || memcmp(text, PIN, n))
		return 0;
	while (n < len && is_pin_letter(text[n]))
		n++;
	return n;
}

static int put_pin(const char *text, size_t len, struct buf *out)
{
	size_t shown = sizeof(PIN) - 1 + REDACT_PIN_LETTERS;

	return buf_printf(out, "%.*s%s", (int)(len < shown ? len : shown), text,
	                  len > shown ? "..." : "");
}

static bool begins_with(const char *text, size_t len, const char *what)
{
	return len >= strlen(what) && !memcmp(text, what, strlen(what));
}

static int put_line(struct known *known, const char *line, size_t len,
                    struct buf *out)
{
	int err = 0;

	for (size_t at = 0, n; !err && at < len; at += n) {
		bool inside = at && isalnum((unsigned char)line[at - 1]);
		n = inside ? 0 : pin_length(line + at, len - at);
		if (n) {
			err = put_pin(line + at, n, out);
			continue;
		}
		while (at + n < len && is_address_letter(line[at + n]))
			n++;
		if (n && !inside)
			err = put_word(known, line + at, n, out);
		else
			err = buf_put(out, line + at, n ? n : (n = 1));
	}
	return err;
}

int redact(const char *text, size_t len, struct buf *out)
{
	struct known *known = calloc(1, sizeof(*known));
	bool in_key = false;
	int err = known ? 0 : -ENOMEM;

	for (size_t at = 0, n; !err && at < len; at += n) {
		const char *line = text + at, *stop = memchr(line, '\n', len - at);
		n = stop ? (size_t)(stop - line) + 1 : len - at;
		if (begins_with(line, n, KEY_BEGINS)) {
			in_key = true;
			err = buf_printf(out, "(a key was here)\n");
		}
		if (!in_key)
			err = put_line(known, line, n, out);
		if (begins_with(line, n, KEY_ENDS))
			in_key = false;
	}
	free(known);
	return err;
}
