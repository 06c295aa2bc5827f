/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a person pasted as an invitation: what is decoded is encoded to what
 * he pasted, blanks apart.
 */
#include "agg/pair/token.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct token *token, char *text)
{
	char again[TOKEN_TEXT_MAX];
	char *to = text;

	for (const char *p = text; *p; p++)
		if (!isspace((unsigned char)*p))
			*to++ = *p;
	*to = 0;
	assert(token->endpoint_count >= 1);
	assert(token_encode(token, again) == 0);
	assert(!strcmp(again, text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct token token;
	const char *why = NULL;
	char *text = malloc(size + 1);

	assert(text);
	memcpy(text, data, size);
	text[size] = 0;
	if (token_decode(&token, text, &why) == 0)
		check(&token, text);
	else
		assert(why && *why && !token.endpoint_count);
	free(text);
	return 0;
}
