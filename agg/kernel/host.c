/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see host.h. getifaddrs(3), and /proc/sys/net.
 */
#include "agg/kernel/host.h"

#include "agg/kernel/sockopt.h"
#include "agg/kernel/sysctl.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>


static struct host_device *take_device(struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->device_count; i++)
		if (!strcmp(host->devices[i].name, name))
			return &host->devices[i];
	if (host->device_count == HOST_DEVICES_MAX) {
		host->whole = false;
		return NULL;
	}
	struct host_device *dev = &host->devices[host->device_count++];
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	return dev;
}

static void take_address(struct host *host, struct host_device *dev,
                         const struct sockaddr *sa)
{
	bool is_v4 = sa->sa_family == AF_INET;
	struct addr a;

	if (!addr_from_sockaddr(&a, sa))
		return;
	a.port = 0;
	if (dev && (is_v4 || a.ip[0] != 0xfe || (a.ip[1] & 0xc0) != 0x80))
		dev->has_address = true;
	if (host->address_count < HOST_ADDRESSES_MAX)
		host->addresses[host->address_count++] = a;
	else
		host->whole = false;
}

static int read_devices(struct host *host)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		struct host_device *dev = take_device(host, i->ifa_name);
		if (i->ifa_addr && (i->ifa_addr->sa_family == AF_INET ||
		                    i->ifa_addr->sa_family == AF_INET6))
			take_address(host, dev, i->ifa_addr);
	}
	freeifaddrs(list);
	return 0;
}

/* Only ENOENT says that there is none; who may not use it knows nothing. */
static bool has_congestion(const char *name)
{
	char in_use[SOCKOPT_CC_NAME_MAX];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return true;
	int err = sockopt_set_congestion(fd, name, in_use);
	close(fd);
	return err != -ENOENT;
}

int host_read(const char *congestion, struct host *out)
{
	*out = (struct host){ .whole = true };
	out->has_congestion = has_congestion(congestion);
	if (sockopt_congestion_available(out->congestions,
	                                 sizeof(out->congestions)) < 0)
		*out->congestions = 0;
	out->congestions[strcspn(out->congestions, "\n")] = 0;
	out->forwards_v4 = sysctl_number(SYSCTL_FOLDER,
	                                 "net/ipv4/ip_forward", 1);
	return read_devices(out);
}

const struct host_device *host_find(const struct host *host, const char *name)
{
	for (unsigned i = 0; i < host->device_count; i++)
		if (!strcmp(host->devices[i].name, name))
			return &host->devices[i];
	return NULL;
}

bool host_has_address(const struct host *host, const struct addr *a)
{
	for (unsigned i = 0; i < host->address_count; i++)
		if (addr_equal_ip(&host->addresses[i], a))
			return true;
	return !host->whole;
}
