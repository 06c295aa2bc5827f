/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: TCP and MPTCP sockets as aggd wants them, so that nobody else calls
 * setsockopt. Every socket made here is non-blocking and close-on-exec and
 * belongs to the caller. Each function returns 0 or a descriptor, else -errno.
 *
 * On an MPTCP socket an option holds for the subflows that there are and for
 * those that come. What kernels refuse there, with -EOPNOTSUPP or -ENOPROTOOPT
 * (once the connection has fallen back to TCP all work):
 *     TCP_USER_TIMEOUT        all up to 6.18 at least
 *     TCP_NOTSENT_LOWAT       before 6.9
 *     TCP_KEEPIDLE and so on  before 6.10; SO_KEEPALIVE, SO_MARK before 5.13
 *     IP_BIND_ADDRESS_NO_PORT before 6.8 (sockopt_mptcp_open does without)
 *     TCP_CONGESTION          before 5.13; TCP_NODELAY before 5.16
 *     SO_BINDTODEVICE         before 5.16
 */
#ifndef AGG_KERNEL_SOCKOPT_H
#define AGG_KERNEL_SOCKOPT_H

#include "agg/base/addr.h"

#include <stddef.h>
#include <sys/types.h>

#define SOCKOPT_CC_NAME_MAX 16 /* TCP_CA_NAME_MAX, with its NUL */
#define SOCKOPT_BACKLOG 1024   /* the kernel caps it at net.core.somaxconn */

/* A socket to connect with. device "" or NULL: any; source of family
 * AF_UNSPEC or NULL: the kernel chooses. A source's port 0 is chosen by
 * connect, when the destination is known, so that ports do not run out. */
int sockopt_tcp_open(sa_family_t family, const char *device,
                     const struct addr *source);

/* The same with MPTCP. device and source are those of the first subflow; a
 * join from another endpoint (mptcp_pm) leaves by that one's device.
 * -EPROTONOSUPPORT: this kernel has no MPTCP (before 5.6 -EINVAL);
 * -ENOPROTOOPT: net.mptcp.enabled is 0. */
int sockopt_mptcp_open(sa_family_t family, const char *device,
                       const struct addr *source);

/* What the socket sends leaves by that device only; "" or NULL: by any. */
int sockopt_bind_device(int fd, const char *device);

/* Is it an address of this host? */
bool sockopt_is_local(const struct addr *at);

/* Starts to connect. 0: connected, or on its way (writable tells the end,
 * sockopt_error how). */
/* Before connecting: no larger segment is sent, nor asked of the peer. */
int sockopt_set_maxseg(int fd, unsigned bytes);
int sockopt_connect(int fd, const struct addr *to);

/* The error that the socket has met since the last call: 0 or -errno. */
int sockopt_error(int fd);

/* A listener; an IPv6 one takes IPv6 only. device as above. The address may
 * come later, and go and come again. One that this process was started with
 * (inherit.h) is taken as it is. */
int sockopt_tcp_listen(const struct addr *at, const char *device);

/* The same for MPTCP. What it accepts of a client without MPTCP is a plain TCP
 * socket. Errors as sockopt_mptcp_open. */
int sockopt_mptcp_listen(const struct addr *at, const char *device);

/* A UDP socket at the address, which may be any of its family; device as above. */
int sockopt_udp_open(const struct addr *at, const char *device);
/* One datagram: its bytes, or -errno; -EAGAIN: none now, or no room. */
ssize_t sockopt_receive_from(int fd, void *p, size_t n, struct addr *from);
ssize_t sockopt_send_to(int fd, const void *p, size_t n, const struct addr *to);

/* Was the socket made as an MPTCP one? It may have fallen back to TCP since:
 * mptcpinfo_read() tells. */
bool sockopt_is_mptcp(int fd);

/* The listener that TPROXY hands connections to: transparent, and bound to
 * 127.0.0.1 or ::1, so that nobody reaches it by its port, and so that the
 * ruleset's `socket transparent` finds connections only. port 0: any, see
 * sockopt_local. Wants CAP_NET_ADMIN: -EPERM. */
int sockopt_tproxy_listen(sa_family_t family, uint16_t port);

/* The next connection of a listener; peer may be NULL. -EAGAIN: none now. */
int sockopt_accept(int listener, struct addr *peer);

/* For a listener: its connections are accepted with their first bytes, or after so many
 * seconds; 0: at once. */
int sockopt_defer_accept(int listener, unsigned seconds);

/* How a connection began, by its first packets. */
struct sockopt_origin {
	int dscp;    /* RFC 2474, 0..63; -1: not known */
	int ifindex; /* of the device that it came in by, the loopback's for the
	              * host's own; -1: not known */
};

/* For a listener: its connections remember it. */
int sockopt_keep_origin(int listener, sa_family_t family);
/* What a connection of such a listener remembers. Once: it is forgotten then,
 * as IPv6 would go on to keep a copy of every packet for it. */
void sockopt_take_origin(int fd, sa_family_t family,
                         struct sockopt_origin *out);

/* The socket's own address. Of a connection that TPROXY brought it is the
 * destination that the client meant. */
int sockopt_local(int fd, struct addr *out);
int sockopt_peer(int fd, struct addr *out);

int sockopt_set_nodelay(int fd);
/* Writable only while fewer unsent bytes than this wait in the kernel. */
int sockopt_set_notsent_lowat(int fd, uint32_t bytes);
/* Sends no faster, bytes/s; 0: as fast as its congestion control likes. */
int sockopt_set_pace_max(int fd, uint64_t bps);
/* Readable only when as many bytes are there, or an end, an error or a full
 * buffer. On an MPTCP socket before Linux 6.9 it is refused, or of no effect. */
int sockopt_set_receive_lowat(int fd, uint32_t bytes);
/* Unacknowledged data this old ends the connection with ETIMEDOUT. */
int sockopt_set_user_timeout(int fd, uint32_t timeout_ms);
/* Probes an idle connection after idle_s, then each interval_s, count times. */
int sockopt_set_keepalive(int fd, unsigned idle_s, unsigned interval_s,
                          unsigned count);

/* Wants the congestion control of that name. in_use says what the socket
 * really has afterwards, also when the name was refused with -ENOENT (not in
 * this kernel) or -EPERM (not among the allowed): the socket is as usable as
 * before. */
int sockopt_set_congestion(int fd, const char *name,
                           char in_use[SOCKOPT_CC_NAME_MAX]);

/* The congestion controls that this kernel has loaded, as "reno cubic bbr",
 * into text. 0 or -errno. */
int sockopt_congestion_available(char *text, size_t text_size);
bool sockopt_congestion_has(const char *name);

/* TCP's urgent byte stays in its place among the others (RFC 6093). */
int sockopt_set_urgent_inline(int fd);
/* Whatever closes it, also the end of the process, does so with a RST; or no
 * longer. */
int sockopt_set_abort(int fd, bool abort);

/* Closes with a RST: the peer sees an aborted connection, not a finished
 * one. Takes -1. */
void sockopt_abort(int fd);

#endif
