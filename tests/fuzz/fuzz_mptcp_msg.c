/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: messages of the MPTCP path manager, one after the other as the kernel
 * sends them, each read as every kind that there is.
 */
#include "agg/kernel/mptcp_msg.h"

#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct nlmsghdr *msg, size_t size)
{
	char words[MPTCP_MSG_WORDS_MAX];
	struct mptcp_msg_endpoint endpoint;
	struct mptcp_msg_limits limits;
	struct mptcp_msg_family family;
	struct mptcp_event event;

	if (!mptcp_msg_event(&event, msg, size)) {
		assert(event.kind < MPTCP_EV_OVERRUN);
		assert(event.reset_reason >= MPTCP_RESET_NONE);
	}
	if (!mptcp_msg_endpoint(&endpoint, msg, size))
		assert(addr_ip_len(&endpoint.addr));
	mptcp_msg_limits(&limits, msg, size);
	mptcp_msg_family(&family, msg, size);
	assert(mptcp_msg_ack(msg, size, words) <= 0);
	assert(strlen(words) < sizeof(words));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1); /* aligned, as a buffer is */
	size_t at = 0;

	assert(bytes);
	memcpy(bytes, data, size);
	while (size - at >= MNL_NLMSG_HDRLEN) {
		const struct nlmsghdr *msg = (const void *)(bytes + at);
		check(msg, size - at);
		if (msg->nlmsg_len < MNL_NLMSG_HDRLEN || msg->nlmsg_len > size - at)
			break;
		at += MNL_ALIGN(msg->nlmsg_len);
		if (at > size)
			break;
	}
	free(bytes);
	return 0;
}
