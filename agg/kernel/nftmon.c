/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see nftmon.h. One socket hears the notifications and stays open; for a
 * look another one asks for the rules of our table alone, which the kernel
 * answers at once from its memory, however large the host's other tables are.
 * What is compared is a hash of what it answers: a rule's handle is new when
 * the rule is.
 */
#include "agg/kernel/nftmon.h"

#include "agg/kernel/nlhear.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define READ_BYTES 32768
#define RECEIVE_BUFFER_BYTES (1 << 20)
#define ANSWER_TIMEOUT_S 1 /* never needed: no answer would be a kernel bug */
#define LOOK_TRIES 5       /* of an answer that changes while it is read */
#define TABLE_ATTRIBUTE 1  /* NFTA_TABLE_NAME, NFTA_RULE_TABLE and so on: all */
#define FNV_OFFSET 0xcbf29ce484222325u /* FNV-1a */
#define FNV_PRIME 0x100000001b3u

struct nftmon {
	struct nlhear hear;
	struct loop_io *io;
	char table[NFTMON_TABLE_MAX + 1], open[NFTMON_TABLE_MAX + 1];
	pid_t own;          /* 0: nobody's changes are ours */
	bool known;         /* rules is */
	bool foreign;       /* of what is being heard: it was not our doing */
	uint64_t rules;     /* their hash at nftmon_settle */
	nftmon_fn *on_change;
	void *ctx;
};

static bool is_of_elements(const struct nlmsghdr *msg)
{
	unsigned type = msg->nlmsg_type & 0xff;

	return type == NFT_MSG_NEWSETELEM || type == NFT_MSG_DELSETELEM;
}

bool nftmon_touches(const struct nlmsghdr *msg, size_t size, const char *table,
                    bool elements)
{
	const struct nfgenmsg *head;
	struct nlattr *attr;

	if (!mnl_nlmsg_ok(msg, (int)size) ||
	    msg->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    (msg->nlmsg_type & 0xff) == NFT_MSG_NEWGEN ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*head) ||
	    (!elements && is_of_elements(msg)))
		return false;
	head = mnl_nlmsg_get_payload(msg);
	if (head->nfgen_family != NFPROTO_INET)
		return false;
	mnl_attr_for_each(attr, msg, sizeof(*head))
		if (mnl_attr_get_type(attr) == TABLE_ATTRIBUTE)
			return mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0 &&
			       !strcmp(mnl_attr_get_str(attr), table);
	return false;
}

/* Notifications ------------------------------------------------------------ */

static void take_changes(void *ctx, const char *buf, size_t size)
{
	struct nftmon *mon = ctx;
	int left = (int)size;

	for (const struct nlmsghdr *msg = (const void *)buf;
	     mnl_nlmsg_ok(msg, left); msg = mnl_nlmsg_next(msg, &left))
		if ((nftmon_touches(msg, (size_t)left, mon->table, true) ||
		     nftmon_touches(msg, (size_t)left, mon->open, false)) &&
		    (!mon->own || msg->nlmsg_pid != (uint32_t)mon->own))
			mon->foreign = true;
}

/* Reads what is there. True: somebody else changed the table, or it was too
 * much to be heard, and it differs. */
static bool hear(struct nftmon *mon)
{
	mon->foreign = false;
	bool lost = nlhear_read(&mon->hear, take_changes, mon);
	/* What a run of ours made is known when it has ended. */
	return mon->foreign || (lost && !mon->own && nftmon_differs(mon));
}

static void on_readable(void *ctx, unsigned events)
{
	struct nftmon *mon = ctx;

	if (hear(mon))
		mon->on_change(mon->ctx);
}

/* A look ------------------------------------------------------------------- */

struct look {
	uint64_t hash;
	bool interrupted; /* something changed while it was read */
};

static int on_rule(const struct nlmsghdr *msg, void *data)
{
	struct look *look = data;
	const struct nfgenmsg *head = mnl_nlmsg_get_payload(msg);
	const uint8_t *p = (const uint8_t *)(head + 1);

	if (mnl_nlmsg_get_payload_len(msg) < sizeof(*head))
		return MNL_CB_OK;
	for (size_t n = mnl_nlmsg_get_payload_len(msg) - sizeof(*head); n; n--)
		look->hash = (look->hash ^ *p++) * FNV_PRIME;
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *socket, const char *table)
{
	char buf[256] = { 0 };
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);

	msg->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE;
	msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	msg->nlmsg_seq = 1;
	struct nfgenmsg *head = mnl_nlmsg_put_extra_header(msg, sizeof(*head));
	head->nfgen_family = NFPROTO_INET;
	head->version = NFNETLINK_V0;
	mnl_attr_put_strz(msg, NFTA_RULE_TABLE, table);
	return mnl_socket_sendto(socket, msg, msg->nlmsg_len) < 0 ? -errno : 0;
}

/* As in netmon.c: the rest of an interrupted answer has to be read, too. */
static void note_interruption(struct look *look, char *buf, size_t size)
{
	int left = (int)size;

	for (struct nlmsghdr *msg = (void *)buf; mnl_nlmsg_ok(msg, left);
	     msg = mnl_nlmsg_next(msg, &left)) {
		look->interrupted |= msg->nlmsg_flags & NLM_F_DUMP_INTR;
		msg->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
	}
}

static int read_answer(struct mnl_socket *socket, struct look *look)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	int rc;

	do {
		ssize_t n = mnl_socket_recvfrom(socket, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		note_interruption(look, buf, (size_t)n);
		rc = mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(socket),
		                on_rule, look);
	} while (rc > MNL_CB_STOP);
	/* A table that is not there has no rules. */
	return rc < 0 && errno != ENOENT ? -errno : 0;
}

static int read_rules(struct mnl_socket *socket, const char *table,
                      struct look *look)
{
	int rc = *table ? ask(socket, table) : 0;

	return rc || !*table ? rc : read_answer(socket, look);
}

static int look_at_rules(const struct nftmon *mon, uint64_t *out)
{
	const struct timeval timeout = { .tv_sec = ANSWER_TIMEOUT_S };
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER,
	                                             SOCK_CLOEXEC);
	struct look look = { .interrupted = true };
	int rc = 0;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		rc = -errno;
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
	           sizeof(timeout));
	for (int i = 0; i < LOOK_TRIES && !rc && look.interrupted; i++) {
		look = (struct look){ .hash = FNV_OFFSET };
		rc = read_rules(socket, mon->table, &look);
		if (!rc)
			rc = read_rules(socket, mon->open, &look);
	}
	mnl_socket_close(socket);
	*out = look.hash;
	return rc ? rc : look.interrupted ? -EAGAIN : 0;
}

bool nftmon_differs(struct nftmon *mon)
{
	uint64_t rules;

	return mon->known && !look_at_rules(mon, &rules) && rules != mon->rules;
}

/* Lifetime ------------------------------------------------------------------ */

void nftmon_expect(struct nftmon *mon, pid_t pid)
{
	mon->own = pid;
}

void nftmon_settle(struct nftmon *mon)
{
	bool foreign = hear(mon);

	mon->own = 0;
	mon->known = !look_at_rules(mon, &mon->rules);
	if (foreign)
		mon->on_change(mon->ctx);
}

static int open_socket(struct nftmon *mon, struct loop *loop)
{
	int rc = nlhear_open(&mon->hear, NETLINK_NETFILTER, RECEIVE_BUFFER_BYTES, 0);

	if (!rc)
		rc = nlhear_join(&mon->hear, NFNLGRP_NFTABLES);
	if (rc)
		return rc;
	mon->io = loop_io_create(loop, nlhear_fd(&mon->hear), LOOP_READ,
	                         on_readable, mon);
	return mon->io ? 0 : -ENOMEM;
}

struct nftmon *nftmon_create(struct loop *loop, const char *table,
                             const char *open, nftmon_fn *on_change, void *ctx)
{
	struct nftmon *mon = calloc(1, sizeof(*mon));

	if (!mon)
		return NULL;
	strncpy(mon->table, table, NFTMON_TABLE_MAX);
	strncpy(mon->open, open, NFTMON_TABLE_MAX);
	mon->on_change = on_change;
	mon->ctx = ctx;
	int rc = open_socket(mon, loop);
	if (rc) {
		nftmon_destroy(mon);
		errno = -rc;
		return NULL;
	}
	return mon;
}

void nftmon_destroy(struct nftmon *mon)
{
	if (!mon)
		return;
	loop_io_destroy(mon->io);
	nlhear_close(&mon->hear);
	free(mon);
}
