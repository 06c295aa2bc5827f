/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kernel room from a command line, for the tests in network
 * namespaces. Each command prints lines that a test reads, and ends with 0 or
 * with 1 and the error's words on standard error.
 */
#include "agg/base/loop.h"
#include "agg/kernel/caps.h"
#include "agg/kernel/netmon.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/route.h"
#include "agg/kernel/sockopt.h"

#include <errno.h>
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
		printf("stats hints=%llu dumps=%llu overruns=%llu malformed=%llu\n",
		       (unsigned long long)stats.hints,
		       (unsigned long long)stats.dumps,
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
		rc = route_set_tproxy(r, (uint32_t)strtoul(argv[1], NULL, 0), &err);
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

/* DEVICE PORT MARK MODES(two of t, f, r: IPv4, IPv6) [PREFIX | =PREFIX...]:
 * bypassed, or with a "=" connected. */
static int intercept(int argc, char **argv, bool apply)
{
	const char *device = argv[0];
	struct prefix bypass[PREFIXES_MAX], connected[PREFIXES_MAX];
	struct intercept want = { .devices = &device, .devices_count = 1,
	                          .bypass = bypass, .connected = connected };
	struct kerr err = { "usage" };
	struct buf text;

	if (argc < 4 || argc > 4 + PREFIXES_MAX)
		return fail("intercept", &err);
	want.port = (uint16_t)atoi(argv[1]);
	want.mark = (uint32_t)strtoul(argv[2], NULL, 0);
	want.v4_mode = mode_of(argv[3][0]);
	want.v6_mode = mode_of(argv[3][1]);
	for (int i = 4; i < argc; i++)
		if (*argv[i] == '=' ?
		    prefix_parse(&connected[want.connected_count++], argv[i] + 1) :
		    prefix_parse(&bypass[want.bypass_count++], argv[i]))
			return fail(argv[i], &err);
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
	{ "nft", command_nft },
	{ "listen", command_listen },
	{ "connect", command_connect },
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
