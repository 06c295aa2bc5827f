/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: flood ADDRESS PORT SECONDS [RATE [singly]]: random datagrams to that port, as fast as
 * this machine sends them or so many a second, many in a message: as a network card puts those
 * of one sender together; or singly, as they come from many. Half of them begin like a datagram
 * of the packet tunnel (agg/transport/datagram.h). Prints how many went, and how many were
 * answered.
 */
#include "agg/base/addr.h"
#include "agg/base/rand.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SIZE 64u        /* of a datagram */
#define AT_ONCE 60u     /* in a message */
#define FIRST_BYTE 0x10 /* version 1, sealed */
#define SECONDS_MAX 60u

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int open_socket(const char *address, int port, bool singly)
{
	struct sockaddr_storage to;
	struct addr a;
	int size = SIZE;

	if (addr_parse(&a, address, port) < 0) {
		fprintf(stderr, "flood: address '%s'\n", address);
		exit(2);
	}
	socklen_t len = addr_to_sockaddr(&a, &to);
	int fd = socket(a.family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, len) < 0)
		die(address);
	if (!singly && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0)
		die("UDP_SEGMENT");
	return fd;
}

static void fill(struct rand *rand, uint8_t *bytes, bool like_ours)
{
	for (size_t i = 0; i < SIZE * AT_ONCE; i += sizeof(uint64_t)) {
		uint64_t word = rand_u64(rand);
		memcpy(bytes + i, &word, sizeof(word));
	}
	for (size_t i = 0; like_ours && i < SIZE * AT_ONCE; i += SIZE)
		bytes[i] = FIRST_BYTE;
}

/* How many went; -1: errno. */
static int send_all(int fd, uint8_t *bytes, bool singly)
{
	struct mmsghdr messages[AT_ONCE] = { 0 };
	struct iovec parts[AT_ONCE];

	if (!singly)
		return send(fd, bytes, SIZE * AT_ONCE, 0) < 0 ? -1 : (int)AT_ONCE;
	for (unsigned i = 0; i < AT_ONCE; i++) {
		parts[i] = (struct iovec){ bytes + i * SIZE, SIZE };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	return sendmmsg(fd, messages, AT_ONCE, 0);
}

static unsigned answers(int fd)
{
	uint8_t bytes[2048];
	unsigned n = 0;

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		n++;
	return n;
}

int main(int argc, char **argv)
{
	uint8_t bytes[SIZE * AT_ONCE];
	struct rand rand = { 1 };
	uint64_t sent = 0, rate = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	bool singly = argc > 5 && !strcmp(argv[5], "singly");
	unsigned heard = 0;

	if (argc < 4 || argc > 6 || strtoul(argv[3], NULL, 10) > SECONDS_MAX) {
		fprintf(stderr, "usage: flood ADDRESS PORT SECONDS [RATE [singly]]\n");
		return 2;
	}
	int fd = open_socket(argv[1], atoi(argv[2]), singly);
	uint64_t begin_us = now_us(), us = strtoul(argv[3], NULL, 10) * 1000000, passed_us;
	for (unsigned i = 0; (passed_us = now_us() - begin_us) < us; i++) {
		if (rate && sent > rate * passed_us / 1000000) {
			usleep(500);
			continue;
		}
		fill(&rand, bytes, i % 2);
		int n = send_all(fd, bytes, singly);
		if (n > 0)
			sent += (unsigned)n;
		else if (errno != ENOBUFS && errno != ECONNREFUSED && errno != EAGAIN)
			die("send");
		heard += answers(fd);
	}
	usleep(200000);
	heard += answers(fd);
	printf("%llu %u\n", (unsigned long long)sent, heard);
	return 0;
}
