/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see rpfilter.h. Asks the kernel for one route; owns nothing.
 */
#include "agg/kernel/rpfilter.h"
#include "agg/kernel/netattr.h"
#include "agg/kernel/sysctl.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define READ_BYTES 8192
#define TIMEOUT_MS 200
#define STRICT 1 /* 2 is loose, 0 is off; the larger of two values holds */

static long read_setting(const char *root, const char *device)
{
	char name[64];

	snprintf(name, sizeof(name), "net/ipv4/conf/%s/rp_filter", device);
	return sysctl_number(root ? root : SYSCTL_FOLDER, name, 0);
}

static bool is_strict(const char *root, const char *device)
{
	long all = read_setting(root, "all"), own = read_setting(root, device);

	return (all > own ? all : own) == STRICT;
}

static int on_route(const struct nlmsghdr *msg, void *data)
{
	uint32_t *ifindex = data;
	struct netattrs attrs;

	if (msg->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(struct rtmsg))
		return MNL_CB_OK;
	netattrs_parse(&attrs,
	               mnl_nlmsg_get_payload_offset(msg, sizeof(struct rtmsg)),
	               mnl_nlmsg_get_payload_len(msg) -
	               MNL_ALIGN(sizeof(struct rtmsg)));
	netattrs_u32(&attrs, RTA_OIF, ifindex);
	return MNL_CB_STOP;
}

static ssize_t ask(struct mnl_socket *socket, const struct addr *own,
                   const struct addr *peer, char buf[READ_BYTES])
{
	const struct timeval timeout = { .tv_usec = TIMEOUT_MS * 1000 };
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct rtmsg *info = mnl_nlmsg_put_extra_header(msg, sizeof(*info));

	msg->nlmsg_type = RTM_GETROUTE;
	msg->nlmsg_flags = NLM_F_REQUEST;
	info->rtm_family = AF_INET;
	info->rtm_dst_len = info->rtm_src_len = 32;
	mnl_attr_put(msg, RTA_DST, 4, peer->ip);
	mnl_attr_put(msg, RTA_SRC, 4, own->ip);
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	           sizeof(timeout));
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0)
		return -1;
	return mnl_socket_recvfrom(socket, buf, READ_BYTES);
}

/* The device by which the host itself would send; 0: none. */
static unsigned way_back(const struct addr *own, const struct addr *peer)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	uint32_t ifindex = 0;

	if (!socket)
		return 0;
	ssize_t n = ask(socket, own, peer, buf);
	if (n > 0)
		mnl_cb_run(buf, (size_t)n, 0, 0, on_route, &ifindex);
	mnl_socket_close(socket);
	return ifindex;
}

bool rpfilter_drops(const char *root, const char *device,
                    const struct addr *own, const struct addr *peer,
                    char why[RPFILTER_WORDS_MAX])
{
	char text[ADDR_TEXT_MAX], name[IF_NAMESIZE] = "nowhere";
	unsigned ifindex;

	if (own->family != AF_INET || peer->family != AF_INET ||
	    !is_strict(root, device))
		return false;
	ifindex = way_back(own, peer);
	if (ifindex == if_nametoindex(device))
		return false;
	if (ifindex)
		if_indextoname(ifindex, name);
	snprintf(why, RPFILTER_WORDS_MAX, "rp_filter=1, and the way back to %s "
	         "leads %s%s", addr_format_ip(peer, text), ifindex ? "by " : "",
	         name);
	return true;
}
