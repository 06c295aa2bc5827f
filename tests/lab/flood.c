/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: flood ADDRESS PORT SECONDS: random datagrams to that port, as fast as this machine
 * sends them, many in a message. Every second message begins like a datagram of the packet
 * tunnel (agg/transport/datagram.h). Prints how many went, and how many were answered.
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

static int open_socket(const char *address, int port)
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
	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) < 0)
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
	uint64_t sent = 0;
	unsigned heard = 0;

	if (argc != 4 || strtoul(argv[3], NULL, 10) > SECONDS_MAX) {
		fprintf(stderr, "usage: flood ADDRESS PORT SECONDS\n");
		return 2;
	}
	int fd = open_socket(argv[1], atoi(argv[2]));
	uint64_t end_us = now_us() + strtoul(argv[3], NULL, 10) * 1000000;
	for (unsigned i = 0; now_us() < end_us; i++) {
		fill(&rand, bytes, i % 2);
		if (send(fd, bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes))
			sent += AT_ONCE;
		else if (errno != ENOBUFS && errno != ECONNREFUSED && errno != EAGAIN)
			die("send");
		heard += answers(fd);
	}
	usleep(200000);
	heard += answers(fd);
	printf("%llu %u\n", (unsigned long long)sent, heard);
	return 0;
}
