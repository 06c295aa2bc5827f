/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: tun_tool none|tcp|udp SPACE SPACE: a TUN device "tun0" in each of two network
 * namespaces, what is read from one being written to the other. Says "ready" and
 * what offload they have. A line on standard input is answered by both devices' counters and
 * the CPU time so far; its end is ours. Says "gone" when a device was deleted.
 */
#include "tun/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const words[] = { "none", "tcp", "udp", NULL };

struct end {
	struct device *device;
	struct device *other;
};

static struct device *make(const char *space, const struct device_args *args)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", space);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		perror(path);
		exit(1);
	}
	close(fd);
	return device_create(args);
}

static void on_packet(void *ctx, struct packet *p)
{
	device_write(ctx, p);
}

static void print(const struct device *d)
{
	struct device_stats s;

	device_stats(d, &s);
	printf("read=%llu reads=%llu written=%llu writes=%llu memory=%llu invalid=%llu "
	       "long=%llu write=%llu\n", (unsigned long long)s.read,
	       (unsigned long long)s.reads, (unsigned long long)s.written,
	       (unsigned long long)s.writes, (unsigned long long)s.dropped_memory,
	       (unsigned long long)s.dropped_invalid, (unsigned long long)s.dropped_long,
	       (unsigned long long)s.dropped_write);
}

static bool answer(const struct end ends[2])
{
	struct rusage use;
	char line[80];

	if (!fgets(line, sizeof(line), stdin))
		return false;
	print(ends[0].device);
	print(ends[1].device);
	getrusage(RUSAGE_SELF, &use);
	printf("cpu=%.3f\n.\n", (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
	return true;
}

static void pump(struct end *e)
{
	int rc = device_read(e->device, on_packet, e->other);

	if (rc < 0) {
		printf("gone %s\n", rc == -EBADFD ? "EBADFD" : strerror(-rc));
		exit(0);
	}
	device_flush(e->other);
}

int main(int argc, char **argv)
{
	struct device_args args = { .name = "tun0",
	                            .pool = packet_pool_create(1024, NULL),
	                            .scratch = malloc(sizeof(struct device_scratch)) };
	struct end ends[2];

	if (argc != 4)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (strcmp(argv[1], words[args.offload]))
		args.offload++;
	for (int i = 0; i < 2; i++) {
		ends[i].device = make(argv[2 + i], &args);
		if (!ends[i].device) {
			perror("device_create");
			return 1;
		}
	}
	ends[0].other = ends[1].device;
	ends[1].other = ends[0].device;
	printf("ready %s %s %u\n", words[device_offload(ends[0].device)],
	       words[device_offload(ends[1].device)], device_index(ends[1].device));
	for (;;) {
		struct pollfd fds[3] = { { device_fd(ends[0].device), POLLIN, 0 },
		                         { device_fd(ends[1].device), POLLIN, 0 },
		                         { STDIN_FILENO, POLLIN, 0 } };
		poll(fds, 3, -1);
		for (int i = 0; i < 2; i++)
			if (fds[i].revents)
				pump(&ends[i]);
		if (fds[2].revents && !answer(ends))
			break;
	}
	device_destroy(ends[0].device);
	device_destroy(ends[1].device);
	packet_pool_destroy(args.pool);
	free(args.scratch);
	return 0;
}
