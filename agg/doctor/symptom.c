/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see symptom.h. In the order in which they are looked for: the more special
 * ones first.
 */
#include "agg/doctor/symptom.h"

#include <stddef.h>
#include <string.h>

#define PIN_OF_OTHER "aggctl pin   # on the other side; put it into %c, then here: " \
	"aggctl reload"

static const struct symptom symptoms[] = {
	/* agg/role/warnings.c */
	{ SYMPTOM_OF_WARNING, "/identity.pem; as root", NULL, "" },
	{ SYMPTOM_OF_WARNING, "you may not read", "identity", "sudo aggctl doctor" },
	{ SYMPTOM_OF_WARNING, "others may read", "identity",
	  "chmod 600 %s/identity.pem" },
	{ SYMPTOM_OF_WARNING, "no identity in", "identity", "aggctl keygen %s" },
	{ SYMPTOM_OF_WARNING, "is no identity", "identity",
	  "rm %s/identity.pem && aggctl keygen %s" },
	{ SYMPTOM_OF_WARNING, "identity.pem", "identity", "ls -l %s" },
	{ SYMPTOM_OF_WARNING, "the pin is", "pin", PIN_OF_OTHER },
	{ SYMPTOM_OF_WARNING, "uplink '", NULL, "" }, /* the walk says it */
	{ SYMPTOM_OF_WARNING, "does not forward IPv4", "forwarding",
	  "sysctl -w net.ipv4.ip_forward=1" },
	{ SYMPTOM_OF_WARNING, "does not have that address", "listen",
	  "ip address   # then set it there, or in %c" },
	{ SYMPTOM_OF_WARNING, "has no other of its family", "listen",
	  "ip address add ANOTHER dev DEVICE   # and that one in %c" },
	{ SYMPTOM_OF_WARNING, "lan: ", "lan", "ip address" },
	{ SYMPTOM_OF_WARNING, "congestion '", "kernel", "modprobe tcp_bbr" },
	{ SYMPTOM_OF_WARNING, "there is no site", "site", "aggctl invite SITE" },
	{ SYMPTOM_OF_WARNING, "", "config", "aggd -t -c %c" },

	/* agg/kernel/netdev.c, rpfilter.c, route.c; agg/role/endpoints.c, uplink.c;
	 * agg/transport/subflow.c and who refuses */
	{ SYMPTOM_OF_UPLINK, "no such device", "device",
	  "ip link   # then set 'option device' in %c" },
	{ SYMPTOM_OF_UPLINK, "device is down", "link", "ip link set %d up" },
	{ SYMPTOM_OF_UPLINK, "no carrier", "carrier",
	  "ip link show %d   # the cable, the modem" },
	{ SYMPTOM_OF_UPLINK, "is being asked for", "dns", "getent ahosts %e" },
	{ SYMPTOM_OF_UPLINK, "its address", "address", "ip address show %d" },
	{ SYMPTOM_OF_UPLINK, "no address yet", "address",
	  "networkctl renew %d   # or: dhclient %d" },
	{ SYMPTOM_OF_UPLINK, "default route", "route",
	  "ip route add default via ROUTER dev %d metric 1024" },
	{ SYMPTOM_OF_UPLINK, "rp_filter=1", "rp_filter",
	  "sysctl -w net.ipv4.conf.%d.rp_filter=2" },
	{ SYMPTOM_OF_UPLINK, "no such name", "dns", "getent ahosts %e" },
	{ SYMPTOM_OF_UPLINK, "name server", "dns", "cat /etc/resolv.conf" },
	{ SYMPTOM_OF_UPLINK, "no endpoint of a family", "family",
	  "aggd -t -c %c   # 'list endpoint' of a family that %d has" },
	{ SYMPTOM_OF_UPLINK, "connection refused", "tcp",
	  "systemctl status aggd   # on the concentrator" },
	{ SYMPTOM_OF_UPLINK, "cannot be reached", "tcp", "ping -I %d %e" },
	{ SYMPTOM_OF_UPLINK, "wrong pin", "pin",
	  "aggctl pin   # on the concentrator; put it into %c" },
	{ SYMPTOM_OF_UPLINK, "unknown pin", "site",
	  "aggctl pin   # put it into 'config site' on the concentrator" },
	{ SYMPTOM_OF_UPLINK, "wrong version number", "tls",
	  "openssl s_client -alpn aggd/1 -connect %e:%p" },
	{ SYMPTOM_OF_UPLINK, "application protocol", "tls",
	  "openssl s_client -alpn aggd/1 -connect %e:%p" },
	{ SYMPTOM_OF_UPLINK, "SSL", "tls",
	  "openssl s_client -alpn aggd/1 -connect %e:%p" },
	{ SYMPTOM_OF_UPLINK, "protocol version", "version",
	  "aggd --version   # on both sides: the same" },
	{ SYMPTOM_OF_UPLINK, "another gateway", "site",
	  "aggctl sites   # on the concentrator" },
	{ SYMPTOM_OF_UPLINK, "full packets", "mtu", "ip link set %d mtu 1400" },
	{ SYMPTOM_OF_UPLINK, "only the peer's kernel", "peer",
	  "systemctl restart aggd   # on the concentrator" },
	{ SYMPTOM_OF_UPLINK, "handshake", "tls",
	  "openssl s_client -alpn aggd/1 -connect %e:%p" },
	{ SYMPTOM_OF_UPLINK, "TLS", "tls",
	  "openssl s_client -alpn aggd/1 -connect %e:%p" },
	{ SYMPTOM_OF_UPLINK, "no greeting", "tls",
	  "openssl s_client -alpn aggd/1 -connect %e:%p" },
	{ SYMPTOM_OF_UPLINK, "no progress", "loss", "ping -I %d %e" },
	{ SYMPTOM_OF_UPLINK, "is gone", "rules", "ip rule; ip -6 rule" },
	{ SYMPTOM_OF_UPLINK, "comes before ours", "rules", "ip rule; ip -6 rule" },
	{ SYMPTOM_OF_UPLINK, "no answer", "tcp", "ping -I %d %e   # then let port %p in "
	  "on the concentrator" },
	{ SYMPTOM_OF_UPLINK, "", "tcp", "ping -I %d %e" },

	/* agg/role/lan.c, ruleset.c; agg/kernel/nft.c, route.c */
	{ SYMPTOM_OF_INTERCEPTION, "by bridge", "bridge",
	  "sysctl -w net.bridge.bridge-nf-call-iptables=0 "
	  "net.bridge.bridge-nf-call-ip6tables=0" },
	{ SYMPTOM_OF_INTERCEPTION, "rule ", "rules", "ip rule; ip -6 rule" },
	{ SYMPTOM_OF_INTERCEPTION, "route", "rules", "ip route show table all" },
	{ SYMPTOM_OF_INTERCEPTION, "", "nft", "nft list table inet aggd" },

	{ SYMPTOM_OF_WAITING, "TPROXY", "kernel", "modprobe nft_tproxy nf_tproxy_ipv4 "
	  "nf_tproxy_ipv6" },
	{ SYMPTOM_OF_WAITING, "LAN device", "lan", "ip link" },
	{ SYMPTOM_OF_WAITING, "", "listen", "ip address; ss -ltnp" },

	/* agg/role/tunnel_home.c, gateway_tunnel.c */
	{ SYMPTOM_OF_TUNNEL, "does not forward", "forwarding",
	  "sysctl -w net.ipv4.ip_forward=1" },
	{ SYMPTOM_OF_TUNNEL, "tun is not loaded", "tunnel", "modprobe tun" },
	{ SYMPTOM_OF_TUNNEL, "is not for this user", "tunnel", "chmod 0666 /dev/net/tun" },
	{ SYMPTOM_OF_TUNNEL, "another program", "tunnel", "ip -d link show type tun" },
	{ SYMPTOM_OF_TUNNEL, "CAP_NET_ADMIN", "tunnel",
	  "systemctl cat aggd   # AmbientCapabilities" },
	{ SYMPTOM_OF_TUNNEL, "the concentrator has none", "tunnel",
	  "aggctl doctor   # on the concentrator" },
	{ SYMPTOM_OF_TUNNEL, "", "tunnel", "ip link show agg-tun; ip rule" },

	/* agg/role/mptcp/mptcp_report.c */
	{ SYMPTOM_OF_MPTCP, "joined", NULL, "" },
	{ SYMPTOM_OF_MPTCP, "", "mptcp",
	  "aggctl reload   # after 'option carrier' 'auto' in %c" },
};

const struct symptom *symptom_find(enum symptom_of of, const char *text)
{
	const struct symptom *s = symptoms;

	while (s->of != of || !strstr(text, s->words))
		s++; /* each of them has one that fits all */
	return s;
}
