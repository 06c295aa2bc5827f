/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: addr_parse: what it takes, it takes again as it prints it.
 */
#include "agg/base/addr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct addr a, again;
	char text[ADDR_TEXT_MAX];
	char *input = strndup((const char *)data, size);

	if (addr_parse(&a, input, -1) == 0) {
		assert(addr_ip_len(&a) && a.port);
		assert(addr_parse(&again, addr_format(&a, text), -1) == 0);
		assert(addr_equal(&a, &again));
		assert(addr_parse(&again, addr_format_ip(&a, text), a.port) == 0);
		assert(addr_equal(&a, &again));
	} else if (addr_parse(&a, input, 443) == 0) {
		assert(a.port == 443);
	}
	free(input);
	return 0;
}
