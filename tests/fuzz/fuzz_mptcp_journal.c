/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: journals: what is one is printed, and read again the same.
 */
#include "agg/kernel/mptcp_journal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[MPTCP_JOURNAL_BYTES_MAX], again[MPTCP_JOURNAL_BYTES_MAX];
	struct mptcp_journal j, back;
	int rc = mptcp_journal_parse(&j, (const char *)data, size);

	if (rc) {
		assert(rc == -EBADMSG && mptcp_journal_is_empty(&j));
		return 0;
	}
	assert(j.endpoints_count <= MPTCP_JOURNAL_ENDPOINTS_MAX);
	int len = mptcp_journal_format(&j, text, sizeof(text));
	assert(len > 0);
	assert(!mptcp_journal_parse(&back, text, (size_t)len));
	assert(mptcp_journal_same_place(&j, &back));
	assert(mptcp_journal_format(&back, again, sizeof(again)) == len);
	assert(!memcmp(text, again, (size_t)len));
	return 0;
}
