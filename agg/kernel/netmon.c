/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the rtnetlink sockets behind netmon.h. One stays open and hears the
 * kernel's notifications; for each asking a second one is opened, asked
 * (links, addresses, IPv4 routes, IPv6 routes), and closed, so that an
 * interrupted answer cannot run into the next. The kernel makes an answer as it
 * is read: a router's may have a million routes, so the loop reads a part of it
 * in each turn. Only the first state is waited for.
 */
#include "agg/kernel/netmon.h"
#include "agg/base/log.h"
#include "agg/kernel/nettable.h"
#include "agg/kernel/nlhear.h"

#include <errno.h>
#include <pthread.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define READ_BYTES 32768    /* the kernel's largest dump message */
#define PARTS_PER_TURN 8    /* of an answer: about a millisecond */
#define ANSWER_US 2000000u  /* without a part; never needed: it would be the
                             * kernel's fault */

/* An asking in progress. */
struct asking {
	struct mnl_socket *socket; /* NULL: nothing is asked */
	struct loop_io *io;        /* NULL while it is waited for */
	unsigned question;
	struct nettable *into;
	bool interrupted;          /* the state changed while it was read */
};

struct netmon {
	struct loop *loop; /* borrowed */
	struct nlhear hear;
	struct loop_io *io;
	struct loop_timer *later; /* asks when ASK_INTERVAL has passed, or gives up
	                           * the asking in progress */
	struct asking asking;
	struct nettable *table;
	pthread_rwlock_t lock;    /* of which it is, for netmon_is_local */
	bool stale;               /* the table may be wrong: ask */
	bool failing;             /* asking fails, which was said */
	uint64_t pause_us;        /* between two questions */
	bool doubt;               /* our rules and routes may be: tell */
	bool policy;              /* of what is being heard: they may be hurt,
	                           * whatever the next answer says of devices */
	uint64_t asked_us;
	struct netmon_stats stats;
	netmon_fn *on_change;
	void *ctx;
	netmon_doubt_fn *on_doubt;
	void *doubt_ctx;
};

static int on_dumped(const struct nlmsghdr *msg, void *data)
{
	struct netmon *mon = data;
	struct netmsg parsed;

	if (netmsg_parse(&parsed, msg, msg->nlmsg_len) < 0) {
		mon->stats.malformed++;
		return MNL_CB_OK;
	}
	int rc = nettable_add(mon->asking.into, &parsed);
	if (rc == -ENOBUFS) {
		mon->stats.overflows++;
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
static void note_interruption(struct asking *asking, char *buf, size_t size)
{
	int left = (int)size;

	for (struct nlmsghdr *msg = (void *)buf; mnl_nlmsg_ok(msg, left);
	     msg = mnl_nlmsg_next(msg, &left)) {
		asking->interrupted |= msg->nlmsg_flags & NLM_F_DUMP_INTR;
		msg->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
}

static const struct { uint16_t type; unsigned family; } questions[] = {
	{ RTM_GETLINK, AF_UNSPEC }, { RTM_GETADDR, AF_UNSPEC },
	{ RTM_GETROUTE, AF_INET }, { RTM_GETROUTE, AF_INET6 },
};
#define QUESTIONS (sizeof(questions) / sizeof(*questions))

static unsigned seq_of(const struct asking *asking)
{
	return asking->question + 1;
}

static int put_question(struct asking *asking)
{
	return request(asking->socket, questions[asking->question].type,
	               questions[asking->question].family, seq_of(asking));
}

static void end_asking(struct netmon *mon)
{
	struct asking *asking = &mon->asking;

	loop_io_destroy(asking->io);
	if (asking->socket)
		mnl_socket_close(asking->socket);
	nettable_destroy(asking->into);
	memset(asking, 0, sizeof(*asking));
}

static int begin_asking(struct netmon *mon)
{
	struct asking *asking = &mon->asking;
	int rc;

	mon->stats.dumps++;
	mon->stale = false; /* what is heard from here on is not in the answer */
	mon->asked_us = loop_now_us(mon->loop);
	asking->into = nettable_create();
	asking->socket = asking->into ?
		mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC) : NULL;
	if (!asking->socket ||
	    mnl_socket_bind(asking->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	else
		rc = put_question(asking);
	if (rc)
		end_asking(mon);
	return rc;
}

/* Reads one part of an answer. 1: more follows; 0: it was the last; -errno:
 * -EAGAIN where there is none yet. */
static int read_part(struct netmon *mon)
{
	mnl_cb_t control[] = { [NLMSG_ERROR] = on_error, [NLMSG_DONE] = on_done };
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct asking *asking = &mon->asking;
	ssize_t n = mnl_socket_recvfrom(asking->socket, buf, sizeof(buf));

	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	note_interruption(asking, buf, (size_t)n);
	int rc = mnl_cb_run2(buf, (size_t)n, seq_of(asking),
	                     mnl_socket_get_portid(asking->socket), on_dumped,
	                     mon, control, sizeof(control) / sizeof(control[0]));
	if (rc < 0)
		return -errno;
	if (rc > MNL_CB_STOP)
		return 1;
	if (++asking->question == QUESTIONS)
		return 0;
	rc = put_question(asking);
	return rc ? rc : 1;
}

/* Some parts of the answer; as read_part(). */
static int read_parts(struct netmon *mon)
{
	int rc = 1;

	for (unsigned i = 0; i < PARTS_PER_TURN && rc == 1; i++)
		rc = read_part(mon);
	return rc == -EAGAIN ? 1 : rc;
}

/* Makes the answer the state. One that changed while it was read is taken too,
 * as it is nearer to the truth than the one before, and stays stale. The state
 * before is the caller's. */
static int take_answer(struct netmon *mon, struct nettable **before)
{
	struct asking *asking = &mon->asking;
	int rc = nettable_finish(asking->into);

	if (!rc) {
		*before = mon->table;
		pthread_rwlock_wrlock(&mon->lock);
		mon->table = asking->into;
		pthread_rwlock_unlock(&mon->lock);
		asking->into = NULL;
		mon->stats.interrupted += asking->interrupted;
		mon->stale |= asking->interrupted;
	}
	end_asking(mon);
	return rc;
}

/* The first state, which is waited for. */
static int ask_and_wait(struct netmon *mon)
{
	struct nettable *before;
	int rc = begin_asking(mon);

	while (!rc) {
		struct pollfd answer = {
			.fd = mnl_socket_get_fd(mon->asking.socket),
			.events = POLLIN,
		};
		if (poll(&answer, 1, ANSWER_US / 1000) == 0) {
			rc = -ETIMEDOUT;
			break;
		}
		rc = read_parts(mon);
		if (rc == 0)
			return take_answer(mon, &before);
		if (rc == 1)
			rc = 0;
	}
	end_asking(mon);
	return rc;
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

static void settle(struct netmon *mon);

static void give_up(struct netmon *mon, int rc)
{
	note_failure(mon, rc);
	mon->pause_us = mon->pause_us * 2 < NETMON_FAIL_INTERVAL_US ?
		mon->pause_us * 2 : NETMON_FAIL_INTERVAL_US;
	end_asking(mon);
	mon->stale = true;
	settle(mon);
}

static void on_answer(void *ctx, unsigned events)
{
	struct netmon *mon = ctx;
	struct nettable *before = NULL;
	int rc = read_parts(mon);

	mon->stats.turns++;

	if (rc == 1) {
		loop_timer_arm(mon->later, loop_now_us(mon->loop) + ANSWER_US);
		return;
	}
	if (!rc)
		rc = take_answer(mon, &before);
	if (rc) {
		give_up(mon, rc);
		return;
	}
	note_failure(mon, 0);
	mon->pause_us = NETMON_ASK_INTERVAL_US;
	loop_timer_disarm(mon->later);
	tell(mon, before);
	nettable_destroy(before);
	settle(mon);
}

static void ask(struct netmon *mon)
{
	struct asking *asking = &mon->asking;
	int rc = begin_asking(mon);

	if (!rc) {
		asking->io = loop_io_create(
			mon->loop, mnl_socket_get_fd(asking->socket), LOOP_READ,
			on_answer, mon);
		rc = asking->io ? 0 : -ENOMEM;
	}
	if (rc)
		give_up(mon, rc);
	else
		loop_timer_arm(mon->later, mon->asked_us + ANSWER_US);
}

/* What is to be done: asks, soon or now, or says that all has been told. */
static void settle(struct netmon *mon)
{
	uint64_t due_us = mon->asked_us + mon->pause_us;

	if (mon->asking.socket)
		return;
	if (!mon->stale)
		tell_doubt(mon);
	else if (loop_now_us(mon->loop) < due_us)
		loop_timer_arm(mon->later, due_us);
	else
		ask(mon);
}

static void on_later(void *ctx)
{
	struct netmon *mon = ctx;

	if (mon->asking.socket)
		give_up(mon, -ETIMEDOUT);
	else
		settle(mon);
}

/* Notifications carry no sequence number to check. */
static void take_hints(void *ctx, const char *buf, size_t size)
{
	struct netmon *mon = ctx;
	int left = (int)size;

	for (const struct nlmsghdr *msg = (const void *)buf;
	     mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left)) {
		struct netmsg parsed;
		if (netmsg_parse(&parsed, msg, (size_t)left) < 0) {
			mon->stats.malformed++;
			mon->stale = mon->doubt = true;
		} else if (parsed.kind == NETMSG_POLICY) {
			mon->policy = true;
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
	struct netmon *mon = ctx;
	bool lost;

	mon->policy = false;
	lost = nlhear_read(&mon->hear, take_hints, mon);
	mon->stale |= lost;
	mon->doubt |= lost;
	if (mon->policy && mon->on_doubt)
		mon->on_doubt(mon->doubt_ctx);
	settle(mon);
}

static int open_socket(struct netmon *mon, size_t receive_buffer_bytes)
{
	unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	                  RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
	                  RTMGRP_IPV4_RULE | 1u << (RTNLGRP_IPV6_RULE - 1);

	int rc = nlhear_open(&mon->hear, NETLINK_ROUTE, receive_buffer_bytes ?
	                     receive_buffer_bytes : NETMON_RECEIVE_BUFFER_BYTES,
	                     groups);

	if (rc)
		return rc;
	mon->io = loop_io_create(mon->loop, nlhear_fd(&mon->hear), LOOP_READ,
	                         on_readable, mon);
	mon->later = loop_timer_create(mon->loop, on_later, mon);
	return mon->io && mon->later ? 0 : -ENOMEM;
}

struct netmon *netmon_create(struct loop *loop, size_t receive_buffer_bytes,
                             netmon_fn *on_change, void *ctx)
{
	struct netmon *mon = calloc(1, sizeof(*mon));

	if (!mon)
		return NULL;
	pthread_rwlock_init(&mon->lock, NULL);
	mon->loop = loop;
	mon->on_change = on_change;
	mon->pause_us = NETMON_ASK_INTERVAL_US;
	mon->ctx = ctx;
	/* Listen first, ask then: what changes in between is heard. */
	int rc = open_socket(mon, receive_buffer_bytes);
	if (!rc)
		rc = ask_and_wait(mon);
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
	end_asking(mon);
	nlhear_close(&mon->hear);
	nettable_destroy(mon->table);
	pthread_rwlock_destroy(&mon->lock);
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

bool netmon_is_local(struct netmon *mon, const struct addr *a)
{
	bool is;

	pthread_rwlock_rdlock(&mon->lock);
	is = nettable_is_local(mon->table, a);
	pthread_rwlock_unlock(&mon->lock);
	return is;
}

struct netmon_stats netmon_stats(const struct netmon *mon)
{
	struct netmon_stats stats = mon->stats;

	stats.overruns = mon->hear.overruns;
	return stats;
}
