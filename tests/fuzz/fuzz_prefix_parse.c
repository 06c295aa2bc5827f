/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: prefix_parse: what it takes, it takes again as it prints it, and the
 * block has its own first address.
 */
#include "agg/base/addr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix p, again;
	char text[ADDR_TEXT_MAX];
	char *input = strndup((const char *)data, size);

	if (prefix_parse(&p, input) == 0) {
		struct addr first = { .family = p.family };
		memcpy(first.ip, p.ip, sizeof(first.ip));
		assert(prefix_has(&p, &first));
		assert(prefix_parse(&again, prefix_format(&p, text)) == 0);
		assert(again.family == p.family && again.length == p.length);
		assert(!memcmp(again.ip, p.ip, sizeof(p.ip)));
	}
	free(input);
	return 0;
}
