/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: base64url (RFC 4648, section 5), six bits a character, the highest
 * first. Pins are public, so nothing here hides how long it takes.
 */
#include "agg/base/base64url.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789-_";

char *base64url_encode(char *text, const uint8_t *p, size_t n)
{
	uint32_t bits = 0;
	unsigned held = 0;
	char *at = text;

	for (size_t i = 0; i < n; i++) {
		bits = bits << 8 | p[i];
		for (held += 8; held >= 6; held -= 6)
			*at++ = alphabet[bits >> (held - 6) & 63];
	}
	if (held)
		*at++ = alphabet[bits << (6 - held) & 63];
	*at = 0;
	return text;
}

int base64url_decode(uint8_t *p, size_t n, const char *text)
{
	uint32_t bits = 0;
	unsigned held = 0;

	if (strlen(text) != BASE64URL_LEN(n))
		return -EINVAL;
	for (; *text; text++) {
		const char *at = strchr(alphabet, *text);
		if (!at)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		held += 6;
		if (held >= 8) {
			held -= 8;
			*p++ = (uint8_t)(bits >> held);
		}
	}
	return bits & ((1u << held) - 1) ? -EINVAL : 0;
}
