/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see conntrack.h. Owns a socket during a call; nfnetlink_conntrack of the kernel.
 */
#include "agg/kernel/conntrack.h"
#include "agg/kernel/netattr.h"
#include "agg/kernel/nldump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>
#include <string.h>

#define TUPLE_MAX 128 /* bytes of a flow's addresses and ports, as the kernel says them */

enum end { SOURCE, DESTINATION };

struct forgotten {
	uint8_t family;
	uint16_t len;
	uint8_t tuple[TUPLE_MAX];
};

struct work {
	conntrack_fn *fn;
	void *ctx;
	struct forgotten *list;
	unsigned count;
	int refused; /* by the kernel: 0 or -errno */
};

static bool read_end(const struct nlattr *tuple, sa_family_t family, enum end end,
                     struct addr *out, uint8_t *protocol)
{
	static const unsigned v4[] = { CTA_IP_V4_SRC, CTA_IP_V4_DST };
	static const unsigned v6[] = { CTA_IP_V6_SRC, CTA_IP_V6_DST };
	static const unsigned ports[] = { CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT };
	struct netattrs parts, ip, proto;
	uint16_t port = 0;

	netattrs_parse_nested(&parts, tuple);
	netattrs_parse_nested(&ip, parts.of[CTA_TUPLE_IP]);
	netattrs_parse_nested(&proto, parts.of[CTA_TUPLE_PROTO]);
	const struct nlattr *addr = ip.of[family == AF_INET ? v4[end] : v6[end]];
	if (parts.of[CTA_TUPLE_ZONE] || !addr || !netattr_addr(addr, family, out) ||
	    !proto.of[ports[end]] || !netattrs_u8(&proto, CTA_PROTO_NUM, protocol) ||
	    !netattrs_u16(&proto, ports[end], &port))
		return false;
	out->port = ntohs(port);
	return true;
}

static bool read_flow(const struct nlmsghdr *msg, struct netattrs *attrs,
                      struct conntrack_flow *out)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(msg);
	uint32_t mark = 0;

	*out = (struct conntrack_flow){ 0 };
	if (msg->nlmsg_type != (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW) ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*head) ||
	    (head->nfgen_family != AF_INET && head->nfgen_family != AF_INET6))
		return false;
	netattrs_parse(attrs, mnl_nlmsg_get_payload_offset(msg, sizeof(*head)),
	               mnl_nlmsg_get_payload_len(msg) - MNL_ALIGN(sizeof(*head)));
	if (attrs->of[CTA_ZONE] || !netattrs_u32(attrs, CTA_MARK, &mark))
		return false;
	out->mark = ntohl(mark);
	return read_end(attrs->of[CTA_TUPLE_ORIG], head->nfgen_family, DESTINATION,
	                &out->to, &out->protocol) &&
	       read_end(attrs->of[CTA_TUPLE_REPLY], head->nfgen_family, SOURCE,
	                &out->reached, &out->protocol);
}

static void note(void *ctx, const struct nlmsghdr *msg)
{
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(msg);
	struct work *work = ctx;
	struct conntrack_flow flow;
	struct netattrs attrs;

	if (msg->nlmsg_type == NLMSG_ERROR)
		work->refused = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(msg))->error;
	if (work->count == CONNTRACK_FORGOTTEN_MAX || !read_flow(msg, &attrs, &flow) ||
	    !work->fn(work->ctx, &flow))
		return;
	const struct nlattr *tuple = attrs.of[CTA_TUPLE_ORIG];
	struct forgotten *f = &work->list[work->count];
	if (mnl_attr_get_payload_len(tuple) > TUPLE_MAX)
		return;
	f->family = head->nfgen_family;
	f->len = mnl_attr_get_payload_len(tuple);
	memcpy(f->tuple, mnl_attr_get_payload(tuple), f->len);
	work->count++;
}

static struct nlmsghdr *begin(void *buf, unsigned type, unsigned flags, uint8_t family)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));

	msg->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	msg->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	head->nfgen_family = family;
	head->version = NFNETLINK_V0;
	return msg;
}

/* One that has gone by itself is as good. */
static int forget(struct mnl_socket *socket, const struct forgotten *f)
{
	char buf[TUPLE_MAX * 2] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *msg = begin(buf, IPCTNL_MSG_CT_DELETE, 0, f->family);

	mnl_attr_put(msg, CTA_TUPLE_ORIG | NLA_F_NESTED, f->len, f->tuple);
	return mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ? -errno : 0;
}

static int work_with(struct mnl_socket *socket, struct work *work)
{
	char buf[256] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	const struct nlmsghdr *all = begin(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);

	int rc = mnl_socket_sendto(socket, all, all->nlmsg_len) < 0 ? -errno :
	         nldump_read(socket, note, work);

	rc = rc ? rc : work->refused;
	for (unsigned i = 0; !rc && i < work->count; i++)
		rc = forget(socket, &work->list[i]);
	return rc ? rc : (int)work->count;
}

int conntrack_forget(conntrack_fn *fn, void *ctx)
{
	struct work work = { .fn = fn, .ctx = ctx };
	struct mnl_socket *socket = nldump_open(NETLINK_NETFILTER, CONNTRACK_TIMEOUT_MS);

	if (!socket)
		return -errno;
	work.list = calloc(CONNTRACK_FORGOTTEN_MAX, sizeof(*work.list));
	int rc = work.list ? work_with(socket, &work) : -ENOMEM;
	free(work.list);
	mnl_socket_close(socket);
	return rc;
}
