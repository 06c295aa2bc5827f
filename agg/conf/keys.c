/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: every key of aggd's configuration, one row each. A new key is a field
 * in conf.h and a row here; the manual (docs/aggd.conf.md) follows with
 * `ninja -C build conf-doc`.
 */
#include "agg/conf/keys.h"

#include "agg/conf/conf.h"

#include <assert.h>

#define SECOND_US 1000000ull
#define MIB (1024ull * 1024)
#define MB (1000ull * 1000)
#define TB (1000 * 1000 * MB)
#define PORT_AGGD 443
#define PORT_SOCKS5 1080 /* RFC 1928 */
#define PORT_WEB 8080

#define GATEWAY (1u << CONF_ROLE_GATEWAY)
#define CONCENTRATOR (1u << CONF_ROLE_CONCENTRATOR)
#define BOTH (GATEWAY | CONCENTRATOR)

/* Where the value of an option stands, and where a list and its count. */
#define AT(section, field) \
	.offset = offsetof(struct section, field), \
	.size = sizeof(((struct section *)0)->field)
#define LIST_AT(section, field, most) \
	.offset = offsetof(struct section, field), \
	.size = sizeof(((struct section *)0)->field[0]), .list_max = most, \
	.count_offset = offsetof(struct section, field##_count)

/* A word is read into an enum as an unsigned. */
static_assert(sizeof(enum conf_role) == sizeof(unsigned), "enum size");
static_assert(sizeof(enum log_level) == sizeof(unsigned), "enum size");

const char *const conf_role_words[] = { "gateway", "concentrator", NULL };
const char *const conf_carrier_words[] = { "auto", "subflows", "mptcp", NULL };
static const char *const outage_words[] = { "direct", "block", NULL };
static const char *const cost_words[] = { "normal", "metered", "backup", NULL };
static const char *const protocol_words[] = { "both", "tcp", "udp", NULL };
static const char *const log_words[] = { "error", "warning", "info", "debug",
                                         NULL };

static const char *const offload_words[] = { "auto", "off", NULL };

static const struct conf_key main_keys[] = {
	{ "role", CONF_WORD, BOTH, .required = true, .words = conf_role_words,
	  AT(conf_main, role),
	  .help = "Which end this is: the gateway stands before the LAN, the "
	          "concentrator in the Internet." },
	{ "scheduler", CONF_SCHEDULER, BOTH, .fallback = "srpt_ecf", .min = 1,
	  .max = CONF_WORD_MAX, AT(conf_main, scheduler),
	  .help = "Decides which path carries the next piece. On the gateway for "
	          "both directions, unless the concentrator's site says otherwise; "
	          "on the concentrator for gateways that wish nothing." },
	{ "scheduler_up", CONF_SCHEDULER, GATEWAY, .min = 1, .max = CONF_WORD_MAX,
	  AT(conf_main, scheduler_up),
	  .help = "For what goes up, in place of scheduler, which holds for what "
	          "comes down then. 'aggctl scheduler NAME' is for both." },
	{ "order", CONF_ORDER, BOTH, .fallback = "auto", .min = 1,
	  .max = CONF_WORD_MAX, AT(conf_main, order),
	  .help = "Which stream's next piece comes first; auto: as the scheduler "
	          "(of bulk streams) is made for. Holds as the scheduler does." },
	/* The one place of the default. */
	{ "reinjection", CONF_REINJECTION, BOTH, .fallback = "tail", .min = 1,
	  .max = CONF_WORD_MAX, AT(conf_main, reinjection),
	  .help = "What is sent again on another path before it is known to be "
	          "lost. Holds as the scheduler does." },
	{ "carrier", CONF_WORD, BOTH, .fallback = "auto",
	  .words = conf_carrier_words, AT(conf_main, carrier),
	  .help = "What carries a session. subflows: our own, over TCP. mptcp: the "
	          "kernel's MPTCP; our own for uplinks that it does not reach. auto: "
	          "our own, until MPTCP works on every uplink, none is metered, and "
	          "a trial under load has said that it is no worse: four seconds of "
	          "each, MPTCP carries 97 % of the bytes at least, and an echo takes "
	          "a quarter and 5 ms longer at most. Its verdict holds for six "
	          "hours, until an uplink comes or an address changes. On the "
	          "concentrator: subflows takes no MPTCP; mptcp chooses the kernel's "
	          "scheduler by the key scheduler, if it has one of that name." },
	{ "on_outage", CONF_WORD, GATEWAY, .fallback = "direct",
	  .words = outage_words, AT(conf_main, on_outage),
	  .help = "When no concentrator answers: leave directly by the best "
	          "uplink, clients of SOCKS5 too but for private addresses; or "
	          "refuse." },
	{ "control", CONF_PATH, BOTH, .fallback = "/run/aggd.sock", .min = 2,
	  .max = CONF_CONTROL_MAX, AT(conf_main, control),
	  .help = "The control socket, for aggctl. Takes effect at a start." },
	{ "state", CONF_PATH, GATEWAY, .fallback = "/etc/aggd", .min = 2,
	  .max = CONF_PATH_MAX, AT(conf_main, state),
	  .help = "Directory of the identity key; it must outlive a reboot. "
	          "Takes effect at a start." },
	{ "state", CONF_PATH, CONCENTRATOR, .fallback = "/var/lib/aggd",
	  .min = 2, .max = CONF_PATH_MAX, AT(conf_main, state),
	  .help = "Directory of the identity key; it must outlive a reboot. "
	          "Takes effect at a start." },
	{ "listen", CONF_ADDR, CONCENTRATOR, .fallback = "[::]:443",
	  .default_port = PORT_AGGD, LIST_AT(conf_main, listen, CONF_LISTENS_MAX),
	  .help = "Where gateways connect to. [::] takes IPv4 too. The address may "
	          "come later." },
	{ "web", CONF_ADDR, BOTH, .default_port = PORT_WEB,
	  LIST_AT(conf_main, web, CONF_WEBS_MAX),
	  .help = "Where the page is, for a browser: an address of this host's in "
	          "the LAN, or 127.0.0.1. 'aggctl web' says the secret that opens "
	          "it. Not set: there is no page." },
	{ "web_tls", CONF_BOOL, BOTH, .fallback = "0", AT(conf_main, web_tls),
	  .help = "The page by HTTPS: with a key and certificate of its own, of "
	          "which a browser warns once, or those of the next two." },
	{ "web_cert", CONF_PATH, BOTH, .min = 2, .max = CONF_PATH_MAX,
	  AT(conf_main, web_cert),
	  .help = "File with the page's certificate and those above it (PEM). A "
	          "reload takes a renewed one." },
	{ "web_key", CONF_PATH, BOTH, .min = 2, .max = CONF_PATH_MAX,
	  AT(conf_main, web_key),
	  .help = "File with its key (PEM), which user aggd may read and others "
	          "may not." },
	{ "sites", CONF_PATH, CONCENTRATOR, .min = 2, .max = CONF_PATH_MAX,
	  AT(conf_main, sites),
	  .help = "Directory of more sites: its files *.conf, but not hidden ones, "
	          "are read in order of their names; they have sections site "
	          "only. Not set: " CONF_SITES_DIR ", where there is one." },
	{ "workers", CONF_INT, CONCENTRATOR, .fallback = "0", .min = 0,
	  .max = CONF_WORKERS_MAX, AT(conf_main, workers),
	  .help = "How many threads carry the sites, each site on one of them. 0: "
	          "as many as there are cores, up to 8. Takes effect at a start." },
	{ "log_level", CONF_WORD, BOTH, .fallback = "info", .words = log_words,
	  AT(conf_main, log_level),
	  .help = "The least important line that is still logged." },
	{ "linger", CONF_DURATION, BOTH, .fallback = "60s", .min = SECOND_US,
	  .max = 3600 * SECOND_US, AT(conf_main, linger_us),
	  .help = "How long streams wait for an uplink to come back before "
	          "they are reset." },
	{ "memory", CONF_BYTES, BOTH, .min = 4 * MIB, .max = 512 * MIB,
	  AT(conf_main, memory_bytes),
	  .help = "What one session may hold: bytes received and not read yet, "
	          "bytes to be sent and not acknowledged, what that takes to keep. "
	          "At the limit streams wait, and none is lost. Not set: a "
	          "sixteenth of the memory of the machine (or of what its "
	          "service or container may use), from 4MiB to 32MiB. A "
	          "concentrator's sites share half of that memory." },
	{ "congestion", CONF_TOKEN, BOTH, .fallback = "auto", .min = 1,
	  .max = CONF_CONGESTION_MAX, AT(conf_main, congestion),
	  .help = "The congestion control of the subflows: auto, bbr, cubic, "
	          "reno, or another name that the kernel knows." },
	{ "bundles", CONF_INT, GATEWAY, .fallback = "2", .min = 1,
	  .max = CONF_BUNDLES_MAX, AT(conf_main, bundles),
	  .help = "How many connections over all uplinks a session keeps open, "
	          "so that a page does not wait behind a download." },
	{ "mark", CONF_MARK, GATEWAY, .fallback = "0x01000000",
	  AT(conf_main, mark),
	  .help = "The bit of a packet's mark that leads it to the proxy; the other "
	          "bits stay whose they are. mwan3 takes 0x3f00, pbr 0xff0000, SQM "
	          "0xff." },
	{ "tunnel_mark", CONF_MARK, GATEWAY, .fallback = "0x02000000",
	  AT(conf_main, tunnel_mark),
	  .help = "And the bit that leads it into the packet tunnel." },
	{ "bypass_mark", CONF_MARK, GATEWAY, .fallback = "0x04000000",
	  AT(conf_main, bypass_mark),
	  .help = "The lowest of four bits in a row, of the packets' and of the "
	          "connections' marks, that lead what a section bypass says; used "
	          "where there is one." },
	{ "offload", CONF_WORD, BOTH, .fallback = "auto", .words = offload_words,
	  AT(conf_main, offload),
	  .help = "How the packet tunnel gives packets to the kernel and takes "
	          "them. auto: many of a flow at once, where the kernel can. off: one "
	          "by one, at three times the CPU time, for a network device that "
	          "spoils them. Takes effect at a start." },
	{ "tunnel", CONF_BOOL, CONCENTRATOR, .fallback = "1",
	  AT(conf_main, tunnel),
	  .help = "Takes the packets of the sites' tunnels, and sends them on as "
	          "its own (NAT). It wants /dev/net/tun and nft, and turns on "
	          "forwarding." },
	{ "pool", CONF_PREFIX, CONCENTRATOR, .fallback = "100.64.0.0/16",
	  AT(conf_main, pool),
	  .help = "An IPv4 network that nobody uses here nor at the sites: each "
	          "gateway gets an address of it for packets of its own." },
	{ "rule_pref", CONF_INT, GATEWAY, .fallback = "700", .min = 5,
	  .max = 32760, AT(conf_main, rule_pref),
	  .help = "The preference of the first of our four routing rules. They have "
	          "to come before those of others, or a connection that is taken may "
	          "be led out and lost: where another's rule comes before them, they "
	          "move before it. mwan3 has 1000 to 3999, and empties that range." },
	{ NULL },
};

static const struct conf_key class_keys[] = {
	{ "port", CONF_INT, GATEWAY, .min = 1, .max = 65535,
	  LIST_AT(conf_class, port, CONF_PORTS_MAX),
	  .help = "Streams to this port of their destination are of this class." },
	{ "dscp", CONF_DSCP, GATEWAY,
	  LIST_AT(conf_class, dscp, CONF_DSCPS_MAX),
	  .help = "And streams whose client began with this mark in its packets, "
	          "whatever the port." },
	{ "host", CONF_LAN_HOST, GATEWAY,
	  LIST_AT(conf_class, host, CONF_CLASS_HOSTS_MAX),
	  .help = "And all others of this host of the LAN. Of bulk its packets in the "
	          "packet tunnel yield as well, but for those that 'config packets' or "
	          "their own mark speaks of." },
	{ "scheduler", CONF_SCHEDULER, BOTH, .min = 1, .max = CONF_WORD_MAX,
	  AT(conf_class, scheduler),
	  .help = "For the streams of this class, in place of that of the main "
	          "section and of sites." },
	{ "after", CONF_BYTES, BOTH, .min = 1024, .max = 1024 * MIB,
	  AT(conf_class, after_bytes),
	  .help = "Only of bulk: how much a stream sends in one burst before it is "
	          "bulk, in the direction in which this side sends; less than that "
	          "in a second never is. Not set: 16KiB." },
	{ NULL },
};

static const struct conf_key concentrator_keys[] = {
	{ "endpoint", CONF_ENDPOINT, GATEWAY, .required = true,
	  .default_port = PORT_AGGD,
	  LIST_AT(conf_concentrator, endpoint, CONF_ENDPOINTS_MAX),
	  .help = "An address of the concentrator, or its name. Give an address of "
	          "each family, and every uplink finds one that it can reach. A name "
	          "is asked for over each uplink by itself, from the servers of "
	          "resolv.conf; all of its addresses count, those of before while no "
	          "server answers, and it is asked again every five minutes, and when "
	          "nobody answers there." },
	{ "pin", CONF_PIN, GATEWAY, .required = true, AT(conf_concentrator, pin),
	  .help = "The concentrator's key." },
	{ NULL },
};

static const struct conf_key uplink_keys[] = {
	{ "device", CONF_DEVICE, GATEWAY, AT(conf_uplink, own),
	  .help = "The network device. It may appear, go and be renumbered. This, or "
	          "interface, has to be there." },
	{ "interface", CONF_TOKEN, GATEWAY, .min = 1, .max = CONF_INTERFACE_MAX,
	  AT(conf_uplink, interface),
	  .help = "On OpenWrt, in place of device: the name of netifd's interface, as "
	          "in /etc/config/network: the uplink has the device that this has, as "
	          "pppoe-wan, and follows when it has another." },
	{ "cost", CONF_WORD, GATEWAY, .fallback = "normal", .words = cost_words,
	  AT(conf_uplink, cost),
	  .help = "normal; metered is used when the normal ones are full; "
	          "backup when all others are down." },
	{ "cap", CONF_VOLUME, GATEWAY, .min = MB, .max = 1000 * TB,
	  AT(conf_uplink, cap_bytes),
	  .help = "What its provider lets through in a month, down and up together, "
	          "as 100GB. When nine tenths are used the uplink is metered, when all "
	          "is a backup, which still works where no other does; until the day "
	          "below. Counted is what its device counts while aggd runs, whoever's "
	          "it is. Not set: there is none." },
	{ "cap_day", CONF_INT, GATEWAY, .fallback = "1", .min = 1, .max = 31,
	  AT(conf_uplink, cap_day),
	  .help = "The day of the month (UTC) on which that begins anew; in a shorter "
	          "month its last." },
	{ "enabled", CONF_BOOL, GATEWAY, .fallback = "1", AT(conf_uplink, enabled),
	  .help = "0 leaves the uplink alone." },
	{ NULL },
};

static const struct conf_key lan_keys[] = {
	{ "device", CONF_DEVICE, GATEWAY,
	  LIST_AT(conf_lan, own, CONF_LAN_DEVICES_MAX),
	  .help = "A device whose hosts are served." },
	{ "interface", CONF_TOKEN, GATEWAY, .min = 1, .max = CONF_INTERFACE_MAX,
	  LIST_AT(conf_lan, interface, CONF_LAN_DEVICES_MAX),
	  .help = "On OpenWrt: a netifd's interface whose device's hosts are served." },
	{ "tproxy", CONF_BOOL, GATEWAY, .fallback = "1", AT(conf_lan, tproxy),
	  .help = "Takes the TCP connections of those hosts, who need not know." },
	{ "tunnel", CONF_BOOL, GATEWAY, .fallback = "1", AT(conf_lan, tunnel),
	  .help = "Takes what else those hosts send, UDP, ICMP or any other "
	          "protocol, through the packet tunnel; TCP too where tproxy is 0. "
	          "It wants /dev/net/tun, and a concentrator that has a tunnel; "
	          "until then it leaves directly." },
	{ "socks5", CONF_ADDR, GATEWAY, .default_port = PORT_SOCKS5,
	  AT(conf_lan, socks5),
	  .help = "Where a SOCKS5 server listens, for the hosts behind the LAN's "
	          "devices and this host itself. The address may come later. On "
	          "0.0.0.0 or [::] it needs a password." },
	{ "socks5_user", CONF_STRING, GATEWAY, .min = 1,
	  .max = CONF_CREDENTIAL_MAX, AT(conf_lan, socks5_user),
	  .help = "Who may use the SOCKS5 server. Not set: everybody." },
	{ "socks5_password", CONF_SECRET, GATEWAY, .min = 1,
	  .max = CONF_CREDENTIAL_MAX, AT(conf_lan, socks5_password),
	  .help = "That user's password." },
	{ NULL },
};

static const struct conf_key bypass_keys[] = {
	{ "dest", CONF_PREFIX, GATEWAY,
	  LIST_AT(conf_bypass, dest, CONF_BYPASS_DESTS_MAX),
	  .help = "What goes to this destination." },
	{ "name", CONF_DOMAIN, GATEWAY, .min = 1, .max = CONF_HOST_MAX,
	  LIST_AT(conf_bypass, names, CONF_BYPASS_NAMES_MAX),
	  .help = "Or to a server of this name, or of one below it. Of TCP it is "
	          "the name that the client asks for, by TLS or HTTP (or SOCKS5): "
	          "its first bytes are waited for, a tenth of a second if none "
	          "comes. Of all else it is the addresses that dnsmasq gives out for "
	          "it, see above. The section needs a name of its own then." },
	{ "host", CONF_LAN_HOST, GATEWAY,
	  LIST_AT(conf_bypass, host, CONF_BYPASS_HOSTS_MAX),
	  .help = "Only what comes from this host of the LAN; not set: from all." },
	{ "port", CONF_PORTS, GATEWAY,
	  LIST_AT(conf_bypass, port, CONF_BYPASS_PORTS_MAX),
	  .help = "Only what goes to these ports; not set: to all, and what has no "
	          "ports, as ping." },
	{ "to", CONF_TOKEN, GATEWAY, .fallback = CONF_TO_DIRECT, .min = 1,
	  .max = CONF_NAME_MAX, AT(conf_bypass, to),
	  .help = "direct: the kernel's own route. Or the name of an uplink: that "
	          "one; while it is down the best of the others that work, new "
	          "connections again by it when it is back. Or tunnel: the packet "
	          "tunnel, TCP too, whose names are then known by dnsmasq alone." },
	{ NULL },
};

static const struct conf_key packets_keys[] = {
	{ "port", CONF_PORTS, GATEWAY,
	  LIST_AT(conf_packets, port, CONF_PACKETS_PORTS_MAX),
	  .help = "What goes to or comes from these ports." },
	{ "dscp", CONF_DSCP, GATEWAY,
	  LIST_AT(conf_packets, dscp, CONF_DSCPS_MAX),
	  .help = "And what is marked so, whatever its ports. Without it EF, VA, CS5 "
	          "and AF4x are realtime, CS1 and LE are background." },
	{ "redundant", CONF_BOOL, GATEWAY, .fallback = "0",
	  AT(conf_packets, redundant),
	  .help = "Only of realtime: each packet goes by the two best uplinks, so "
	          "that none is lost when one of them dies. Of a flow up to 256 "
	          "kbit/s go twice, and of an uplink's rate a tenth is copies at "
	          "most." },
	{ NULL },
};

static const struct conf_key site_keys[] = {
	{ "pin", CONF_PIN, CONCENTRATOR, .required = true, AT(conf_site, pin),
	  .help = "The gateway's key." },
	{ "prefix", CONF_PREFIX, CONCENTRATOR, AT(conf_site, prefix),
	  .help = "An IPv6 network of at least a /64 that is routed to this host, "
	          "and that the site's router gives to its LAN: its addresses leave "
	          "as they are. Not set: the LAN's addresses are translated to this "
	          "host's own (NAT66)." },
	{ "reach", CONF_PREFIX, CONCENTRATOR, LIST_AT(conf_site, reach, CONF_REACH_MAX),
	  .help = "A network of the site's LAN that other sites reach through their "
	          "tunnels, if they have such networks, too; no two sites may have "
	          "the same. TCP goes there if the gateways' config bypass leads it "
	          "to the tunnel." },
	{ "rate", CONF_INT, CONCENTRATOR, .min = 1, .max = 100000,
	  AT(conf_site, rate_mbps),
	  .help = "How many Mbit/s the site may have each way, of streams and packets "
	          "together. Not set: as many as there are. A speed test is not held "
	          "by it." },
	{ "quota", CONF_VOLUME, CONCENTRATOR, .min = MB, .max = 1000 * TB,
	  AT(conf_site, quota_bytes),
	  .help = "What the site may have in a month, from its first day on (UTC), down "
	          "and up together, as 500GB. When that is used up nobody is cut off: "
	          "the site goes on at 1 Mbit/s each way until the next month, and "
	          "'aggctl sites' says so. Not set: there is none." },
	{ "scheduler", CONF_SCHEDULER, CONCENTRATOR, .min = 1,
	  .max = CONF_WORD_MAX, AT(conf_site, scheduler),
	  .help = "Towards this site; not set: as its gateway wishes." },
	{ "order", CONF_ORDER, CONCENTRATOR, .min = 1, .max = CONF_WORD_MAX,
	  AT(conf_site, order),
	  .help = "Towards this site; not set: as its gateway wishes." },
	{ "reinjection", CONF_REINJECTION, CONCENTRATOR, .min = 1,
	  .max = CONF_WORD_MAX, AT(conf_site, reinjection),
	  .help = "Towards this site; not set: as its gateway wishes." },
	{ NULL },
};

static const struct conf_key egress_keys[] = {
	{ "allow", CONF_PREFIX, CONCENTRATOR, .required = true,
	  LIST_AT(conf_egress, allow, CONF_ALLOW_MAX),
	  .help = "A destination that sites may reach though it is private, "
	          "link-local or the concentrator's own." },
	{ NULL },
};

static const struct conf_key forward_keys[] = {
	{ "site", CONF_TOKEN, CONCENTRATOR, .required = true, .min = 1,
	  .max = CONF_NAME_MAX, AT(conf_forward, site),
	  .help = "The site to which it leads. Its gateway must have a packet "
	          "tunnel." },
	{ "protocol", CONF_WORD, CONCENTRATOR, .fallback = "both",
	  .words = protocol_words, AT(conf_forward, protocol),
	  .help = "What is forwarded: tcp, udp, or both." },
	{ "listen", CONF_ADDR, CONCENTRATOR, .required = true,
	  .default_port = -1, AT(conf_forward, listen),
	  .help = "A port of the concentrator, at one of its addresses or, with "
	          "0.0.0.0 or [::], at all of those of the other's family. A "
	          "program of its own at that port is not reached any more." },
	{ "to", CONF_ADDR, CONCENTRATOR, .required = true, .default_port = -1,
	  AT(conf_forward, to),
	  .help = "The host in the site's LAN, and its port. It sees the address "
	          "of who connects." },
	{ NULL },
};

static const struct conf_key address_keys[] = {
	{ "site", CONF_TOKEN, CONCENTRATOR, .required = true, .min = 1,
	  .max = CONF_NAME_MAX, AT(conf_address, site),
	  .help = "The site to which it leads. Its gateway must have a packet "
	          "tunnel." },
	{ "address", CONF_PREFIX, CONCENTRATOR, .required = true,
	  AT(conf_address, address),
	  .help = "An address of the concentrator's that nobody else needs: its own "
	          "programs are not reached there any more, but for the ports of "
	          "listen that are at all addresses." },
	{ "to", CONF_PREFIX, CONCENTRATOR, .required = true, AT(conf_address, to),
	  .help = "The host in the site's LAN. It sees the address of who connects, "
	          "and what it sends through the packet tunnel leaves from that "
	          "address." },
	{ NULL },
};

#define MANY_AT(section, field, field_count, most) \
	.offset = offsetof(struct conf, field), \
	.size = sizeof(struct section), .max = most, \
	.count_offset = offsetof(struct conf, field_count), \
	.name_offset = offsetof(struct section, name), \
	.line_offset = offsetof(struct section, line)
#define ONE_AT(section, field) MANY_AT(section, field, field##_count, 1)

const struct conf_table conf_tables[CONF_TABLE_COUNT + 1] = {
	[CONF_TABLE_MAIN] = { "aggd", main_keys, BOTH, .named = false,
	  ONE_AT(conf_main, main),
	  .help = "What holds for the daemon as a whole. Required." },
	[CONF_TABLE_CLASS] = { "class", class_keys, BOTH, .named = true,
	  MANY_AT(conf_class, classes, class_count, CONF_CLASSES_MAX),
	  .help = "A class of streams; its name is interactive or bulk. A stream "
	          "is interactive until it has sent much in one burst, then bulk "
	          "until it was quiet; a port, a mark or a host fixes its class from the "
	          "start, for both directions." },
	[CONF_TABLE_CONCENTRATOR] = { "concentrator", concentrator_keys, GATEWAY,
	  .named = true, ONE_AT(conf_concentrator, concentrator),
	  .help = "The concentrator of this gateway. Required." },
	[CONF_TABLE_UPLINK] = { "uplink", uplink_keys, GATEWAY, .named = true,
	  MANY_AT(conf_uplink, uplinks, uplink_count, CONF_UPLINKS_MAX),
	  .help = "One Internet access. At least one is required." },
	[CONF_TABLE_LAN] = { "lan", lan_keys, GATEWAY, .named = false,
	  ONE_AT(conf_lan, lan),
	  .help = "The side of the gateway that is served." },
	[CONF_TABLE_BYPASS] = { "bypass", bypass_keys, GATEWAY, .named = false,
	  MANY_AT(conf_bypass, bypasses, bypass_count, CONF_BYPASSES_MAX),
	  .help = "What does not go through the concentrator: traffic that has one "
	          "of the destinations or names, one of the hosts and one of the "
	          "ports that the section says, whatever protocol it is; of what it "
	          "does not say, any. The first section that fits holds, and says "
	          "so with the first packet of a connection. A name by UDP (QUIC) "
	          "is known by the addresses that dnsmasq, the LAN's name server, "
	          "gives out: of a section 'work' with list name 'example.com', say "
	          "in its configuration (2.87 or later) "
	          "`nftset=/example.com/4#inet#aggd_bypass#bypass_work4,"
	          "6#inet#aggd_bypass#bypass_work6`; on OpenWrt in a `config ipset` "
	          "of /etc/config/dhcp: `list name 'bypass_work4'`, `list name "
	          "'bypass_work6'`, `list domain 'example.com'`, `option table "
	          "'aggd_bypass'`, `option table_family 'inet'`." },
	[CONF_TABLE_PACKETS] = { "packets", packets_keys, GATEWAY, .named = true,
	  MANY_AT(conf_packets, packets, packets_count, CONF_PACKETS_MAX),
	  .help = "A class of the packet tunnel's packets, in both directions; its "
	          "name is realtime or background. realtime goes first, by the best "
	          "uplink; a call or a game is seen to be that by its form after a "
	          "second, too. background yields to all else. A packet that is in "
	          "both is of the section that comes first, but a mark goes before "
	          "a port. What hosts of class bulk send and get is background, "
	          "too." },
	[CONF_TABLE_SITE] = { "site", site_keys, CONCENTRATOR, .named = true,
	  MANY_AT(conf_site, sites, site_count, CONF_SITES_MAX), .grows = true,
	  .help = "A gateway that may connect. May also stand in a file of the "
	          "directory of sites." },
	[CONF_TABLE_EGRESS] = { "egress", egress_keys, CONCENTRATOR,
	  .named = false, ONE_AT(conf_egress, egress),
	  .help = "Where streams may leave to, besides the public Internet." },
	[CONF_TABLE_FORWARD] = { "forward", forward_keys, CONCENTRATOR,
	  .named = true,
	  MANY_AT(conf_forward, forwards, forward_count, CONF_FORWARDS_MAX),
	  .help = "A port of the concentrator that leads to a host in a site's LAN, "
	          "through the packet tunnel. From that LAN it is reached at the "
	          "address at which its gateway reaches the concentrator." },
	[CONF_TABLE_ADDRESS] = { "address", address_keys, CONCENTRATOR,
	  .named = true,
	  MANY_AT(conf_address, addresses, address_count, CONF_ADDRESSES_MAX),
	  .help = "A whole address of the concentrator's that leads to a host in a "
	          "site's LAN, whatever the protocol, but for what a section forward "
	          "leads elsewhere. From the LANs of the sites it is reached there, "
	          "too, by an uplink directly." },
	[CONF_TABLE_COUNT] = { NULL },
};
