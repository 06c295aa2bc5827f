/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: UDP sockets for the packet tunnel, and many datagrams in one system call: several
 * of equal size in a row as one message (UDP_SEGMENT, Linux 4.18; UDP_GRO, 5.0), several
 * messages at once (sendmmsg, recvmmsg). Sockets are non-blocking and close-on-exec, and
 * the caller's. Their datagrams are never fragmented, and the kernel's idea of the path's
 * MTU is not asked: who probes for it must get through (ip(7), IP_PMTUDISC_PROBE).
 */
#ifndef AGG_KERNEL_UDP_H
#define AGG_KERNEL_UDP_H

#include "agg/base/addr.h"

#include <stddef.h>

#define UDP_MESSAGES_MAX 32u
#define UDP_SEGMENTS_MAX 64u     /* of a message; more from 6.9 on */
#define UDP_MESSAGE_BYTES_MAX 65000u
#define UDP_SOCKETS_MAX 64u      /* of one address */

/* One datagram, or several, of `segment` bytes each but the last. */
struct udp_message {
	uint8_t *p;
	size_t n;
	uint16_t segment;  /* 0: one datagram */
	bool addressed;    /* by these two; else as the socket is connected */
	struct addr peer;  /* to send to, or where it came from */
	struct addr local; /* to send from, or where it arrived; no port */
	bool ce;           /* the network marked it (RFC 3168); received only, */
	uint64_t waited_us; /* as this, since it arrived; 0: not, or not known */
};

/* A socket that knows but one peer. device "" or NULL: any; source of family AF_UNSPEC
 * or NULL: the kernel chooses. A descriptor or -errno. */
int udp_connect(const char *device, const struct addr *source, const struct addr *peer);

/* n sockets of one address, of which the i-th gets the datagrams of whose bytes 2 to 5, as
 * a number, i is the rest of a division by n. An IPv6 one takes IPv6 only. 0 or -errno:
 * then there is none. */
int udp_listen(const struct addr *at, const char *device, int *fds, unsigned n);

/* Numbers that prove themselves: the low bits follow from the others and a secret (odd), so
 * that one of 4096 is right by chance. The nearest to this one that is. */
uint32_t udp_proved(uint32_t number, uint32_t secret);
/* Of what comes the kernel drops, and wakes nobody for it, all that does not begin with that
 * byte, or whose bytes 2 to 5 are no proved number: a flood costs little more than its way
 * here. Not what it has put together of several (UDP_GRO) that are longer than one may be: by
 * its head nothing is said of the others. 0 or -errno. */
int udp_filter(int fd, uint8_t first, uint32_t secret, size_t bytes_max);

/* The first so many of these were sent; -EAGAIN, -ENOBUFS: none, it is full for now; else
 * -errno, of the first: -EIO or -EINVAL, if it has segments: this device or kernel cannot.
 */
int udp_send(int fd, const struct udp_message *messages, unsigned n);
/* Messages come with p and n as the room that there is, and go with what came. Their
 * number; -EAGAIN: none. What the network said of earlier ones is passed over. */
int udp_receive(int fd, struct udp_message *messages, unsigned n);

#endif
