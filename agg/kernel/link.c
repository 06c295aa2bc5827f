/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see link.h. Owns one rtnetlink socket during a call.
 */
#include "agg/kernel/link.h"
#include "agg/kernel/sysctl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#define MESSAGE_MAX 256
#define READ_BYTES 8192
#define TIMEOUT_MS 500

static int open_socket(struct mnl_socket **out)
{
	const struct timeval timeout = { .tv_usec = TIMEOUT_MS * 1000 };

	*out = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!*out)
		return -errno;
	setsockopt(mnl_socket_get_fd(*out), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	           sizeof(timeout));
	if (mnl_socket_bind(*out, 0, MNL_SOCKET_AUTOPID) == 0)
		return 0;
	int rc = -errno;
	mnl_socket_close(*out);
	return rc;
}

/* Sends a request that is acknowledged. */
static int ask(struct mnl_socket *socket, struct nlmsghdr *msg)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned port = mnl_socket_get_portid(socket);

	msg->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	msg->nlmsg_seq = 1;
	if (mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0)
		return -errno;
	ssize_t n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return mnl_cb_run(buf, (size_t)n, 1, port, NULL, NULL) < 0 ? -errno : 0;
}

static int set_up(struct mnl_socket *socket, int ifindex, unsigned mtu)
{
	char buf[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(msg, sizeof(*info));

	msg->nlmsg_type = RTM_NEWLINK;
	info->ifi_index = ifindex;
	info->ifi_flags = info->ifi_change = IFF_UP;
	if (mtu)
		mnl_attr_put_u32(msg, IFLA_MTU, mtu);
	mnl_attr_put_u32(msg, IFLA_TXQLEN, LINK_QUEUE);
	return ask(socket, msg);
}

static int add_address(struct mnl_socket *socket, int ifindex,
                       const struct prefix *a)
{
	char buf[MESSAGE_MAX] __attribute__((aligned(NLMSG_ALIGNTO))) = { 0 };
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *info = mnl_nlmsg_put_extra_header(msg, sizeof(*info));
	size_t len = a->family == AF_INET ? 4 : 16;

	msg->nlmsg_type = RTM_NEWADDR;
	msg->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	info->ifa_family = (uint8_t)a->family;
	info->ifa_prefixlen = a->length;
	info->ifa_index = (uint32_t)ifindex;
	info->ifa_flags = a->family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(msg, IFA_LOCAL, len, a->ip);
	mnl_attr_put(msg, IFA_ADDRESS, len, a->ip);
	return ask(socket, msg);
}

/* What a kernel or a container does not let be set stays as it is. */
void link_settle(const char *device)
{
	/* The way back to a source is not always by the tunnel, nor by anything where
	 * uplinks have IPv6 alone. The larger of all's and a device's counts. */
	bool checks = sysctl_number(SYSCTL_FOLDER, "net/ipv4/conf/all/rp_filter", 1);
	const struct {
		const char *family, *name, *value;
	} settings[] = {
		{ "ipv4", "rp_filter", checks ? "2" : "0" },
		{ "ipv4", "forwarding", "1" },
		{ "ipv4", "send_redirects", "0" },
		{ "ipv6", "addr_gen_mode", "1" }, /* none */
		{ "ipv6", "accept_ra", "0" },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		snprintf(name, sizeof(name), "net/%s/conf/%s/%s",
		         settings[i].family, device, settings[i].name);
		(void)sysctl_write(SYSCTL_FOLDER, name, settings[i].value);
	}
}

int link_set(const struct link *want, struct kerr *err)
{
	int ifindex = (int)if_nametoindex(want->device);
	struct mnl_socket *socket;

	if (!ifindex)
		return kerr_set(err, -errno, "%s", want->device);
	int rc = open_socket(&socket);
	if (rc)
		return kerr_set(err, rc, "netlink");
	link_settle(want->device);
	rc = set_up(socket, ifindex, want->mtu);
	for (unsigned i = 0; i < LINK_ADDRESSES_MAX && !rc; i++) {
		const struct prefix *a = &want->addresses[i];
		if (a->family == AF_UNSPEC)
			continue;
		rc = add_address(socket, ifindex, a);
		if (a->family == AF_INET6) /* or it is turned off */
			rc = 0;
	}
	mnl_socket_close(socket);
	return rc ? kerr_set(err, rc, "%s", want->device) : 0;
}

static bool has_address(const struct netdev *dev, const struct prefix *a)
{
	const struct netdev_ip *ip = netdev_ip(dev, a->family);

	for (unsigned i = 0; i < ip->sources_count; i++)
		if (!memcmp(ip->sources[i].ip, a->ip, a->family == AF_INET ? 4 : 16))
			return true;
	return a->family == AF_UNSPEC;
}

bool link_is_set(const struct link *want, const struct netdev *dev)
{
	bool is_set = dev->present && dev->admin_up;

	for (unsigned i = 0; i < LINK_ADDRESSES_MAX; i++)
		is_set = is_set && has_address(dev, &want->addresses[i]);
	return is_set;
}

int link_set_mtu(const char *device, unsigned mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq wish = { 0 };

	if (fd < 0)
		return -errno;
	snprintf(wish.ifr_name, sizeof(wish.ifr_name), "%s", device);
	int rc = ioctl(fd, SIOCGIFMTU, &wish);
	if (!rc && wish.ifr_mtu != (int)mtu) {
		wish.ifr_mtu = (int)mtu;
		rc = ioctl(fd, SIOCSIFMTU, &wish);
	}
	rc = rc < 0 ? -errno : 0;
	close(fd);
	return rc;
}
