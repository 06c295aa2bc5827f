/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an invitation as a text that a person copies: where the concentrator is,
 * who it is, and a secret that is good once. Pure.
 *
 *     aggd1_ and base64url of, big-endian:
 *     pin, 32 | secret, 16 | good until, seconds since 1970, 5 |
 *     the site's name: length, 1, and its letters |
 *     endpoints, 1: how many; each: family, 1 (4, 6; 0 is a name), the address
 *         or length, 1, and letters; port, 2 |
 *     CRC-32 (IEEE 802.3) of all before it, 4
 *
 * All of it is letters, digits, '-' and '_': it needs no quotes in a shell and
 * no escapes in a URL. The sum tells a slip in copying from a foreign secret.
 */
#ifndef AGG_PAIR_TOKEN_H
#define AGG_PAIR_TOKEN_H

#include "agg/conf/conf.h"
#include "agg/transport/tls.h"
#include "agg/transport/wire.h"

#define TOKEN_PREFIX "aggd1_"
#define TOKEN_BYTES_MAX 1024
#define TOKEN_TEXT_MAX (sizeof(TOKEN_PREFIX) + 4 * TOKEN_BYTES_MAX / 3 + 1)
#define TOKEN_ENDPOINTS_MAX CONF_ENDPOINTS_MAX

struct token {
	struct tls_pin pin;   /* the concentrator's */
	uint8_t secret[WIRE_SECRET_BYTES];
	uint64_t until_s;     /* since 1970, by the concentrator's clock */
	char site[CONF_NAME_MAX + 1];
	struct conf_endpoint endpoints[TOKEN_ENDPOINTS_MAX];
	unsigned endpoint_count; /* >= 1 */
};

/* 0; -E2BIG: names so long do not fit. */
int token_encode(const struct token *token, char text[TOKEN_TEXT_MAX]);
/* Blanks and line ends round it, and within, as mail puts them, are passed over.
 * 0; -EINVAL: *why says in words what is wrong with it. */
int token_decode(struct token *token, const char *text, const char **why);

#endif
