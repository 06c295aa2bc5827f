/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the process's file descriptors, which are what it runs out of first.
 * The kernel gives the lowest number that is free, so a fresh descriptor's
 * own number says how many are in use: nobody has to count. The last ones are
 * a reserve, so that whatever the LAN and its destinations do, control, netlink,
 * nft and the subflows still find one.
 */
#ifndef AGG_BASE_DESCRIPTORS_H
#define AGG_BASE_DESCRIPTORS_H

#include <stdbool.h>

/* A quarter of the limit is kept from streams, within these bounds; and of
 * that a quarter from strangers' connections too. */
#define DESCRIPTORS_RESERVE_MIN 64u
#define DESCRIPTORS_RESERVE_MAX 1024u

enum descriptors_use {
	DESCRIPTORS_STREAM,  /* a LAN client, a dial: leaves the reserve alone */
	DESCRIPTORS_SUBFLOW, /* and who knocks, who may become a subflow */
};

/* Raises the soft limit to the hard one, once, at start. The limit that holds
 * now, or -errno. */
long descriptors_raise(void);

/* How many this use leaves to others, of a limit. Pure. */
unsigned descriptors_reserve(enum descriptors_use use, unsigned long limit);

/* How many streams there are descriptors for, `most` at most. */
unsigned descriptors_for_streams(unsigned most);

/* About how many are in use: all below the first that is free. */
unsigned descriptors_used(void);

/* May fd, which was opened just now, serve this use? If not, close it. */
bool descriptors_allow(enum descriptors_use use, int fd);

#endif
