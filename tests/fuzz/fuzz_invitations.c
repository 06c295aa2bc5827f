/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a file of invitations: what is read is written as it was.
 */
#include "agg/pair/invitations.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct invitations all, again;
	struct buf text;

	if (invitations_parse(&all, (const char *)data, size)) {
		assert(!all.count);
		return 0;
	}
	buf_init(&text, INVITATIONS_BYTES_MAX);
	assert(!invitations_print(&all, &text));
	assert(!invitations_parse(&again, (const char *)buf_head(&text),
	                          text.len));
	assert(all.count == again.count);
	assert(!memcmp(all.list, again.list, all.count * sizeof(all.list[0])));
	buf_finish(&text);
	return 0;
}
