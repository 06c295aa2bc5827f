/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what any LAN host can send first. Once enough has come for an answer,
 * more changes nothing; and a name is one.
 */
#include "proxy/hello.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIXES_MAX 300 /* of an input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[HELLO_NAME_MAX + 1], whole_name[HELLO_NAME_MAX + 1];
	enum hello whole = hello_read(data, size, whole_name), said = HELLO_MORE;

	for (size_t i = 0; i <= PREFIXES_MAX && said == HELLO_MORE; i++)
		said = hello_read(data, size * i / PREFIXES_MAX, name);
	assert(said == whole);
	assert(whole != HELLO_MORE || size < HELLO_BYTES_MAX);
	if (whole != HELLO_NAMED)
		return 0;
	assert(!strcmp(name, whole_name) && *name);
	assert(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
	       strlen(name));
	return 0;
}
