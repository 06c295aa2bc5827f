/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see udp.h. Owns nothing. udp(7), ip(7), ipv6(7), cmsg(3); for the choice among
 * sockets of an address: socket(7), SO_ATTACH_REUSEPORT_CBPF; for what is
 * dropped unread: SO_ATTACH_FILTER, there, too.
 */
#include "agg/kernel/udp.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#ifndef UDP_SEGMENT /* older headers */
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SEND_BYTES (256 * 1024)
#define RECEIVE_BYTES (4 * 1024 * 1024)
#define CONTROL_BYTES 160 /* of a message: address, segment size, traffic class, time */
#define WAITED_MAX_US 1000000 /* more is a clock that was set */
#define CE 3              /* both ECN bits */
#define ERRORS_MAX 8      /* that the network reports, in a row */
#define HEADER_BYTES 8u   /* UDP's, where a filter begins */
#define PROOF_BITS 12u

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Beyond what an unprivileged program may have, if we are allowed to. */
static void set_buffer(int fd, int force, int option, int bytes)
{
	if (set_int(fd, SOL_SOCKET, force, bytes) < 0)
		set_int(fd, SOL_SOCKET, option, bytes);
}

static int set_options(int fd, sa_family_t family)
{
	bool v6 = family == AF_INET6;
	int err = v6 ? set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;

	if (!err)
		err = v6 ? set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) :
			set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	if (!err)
		err = v6 ? set_int(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) :
			set_int(fd, IPPROTO_IP, IP_RECVTOS, 1);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BYTES);
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECEIVE_BYTES);
	set_int(fd, IPPROTO_UDP, UDP_GRO, 1); /* or it comes one by one, */
	set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1); /* and nobody knows since when */
	return err;
}

static int open_socket(sa_family_t family, const char *device)
{
	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int err = set_options(fd, family);
	if (!err)
		err = sockopt_bind_device(fd, device);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int bind_to(int fd, const struct addr *at)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(at, &sa);

	return bind(fd, (struct sockaddr *)&sa, len) < 0 ? -errno : 0;
}

int udp_connect(const char *device, const struct addr *source, const struct addr *peer)
{
	int fd = open_socket(peer->family, device), err = 0;

	if (fd < 0)
		return fd;
	if (source && source->family != AF_UNSPEC)
		err = source->family == peer->family ? bind_to(fd, source) : -EAFNOSUPPORT;
	if (!err)
		err = sockopt_connect(fd, peer);
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int attach(int fd, int option, struct sock_filter *code, unsigned n)
{
	struct sock_fprog program;

	memset(&program, 0, sizeof(program)); /* and its padding */
	program.len = (unsigned short)n;
	program.filter = code;
	return setsockopt(fd, SOL_SOCKET, option, &program, sizeof(program)) < 0 ? -errno : 0;
}

/* The i-th socket that was bound is the i-th of the group. */
static int choose_by_index(int fd, unsigned n)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), /* of the datagram */
		BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	return attach(fd, SO_ATTACH_REUSEPORT_CBPF, code, sizeof(code) / sizeof(code[0]));
}

static int listen_one(const struct addr *at, const char *device, unsigned n)
{
	bool v6 = at->family == AF_INET6;
	int fd = open_socket(at->family, device), err;

	if (fd < 0)
		return fd;
	err = v6 ? set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) :
		set_int(fd, IPPROTO_IP, IP_PKTINFO, 1);
	/* The address may come later, and go and come again. */
	if (!err)
		err = v6 ? set_int(fd, IPPROTO_IPV6, IPV6_FREEBIND, 1) :
			set_int(fd, IPPROTO_IP, IP_FREEBIND, 1);
	if (!err && n > 1)
		err = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (!err)
		err = bind_to(fd, at);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int udp_listen(const struct addr *at, const char *device, int *fds, unsigned n)
{
	int err = n && n <= UDP_SOCKETS_MAX ? 0 : -EINVAL;
	unsigned i = 0;

	for (; !err && i < n; i++) {
		fds[i] = listen_one(at, device, n);
		if (fds[i] < 0) {
			err = fds[i];
			break;
		}
	}
	if (!err && n > 1)
		err = choose_by_index(fds[0], n);
	while (err && i > 0)
		close(fds[--i]);
	return err;
}

/* Junk --------------------------------------------------------------------- */

/* A product's high bits depend on all of the factor's (Dietzfelbinger et al., 1997). */
uint32_t udp_proved(uint32_t number, uint32_t secret)
{
	uint32_t rest = number >> PROOF_BITS;

	return rest << PROOF_BITS | rest * secret >> (32 - PROOF_BITS);
}

int udp_filter(int fd, uint8_t first, uint32_t secret, size_t bytes_max)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, HEADER_BYTES + (uint32_t)bytes_max, 10, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, HEADER_BYTES),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, HEADER_BYTES + 2),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, PROOF_BITS),
		BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, secret),
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 32 - PROOF_BITS),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (1u << PROOF_BITS) - 1, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};

	return attach(fd, SO_ATTACH_FILTER, code, sizeof(code) / sizeof(code[0]));
}

/* Messages ----------------------------------------------------------------- */

union control {
	struct cmsghdr align;
	uint8_t bytes[CONTROL_BYTES];
};

struct batch {
	struct mmsghdr headers[UDP_MESSAGES_MAX];
	struct iovec parts[UDP_MESSAGES_MAX];
	struct sockaddr_storage peers[UDP_MESSAGES_MAX];
	union control controls[UDP_MESSAGES_MAX];
};

/* One more, of n bytes; the caller knows that there is room. */
static void *add(struct msghdr *h, int level, int type, size_t n)
{
	struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)h->msg_control +
	                                               h->msg_controllen);

	memset(c, 0, CMSG_SPACE(n)); /* the padding is given to the kernel, too */
	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(n);
	h->msg_controllen += CMSG_SPACE(n);
	return CMSG_DATA(c);
}

static void add_source(struct msghdr *h, const struct addr *local)
{
	if (local->family == AF_INET) {
		struct in_pktinfo info = { 0 };
		memcpy(&info.ipi_spec_dst, local->ip, 4);
		memcpy(add(h, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info, sizeof(info));
	} else if (local->family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_ifindex = local->scope_id };
		memcpy(&info.ipi6_addr, local->ip, 16);
		memcpy(add(h, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info, sizeof(info));
	}
}

static void prepare(struct batch *b, unsigned i, const struct udp_message *m)
{
	struct msghdr *h = &b->headers[i].msg_hdr;

	b->parts[i] = (struct iovec){ m->p, m->n };
	*h = (struct msghdr){ .msg_iov = &b->parts[i], .msg_iovlen = 1,
	                      .msg_control = &b->controls[i] };
	if (m->addressed) {
		h->msg_name = &b->peers[i];
		h->msg_namelen = addr_to_sockaddr(&m->peer, &b->peers[i]);
		add_source(h, &m->local);
	}
	if (m->segment && m->segment < m->n)
		memcpy(add(h, IPPROTO_UDP, UDP_SEGMENT, sizeof(m->segment)), &m->segment,
		       sizeof(m->segment));
	if (!h->msg_controllen)
		h->msg_control = NULL;
}

static bool is_hearsay(int err)
{
	return err == ECONNREFUSED || err == EMSGSIZE || err == EHOSTUNREACH ||
	       err == ENETUNREACH || err == EINTR;
}

int udp_send(int fd, const struct udp_message *messages, unsigned n)
{
	struct batch b;

	if (n > UDP_MESSAGES_MAX)
		n = UDP_MESSAGES_MAX;
	for (unsigned i = 0; i < n; i++)
		prepare(&b, i, &messages[i]);
	for (unsigned errors = 0;; errors++) {
		int sent = sendmmsg(fd, b.headers, n, 0);
		if (sent >= 0)
			return sent;
		/* What the network, or who forges its words, said of those before: of
		 * this one, nothing yet. */
		if (errors == ERRORS_MAX || !is_hearsay(errno))
			return -errno;
	}
}

static uint64_t waited_us(const uint8_t *stamp, const struct timespec *now)
{
	struct timespec then;

	memcpy(&then, stamp, sizeof(then));
	int64_t us = ((int64_t)now->tv_sec - then.tv_sec) * 1000000 +
	             (now->tv_nsec - then.tv_nsec) / 1000;
	return us > 0 && us < WAITED_MAX_US ? (uint64_t)us : 0;
}

static void read_control(struct udp_message *m, struct msghdr *h, const struct timespec *now)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		int value = 0;
		if (c->cmsg_len >= CMSG_LEN(sizeof(value)))
			memcpy(&value, CMSG_DATA(c), sizeof(value));
		if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			m->segment = (uint16_t)value;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS &&
		           c->cmsg_len >= CMSG_LEN(sizeof(struct timespec))) {
			m->waited_us = waited_us(CMSG_DATA(c), now);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			m->ce = (*CMSG_DATA(c) & CE) == CE; /* one byte */
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			m->ce = (value & CE) == CE;
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			m->local.family = AF_INET;
			memcpy(m->local.ip, &info.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			m->local.family = AF_INET6;
			memcpy(m->local.ip, &info.ipi6_addr, 16);
			if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
				m->local.scope_id = info.ipi6_ifindex;
		}
	}
}

static void understand(struct udp_message *m, struct batch *b, unsigned i,
                       const struct timespec *now)
{
	struct msghdr *h = &b->headers[i].msg_hdr;

	*m = (struct udp_message){ .p = m->p, .n = b->headers[i].msg_len };
	read_control(m, h, now);
	m->addressed = addr_from_sockaddr(&m->peer, h->msg_name);
	if (h->msg_flags & MSG_TRUNC)
		m->n = 0; /* longer than any of ours */
}

int udp_receive(int fd, struct udp_message *messages, unsigned n)
{
	struct batch b;

	if (n > UDP_MESSAGES_MAX)
		n = UDP_MESSAGES_MAX;
	for (unsigned i = 0; i < n; i++) {
		b.parts[i] = (struct iovec){ messages[i].p, messages[i].n };
		b.peers[i].ss_family = AF_UNSPEC;
		b.headers[i].msg_hdr = (struct msghdr){
			.msg_name = &b.peers[i], .msg_namelen = sizeof(b.peers[i]),
			.msg_iov = &b.parts[i], .msg_iovlen = 1,
			.msg_control = &b.controls[i], .msg_controllen = CONTROL_BYTES };
	}
	for (unsigned errors = 0;; errors++) {
		struct timespec now; /* by the clock that the kernel stamps by */
		int got = recvmmsg(fd, b.headers, n, 0, NULL);
		if (got > 0)
			clock_gettime(CLOCK_REALTIME, &now);
		for (int i = 0; i < got; i++)
			understand(&messages[i], &b, (unsigned)i, &now);
		if (got >= 0)
			return got;
		if (errno == EAGAIN || errors == ERRORS_MAX)
			return -errno;
	}
}
