/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see neighbor.h. A socket lives for one question: there are few.
 */
#include "agg/kernel/neighbor.h"
#include "agg/kernel/netattr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/time.h>

#define READ_BYTES 32768
#define HAS_ADDRESS (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | \
                     NUD_PERMANENT | NUD_NOARP)

bool neighbor_read(const struct nlmsghdr *msg, size_t size, struct addr *ip,
                   uint8_t mac[NEIGHBOR_MAC_BYTES])
{
	const struct ndmsg *head;
	struct netattrs attrs;

	if (size > INT32_MAX || !mnl_nlmsg_ok(msg, (int)size) ||
	    msg->nlmsg_type != RTM_NEWNEIGH ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*head))
		return false;
	head = mnl_nlmsg_get_payload(msg);
	netattrs_parse(&attrs, mnl_nlmsg_get_payload_offset(msg, sizeof(*head)),
	               mnl_nlmsg_get_payload_len(msg) - MNL_ALIGN(sizeof(*head)));
	const struct nlattr *card = attrs.of[NDA_LLADDR];
	if (!(head->ndm_state & HAS_ADDRESS) || !card ||
	    mnl_attr_get_payload_len(card) != NEIGHBOR_MAC_BYTES || !attrs.of[NDA_DST] ||
	    !netattr_addr(attrs.of[NDA_DST], head->ndm_family, ip))
		return false;
	memcpy(mac, mnl_attr_get_payload(card), NEIGHBOR_MAC_BYTES);
	return true;
}

static int ask(struct mnl_socket *socket, sa_family_t family)
{
	const struct timeval timeout = { .tv_usec = NEIGHBOR_TIMEOUT_MS * 1000 };
	char buf[256] = { 0 };
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct ndmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));

	msg->nlmsg_type = RTM_GETNEIGH;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->ndm_family = (uint8_t)family;
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	           sizeof(timeout));
	return mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ? -errno : 0;
}

/* 0: all was told. */
static int listen_to(struct mnl_socket *socket, neighbor_fn *fn, void *ctx)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	struct addr ip;

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -errno : -ETIMEDOUT;
		int left = (int)n;
		for (const struct nlmsghdr *msg = (const void *)buf;
		     mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
			if (msg->nlmsg_type == NLMSG_DONE ||
			    msg->nlmsg_type == NLMSG_ERROR)
				return 0;
			if (neighbor_read(msg, (size_t)left, &ip, mac))
				fn(ctx, &ip, mac);
		}
	}
}

static int each_of(sa_family_t family, neighbor_fn *fn, void *ctx)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!socket)
		return -errno;
	int rc = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno :
		ask(socket, family);
	if (!rc)
		rc = listen_to(socket, fn, ctx);
	mnl_socket_close(socket);
	return rc;
}

int neighbor_each(neighbor_fn *fn, void *ctx)
{
	return each_of(AF_UNSPEC, fn, ctx);
}

struct question {
	const struct addr *ip;
	uint8_t *mac;
	bool answered;
};

static void on_neighbor(void *ctx, const struct addr *ip,
                        const uint8_t mac[NEIGHBOR_MAC_BYTES])
{
	struct question *q = ctx;

	if (q->answered || !addr_equal_ip(ip, q->ip))
		return;
	memcpy(q->mac, mac, NEIGHBOR_MAC_BYTES);
	q->answered = true;
}

int neighbor_mac(const struct addr *ip, uint8_t mac[NEIGHBOR_MAC_BYTES])
{
	struct question q = { ip, mac, false };
	int rc = each_of(ip->family, on_neighbor, &q);

	if (q.answered)
		return 0;
	return rc ? rc : -ENOENT;
}
