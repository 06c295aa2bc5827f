/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see nldump.h.
 */
#include "agg/kernel/nldump.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/time.h>

#define READ_BYTES 32768 /* the kernel's largest message */

struct mnl_socket *nldump_open(int bus, unsigned timeout_ms)
{
	const struct timeval timeout = { .tv_sec = timeout_ms / 1000,
	                                 .tv_usec = timeout_ms % 1000 * 1000 };
	struct mnl_socket *socket = mnl_socket_open2(bus, SOCK_CLOEXEC);

	if (!socket)
		return NULL;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int err = errno;
		mnl_socket_close(socket);
		errno = err;
		return NULL;
	}
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	           sizeof(timeout));
	return socket;
}

int nldump_read(struct mnl_socket *socket, nldump_fn *fn, void *ctx)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -errno : -ETIMEDOUT;
		int left = (int)n;
		for (const struct nlmsghdr *msg = (const void *)buf;
		     mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
			if (msg->nlmsg_type == NLMSG_DONE)
				return 0;
			fn(ctx, msg);
			if (msg->nlmsg_type == NLMSG_ERROR)
				return 0;
		}
	}
}
