/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see nlhear.h.
 */
#include "agg/kernel/nlhear.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>

#define READ_BYTES 32768   /* the kernel's largest message */
#define READS_PER_TURN 256 /* so that a flood does not stop the loop */

int nlhear_open(struct nlhear *hear, int bus, size_t receive_buffer_bytes,
                unsigned groups)
{
	int bytes = (int)receive_buffer_bytes;

	hear->socket = mnl_socket_open2(bus, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!hear->socket)
		return -errno;
	int fd = nlhear_fd(hear);
	/* The system's limit yields to CAP_NET_ADMIN only. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return mnl_socket_bind(hear->socket, groups, MNL_SOCKET_AUTOPID) < 0 ?
		-errno : 0;
}

void nlhear_close(struct nlhear *hear)
{
	if (hear->socket)
		mnl_socket_close(hear->socket);
	hear->socket = NULL;
}

int nlhear_join(struct nlhear *hear, uint32_t group)
{
	return mnl_socket_setsockopt(hear->socket, NETLINK_ADD_MEMBERSHIP, &group,
	                             sizeof(group)) < 0 ? -errno : 0;
}

int nlhear_fd(const struct nlhear *hear)
{
	return mnl_socket_get_fd(hear->socket);
}

bool nlhear_read(struct nlhear *hear, nlhear_fn *take, void *ctx)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	bool empty = false;

	for (unsigned i = 0; i < READS_PER_TURN && !empty; i++) {
		ssize_t n = mnl_socket_recvfrom(hear->socket, buf, sizeof(buf));
		if (n > 0) {
			take(ctx, buf, (size_t)n);
		} else if (n < 0 && errno == ENOBUFS) {
			hear->overruns++;
			hear->losing = true;
		} else {
			empty = n == 0 || errno != EINTR;
		}
	}
	bool lost = empty && hear->losing;
	hear->losing &= !empty;
	return lost;
}
