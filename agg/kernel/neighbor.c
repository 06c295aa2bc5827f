/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see neighbor.h. A socket lives for one question: there are few.
 */
#include "agg/kernel/neighbor.h"
#include "agg/kernel/netattr.h"
#include "agg/kernel/nldump.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

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
	char buf[256] = { 0 };
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct ndmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));

	msg->nlmsg_type = RTM_GETNEIGH;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->ndm_family = (uint8_t)family;
	return mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ? -errno : 0;
}

struct listener {
	neighbor_fn *fn;
	void *ctx;
};

static void on_message(void *ctx, const struct nlmsghdr *msg)
{
	const struct listener *l = ctx;
	uint8_t mac[NEIGHBOR_MAC_BYTES];
	struct addr ip;

	if (neighbor_read(msg, msg->nlmsg_len, &ip, mac))
		l->fn(l->ctx, &ip, mac);
}

static int each_of(sa_family_t family, neighbor_fn *fn, void *ctx)
{
	struct mnl_socket *socket = nldump_open(NETLINK_ROUTE, NEIGHBOR_TIMEOUT_MS);

	if (!socket)
		return -errno;
	int rc = ask(socket, family);
	if (!rc)
		rc = nldump_read(socket, on_message, &(struct listener){ fn, ctx });
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
