/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see rules.h. Owns one rtnetlink socket, of libmnl; libnl's rules know
 * nothing of suppress_prefixlength.
 */
#include "agg/kernel/rules.h"
#include "agg/kernel/netattr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define READ_BYTES 32768
#define REASON_MAX 96
#define DUMP_TRIES 3 /* of one that changes while it is read */

struct rules {
	struct mnl_socket *socket;
	unsigned seq;
	char reason[REASON_MAX];
};

/* One answer as it is read. */
struct answer {
	struct rules *rules;
	struct rules_list *list; /* NULL: an acknowledgement is awaited */
	bool interrupted;
};

struct rules *rules_create(void)
{
	const struct timeval timeout = { .tv_usec = RULES_TIMEOUT_MS * 1000 };
	struct rules *r = calloc(1, sizeof(*r));
	int on = 1;

	if (!r)
		return NULL;
	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->socket ||
	    mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int error = errno;
		rules_destroy(r);
		errno = error;
		return NULL;
	}
	int fd = mnl_socket_get_fd(r->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	return r;
}

void rules_destroy(struct rules *r)
{
	if (!r)
		return;
	if (r->socket)
		mnl_socket_close(r->socket);
	free(r);
}

const char *rules_reason(const struct rules *r)
{
	return r->reason;
}

void rules_list_finish(struct rules_list *list)
{
	free(list->items);
	memset(list, 0, sizeof(*list));
}

static int keep(struct rules_list *list, const struct rule *rule)
{
	if (list->count == RULES_MAX)
		return 0;
	if (list->count == list->cap) {
		unsigned cap = list->cap ? list->cap * 2 : 16;
		void *items = realloc(list->items, cap * sizeof(*rule));
		if (!items)
			return -ENOMEM;
		list->items = items;
		list->cap = cap;
	}
	list->items[list->count++] = *rule;
	return 0;
}

/* The kernel's words stand behind the copy of the request. */
static void take_reason(struct rules *r, const struct nlmsghdr *msg)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(msg);
	size_t len = mnl_nlmsg_get_payload_len(msg), at = sizeof(*e);
	struct netattrs attrs;

	if (!(msg->nlmsg_flags & NLM_F_CAPPED))
		at += MNL_ALIGN(e->msg.nlmsg_len) - MNL_NLMSG_HDRLEN;
	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS) || at >= len)
		return;
	netattrs_parse(&attrs, (const char *)e + at, len - at);
	const struct nlattr *words = attrs.of[NLMSGERR_ATTR_MSG];
	if (words && mnl_attr_validate(words, MNL_TYPE_NUL_STRING) == 0)
		strncpy(r->reason, mnl_attr_get_str(words), REASON_MAX - 1);
}

/* 1: more follows. 0: the end. -errno: refused. */
static int take_message(struct answer *a, const struct nlmsghdr *msg)
{
	size_t len = mnl_nlmsg_get_payload_len(msg);
	struct rule rule;
	int error = 0;

	if (msg->nlmsg_seq != a->rules->seq)
		return 1; /* of a question that was given up */
	a->interrupted |= msg->nlmsg_flags & NLM_F_DUMP_INTR;
	switch (msg->nlmsg_type) {
	case NLMSG_ERROR:
	case NLMSG_DONE:
		if (len >= sizeof(error))
			memcpy(&error, mnl_nlmsg_get_payload(msg), sizeof(error));
		if (error && msg->nlmsg_type == NLMSG_ERROR)
			take_reason(a->rules, msg);
		return error;
	case RTM_NEWRULE:
		if (!a->list || rule_parse(&rule, msg, msg->nlmsg_len) < 0)
			return 1;
		error = keep(a->list, &rule);
		return error ? error : 1;
	}
	return 1;
}

static int read_answer(struct answer *a)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	int rc = 1;

	while (rc > 0) {
		ssize_t n = mnl_socket_recvfrom(a->rules->socket, buf, sizeof(buf));
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		int left = (int)n;
		for (const struct nlmsghdr *msg = (const void *)buf;
		     rc > 0 && mnl_nlmsg_ok(msg, left);
		     msg = mnl_nlmsg_next(msg, &left))
			rc = take_message(a, msg);
	}
	return rc;
}

static int ask(struct answer *a, struct nlmsghdr *msg)
{
	a->rules->reason[0] = 0;
	msg->nlmsg_seq = ++a->rules->seq;
	if (mnl_socket_sendto(a->rules->socket, msg, msg->nlmsg_len) < 0)
		return -errno;
	return read_answer(a);
}

int rules_read(struct rules *r, sa_family_t family, struct rules_list *out)
{
	int rc = 0;

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < DUMP_TRIES; i++) {
		char buf[RULE_MESSAGE_MAX] = { 0 };
		struct answer a = { .rules = r, .list = out };
		struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
		struct fib_rule_hdr *header =
			mnl_nlmsg_put_extra_header(msg, sizeof(*header));

		msg->nlmsg_type = RTM_GETRULE;
		msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		header->family = (uint8_t)family;
		rules_list_finish(out);
		rc = ask(&a, msg);
		if (rc || !a.interrupted)
			break;
	}
	return rc;
}

static int change(struct rules *r, uint16_t type, uint16_t flags,
                  const struct rule *rule)
{
	char buf[RULE_MESSAGE_MAX] = { 0 };
	struct answer a = { .rules = r };

	return ask(&a, rule_put(buf, type, flags | NLM_F_ACK, rule));
}

int rules_add(struct rules *r, const struct rule *rule)
{
	return change(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);
}

int rules_remove(struct rules *r, const struct rule *rule)
{
	int rc = change(r, RTM_DELRULE, 0, rule);

	/* Gone in between: that was the wish. */
	return rc == -ENOENT || rc == -ESRCH || rc == -ENODEV ? 0 : rc;
}
