/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see bridge.h. Owns nothing. What a device is its driver says, as /sys may
 * be of another network namespace; either of two settings is enough.
 */
#include "agg/kernel/bridge.h"

#include "agg/kernel/sysctl.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool is_bridge(const char *device)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	strncpy(request.ifr_name, device, IFNAMSIZ - 1);
	int rc = ioctl(fd, SIOCETHTOOL, &request);
	close(fd);
	return rc == 0 && !strncmp(info.driver, "bridge", sizeof(info.driver));
}

bool bridge_is_filtered(const struct bridge_roots *roots, const char *device,
                        sa_family_t family)
{
	const char *tables = family == AF_INET ? "iptables" : "ip6tables";
	char name[64];

	snprintf(name, sizeof(name), "net/bridge/bridge-nf-call-%s", tables);
	if (sysctl_number(roots ? roots->proc_sys : SYSCTL_FOLDER, name, 0))
		return true;
	snprintf(name, sizeof(name), "class/net/%s/bridge/nf_call_%s", device,
	         tables);
	return sysctl_number(roots ? roots->sys : "/sys", name, 0);
}

bool bridge_hides(const struct bridge_roots *roots, const char *device,
                  sa_family_t family)
{
	return bridge_is_filtered(roots, device, family) && is_bridge(device);
}
