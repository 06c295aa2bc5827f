/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see printable.h. UTF-8 is what RFC 3629 says: no overlong forms, no
 * surrogates, nothing above U+10FFFF.
 */
#include "agg/base/printable.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ESCAPED_LEN 4 /* \xNN */

/* The bytes of the character at p, 0: it is none; *code is its number. */
static size_t take_utf8(const uint8_t *p, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 :
	           *p >= 0xc0 ? 2 : 0;

	if (n == 0 || *p >= 0xf8)
		return 0;
	*code = n == 1 ? *p : *p & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80) /* the NUL, too */
			return 0;
		*code = *code << 6 | (p[i] & 0x3fu);
	}
	bool surrogate = *code >= 0xd800 && *code <= 0xdfff;

	return *code < least[n] || surrogate || *code > 0x10ffff ? 0 : n;
}

static bool is_plain(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	return !(code == 0x200e || code == 0x200f || code == 0x061c ||
	         (code >= 0x2028 && code <= 0x202e) ||
	         (code >= 0x2066 && code <= 0x2069));
}

static void escape(char *out, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = hex[byte >> 4];
	out[3] = hex[byte & 15];
}

size_t printable(char *out, size_t size, const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t len = 0;

	while (*p) {
		uint32_t code = 0;
		size_t n = take_utf8(p, &code);
		bool plain = n && is_plain(code);
		size_t bytes = n ? n : 1, need = plain ? n : ESCAPED_LEN * bytes;
		if (len + need >= size)
			break;
		for (size_t i = 0; i < bytes && !plain; i++)
			escape(out + len + ESCAPED_LEN * i, p[i]);
		if (plain)
			memcpy(out + len, p, n);
		len += need;
		p += bytes;
	}
	out[len] = 0;
	return len;
}

char *printable_ascii(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; text[n] && n + 1 < size; n++)
		out[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
	out[n] = 0;
	return out;
}
