/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the socket options of sockopt.h. Owns nothing: descriptors are the
 * caller's. Options: socket(7), tcp(7), ip(7), ipv6(7).
 */
#include "agg/kernel/sockopt.h"

#include "agg/kernel/inherit.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_BYTES 256
#define PROTOCOL_MPTCP 262 /* IPPROTO_MPTCP, that older headers lack */
#define CC_AVAILABLE "/proc/sys/net/ipv4/tcp_available_congestion_control"

static int set(int fd, int level, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, level, option, value, len) < 0 ? -errno : 0;
}

static int set_int(int fd, int level, int option, int value)
{
	return set(fd, level, option, &value, sizeof(value));
}

int sockopt_bind_device(int fd, const char *device)
{
	if (!device || !*device)
		return 0;
	size_t len = strlen(device);
	if (len >= IFNAMSIZ)
		return -ENODEV;
	return set(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)len + 1);
}

static int bind_addr(int fd, const struct addr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(at, &sa);

	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

/* A socket can be bound to no other. */
bool sockopt_is_local(const struct addr *at)
{
	struct addr any_port = *at;
	int fd = socket(at->family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return false;
	any_port.port = 0;
	int err = bind_addr(fd, &any_port);
	close(fd);
	return !err;
}

/* protocol is IPPROTO_TCP or PROTOCOL_MPTCP. */
static int stream_socket(int protocol, sa_family_t family, const char *device)
{
	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	                protocol);
	if (fd < 0)
		return -errno;
	int err = family == AF_INET6 ? set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
	if (!err)
		err = sockopt_bind_device(fd, device);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

/* Older kernels cannot choose an MPTCP socket's port late: then it is chosen
 * now. */
static int bind_late(int fd, int protocol)
{
	int err = set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);

	if (protocol == PROTOCOL_MPTCP &&
	    (err == -EOPNOTSUPP || err == -ENOPROTOOPT))
		return 0;
	return err;
}

static int stream_open(int protocol, sa_family_t family, const char *device,
                       const struct addr *source)
{
	int fd = stream_socket(protocol, family, device);

	if (fd < 0 || !source || source->family == AF_UNSPEC)
		return fd;
	int err = source->family == family ? 0 : -EAFNOSUPPORT;
	if (!err && !source->port)
		err = bind_late(fd, protocol);
	if (!err)
		err = bind_addr(fd, source);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int sockopt_tcp_open(sa_family_t family, const char *device,
                     const struct addr *source)
{
	return stream_open(IPPROTO_TCP, family, device, source);
}

int sockopt_mptcp_open(sa_family_t family, const char *device,
                       const struct addr *source)
{
	return stream_open(PROTOCOL_MPTCP, family, device, source);
}

int sockopt_set_maxseg(int fd, unsigned bytes)
{
	int value = (int)bytes;

	return setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &value, sizeof(value)) < 0 ?
		-errno : 0;
}

int sockopt_connect(int fd, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);

	if (!connect(fd, (struct sockaddr *)&sa, len) || errno == EINPROGRESS)
		return 0;
	return -errno;
}

int sockopt_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -errno;
	return -error;
}

/* So that an address may come and go under a listener. Where an MPTCP socket
 * cannot (Linux 5.16), the address must be there. */
static int bind_before_it_comes(int fd, sa_family_t family)
{
	int err = family == AF_INET6
		? set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1)
		: set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);

	return err == -EOPNOTSUPP || err == -ENOPROTOOPT ? 0 : err;
}

static int listen_at(int fd, const struct addr *at)
{
	int err = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (!err)
		err = bind_before_it_comes(fd, at->family);
	if (!err)
		err = bind_addr(fd, at);
	if (!err && listen(fd, SOCKOPT_BACKLOG) < 0)
		err = -errno;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

int sockopt_tcp_listen(const struct addr *at, const char *device)
{
	int fd = inherit_take(at, IPPROTO_TCP, false);

	if (fd >= 0)
		return fd;
	fd = stream_socket(IPPROTO_TCP, at->family, device);
	return fd < 0 ? fd : listen_at(fd, at);
}

int sockopt_mptcp_listen(const struct addr *at, const char *device)
{
	int fd = inherit_take(at, PROTOCOL_MPTCP, false);

	if (fd >= 0)
		return fd;
	fd = stream_socket(PROTOCOL_MPTCP, at->family, device);
	return fd < 0 ? fd : listen_at(fd, at);
}

int sockopt_udp_open(const struct addr *at, const char *device)
{
	int fd = socket(at->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int err = at->family == AF_INET6 ?
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
	if (!err)
		err = sockopt_bind_device(fd, device);
	if (!err)
		err = bind_addr(fd, at);
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

ssize_t sockopt_receive_from(int fd, void *p, size_t n, struct addr *from)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	ssize_t got = recvfrom(fd, p, n, 0, (struct sockaddr *)&sa, &len);

	if (got < 0)
		return -errno;
	return addr_from_sockaddr(from, (struct sockaddr *)&sa) ? got
	                                                        : -EAFNOSUPPORT;
}

ssize_t sockopt_send_to(int fd, const void *p, size_t n, const struct addr *to)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(to, &sa);
	ssize_t put = sendto(fd, p, n, MSG_NOSIGNAL, (struct sockaddr *)&sa, len);

	return put < 0 ? -errno : put;
}

bool sockopt_is_mptcp(int fd)
{
	int protocol = 0;
	socklen_t len = sizeof(protocol);

	return !getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) &&
	       protocol == PROTOCOL_MPTCP;
}

/* May be bound to, and accept for, addresses that are not the host's. */
static int set_transparent(int fd, sa_family_t family)
{
	if (family == AF_INET)
		return set_int(fd, IPPROTO_IP, IP_TRANSPARENT, 1);
	return set_int(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, 1);
}

int sockopt_tproxy_listen(sa_family_t family, uint16_t port)
{
	struct addr at = { .family = family, .port = port };

	if (family == AF_INET)
		memcpy(at.ip, &(in_addr_t){ htonl(INADDR_LOOPBACK) }, 4);
	else
		memcpy(at.ip, &in6addr_loopback, 16);
	int fd = inherit_take(&at, IPPROTO_TCP, true);
	if (fd >= 0)
		return fd;
	fd = stream_socket(IPPROTO_TCP, family, NULL);
	if (fd < 0)
		return fd;
	int err = set_transparent(fd, family);
	if (err) {
		close(fd);
		return err;
	}
	return listen_at(fd, &at);
}

int sockopt_accept(int listener, struct addr *peer)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);
	int fd = accept4(listener, (struct sockaddr *)&sa, &len,
	                 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (peer)
		addr_from_sockaddr(peer, (struct sockaddr *)&sa);
	return fd;
}

int sockopt_defer_accept(int listener, unsigned seconds)
{
	return set_int(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, (int)seconds);
}

static int ask_origin(int fd, sa_family_t family, int on)
{
	bool v4 = family == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	int err = set_int(fd, level, v4 ? IP_RECVTOS : IPV6_RECVTCLASS, on);
	int other = set_int(fd, level, v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, on);

	return err ? err : other;
}

int sockopt_keep_origin(int listener, sa_family_t family)
{
	return ask_origin(listener, family, 1);
}

/* The int at an offset of a control message; -1: it is not there. */
static int find_control(void *control, size_t len, int level, int type,
                        size_t offset)
{
	struct msghdr msg = { .msg_control = control, .msg_controllen = len };
	int value;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level != level || c->cmsg_type != type ||
		    c->cmsg_len < CMSG_LEN(offset + sizeof(value)))
			continue;
		memcpy(&value, CMSG_DATA(c) + offset, sizeof(value));
		return value;
	}
	return -1;
}

/* ip(7) knows IP_PKTOPTIONS by name only: of a TCP connection the kernel gives
 * what the socket has options for (do_ip_getsockopt, do_ipv6_getsockopt). */
void sockopt_take_origin(int fd, sa_family_t family,
                         struct sockopt_origin *out)
{
	bool v4 = family == AF_INET;
	int level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
	union {
		struct cmsghdr align;
		char bytes[CONTROL_BYTES];
	} control;
	socklen_t len = sizeof(control);
	int tos = -1;

	out->ifindex = -1;
	if (!getsockopt(fd, level, v4 ? IP_PKTOPTIONS : IPV6_2292PKTOPTIONS,
	                &control, &len)) {
		tos = find_control(&control, len, level, v4 ? IP_TOS : IPV6_TCLASS,
		                   0);
		out->ifindex = find_control(&control, len, level,
			v4 ? IP_PKTINFO : IPV6_PKTINFO,
			v4 ? offsetof(struct in_pktinfo, ipi_ifindex)
			   : offsetof(struct in6_pktinfo, ipi6_ifindex));
	}
	ask_origin(fd, family, 0);
	out->dscp = tos < 0 ? -1 : (tos & 0xff) >> 2; /* without RFC 3168's bits */
}

static int name_of(int fd, struct addr *out,
                   int (*ask)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	if (ask(fd, (struct sockaddr *)&sa, &len) < 0)
		return -errno;
	return addr_from_sockaddr(out, (struct sockaddr *)&sa) ? 0 : -EAFNOSUPPORT;
}

int sockopt_local(int fd, struct addr *out)
{
	return name_of(fd, out, getsockname);
}

int sockopt_peer(int fd, struct addr *out)
{
	return name_of(fd, out, getpeername);
}

int sockopt_set_nodelay(int fd)
{
	return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

int sockopt_set_notsent_lowat(int fd, uint32_t bytes)
{
	return set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

int sockopt_set_pace_max(int fd, uint64_t bps)
{
	uint64_t most = bps ? bps : UINT64_MAX;

	return set(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &most, sizeof(most));
}

int sockopt_set_receive_lowat(int fd, uint32_t bytes)
{
	return set(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

int sockopt_set_user_timeout(int fd, uint32_t timeout_ms)
{
	return set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
	           sizeof(timeout_ms));
}

int sockopt_set_keepalive(int fd, unsigned idle_s, unsigned interval_s,
                          unsigned count)
{
	int err = set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)idle_s);

	if (!err)
		err = set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, (int)interval_s);
	if (!err)
		err = set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, (int)count);
	return err ? err : set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

int sockopt_set_congestion(int fd, const char *name,
                           char in_use[SOCKOPT_CC_NAME_MAX])
{
	socklen_t len = SOCKOPT_CC_NAME_MAX - 1;
	int err = set(fd, IPPROTO_TCP, TCP_CONGESTION, name,
	              (socklen_t)strlen(name));

	memset(in_use, 0, SOCKOPT_CC_NAME_MAX);
	if (getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, in_use, &len) < 0)
		return -errno;
	return err;
}

int sockopt_congestion_available(char *text, size_t text_size)
{
	FILE *file = fopen(CC_AVAILABLE, "re");

	if (!file)
		return -errno;
	bool got = fgets(text, (int)text_size, file);
	fclose(file);
	if (!got)
		return -EIO;
	text[strcspn(text, "\n")] = 0;
	return 0;
}

bool sockopt_congestion_has(const char *name)
{
	char text[512], *rest = text;

	if (sockopt_congestion_available(text, sizeof(text)) < 0)
		return false;
	for (char *word; (word = strsep(&rest, " "));)
		if (*word && !strcmp(word, name))
			return true;
	return false;
}

int sockopt_set_urgent_inline(int fd)
{
	return set_int(fd, SOL_SOCKET, SO_OOBINLINE, 1);
}

int sockopt_set_abort(int fd, bool abort)
{
	struct linger now = { .l_onoff = abort, .l_linger = 0 };

	return set(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void sockopt_abort(int fd)
{
	if (fd < 0)
		return;
	sockopt_set_abort(fd, true);
	close(fd);
}
