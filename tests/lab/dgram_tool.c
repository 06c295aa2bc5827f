/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: dgram_tool GATEWAY CONCENTRATOR PORT ADDRESS...: a packet tunnel whose ends are in
 * two network namespaces, with a path to each of the concentrator's addresses; that end has
 * two workers, of which the second has the tunnel. Their sessions are played. A line on
 * standard input is a number of packets that each end sends; it is answered, when they have
 * arrived, or nothing has for half a second, by what arrived, by what is known of each path,
 * and a dot.
 */
#include "agg/base/loop.h"
#include "agg/kernel/udp.h"
#include "agg/transport/tunnel_shell.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKERS 2u
#define AT_ONCE 50u
#define WAIT_US 500000u /* nothing more came for so long */
#define STEP_US 2000u

struct end {
	struct tunnel_shell *shell;
	struct end *other;
	struct wire_frame heard;
	struct loop_task hand;
	unsigned sent, received;
};

static struct {
	struct loop *loop;
	struct packet_pool *pool;
	struct dgram *gateways, *workers[WORKERS];
	struct end gateway, site;
	struct loop_timer *timer;
	unsigned paths, wanted;
	uint64_t end_us;
} tool;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void enter(const char *space)
{
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", space);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

/* What the sessions do ---------------------------------------------------------- */

static void deliver(void *ctx, struct packet *p, const struct inspection *in)
{
	struct end *e = ctx;

	e->received++;
	tool.end_us = loop_now_us(tool.loop) + WAIT_US;
	packet_put(p);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct end *e = ctx;

	e->other->heard = *frame;
	loop_task_post(&e->other->hand);
}

static void hand(void *ctx)
{
	struct end *e = ctx;

	tunnel_frame(tunnel_shell_tunnel(e->shell), &e->heard);
}

static const struct tunnel_shell_events events = { .deliver = deliver, .say = say };

static void make(struct end *e, struct end *other, struct dgram *dgram, bool is_gateway)
{
	const struct tunnel_shell_args args = {
		.loop = tool.loop, .dgram = dgram, .is_gateway = is_gateway,
		.suite = dgram_suite(dgram), .pool = tool.pool,
		.queue_bytes_max = 8u << 20, .events = &events, .ctx = e,
	};

	e->other = other;
	loop_task_init(&e->hand, tool.loop, hand, e);
	e->shell = tunnel_shell_create(&args);
	if (!e->shell)
		die("tunnel_shell_create");
}

/* Packets ------------------------------------------------------------------------ */

static void put(struct end *e)
{
	struct tunnel *t = tunnel_shell_tunnel(e->shell);
	struct packet *p = packet_get(tool.pool);
	unsigned n = tunnel_mtu(t); /* as long as may be */

	if (!p)
		return;
	uint8_t *b = packet_data(p);
	p->len = (uint16_t)n;
	memset(b, 0, n);
	memcpy(b, (uint8_t[]){ 0x45, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0x40, 0, 64, 17,
	                       0, 0, 192, 168, 1, 2, 203, 0, 113, 1, 1, 2, 3, 4,
	                       (uint8_t)((n - 20) >> 8), (uint8_t)(n - 20) }, 26);
	e->sent++;
	tunnel_put(t, p);
}

static void print_paths(const char *name, struct end *e)
{
	struct tunnel_stats s;

	tunnel_stats(tunnel_shell_tunnel(e->shell), &s);
	for (unsigned i = 0; i < tool.paths; i++)
		printf("%s path=%u usable=%d mtu=%u port=%u moves=%u\n", name, i,
		       s.path[i].usable, s.path[i].mtu, s.path[i].ends.peer.port,
		       s.path[i].moves);
}

static void answer(void)
{
	struct dgram_stats g, w[WORKERS];

	dgram_stats(tool.gateways, &g);
	for (unsigned i = 0; i < WORKERS; i++)
		dgram_stats(tool.workers[i], &w[i]);
	printf("gateway received=%u segments=%d lost=%llu strange=%llu\n",
	       tool.gateway.received, g.segments, (unsigned long long)g.lost,
	       (unsigned long long)g.strange);
	printf("site received=%u segments=%d strange=%llu\n", tool.site.received,
	       w[1].segments, (unsigned long long)(w[0].strange + w[1].strange));
	print_paths("gateway", &tool.gateway);
	print_paths("site", &tool.site);
	printf(".\n");
	fflush(stdout);
}

static void on_timer(void *ctx)
{
	struct end *ends[] = { &tool.gateway, &tool.site };
	bool done = true;

	for (unsigned i = 0; i < 2; i++) {
		struct end *e = ends[i];
		if (e->sent <= e->other->received + AT_ONCE)
			for (unsigned n = 0; n < AT_ONCE && e->sent < tool.wanted; n++)
				put(e);
		done &= e->other->received >= tool.wanted;
	}
	if (done || loop_now_us(tool.loop) >= tool.end_us) {
		answer();
		return;
	}
	loop_timer_arm(tool.timer, loop_now_us(tool.loop) + STEP_US);
}

static void on_line(void *ctx, unsigned ready)
{
	char line[64];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0) {
		loop_stop(tool.loop);
		return;
	}
	line[n] = 0;
	tool.wanted = (unsigned)atoi(line);
	tool.gateway.sent = tool.gateway.received = 0;
	tool.site.sent = tool.site.received = 0;
	tool.end_us = loop_now_us(tool.loop) + WAIT_US;
	loop_timer_arm(tool.timer, 0);
}

/* ---------------------------------------------------------------------------------- */

static struct addr listen_at(const char *text, uint16_t port)
{
	struct addr at;
	int fds[WORKERS];

	if (addr_parse(&at, text, port) < 0 || udp_listen(&at, NULL, fds, WORKERS) < 0)
		die(text);
	for (unsigned i = 0; i < WORKERS; i++)
		if (!dgram_adopt(tool.workers[i], fds[i]))
			die("dgram_adopt");
	return at;
}

static void open_paths(char **argv)
{
	struct tunnel_way ways[TUNNEL_PATHS_MAX];

	memset(ways, 0, sizeof(ways));
	enter(argv[2]);
	for (; argv[4 + tool.paths] && tool.paths < TUNNEL_PATHS_MAX; tool.paths++)
		ways[tool.paths].peer = listen_at(argv[4 + tool.paths],
		                                  (uint16_t)atoi(argv[3]));
	enter(argv[1]); /* where sockets are made again, too */
	make(&tool.site, &tool.gateway, tool.workers[1], false);
	make(&tool.gateway, &tool.site, tool.gateways, true);
	for (unsigned i = 0; i < tool.paths; i++)
		if (tunnel_shell_connect(tool.gateway.shell, i, &ways[i], 0) < 0)
			die("tunnel_shell_connect");
}

int main(int argc, char **argv)
{
	if (argc < 5)
		return 2;
	tool.loop = loop_create();
	tool.pool = packet_pool_create(8192, NULL);
	tool.gateways = dgram_create(tool.loop, 0, 1);
	for (unsigned i = 0; i < WORKERS; i++)
		tool.workers[i] = dgram_create(tool.loop, i, WORKERS);
	tool.timer = loop_timer_create(tool.loop, on_timer, NULL);
	open_paths(argv);
	struct loop_io *in = loop_io_create(tool.loop, STDIN_FILENO, LOOP_READ, on_line, NULL);
	printf("ready\n");
	fflush(stdout);
	loop_run(tool.loop);
	loop_io_destroy(in);
	tunnel_shell_destroy(tool.gateway.shell);
	tunnel_shell_destroy(tool.site.shell);
	return 0;
}
