/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a netlink socket that hears what the kernel tells of. Where its buffer ran
 * over, the kernel says so once, and goes on to lose what comes until all that
 * waits has been read: what was asked for earlier may lack what was lost, so
 * only then is it told that something was.
 */
#ifndef AGG_KERNEL_NLHEAR_H
#define AGG_KERNEL_NLHEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mnl_socket;

struct nlhear {
	struct mnl_socket *socket; /* NULL: not open */
	bool losing;               /* since it ran over, until it is empty */
	uint64_t overruns;
};

/* Whole messages, size bytes of them. */
typedef void nlhear_fn(void *ctx, const char *buf, size_t size);

/* bus: NETLINK_ROUTE or another; groups: those below 32, as bits. 0, or -errno:
 * nlhear_close is to be called all the same. */
int nlhear_open(struct nlhear *hear, int bus, size_t receive_buffer_bytes,
                unsigned groups);
void nlhear_close(struct nlhear *hear);
/* One more group, by its number. 0 or -errno. */
int nlhear_join(struct nlhear *hear, uint32_t group);
int nlhear_fd(const struct nlhear *hear);

/* Hands on what waits, as far as a turn of the loop has time for it. True: some
 * was lost, and from here on all is heard again. */
bool nlhear_read(struct nlhear *hear, nlhear_fn *take, void *ctx);

#endif
