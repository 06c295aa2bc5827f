/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel room from a command line, for the tests in network
 * namespaces. Each command prints lines that a test reads, and ends with 0 or
 * with 1 and the error's words on standard error.
 */
#include "agg/base/loop.h"
#include "agg/kernel/caps.h"
#include "agg/kernel/forwarding.h"
#include "agg/kernel/link.h"
#include "agg/kernel/mptcp_pm.h"
#include "agg/kernel/mptcp_sched.h"
#include "agg/kernel/mptcp_sysctl.h"
#include "agg/kernel/mptcpinfo.h"
#include "agg/kernel/nat.h"
#include "agg/kernel/netmon.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/route.h"
#include "agg/kernel/sockopt.h"
#include "agg/kernel/sysctl.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIXES_MAX 16

static int fail(const char *what, const struct kerr *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	return 1;
}

/* netmon: one line for each change, "ready" after the first state ---------- */

struct watch {
	struct loop *loop;
	struct netmon *mon;
};

static void print_ip(const char *name, const struct netdev_ip *ip)
{
	char text[ADDR_TEXT_MAX];

	printf(" %s=", name);
	for (unsigned i = 0; i < ip->sources_count; i++)
		printf("%s%s", i ? "," : "",
		       addr_format_ip(&ip->sources[i], text));
	if (!ip->route.exists)
		return;
	printf(" %sgw=%s metric=%u table=%u hops=%u", name,
	       addr_format_ip(&ip->route.gateway, text), ip->route.metric,
	       ip->route.table, ip->route.nexthops);
}

static void print_device(const struct netdev *dev)
{
	char text[ADDR_TEXT_MAX];

	if (!dev->present) {
		printf("%s gone\n", dev->name);
		return;
	}
	printf("%s %s%s", dev->name, dev->admin_up ? "up" : "down",
	       dev->carrier ? "+carrier" : "");
	print_ip("v4", &dev->v4);
	print_ip("v6", &dev->v6);
	printf(" net=");
	for (unsigned i = 0; i < dev->connected_count; i++)
		printf("%s%s", i ? "," : "",
		       prefix_format(&dev->connected[i], text));
	printf(" ready=%d%d\n", netdev_is_ready(dev, AF_INET),
	       netdev_is_ready(dev, AF_INET6));
}

static void on_change(void *ctx, const struct netdev *dev)
{
	print_device(dev);
}

/* "stats", "dump", "local ADDRESS", "nap MS" */
static void on_command(void *ctx, unsigned events)
{
	struct watch *watch = ctx;
	struct netmon_stats stats = netmon_stats(watch->mon);
	const struct netdev *dev;
	struct addr a;
	char line[256];
	ssize_t n = read(0, line, sizeof(line) - 1);

	if (n <= 0) {
		loop_stop(watch->loop);
		return;
	}
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	if (!strcmp(line, "stats"))
		printf("stats hints=%llu dumps=%llu turns=%llu overruns=%llu "
		       "malformed=%llu\n",
		       (unsigned long long)stats.hints,
		       (unsigned long long)stats.dumps,
		       (unsigned long long)stats.turns,
		       (unsigned long long)stats.overruns,
		       (unsigned long long)stats.malformed);
	else if (!strcmp(line, "dump"))
		for (unsigned i = 0; (dev = netmon_at(watch->mon, i)); i++)
			print_device(dev);
	else if (!strncmp(line, "local ", 6) && !addr_parse(&a, line + 6, 0))
		printf("local %d\n", netmon_is_local(watch->mon, &a));
	else if (!strncmp(line, "nap ", 4))
		poll(NULL, 0, atoi(line + 4));
	printf(".\n");
}

static int command_netmon(int argc, char **argv)
{
	struct watch watch = { .loop = loop_create() };

	watch.mon = netmon_create(watch.loop, argc ? (size_t)atoi(argv[0]) : 0,
	                          on_change, &watch);
	if (!watch.mon) {
		perror("netmon_create");
		return 1;
	}
	struct loop_io *in = loop_io_create(watch.loop, 0, LOOP_READ, on_command,
	                                    &watch);
	printf("ready\n");
	loop_run(watch.loop);
	loop_io_destroy(in);
	netmon_destroy(watch.mon);
	loop_destroy(watch.loop);
	return 0;
}

/* routes ------------------------------------------------------------------ */

/* uplink INDEX DEVICE 4|6 GATEWAY|- SOURCE|- [CONNECTED...] */
static int route_uplink(struct route *r, int argc, char **argv,
                        struct kerr *err)
{
	struct prefix connected[PREFIXES_MAX];
	struct route_uplink want = { .connected = connected };

	if (argc < 5 || argc > 5 + PREFIXES_MAX)
		return -EINVAL;
	want.index = (unsigned)atoi(argv[0]);
	snprintf(want.device, sizeof(want.device), "%s", argv[1]);
	want.family = *argv[2] == '4' ? AF_INET : AF_INET6;
	if (strcmp(argv[3], "-") && addr_parse(&want.gateway, argv[3], 0) < 0)
		return -EINVAL;
	if (strcmp(argv[4], "-") && addr_parse(&want.source, argv[4], 0) < 0)
		return -EINVAL;
	for (int i = 5; i < argc; i++)
		if (prefix_parse(&connected[want.connected_count++], argv[i]) < 0)
			return -EINVAL;
	return route_set_uplink(r, &want, err);
}

/* tunnel NUMBER DEVICE MARK MASK [FROM] */
static int route_tunnel(struct route *r, int argc, char **argv,
                        struct kerr *err)
{
	char from[1][IFNAMSIZ] = { "" };
	struct route_tunnel want = { .number = (unsigned)atoi(argv[0]),
		.mark = (uint32_t)strtoul(argv[2], NULL, 0),
		.mask = (uint32_t)strtoul(argv[3], NULL, 0),
		.from = (const char (*)[IFNAMSIZ])from, .from_count = argc > 4 };

	snprintf(want.device, sizeof(want.device), "%s", argv[1]);
	if (argc > 4)
		snprintf(from[0], IFNAMSIZ, "%s", argv[4]);
	return route_set_tunnel(r, &want, err);
}

/* link DEVICE MTU [ADDRESS/LENGTH ...]: sets it; then what was changed, and what
 * lacks, of this host's forwarding */
static int command_link(int argc, char **argv)
{
	char changed[FORWARDING_WORDS_MAX], lacks[FORWARDING_WORDS_MAX];
	struct link want = { .mtu = 0 };
	struct kerr err = { "usage" };

	if (argc < 2 || argc > 2 + LINK_ADDRESSES_MAX)
		return fail("link", &err);
	snprintf(want.device, sizeof(want.device), "%s", argv[0]);
	want.mtu = (unsigned)atoi(argv[1]);
	for (int i = 2; i < argc; i++)
		if (prefix_parse(&want.addresses[i - 2], argv[i]) < 0)
			return fail(argv[i], &err);
	if (link_set(&want, &err))
		return fail("link", &err);
	forwarding_enable(SYSCTL_FOLDER, changed, lacks);
	printf("changed: %s\nlacks: %s\n", changed, lacks);
	return 0;
}

static int command_route(int argc, char **argv)
{
	struct kerr err = { "usage" };
	struct route *r = route_create(&err);
	const char *what = argc ? argv[0] : "";
	int rc = -EINVAL;

	if (!r)
		return fail("route_create", &err);
	if (!strcmp(what, "uplink"))
		rc = route_uplink(r, argc - 1, argv + 1, &err);
	else if (!strcmp(what, "clear") && argc == 3)
		rc = route_clear_uplink(r, (unsigned)atoi(argv[1]),
		                        *argv[2] == '4' ? AF_INET : AF_INET6, &err);
	else if (!strcmp(what, "tproxy") && argc == 2)
		rc = route_set_tproxy(r, (uint32_t)strtoul(argv[1], NULL, 0), NULL,
		                      0, &err);
	else if (!strcmp(what, "tunnel") && argc >= 5)
		rc = route_tunnel(r, argc - 1, argv + 1, &err);
	else if (!strcmp(what, "cleartunnel") && argc == 2)
		rc = route_clear_tunnel(r, (unsigned)atoi(argv[1]), &err);
	else if (!strcmp(what, "cleartproxy"))
		rc = route_clear_tproxy(r, &err);
	else if (!strcmp(what, "cleanup"))
		rc = route_cleanup(r, &err);
	route_destroy(r);
	return rc ? fail(what, &err) : 0;
}

/* nft --------------------------------------------------------------------- */

static enum intercept_mode mode_of(char c)
{
	return c == 't' ? INTERCEPT_TAKE : c == 'r' ? INTERCEPT_REJECT :
	       INTERCEPT_FORWARD;
}

/* What a rule of one host, ports and destination has in it. */
struct rule_parts {
	struct selector_host host;
	struct selector_ports ports;
	struct prefix dest;
};

/* "+WAY[,host=...][,port=...][,dest=...][,name=...]" */
static int read_rule(char *text, struct waymark_rule *out,
                     struct rule_parts *parts)
{
	int rc = 0;
	char *word = strtok(text + 1, ",");

	*out = (struct waymark_rule){ .hosts = &parts->host,
		.ports = &parts->ports, .dests = &parts->dest };
	out->way = word ? (unsigned)atoi(word) : 0;
	while (!rc && (word = strtok(NULL, ","))) {
		char *value = strchr(word, '=');
		if (!value)
			return -EINVAL;
		*value++ = 0;
		if (!strcmp(word, "host")) {
			rc = selector_host_parse(&parts->host, value);
			out->host_count = 1;
		} else if (!strcmp(word, "port")) {
			rc = selector_ports_parse(&parts->ports, value);
			out->port_count = 1;
		} else if (!strcmp(word, "dest")) {
			rc = prefix_parse(&parts->dest, value);
			out->dest_count = 1;
		} else {
			out->named = true;
			snprintf(out->name, sizeof(out->name), "%s", value);
		}
	}
	return rc;
}

#define WAY_BIT 0x04000000u
#define WAYS 4

/* DEVICE PORT MARK MODES(two of t, f, r: IPv4, IPv6) [@TUNNEL]
 * [PREFIX | =PREFIX | +RULE | %WAY...]: bypassed, with a "=" connected, with a "+"
 * which way it takes; with a "%" the way of what is direct. The tunnel takes what else
 * there is by the same modes, with the mark's next bit. */
static int intercept(int argc, char **argv, bool apply)
{
	const char *device = argv[0];
	struct prefix bypass[PREFIXES_MAX], connected[PREFIXES_MAX];
	struct waymark_rule rules[PREFIXES_MAX];
	struct rule_parts parts[PREFIXES_MAX];
	struct intercept want = { .devices = &device, .devices_count = 1,
	                          .bypass = bypass, .connected = connected };
	struct kerr err = { "usage" };
	struct buf text;

	if (argc < 4 || argc > 5 + PREFIXES_MAX)
		return fail("intercept", &err);
	want.port = (uint16_t)atoi(argv[1]);
	want.mark = (uint32_t)strtoul(argv[2], NULL, 0);
	want.v4_mode = mode_of(argv[3][0]);
	want.v6_mode = mode_of(argv[3][1]);
	if (argc > 4 && *argv[4] == '@') {
		want.tunnel = argv[4] + 1;
		want.tunnel_mark = want.mark << 1;
		want.v4_tunnel = want.v4_mode;
		want.v6_tunnel = want.v6_mode;
		argv++;
		argc--;
	}
	want.ways = (struct waymark_plan){ .rules = rules, .bit = WAY_BIT,
		.uplinks = WAYS, .direct = { WAYMARK_DIRECT, WAYMARK_DIRECT },
		.tunnel = { WAYMARK_TUNNEL, WAYMARK_TUNNEL } };
	for (unsigned i = 0; i < WAYS; i++)
		want.ways.led[0][i] = want.ways.led[1][i] = (uint8_t)i;
	for (int i = 4; i < argc; i++) {
		int bad = 0;
		if (*argv[i] == '=')
			bad = prefix_parse(&connected[want.connected_count++],
			                   argv[i] + 1);
		else if (*argv[i] == '+')
			bad = read_rule(argv[i], &rules[want.ways.count],
			                &parts[want.ways.count]);
		else if (*argv[i] == '%')
			want.ways.direct[0] = want.ways.direct[1] =
				(uint8_t)atoi(argv[i] + 1);
		else
			bad = prefix_parse(&bypass[want.bypass_count++], argv[i]);
		want.ways.count += *argv[i] == '+';
		if (bad)
			return fail(argv[i], &err);
	}
	buf_init(&text, NFT_RULESET_MAX);
	int rc = intercept_ruleset(&text, &want, &err);
	if (!rc)
		rc = apply ? nft_apply(buf_head(&text), text.len, &err) :
		             nft_check(buf_head(&text), text.len, &err);
	if (!rc && !apply)
		fwrite(buf_head(&text), 1, text.len, stdout);
	buf_finish(&text);
	return rc ? fail("intercept", &err) : 0;
}

static int command_intercept(int argc, char **argv)
{
	return intercept(argc, argv, true);
}

static int command_ruleset(int argc, char **argv)
{
	return intercept(argc, argv, false);
}

/* check|apply patient|hasty DEVICE NUMBER PREFIX|- ... */
static int command_nat(int argc, char **argv)
{
	struct nat_site sites[PREFIXES_MAX] = { 0 };
	struct nat want = { .sites = sites };
	struct kerr err = { "usage" };
	struct buf text;

	if (argc < 5 || argc > 2 + 3 * PREFIXES_MAX || (argc - 2) % 3)
		return fail("nat", &err);
	want.patient = *argv[1] == 'p';
	for (int i = 2; i < argc; i += 3) {
		struct nat_site *site = &sites[want.count++];
		site->device = argv[i];
		site->number = (unsigned)atoi(argv[i + 1]);
		if (*argv[i + 2] != '-' &&
		    prefix_parse(&site->prefix, argv[i + 2]) < 0)
			return fail(argv[i + 2], &err);
	}
	buf_init(&text, NFT_RULESET_MAX);
	int rc = nat_ruleset(&text, &want, &err);
	if (!rc)
		rc = *argv[0] == 'a' ? nft_apply(buf_head(&text), text.len, &err)
		                     : nft_check(buf_head(&text), text.len, &err);
	fwrite(buf_head(&text), 1, text.len, stdout);
	buf_finish(&text);
	return rc ? fail("nat", &err) : 0;
}

static int command_nft(int argc, char **argv)
{
	struct kerr err = { "usage" };

	if (argc != 1)
		return fail("nft", &err);
	int rc = strcmp(argv[0], "cleanup") ?
		nft_apply(argv[0], strlen(argv[0]), &err) : nft_cleanup(&err);
	return rc ? fail("nft", &err) : 0;
}

/* TPROXY's end: answers each connection with the destination that it meant,
 * then sends back what it gets ------------------------------------------- */

#define ECHO_MAX 64

static int take(int listener)
{
	char text[ADDR_TEXT_MAX], line[ADDR_TEXT_MAX + 1];
	struct addr dest;
	int fd = sockopt_accept(listener, NULL);

	if (fd < 0)
		return fd;
	if (!sockopt_local(fd, &dest)) {
		int n = snprintf(line, sizeof(line), "%s\n", addr_format(&dest, text));
		if (write(fd, line, (size_t)n) != n)
			sockopt_abort(fd);
	}
	return fd;
}

static void echo(int *fd)
{
	char buf[4096];
	ssize_t n = read(*fd, buf, sizeof(buf));

	if (n > 0 && write(*fd, buf, (size_t)n) == n)
		return;
	close(*fd);
	*fd = -1;
}

/* PORT */
static int command_listen(int argc, char **argv)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };
	struct pollfd polled[2 + ECHO_MAX];
	nfds_t count = 2;

	for (int i = 0; i < 2; i++) {
		int fd = sockopt_tproxy_listen(families[i],
		                               argc ? (uint16_t)atoi(argv[0]) : 0);
		if (fd < 0) {
			fprintf(stderr, "listen: %s\n", strerror(-fd));
			return 1;
		}
		polled[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	printf("ready\n");
	while (poll(polled, count, -1) > 0) {
		for (nfds_t i = 2; i < count; i++)
			if (polled[i].revents)
				echo(&polled[i].fd);
		for (int i = 0; i < 2; i++) {
			int fd = polled[i].revents ? take(polled[i].fd) : -1;
			if (fd >= 0 && count < 2 + ECHO_MAX)
				polled[count++] = (struct pollfd){ fd, POLLIN, 0 };
		}
	}
	return 1;
}

/* connect DEVICE|- SOURCE|- DESTINATION: prints what it connected from, or
 * the error's name ------------------------------------------------------- */

static int command_connect(int argc, char **argv)
{
	struct addr source = { 0 }, to, from;
	char text[ADDR_TEXT_MAX];

	if (argc != 3 || addr_parse(&to, argv[2], -1) < 0 ||
	    (strcmp(argv[1], "-") && addr_parse(&source, argv[1], 0) < 0))
		return 1;
	int fd = sockopt_tcp_open(to.family, strcmp(argv[0], "-") ? argv[0] : NULL,
	                          &source);
	int rc = fd < 0 ? fd : sockopt_connect(fd, &to);
	if (!rc) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		rc = poll(&p, 1, 3000) ? sockopt_error(fd) : -ETIMEDOUT;
	}
	if (!rc)
		rc = sockopt_local(fd, &from);
	printf("%s\n", rc ? strerror(-rc) : addr_format_ip(&from, text));
	if (fd >= 0)
		close(fd);
	return 0;
}

/* mptcp JOURNAL|-: one line for each event, and commands ------------------ */

struct paths {
	struct loop *loop;
	struct mptcp_pm *pm;
};

static void on_mptcp(void *ctx, const struct mptcp_event *e)
{
	static const char *const names[] = {
		"other", "created", "established", "closed", "announced",
		"removed", "sub-established", "sub-closed", "sub-priority",
		"overrun",
	};
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	printf("%s token=%08x local=%s remote=%s if=%d backup=%d server=%d "
	       "error=%u reason=%d ids=%u,%u\n", names[e->kind], e->token,
	       addr_format(&e->local, local), addr_format(&e->remote, remote),
	       e->ifindex, e->backup, e->server_side, e->error, e->reset_reason,
	       e->local_id, e->remote_id);
}

/* ADDRESS@DEVICE or ADDRESS@DEVICE+backup, DEVICE - is none */
static bool endpoint_of(struct mptcp_pm_endpoint *e, char *word)
{
	char *device = strchr(word, '@'), *backup = strchr(word, '+');

	if (!device)
		return false;
	*device++ = 0;
	if (backup)
		*backup = 0;
	e->backup = backup;
	e->ifindex = (int)if_nametoindex(device);
	return !addr_parse(&e->addr, word, 0);
}

static int mptcp_endpoints(struct mptcp_pm *pm, char *words, struct kerr *err)
{
	struct mptcp_pm_endpoint want[PREFIXES_MAX] = { 0 };
	unsigned count = 0;

	for (char *word; (word = strsep(&words, " "));)
		if (*word && (count == PREFIXES_MAX ||
		              !endpoint_of(&want[count++], word)))
			return -EINVAL;
	return mptcp_pm_set_endpoints(pm, want, count, err);
}

static int mptcp_verb(struct paths *p, const char *verb, char *rest,
                      struct kerr *err)
{
	struct mptcp_msg_limits limits;
	int rc = -EINVAL;

	if (!strcmp(verb, "endpoints"))
		return mptcp_endpoints(p->pm, rest, err);
	if (!strcmp(verb, "raise"))
		return mptcp_pm_raise_limits(p->pm, (unsigned)atoi(rest), err);
	if (!strcmp(verb, "accept"))
		return mptcp_pm_set_accepted_addresses(p->pm,
		                                       (unsigned)atoi(rest), err);
	if (!strcmp(verb, "scheduler"))
		return mptcp_pm_set_scheduler(p->pm, rest, err);
	if (!strcmp(verb, "cleanup"))
		return mptcp_pm_cleanup(p->pm, err);
	if (!strcmp(verb, "limits") && !(rc = mptcp_pm_limits(p->pm, &limits, err)))
		printf("subflows %u accepted %u\n", limits.subflows,
		       limits.accepted);
	if (!strcmp(verb, "nap"))
		return poll(NULL, 0, atoi(rest));
	if (!strcmp(verb, "stats")) {
		struct mptcp_pm_stats stats = mptcp_pm_stats(p->pm);
		printf("stats events=%llu overruns=%llu malformed=%llu\n",
		       (unsigned long long)stats.events,
		       (unsigned long long)stats.overruns,
		       (unsigned long long)stats.malformed);
		rc = 0;
	}
	return rc;
}

static void on_mptcp_command(void *ctx, unsigned events)
{
	struct kerr err = { "usage" };
	struct paths *p = ctx;
	char line[1024];
	ssize_t n = read(0, line, sizeof(line) - 1);

	if (n <= 0) {
		loop_stop(p->loop);
		return;
	}
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	char *rest = line, *verb = strsep(&rest, " ");
	int rc = mptcp_verb(p, verb, rest ? rest : line + n, &err);
	printf("%s\n.\n", rc ? err.text : "ok");
}

static int command_mptcp(int argc, char **argv)
{
	struct paths p = { .loop = loop_create() };
	struct kerr err = { "usage" };

	if (argc != 1)
		return fail("mptcp", &err);
	p.pm = mptcp_pm_create(p.loop, strcmp(argv[0], "-") ? argv[0] : NULL,
	                       on_mptcp, &p, &err);
	if (!p.pm) {
		loop_destroy(p.loop);
		return fail("mptcp_pm_create", &err);
	}
	struct loop_io *in = loop_io_create(p.loop, 0, LOOP_READ,
	                                    on_mptcp_command, &p);
	printf("ready\n");
	loop_run(p.loop);
	loop_io_destroy(in);
	mptcp_pm_destroy(p.pm);
	loop_destroy(p.loop);
	return 0;
}

/* mptcpconnect DEVICE|- SOURCE|- DESTINATION: an MPTCP connection, of which
 * "info" and "send BYTES" are asked; "counters" are the namespace's -------- */

static void print_set(const char *what, int rc)
{
	printf("%s %s\n", what, rc ? strerror(-rc) : "ok");
}

static void set_options(int fd)
{
	char in_use[SOCKOPT_CC_NAME_MAX];

	print_set("congestion", sockopt_set_congestion(fd, "bbr", in_use));
	print_set("nodelay", sockopt_set_nodelay(fd));
	print_set("lowat", sockopt_set_notsent_lowat(fd, 65536));
	print_set("user-timeout", sockopt_set_user_timeout(fd, 5000));
	print_set("keepalive", sockopt_set_keepalive(fd, 5, 5, 3));
}

static void print_subflow(const struct mptcpinfo_subflow *s)
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	printf("subflow id=%u local=%s remote=%s srtt=%u cwnd=%llu sent=%llu "
	       "received=%llu unacked=%llu rate=%llu bbr=%llu\n", s->id,
	       addr_format(&s->local, local), addr_format(&s->remote, remote),
	       s->tcp.srtt_us, (unsigned long long)s->tcp.cwnd_bytes,
	       (unsigned long long)s->tcp.bytes_sent,
	       (unsigned long long)s->tcp.bytes_received,
	       (unsigned long long)s->tcp.unacked_bytes,
	       (unsigned long long)s->tcp.delivery_rate_bps,
	       (unsigned long long)s->tcp.bbr_bw_bps);
}

static void print_mptcp_info(int fd)
{
	struct mptcpinfo info;
	int rc = mptcpinfo_read(fd, true, &info);

	printf("mptcp=%d ", sockopt_is_mptcp(fd));
	if (rc) {
		printf("plain (%s)\n", strerror(-rc));
		return;
	}
	printf("info has=%x fallback=%d key=%d checksum=%d token=%08x joined=%u "
	       "total=%u sent=%llu acked=%llu received=%llu outq=%llu unsent=%llu\n",
	       info.has, info.fallback, info.remote_key, info.checksum,
	       info.token, info.joined, info.subflows_total,
	       (unsigned long long)info.bytes_sent,
	       (unsigned long long)info.bytes_acked,
	       (unsigned long long)info.bytes_received,
	       (unsigned long long)info.outq_bytes,
	       (unsigned long long)info.unsent_bytes);
	for (unsigned i = 0; i < info.count; i++)
		print_subflow(&info.subflows[i]);
}

/* As much as goes in without waiting. */
static void send_zeros(int fd, size_t bytes)
{
	static const char zeros[65536];
	size_t sent = 0;

	while (sent < bytes) {
		size_t part = bytes - sent < sizeof(zeros) ? bytes - sent
		                                           : sizeof(zeros);
		ssize_t n = write(fd, zeros, part);
		if (n <= 0)
			break;
		sent += (size_t)n;
	}
	printf("sent %zu\n", sent);
}

static void connection_commands(int fd)
{
	char line[256];

	while (fgets(line, sizeof(line), stdin)) {
		if (!strncmp(line, "info", 4))
			print_mptcp_info(fd);
		else if (!strncmp(line, "send ", 5))
			send_zeros(fd, (size_t)atoll(line + 5));
		else if (!strncmp(line, "options", 7))
			set_options(fd);
		printf(".\n");
	}
}

static int command_mptcpconnect(int argc, char **argv)
{
	struct addr source = { 0 }, to;

	if (argc != 3 || addr_parse(&to, argv[2], -1) < 0 ||
	    (strcmp(argv[1], "-") && addr_parse(&source, argv[1], 0) < 0))
		return 1;
	int fd = sockopt_mptcp_open(to.family,
	                            strcmp(argv[0], "-") ? argv[0] : NULL, &source);
	if (fd >= 0)
		set_options(fd);
	int rc = fd < 0 ? fd : sockopt_connect(fd, &to);
	if (!rc) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };
		rc = poll(&p, 1, 10000) ? sockopt_error(fd) : -ETIMEDOUT;
	}
	printf("%s\n", rc ? strerror(-rc) : "connected");
	if (!rc)
		connection_commands(fd);
	if (fd >= 0)
		close(fd);
	return 0;
}

/* What went wrong in this namespace, what is in the way, its schedulers. */
static int command_mptcpcounters(int argc, char **argv)
{
	char words[MPTCP_SYSCTL_WORDS_MAX];
	char list[MPTCP_SCHED_LIST_MAX], now[MPTCP_SCHED_NAME_MAX];
	struct mptcpinfo_counters c;
	int rc = mptcpinfo_counters(NULL, &c);

	if (rc) {
		fprintf(stderr, "mptcpcounters: %s\n", strerror(-rc));
		return 1;
	}
	printf("syn=%llu synack=%llu fallback_synack=%llu drop=%llu disabled=%llu "
	       "blackhole=%llu joins=%llu established=%llu\n",
	       (unsigned long long)c.capable_syn_tx,
	       (unsigned long long)c.capable_synack_rx,
	       (unsigned long long)c.fallback_synack,
	       (unsigned long long)c.syn_tx_drop,
	       (unsigned long long)c.syn_tx_disabled,
	       (unsigned long long)c.blackhole,
	       (unsigned long long)c.join_synack_rx,
	       (unsigned long long)c.established);
	if (mptcp_sysctl_obstacle(NULL, argc > 0, words))
		printf("obstacle: %s\n", words);
	if (!mptcp_sched_current(NULL, now) &&
	    !mptcp_sched_available(NULL, list, sizeof(list)))
		printf("scheduler %s of %s\n", now, list);
	return 0;
}

/* caps USER|- +COMMAND... or PROGRAM...: drops privileges, then runs a command
 * of this program itself, or another program ------------------------------ */

static int run_command(int argc, char **argv);

static int command_caps(int argc, char **argv)
{
	struct kerr err = { "usage" };
	char missing[256];

	if (argc < 2 || caps_drop(strcmp(argv[0], "-") ? argv[0] : NULL, &err))
		return fail("caps", &err);
	caps_missing(missing, sizeof(missing));
	printf("missing: %s\n", missing);
	if (*argv[1] == '+') {
		argv[1]++;
		return run_command(argc - 1, argv + 1);
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}

/* What the kernel says of this very process. */
static int command_status(int argc, char **argv)
{
	FILE *file = fopen("/proc/self/status", "re");
	int c;

	while (file && (c = getc(file)) != EOF)
		putchar(c);
	if (file)
		fclose(file);
	return !file;
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "netmon", command_netmon },
	{ "route", command_route },
	{ "intercept", command_intercept },
	{ "ruleset", command_ruleset },
	{ "link", command_link },
	{ "nat", command_nat },
	{ "nft", command_nft },
	{ "listen", command_listen },
	{ "connect", command_connect },
	{ "mptcp", command_mptcp },
	{ "mptcpconnect", command_mptcpconnect },
	{ "mptcpcounters", command_mptcpcounters },
	{ "caps", command_caps },
	{ "status", command_status },
};

static int run_command(int argc, char **argv)
{
	size_t count = sizeof(commands) / sizeof(commands[0]);

	for (size_t i = 0; argc && i < count; i++)
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "kernel_tool: no such command\n");
	return 2;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	return run_command(argc - 1, argv + 1);
}
