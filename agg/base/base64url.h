/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: base64url without padding (RFC 4648, section 5), for pins and tokens.
 * Decoding is strict, so that one value has one text.
 */
#ifndef AGG_BASE_BASE64URL_H
#define AGG_BASE_BASE64URL_H

#include <stddef.h>
#include <stdint.h>

/* Characters for n bytes, without the NUL. */
#define BASE64URL_LEN(n) (((n) * 4 + 2) / 3)

/* Writes BASE64URL_LEN(n) characters and a NUL to text, which is returned. */
char *base64url_encode(char *text, const uint8_t *p, size_t n);
/* Reads exactly n bytes from the whole of text. -EINVAL: another length, a
 * character outside the alphabet, or bits set behind the last byte. */
int base64url_decode(uint8_t *p, size_t n, const char *text);

#endif
