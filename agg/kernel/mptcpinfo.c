/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: reads SOL_MPTCP's options: MPTCP_FULL_INFO in one call (6.5), else
 * MPTCP_INFO, MPTCP_TCPINFO and MPTCP_SUBFLOW_ADDRS. The structs have only
 * ever grown at their ends, so lengths say what a kernel has. They are written
 * down here as of 6.18, for headers that are older and newer. Owns nothing.
 */
#include "agg/kernel/mptcpinfo.h"

#include "agg/kernel/sockopt.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEVEL_MPTCP 284 /* SOL_MPTCP */
#define OPTION_INFO 1
#define OPTION_TCPINFO 2
#define OPTION_SUBFLOW_ADDRS 3
#define OPTION_FULL_INFO 4

#define FLAG_FALLBACK 1
#define FLAG_REMOTE_KEY 2

#define LEN_MIN offsetof(struct info, local_addr_used) /* Linux 5.9 */
#define TCP_LEN_MIN offsetof(struct tcp_info, tcpi_pacing_rate)
#define END_OF(type, field) \
	(offsetof(struct type, field) + sizeof(((struct type *)0)->field))

struct info { /* struct mptcp_info */
	uint8_t subflows, add_addr_signal, add_addr_accepted, subflows_max;
	uint8_t add_addr_signal_max, add_addr_accepted_max;
	uint32_t flags, token;
	uint64_t write_seq, snd_una, rcv_nxt;
	uint8_t local_addr_used, local_addr_max, csum_enabled;
	uint32_t retransmits;
	uint64_t bytes_retrans, bytes_sent, bytes_received, bytes_acked;
	uint8_t subflows_total, reserved[3];
	uint32_t last_data_sent, last_data_recv, last_ack_recv;
};

struct subflow_data { /* struct mptcp_subflow_data */
	uint32_t size_subflow_data, num_subflows, size_kernel, size_user;
} __attribute__((aligned(8)));

/* As aligned as the kernel's __kernel_sockaddr_storage. */
union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	char bytes[128];
	void *align;
};

struct subflow_addrs { /* struct mptcp_subflow_addrs */
	union address local, remote;
};

struct subflow_info { /* struct mptcp_subflow_info */
	uint32_t id;
	struct subflow_addrs addrs;
};

struct full_info { /* struct mptcp_full_info */
	uint32_t size_tcpinfo_kernel, size_tcpinfo_user;
	uint32_t size_sfinfo_kernel, size_sfinfo_user;
	uint32_t num_subflows, size_arrays_user;
	uint64_t subflow_info __attribute__((aligned(8)));
	uint64_t tcp_info __attribute__((aligned(8)));
	struct info info;
};

_Static_assert(offsetof(struct info, write_seq) == 16, "as in the kernel");
_Static_assert(END_OF(info, last_ack_recv) == 96, "as in the kernel");
_Static_assert(sizeof(struct subflow_data) == 16, "as in the kernel");
_Static_assert(sizeof(struct subflow_addrs) == 256, "as in the kernel");
_Static_assert(offsetof(struct full_info, info) == 40, "as in the kernel");

/* -- decoding ------------------------------------------------------------- */

static unsigned parts_of(size_t len)
{
	static const struct { size_t end; unsigned part; } parts[] = {
		{ END_OF(info, csum_enabled), MPTCPINFO_HAS_CHECKSUM },
		{ END_OF(info, bytes_acked), MPTCPINFO_HAS_BYTES },
		{ END_OF(info, subflows_total), MPTCPINFO_HAS_TOTAL },
		{ END_OF(info, last_ack_recv), MPTCPINFO_HAS_LAST },
	};
	unsigned has = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (len >= parts[i].end)
			has |= parts[i].part;
	return has;
}

static void decode_counters(struct mptcpinfo *out, const struct info *k)
{
	out->retransmits = k->retransmits;
	out->bytes_retrans = k->bytes_retrans;
	out->bytes_sent = k->bytes_sent;
	out->bytes_received = k->bytes_received;
	out->bytes_acked = k->bytes_acked;
	out->last_sent_ms = k->last_data_sent;
	out->last_received_ms = k->last_data_recv;
	out->last_ack_ms = k->last_ack_recv;
}

int mptcpinfo_decode(struct mptcpinfo *out, const void *raw, size_t len)
{
	struct info k = { 0 };

	memset(out, 0, sizeof(*out));
	if (len < LEN_MIN)
		return -EINVAL;
	memcpy(&k, raw, len < sizeof(k) ? len : sizeof(k));
	out->has = parts_of(len);
	out->fallback = k.flags & FLAG_FALLBACK;
	out->remote_key = k.flags & FLAG_REMOTE_KEY;
	out->checksum = k.csum_enabled;
	out->token = k.token;
	out->joined = k.subflows;
	out->joined_max = k.subflows_max;
	out->subflows_total = k.subflows_total;
	out->write_seq = k.write_seq;
	out->snd_una = k.snd_una;
	out->rcv_nxt = k.rcv_nxt;
	decode_counters(out, &k);
	return 0;
}

/* What SIOCOUTQ would say of the subflow: the kernel counts what was sent and
 * what was acknowledged, where the SYN may be one byte of the latter. */
static uint64_t outq_of(const struct tcpinfo *t)
{
	uint64_t fresh = t->bytes_sent > t->bytes_retrans ?
		t->bytes_sent - t->bytes_retrans : 0;
	uint64_t unacked = fresh > t->bytes_acked ? fresh - t->bytes_acked : 0;

	return t->has & TCPINFO_HAS_BYTES_SENT ? t->notsent_bytes + unacked : 0;
}

/* AF_UNSPEC where the kernel gave none. */
static void decode_end(struct addr *out, const char *raw)
{
	union address a;

	memcpy(&a, raw, sizeof(a));
	if (!addr_from_sockaddr(out, &a.sa))
		memset(out, 0, sizeof(*out));
}

static void decode_subflow(struct mptcpinfo_subflow *out,
                           const struct mptcpinfo_raw *raw, unsigned i)
{
	const char *tcp = (const char *)raw->tcp + i * raw->tcp_size;
	const char *addrs = (const char *)raw->addrs + i * raw->addrs_size;

	memset(out, 0, sizeof(*out));
	out->id = raw->ids ? raw->ids[i] : 0;
	decode_end(&out->local, addrs + offsetof(struct subflow_addrs, local));
	decode_end(&out->remote, addrs + offsetof(struct subflow_addrs, remote));
	if (!tcpinfo_decode(&out->tcp, tcp, raw->tcp_size, 0))
		tcpinfo_decode(&out->tcp, tcp, raw->tcp_size, outq_of(&out->tcp));
}

int mptcpinfo_decode_subflows(struct mptcpinfo *out,
                              const struct mptcpinfo_raw *raw)
{
	unsigned count = raw->count < MPTCPINFO_SUBFLOWS_MAX ?
		raw->count : MPTCPINFO_SUBFLOWS_MAX;

	out->count = 0;
	if (raw->addrs_size < sizeof(struct subflow_addrs) ||
	    raw->tcp_size < TCP_LEN_MIN)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		decode_subflow(&out->subflows[i], raw, i);
	out->count = count;
	out->has |= MPTCPINFO_HAS_SUBFLOWS | (raw->ids ? MPTCPINFO_HAS_IDS : 0);
	return 0;
}

/* -- reading -------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One call for all: 6.5 and later. What a kernel leaves out is zero. */
static int read_full(int fd, struct mptcpinfo *out)
{
	struct tcp_info tcp[MPTCPINFO_SUBFLOWS_MAX] = { 0 };
	struct subflow_info sub[MPTCPINFO_SUBFLOWS_MAX] = { 0 };
	struct subflow_addrs addrs[MPTCPINFO_SUBFLOWS_MAX];
	uint32_t ids[MPTCPINFO_SUBFLOWS_MAX];
	struct full_info full = {
		.size_tcpinfo_user = sizeof(tcp[0]),
		.size_sfinfo_user = sizeof(sub[0]),
		.size_arrays_user = MPTCPINFO_SUBFLOWS_MAX,
		.subflow_info = (uintptr_t)sub, .tcp_info = (uintptr_t)tcp,
	};
	socklen_t len = sizeof(full);

	if (getsockopt(fd, LEVEL_MPTCP, OPTION_FULL_INFO, &full, &len) < 0)
		return -errno;
	int err = mptcpinfo_decode(out, &full.info, len > offsetof(
		struct full_info, info) ? len - offsetof(struct full_info, info) : 0);
	if (err || full.size_sfinfo_user != sizeof(sub[0]))
		return err;
	/* Where the kernel's elements are shorter than ours, it says so there,
	 * and has put them that close together. */
	struct mptcpinfo_raw raw = {
		.count = (unsigned)smaller(full.num_subflows, MPTCPINFO_SUBFLOWS_MAX),
		.tcp = tcp, .addrs = addrs, .ids = ids,
		.tcp_size = smaller(full.size_tcpinfo_user, sizeof(tcp[0])),
		.addrs_size = sizeof(addrs[0]),
	};
	for (unsigned i = 0; i < raw.count; i++) {
		addrs[i] = sub[i].addrs;
		ids[i] = sub[i].id;
	}
	return mptcpinfo_decode_subflows(out, &raw);
}

/* MPTCP_TCPINFO or MPTCP_SUBFLOW_ADDRS into buf, behind its header: how many
 * elements are there, and how long each is. */
static int read_array(int fd, int option, void *buf, size_t size,
                      size_t element, struct subflow_data *head)
{
	const struct subflow_data ask = { .size_subflow_data = sizeof(ask),
	                                  .size_user = (uint32_t)element };
	socklen_t len = (socklen_t)size;

	memcpy(buf, &ask, sizeof(ask));
	if (getsockopt(fd, LEVEL_MPTCP, option, buf, &len) < 0)
		return -errno;
	memcpy(head, buf, sizeof(*head));
	size_t there = len > sizeof(*head) && head->size_user ?
		(len - sizeof(*head)) / head->size_user : 0;
	if (head->num_subflows > there)
		head->num_subflows = (uint32_t)there;
	return 0;
}

/* Two calls: a subflow may come or go between them; then there are none. */
static int read_subflows(int fd, struct mptcpinfo *out)
{
	struct { struct subflow_data head;
	         struct tcp_info of[MPTCPINFO_SUBFLOWS_MAX]; } tcp;
	struct { struct subflow_data head;
	         struct subflow_addrs of[MPTCPINFO_SUBFLOWS_MAX]; } addrs;
	struct subflow_data t, a;

	int err = read_array(fd, OPTION_TCPINFO, &tcp, sizeof(tcp),
	                     sizeof(tcp.of[0]), &t);
	if (!err)
		err = read_array(fd, OPTION_SUBFLOW_ADDRS, &addrs, sizeof(addrs),
		                 sizeof(addrs.of[0]), &a);
	if (err || t.num_subflows != a.num_subflows)
		return err;
	const struct mptcpinfo_raw raw = {
		.count = t.num_subflows, .tcp = tcp.of, .addrs = addrs.of,
		.tcp_size = t.size_user, .addrs_size = a.size_user,
	};
	return mptcpinfo_decode_subflows(out, &raw);
}

static int read_parts(int fd, struct mptcpinfo *out)
{
	struct info k = { 0 };
	socklen_t len = sizeof(k);

	if (getsockopt(fd, LEVEL_MPTCP, OPTION_INFO, &k, &len) < 0)
		return -errno;
	int err = mptcpinfo_decode(out, &k, len);
	return err ? err : read_subflows(fd, out);
}

static void read_queue(int fd, struct mptcpinfo *out)
{
	int outq = 0, unsent = 0;

	if (!ioctl(fd, SIOCOUTQ, &outq) && outq > 0)
		out->outq_bytes = (uint64_t)outq;
	if (!ioctl(fd, SIOCOUTQNSD, &unsent) && unsent > 0)
		out->unsent_bytes = (uint64_t)unsent;
}

/* The kernel answers of the first subflow, whose addresses are the socket's. */
static void read_bbr(int fd, struct mptcpinfo *out)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa), cc_len = sizeof(union tcp_cc_info);
	union tcp_cc_info cc;
	struct addr own;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0 ||
	    !addr_from_sockaddr(&own, (struct sockaddr *)&sa) ||
	    getsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, &cc, &cc_len) < 0)
		return;
	for (unsigned i = 0; i < out->count; i++)
		if (addr_equal(&out->subflows[i].local, &own))
			tcpinfo_decode_bbr(&out->subflows[i].tcp, &cc, cc_len);
}

bool mptcpinfo_is_told(void)
{
	struct mptcpinfo info;
	int fd = sockopt_mptcp_open(AF_INET, NULL, NULL);

	if (fd < 0)
		return false;
	int err = mptcpinfo_read(fd, false, &info); /* of one not connected, too */
	close(fd);
	return err == 0;
}

int mptcpinfo_read(int fd, bool with_bbr, struct mptcpinfo *out)
{
	int err = read_full(fd, out);

	if (err == -EOPNOTSUPP || err == -ENOPROTOOPT)
		err = read_parts(fd, out);
	if (err)
		return err;
	read_queue(fd, out);
	if (with_bbr)
		read_bbr(fd, out);
	return 0;
}
