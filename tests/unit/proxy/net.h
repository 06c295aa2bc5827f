/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: sockets on loopback and a loop that runs until something is true, for
 * the tests of proxy/.
 */
#ifndef TESTS_NET_H
#define TESTS_NET_H

#include "agg/base/addr.h"
#include "agg/base/loop.h"

#include <stdbool.h>
#include <sys/resource.h>

#define NET_WAIT_US 20000000 /* long past this, a test has failed */

typedef bool net_condition(void *ctx);

/* Runs the loop until is_true(ctx), which is asked every millisecond. False:
 * NET_WAIT_US went by. */
bool net_run_until(struct loop *loop, net_condition *is_true, void *ctx);
/* Runs it for so long. */
void net_run_for(struct loop *loop, uint64_t us);

/* A listener on the address; *bound says which port it got. */
int net_listen(const char *at, struct addr *bound, int backlog);
/* A connected pair on 127.0.0.1, both non-blocking. */
void net_tcp_pair(int fds[2]);
int net_connect(const struct addr *to); /* non-blocking, on its way */

/* A process with few descriptors, of which those that streams may have are in
 * use; and as before. */
struct net_few {
	rlim_t before;
	int filled[100];
	unsigned count;
};
void net_few_begin(struct net_few *few);
void net_few_end(struct net_few *few);

/* Reads what is there. What it says of the end: */
enum net_end { NET_OPEN, NET_EOF, NET_RESET };
struct net_reader {
	int fd;
	size_t n;          /* bytes so far, the first sizeof(bytes) kept */
	enum net_end end;
	uint8_t bytes[1024];
	uint64_t sum;      /* of all bytes and their places */
};
void net_read(struct net_reader *r);
uint64_t net_sum(uint64_t sum, size_t at, const uint8_t *p, size_t n);

#endif
