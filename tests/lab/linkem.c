/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: linkem.c - emulates links between pairs of TAP devices, each pair in
 * two network namespaces (netem is missing from many kernels). Owns the
 * devices, the control socket and the clock; what happens to a frame is
 * decided in shaper.c, what a command does in linkem_ctl.c.
 *
 *     linkem -s SOCKET [-r SEED] NAME GW_NS GW_DEV ISP_NS ISP_DEV [...]
 *     linkem -c SOCKET COMMAND...         (sends a command, prints the answer)
 *
 * One process carries all links: one wakeup then serves every frame that is
 * due. It asks for real-time priority, because the links must not get slower
 * when the machine is busy, and dies with its parent. "ready" on stdout says
 * that the devices exist.
 */
#include "tests/lab/linkem_ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 65536        /* a TAP never gives more */
#define READS_PER_TURN_MAX 64  /* frames of one device before the others */
#define EVENTS_MAX 64
#define CLIENTS_MAX 16
#define TICK_NS 200000         /* at most one turn in this time: frames gather */
#define EARLY_NS_MAX (TICK_NS / 2) /* a frame may leave this early, as it may late */
#define NS_PER_S 1000000000u
#define WORDS_PER_LINK 5

enum side { SIDE_GW, SIDE_ISP };
#define SIDE_COUNT (SIDE_ISP + 1)

enum fd_kind { FD_TAP, FD_LISTENER, FD_CLIENT };

struct linkem {
	struct link links[LINKEM_LINKS_MAX];
	int taps[LINKEM_LINKS_MAX][SIDE_COUNT];
	unsigned count;
	struct linkem_ctl ctl;
	int epoll, listener;
	uint8_t frame[FRAME_MAX];
};

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "linkem: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(struct linkem *em, int fd, enum fd_kind kind, unsigned index)
{
	struct epoll_event ev = {
		.events = EPOLLIN,
		.data.u64 = (uint64_t)kind << 32 | index,
	};

	if (epoll_ctl(em->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

/* A TAP in the namespace; the caller is in it afterwards. */
static int open_tap(const char *ns, const char *device)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	char path[256];
	int ns_fd, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	ns_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (ns_fd < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
		die(path);
	close(ns_fd);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		die("/dev/net/tun");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		die(device);
	return fd;
}

static void add_link(struct linkem *em, char **words, uint64_t seed)
{
	static const struct shaper_config open_road = { 0 };
	struct link *link = &em->links[em->count];

	if (strlen(words[0]) >= LINKEM_NAME_MAX) {
		errno = ENAMETOOLONG;
		die(words[0]);
	}
	snprintf(link->name, sizeof(link->name), "%s", words[0]);
	link->carrier = true;
	for (unsigned d = 0; d < LINK_DIR_COUNT; d++)
		shaper_init(&link->dir[d], &open_road,
		            seed + em->count * LINK_DIR_COUNT + d);
	for (unsigned side = 0; side < SIDE_COUNT; side++) {
		em->taps[em->count][side] =
			open_tap(words[1 + 2 * side], words[2 + 2 * side]);
		watch(em, em->taps[em->count][side], FD_TAP,
		      em->count * SIDE_COUNT + side);
	}
	em->count++;
}

static int set_carrier(void *ctx, unsigned link, bool up)
{
	struct linkem *em = ctx;
	int value = up;

	if (ioctl(em->taps[link][SIDE_GW], TUNSETCARRIER, &value) < 0)
		return -errno;
	return 0;
}

static void listen_at(struct linkem *em, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	em->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (em->listener < 0 ||
	    bind(em->listener, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    listen(em->listener, CLIENTS_MAX) < 0)
		die(path);
	watch(em, em->listener, FD_LISTENER, 0);
}

static void on_tap_readable(struct linkem *em, unsigned index, uint64_t now_ns)
{
	struct link *link = &em->links[index / SIDE_COUNT];
	enum side side = index % SIDE_COUNT;
	struct shaper *s = &link->dir[side == SIDE_GW ? LINK_UP : LINK_DOWN];
	int fd = em->taps[index / SIDE_COUNT][side];

	for (unsigned i = 0; i < READS_PER_TURN_MAX; i++) {
		ssize_t n = read(fd, em->frame, sizeof(em->frame));

		if (n <= 0)
			return;
		shaper_push(s, em->frame, (size_t)n, now_ns);
	}
}

static void on_client_readable(struct linkem *em, int fd, uint64_t now_ns)
{
	char command[LINKEM_COMMAND_MAX], answer[LINKEM_ANSWER_MAX];
	ssize_t n = recv(fd, command, sizeof(command) - 1, 0);

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			close(fd);
		return;
	}
	command[n] = '\0';
	linkem_ctl_run(&em->ctl, command, now_ns, answer);
	if (send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
		close(fd);
}

static void on_listener_readable(struct linkem *em)
{
	int fd = accept4(em->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		watch(em, fd, FD_CLIENT, (unsigned)fd);
}

/* A write that fails (device down, no memory) is a frame lost: as on a wire. */
static void deliver(struct shaper *s, int fd, uint64_t now_ns)
{
	struct shaper_packet *p;

	while ((p = shaper_pop(s, now_ns))) {
		if (write(fd, p->frame, p->len) < 0)
			s->counters.dropped_cut++;
		free(p);
	}
}

static void deliver_all(struct linkem *em, uint64_t now_ns)
{
	for (unsigned i = 0; i < em->count; i++) {
		deliver(&em->links[i].dir[LINK_DOWN], em->taps[i][SIDE_GW], now_ns);
		deliver(&em->links[i].dir[LINK_UP], em->taps[i][SIDE_ISP], now_ns);
	}
}

static uint64_t next_ns(const struct linkem *em)
{
	uint64_t next = UINT64_MAX;

	for (unsigned i = 0; i < em->count; i++) {
		for (unsigned d = 0; d < LINK_DIR_COUNT; d++) {
			uint64_t t = shaper_next_ns(&em->links[i].dir[d]);

			next = t < next ? t : next;
		}
	}
	return next;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_S),
	                          .tv_nsec = (long)(ns % NS_PER_S) };
}

/* The next turn is a tick after the last one, or later, when there is nothing
 * to do: a busy link costs one wakeup a tick, not two a frame. */
static int wait_events(struct linkem *em, struct epoll_event *events,
                       uint64_t last_turn_ns)
{
	uint64_t next = next_ns(em), now_ns;
	struct timespec t = to_timespec(last_turn_ns + TICK_NS);

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	now_ns = clock_ns();
	t = to_timespec(next > now_ns ? next - now_ns : 0);
	return epoll_pwait2(em->epoll, events, EVENTS_MAX,
	                    next == UINT64_MAX ? NULL : &t, NULL);
}

static void run(struct linkem *em)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now_ns = clock_ns();

	for (;;) {
		int n = wait_events(em, events, now_ns);

		now_ns = clock_ns();
		for (int i = 0; i < n; i++) {
			unsigned index = (unsigned)(events[i].data.u64 & UINT32_MAX);

			switch ((enum fd_kind)(events[i].data.u64 >> 32)) {
			case FD_TAP:
				on_tap_readable(em, index, now_ns);
				break;
			case FD_LISTENER:
				on_listener_readable(em);
				break;
			case FD_CLIENT:
				on_client_readable(em, (int)index, now_ns);
				break;
			}
		}
		deliver_all(em, clock_ns() + EARLY_NS_MAX);
	}
}

static int send_command(const char *path, char **words, int count)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char command[LINKEM_COMMAND_MAX] = "", answer[LINKEM_ANSWER_MAX];
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ssize_t n = -1;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	for (int i = 0; i < count; i++) {
		strncat(command, words[i], sizeof(command) - strlen(command) - 1);
		strncat(command, " ", sizeof(command) - strlen(command) - 1);
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    send(fd, command, strlen(command), 0) < 0 ||
	    (n = recv(fd, answer, sizeof(answer) - 1, 0)) < 0)
		die(path);
	answer[n] = '\0';
	fputs(answer, strncmp(answer, "error", 5) == 0 ? stderr : stdout);
	return strncmp(answer, "ok", 2) != 0;
}

static void run_in_time(void)
{
	struct sched_param sp = { .sched_priority = 1 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1UL);
	if (sched_setscheduler(0, SCHED_FIFO, &sp) < 0)
		fprintf(stderr, "linkem: no real-time priority: %s\n", strerror(errno));
}

static int usage(void)
{
	fputs("usage: linkem -s SOCKET [-r SEED] NAME GW_NS GW_DEV ISP_NS ISP_DEV ...\n"
	      "       linkem -c SOCKET COMMAND...\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	const char *listen_path = NULL, *client_path = NULL;
	struct linkem *em;
	uint64_t seed = 1;
	int opt;

	while ((opt = getopt(argc, argv, "+s:c:r:")) != -1) {
		if (opt == 's')
			listen_path = optarg;
		else if (opt == 'c')
			client_path = optarg;
		else if (opt == 'r')
			seed = strtoull(optarg, NULL, 0);
		else
			return usage();
	}
	if (client_path)
		return send_command(client_path, argv + optind, argc - optind);
	argc -= optind;
	argv += optind;
	if (!listen_path || argc == 0 || argc % WORDS_PER_LINK != 0 ||
	    argc / WORDS_PER_LINK > LINKEM_LINKS_MAX)
		return usage();
	run_in_time();
	em = calloc(1, sizeof(*em));
	if (!em || (em->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
		die("start");
	for (int i = 0; i < argc; i += WORDS_PER_LINK)
		add_link(em, argv + i, seed);
	em->ctl = (struct linkem_ctl){ .links = em->links, .count = em->count,
	                               .set_carrier = set_carrier, .ctx = em };
	listen_at(em, listen_path);
	puts("ready");
	fflush(stdout);
	run(em);
}
