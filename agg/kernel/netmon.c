/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the rtnetlink sockets behind netmon.h. One stays open and hears the
 * kernel's notifications; for each question a second one is opened, asked
 * (links, addresses, IPv4 routes, IPv6 routes), and closed, so that an
 * interrupted answer cannot run into the next. The kernel answers a dump at
 * once, from its memory: it is read without the loop.
 */
#include "agg/kernel/netmon.h"
#include "agg/base/log.h"
#include "agg/kernel/nettable.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define READ_BYTES 32768    /* the kernel's largest dump message */
#define READS_PER_TURN 256  /* so that a flood does not stop the loop */
#define DUMP_TRIES 5        /* of one that changes while it is read */
#define DUMP_TIMEOUT_S 2    /* never needed: no answer would be a kernel bug */

struct netmon {
	struct loop *loop; /* borrowed */
	struct mnl_socket *socket;
	struct loop_io *io;
	struct loop_timer *later; /* asks when ASK_INTERVAL has passed */
	struct nettable *table;
	bool stale;               /* the table may be wrong: ask */
	bool failing;             /* asking fails, which was said */
	uint64_t pause_us;        /* between two questions */
	bool doubt;               /* our rules and routes may be: tell */
	uint64_t asked_us;
	struct netmon_stats stats;
	netmon_fn *on_change;
	void *ctx;
	netmon_doubt_fn *on_doubt;
	void *doubt_ctx;
};

/* What a dump's callbacks need. */
struct dump {
	struct nettable *into;
	struct netmon_stats *stats;
	bool interrupted; /* the state changed while it was read */
};

static int on_dumped(const struct nlmsghdr *msg, void *data)
{
	struct dump *dump = data;
	struct netmsg parsed;

	if (netmsg_parse(&parsed, msg, msg->nlmsg_len) < 0) {
		dump->stats->malformed++;
		return MNL_CB_OK;
	}
	int rc = nettable_add(dump->into, &parsed);
	if (rc == -ENOBUFS) {
		dump->stats->overflows++;
	} else if (rc) {
		errno = -rc;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

/* The end of a dump carries its error, if it had one. */
static int on_done(const struct nlmsghdr *msg, void *data)
{
	int rc = 0;

	if (mnl_nlmsg_get_payload_len(msg) >= sizeof(rc))
		memcpy(&rc, mnl_nlmsg_get_payload(msg), sizeof(rc));
	if (rc >= 0)
		return MNL_CB_STOP;
	errno = -rc;
	return MNL_CB_ERROR;
}

static int on_error(const struct nlmsghdr *msg, void *data)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(msg);

	errno = mnl_nlmsg_get_payload_len(msg) < sizeof(*e) ? EBADMSG : -e->error;
	return errno ? MNL_CB_ERROR : MNL_CB_STOP;
}

static int request(struct mnl_socket *socket, uint16_t type, unsigned family,
                   unsigned seq)
{
	char buf[256] = { 0 }; /* room for any of the family headers */
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	msg->nlmsg_seq = seq;
	if (type == RTM_GETLINK) {
		mnl_nlmsg_put_extra_header(msg, sizeof(struct ifinfomsg));
		mnl_attr_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	} else if (type == RTM_GETADDR) {
		mnl_nlmsg_put_extra_header(msg, sizeof(struct ifaddrmsg));
	} else {
		struct rtmsg *info =
			mnl_nlmsg_put_extra_header(msg, sizeof(*info));
		info->rtm_family = (uint8_t)family;
	}
	return mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ? -errno : 0;
}

/* Notes the kernel's mark of an interrupted dump and takes it off, as
 * mnl_cb_run would end there: the rest has to be read all the same. */
static void note_interruption(struct dump *dump, char *buf, size_t size)
{
	int left = (int)size;

	for (struct nlmsghdr *msg = (void *)buf; mnl_nlmsg_ok(msg, left);
	     msg = mnl_nlmsg_next(msg, &left)) {
		dump->interrupted |= msg->nlmsg_flags & NLM_F_DUMP_INTR;
		msg->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
}

static int dump_one(struct mnl_socket *socket, uint16_t type, unsigned family,
                    struct dump *dump)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = on_error, [NLMSG_DONE] = on_done };
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	unsigned seq = (unsigned)type << 8 | family;
	int rc = request(socket, type, family, seq);

	if (rc)
		return rc;
	do {
		ssize_t n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		note_interruption(dump, buf, (size_t)n);
		rc = mnl_cb_run2(buf, (size_t)n, seq, mnl_socket_get_portid(socket),
		                 on_dumped, dump, control,
		                 sizeof(control) / sizeof(control[0]));
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? -errno : 0;
}

static int dump_all(struct dump *dump)
{
	static const struct { uint16_t type; unsigned family; } questions[] = {
		{ RTM_GETLINK, AF_UNSPEC }, { RTM_GETADDR, AF_UNSPEC },
		{ RTM_GETROUTE, AF_INET }, { RTM_GETROUTE, AF_INET6 },
	};
	const struct timeval timeout = { .tv_sec = DUMP_TIMEOUT_S };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int rc = 0;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	           sizeof(timeout));
	for (unsigned i = 0; i < 4 && !rc; i++)
		rc = dump_one(socket, questions[i].type, questions[i].family, dump);
	mnl_socket_close(socket);
	return rc;
}

/* Asks for everything, into a new table. 1: it changed meanwhile. */
static int ask_once(struct netmon *mon, struct nettable **out)
{
	struct dump dump = { .into = nettable_create(), .stats = &mon->stats };

	if (!dump.into)
		return -ENOMEM;
	mon->stats.dumps++;
	int rc = dump_all(&dump);
	if (!rc)
		rc = nettable_finish(dump.into);
	if (rc) {
		nettable_destroy(dump.into);
		return rc;
	}
	mon->stats.interrupted += dump.interrupted;
	*out = dump.into;
	return dump.interrupted;
}

/* Takes the answer into the table. One that never held still is taken too,
 * as it is nearer to the truth than the one before, and stays stale. */
static int ask(struct netmon *mon)
{
	struct nettable *fresh = NULL;
	int rc = 1;

	for (unsigned i = 0; i < DUMP_TRIES && rc == 1; i++) {
		nettable_destroy(fresh);
		fresh = NULL;
		rc = ask_once(mon, &fresh);
	}
	mon->asked_us = loop_now_us(mon->loop);
	mon->stale = rc != 0;
	mon->pause_us = rc >= 0 ? NETMON_ASK_INTERVAL_US : mon->pause_us * 2;
	if (mon->pause_us > NETMON_FAIL_INTERVAL_US)
		mon->pause_us = NETMON_FAIL_INTERVAL_US;
	if (!fresh)
		return rc;
	mon->table = fresh;
	return 0;
}

/* Tells the difference: first what has gone, so that a name that moved to
 * another device is not reported as gone after it appeared. */
static void tell(struct netmon *mon, const struct nettable *before)
{
	const struct netdev *old, *dev;

	for (unsigned i = 0; (old = nettable_at(before, i)); i++) {
		dev = nettable_by_index(mon->table, old->ifindex);
		if (dev && !strcmp(dev->name, old->name))
			continue;
		struct netdev gone = { .ifindex = old->ifindex };
		memcpy(gone.name, old->name, sizeof(gone.name));
		mon->on_change(mon->ctx, &gone);
	}
	for (unsigned i = 0; (dev = nettable_at(mon->table, i)); i++) {
		old = nettable_by_index(before, dev->ifindex);
		if (!old || !netdev_equal(old, dev))
			mon->on_change(mon->ctx, dev);
	}
}

/* Said when it begins and when it is over. */
static void note_failure(struct netmon *mon, int rc)
{
	if (rc && !mon->failing)
		log_sys("netmon: asking for the state: %s; tried again until "
		        "it works", strerror(-rc));
	else if (!rc && mon->failing)
		log_info("netmon: asking for the state works again");
	mon->failing = rc != 0;
}

static void tell_doubt(struct netmon *mon)
{
	if (!mon->doubt)
		return;
	mon->doubt = false;
	if (mon->on_doubt)
		mon->on_doubt(mon->doubt_ctx);
}

static void settle(struct netmon *mon)
{
	struct nettable *before = mon->table;
	uint64_t due_us = mon->asked_us + mon->pause_us;

	if (!mon->stale) {
		tell_doubt(mon);
		return;
	}
	if (loop_now_us(mon->loop) < due_us) {
		loop_timer_arm(mon->later, due_us);
		return;
	}
	int rc = ask(mon);
	note_failure(mon, rc);
	if (!rc)
		tell(mon, before);
	if (mon->table != before)
		nettable_destroy(before);
	if (mon->stale)
		loop_timer_arm(mon->later, mon->asked_us + mon->pause_us);
	else
		tell_doubt(mon);
}

static void on_later(void *ctx)
{
	settle(ctx);
}

/* Notifications carry no sequence number to check. */
static void take_hints(struct netmon *mon, const char *buf, size_t size)
{
	int left = (int)size;

	for (const struct nlmsghdr *msg = (const void *)buf;
	     mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
		struct netmsg parsed;
		if (netmsg_parse(&parsed, msg, (size_t)left) < 0) {
			mon->stats.malformed++;
			mon->stale = mon->doubt = true;
		} else if (parsed.kind == NETMSG_POLICY) {
			mon->doubt = true;
		} else if (!nettable_knows(mon->table, &parsed)) {
			mon->stats.hints++;
			mon->stale = true;
			mon->doubt |= parsed.kind == NETMSG_LINK ||
			              parsed.kind == NETMSG_ADDR;
		}
	}
}

static void on_readable(void *ctx, unsigned events)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct netmon *mon = ctx;

	for (unsigned i = 0; i < READS_PER_TURN; i++) {
		ssize_t n = mnl_socket_recvfrom(mon->socket, buf, sizeof(buf));
		if (n > 0) {
			take_hints(mon, buf, (size_t)n);
		} else if (n < 0 && errno == ENOBUFS) {
			mon->stats.overruns++;
			mon->stale = mon->doubt = true;
		} else if (n < 0 && errno == EINTR) {
			continue;
		} else {
			break;
		}
	}
	settle(mon);
}

static int open_socket(struct netmon *mon, size_t receive_buffer_bytes)
{
	int bytes = receive_buffer_bytes ? (int)receive_buffer_bytes :
	            NETMON_RECEIVE_BUFFER_BYTES;
	unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	                  RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
	                  RTMGRP_IPV4_RULE | 1u << (RTNLGRP_IPV6_RULE - 1);

	mon->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!mon->socket)
		return -errno;
	int fd = mnl_socket_get_fd(mon->socket);
	/* The system's limit yields to CAP_NET_ADMIN only. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (mnl_socket_bind(mon->socket, groups, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	mon->io = loop_io_create(mon->loop, fd, LOOP_READ, on_readable, mon);
	mon->later = loop_timer_create(mon->loop, on_later, mon);
	return mon->io && mon->later ? 0 : -ENOMEM;
}

struct netmon *netmon_create(struct loop *loop, size_t receive_buffer_bytes,
                             netmon_fn *on_change, void *ctx)
{
	struct netmon *mon = calloc(1, sizeof(*mon));

	if (!mon)
		return NULL;
	mon->loop = loop;
	mon->on_change = on_change;
	mon->pause_us = NETMON_ASK_INTERVAL_US;
	mon->ctx = ctx;
	/* Listen first, ask then: what changes in between is heard. */
	int rc = open_socket(mon, receive_buffer_bytes);
	if (!rc)
		rc = ask(mon);
	if (rc) {
		netmon_destroy(mon);
		errno = -rc;
		return NULL;
	}
	if (mon->stale)
		loop_timer_arm(mon->later, mon->asked_us + mon->pause_us);
	return mon;
}

void netmon_watch_policy(struct netmon *mon, netmon_doubt_fn *fn, void *ctx)
{
	mon->on_doubt = fn;
	mon->doubt_ctx = ctx;
}

void netmon_destroy(struct netmon *mon)
{
	if (!mon)
		return;
	loop_io_destroy(mon->io);
	loop_timer_destroy(mon->later);
	if (mon->socket)
		mnl_socket_close(mon->socket);
	nettable_destroy(mon->table);
	free(mon);
}

const struct netdev *netmon_find(const struct netmon *mon, const char *name)
{
	return nettable_find(mon->table, name);
}

const struct netdev *netmon_at(const struct netmon *mon, unsigned i)
{
	return nettable_at(mon->table, i);
}

bool netmon_is_local(const struct netmon *mon, const struct addr *a)
{
	return nettable_is_local(mon->table, a);
}

struct netmon_stats netmon_stats(const struct netmon *mon)
{
	return mon->stats;
}
