/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: MPTCP_INFO, arrays of subflows and netstat's text. The first four bytes
 * say how the rest is divided.
 */
#include "agg/kernel/mptcpinfo.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_subflows(const uint8_t *data, size_t size, uint8_t tcp_size,
                           uint8_t count)
{
	struct mptcpinfo_raw raw = { .tcp_size = tcp_size, .addrs_size = 256 };
	struct mptcpinfo m = { 0 };

	/* The caller's promise is that count elements are there. */
	raw.count = (unsigned)(size / (raw.tcp_size + raw.addrs_size));
	raw.count = raw.count < count ? raw.count : count;
	raw.tcp = data;
	raw.addrs = data + raw.count * raw.tcp_size;
	if (mptcpinfo_decode_subflows(&m, &raw))
		return;
	assert(m.count <= MPTCPINFO_SUBFLOWS_MAX && m.count <= raw.count);
	for (unsigned i = 0; i < m.count; i++) {
		const struct mptcpinfo_subflow *s = &m.subflows[i];
		assert(s->local.family == AF_UNSPEC || addr_ip_len(&s->local));
		assert(s->tcp.unacked_bytes <= s->tcp.bytes_sent);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mptcpinfo_counters counters;
	struct mptcpinfo m;

	if (size < 4)
		return 0;
	size_t info = data[0] < size - 4 ? data[0] : size - 4;
	if (!mptcpinfo_decode(&m, data + 4, info))
		assert(!m.count && m.joined <= UINT8_MAX);
	check_subflows(data + 4 + info, size - 4 - info, data[1], data[2]);
	mptcpinfo_counters_parse(&counters, (const char *)data + 4, size - 4);
	return 0;
}
