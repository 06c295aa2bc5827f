/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: packets: what is said of one lies in it, and a mark changes nothing else.
 */
#include "tun/inspect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inspection in, again;
	struct inspect_key back, forth;
	uint8_t *p = malloc(size ? size : 1);

	assert(p);
	memcpy(p, data, size);
	if (inspect_packet(&in, p, size)) {
		free(p);
		return 0;
	}
	assert(in.len <= size && in.upper <= in.len);
	assert(in.key.family == AF_INET || in.key.family == AF_INET6);
	assert(inspect_traffic(&in) <= TRAFFIC_REALTIME);
	inspect_turn(&back, &in.key);
	inspect_turn(&forth, &back);
	assert(!memcmp(forth.src, in.key.src, sizeof(forth.src)));
	if (inspect_mark(p, size)) {
		assert(!inspect_packet(&again, p, size) && again.ecn == INSPECT_CE);
		assert(!memcmp(&again.key, &in.key, sizeof(in.key)));
	} else {
		assert(in.ecn == INSPECT_NOT_ECT && !memcmp(p, data, size));
	}
	free(p);
	return 0;
}
