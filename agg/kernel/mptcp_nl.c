/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mptcp_nl.h. Generic netlink by libmnl (Documentation/netlink/specs/
 * mptcp_pm.yaml). Owns one netlink socket.
 */
#include "agg/kernel/mptcp_nl.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define READ_BYTES 32768
#define ASK_BYTES 512
#define ASK_TIMEOUT_S 2 /* never needed: no answer would be a kernel bug */

struct mptcp_nl {
	struct mnl_socket *socket;
	struct mptcp_msg_family family;
	unsigned seq;
	char words[MPTCP_MSG_WORDS_MAX];
};

/* A request being put together. */
struct ask {
	char buf[ASK_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *msg;
};

/* Takes each message of an answer; 0 or -errno. */
typedef int answer_fn(void *ctx, const struct nlmsghdr *msg);

static void ask_start(struct ask *ask, struct mptcp_nl *nl, uint16_t type,
                      uint8_t cmd, uint8_t version)
{
	memset(ask->buf, 0, sizeof(ask->buf));
	ask->msg = mnl_nlmsg_put_header(ask->buf);
	ask->msg->nlmsg_type = type;
	ask->msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	ask->msg->nlmsg_seq = ++nl->seq;
	struct genlmsghdr *genl =
		mnl_nlmsg_put_extra_header(ask->msg, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
}

/* 1: more is to come; 0: the end; or -errno. */
static int take_message(struct mptcp_nl *nl, const struct nlmsghdr *msg,
                        answer_fn *on_answer, void *ctx)
{
	int rc = 0;

	switch (msg->nlmsg_type) {
	case NLMSG_ERROR:
		return mptcp_msg_ack(msg, msg->nlmsg_len, nl->words);
	case NLMSG_DONE:
		if (mnl_nlmsg_get_payload_len(msg) >= sizeof(rc))
			memcpy(&rc, mnl_nlmsg_get_payload(msg), sizeof(rc));
		return rc < 0 ? rc : 0;
	case NLMSG_NOOP:
		return 1;
	}
	rc = on_answer ? on_answer(ctx, msg) : 0;
	return rc ? rc : 1;
}

/* What is left of an earlier question is passed over. */
static int take_buffer(struct mptcp_nl *nl, const char *buf, size_t size,
                       answer_fn *on_answer, void *ctx)
{
	int left = (int)size, rc = 1;

	for (const struct nlmsghdr *msg = (const void *)buf;
	     rc == 1 && mnl_nlmsg_ok(msg, left);
	     msg = mnl_nlmsg_next(msg, &left))
		if (msg->nlmsg_seq == nl->seq)
			rc = take_message(nl, msg, on_answer, ctx);
	return rc;
}

/* Sends, and reads to the end of the answer. A dump ends by NLMSG_DONE, all
 * else by the acknowledgement. */
static int ask_run(struct ask *ask, struct mptcp_nl *nl, answer_fn *on_answer,
                   void *ctx)
{
	char buf[READ_BYTES] __attribute__((aligned(NLMSG_ALIGNTO)));
	int rc = 1;

	nl->words[0] = 0;
	if (mnl_socket_sendto(nl->socket, ask->msg, ask->msg->nlmsg_len) < 0)
		return -errno;
	while (rc == 1) {
		ssize_t n = mnl_socket_recvfrom(nl->socket, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		rc = take_buffer(nl, buf, (size_t)n, on_answer, ctx);
	}
	return rc;
}

static int on_family(void *ctx, const struct nlmsghdr *msg)
{
	struct mptcp_msg_family *family = ctx;

	return mptcp_msg_family(family, msg, msg->nlmsg_len);
}

static int find_family(struct mptcp_nl *nl)
{
	struct ask ask;

	ask_start(&ask, nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(ask.msg, CTRL_ATTR_FAMILY_NAME, MPTCP_PM_NAME);
	int err = ask_run(&ask, nl, on_family, &nl->family);
	return err ? err : nl->family.id ? 0 : -ENOENT;
}

static int open_socket(struct mptcp_nl *nl)
{
	const struct timeval timeout = { .tv_sec = ASK_TIMEOUT_S };
	int on = 1;

	nl->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	int fd = mnl_socket_get_fd(nl->socket);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	/* Older kernels do not know it; then words are fewer. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

struct mptcp_nl *mptcp_nl_create(struct kerr *err)
{
	struct mptcp_nl *nl = calloc(1, sizeof(*nl));
	int rc = nl ? open_socket(nl) : -ENOMEM;

	if (rc)
		kerr_set(err, rc, "generic netlink");
	else if ((rc = find_family(nl)))
		kerr_set(err, rc, "MPTCP's path manager: this kernel has none");
	if (!rc)
		return nl;
	mptcp_nl_destroy(nl);
	errno = -rc;
	return NULL;
}

void mptcp_nl_destroy(struct mptcp_nl *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

uint32_t mptcp_nl_events_group(const struct mptcp_nl *nl)
{
	return nl->family.events_group;
}

const char *mptcp_nl_words(const struct mptcp_nl *nl)
{
	return nl->words;
}

static int on_listed(void *ctx, const struct nlmsghdr *msg)
{
	struct mptcp_nl_list *list = ctx;

	if (list->count == MPTCP_NL_ENDPOINTS_MAX)
		return -ENOBUFS;
	int err = mptcp_msg_endpoint(&list->of[list->count], msg, msg->nlmsg_len);
	list->count += !err;
	return err;
}

int mptcp_nl_list(struct mptcp_nl *nl, struct mptcp_nl_list *out)
{
	struct ask ask;

	out->count = 0;
	ask_start(&ask, nl, nl->family.id, MPTCP_PM_CMD_GET_ADDR, MPTCP_PM_VER);
	ask.msg->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	return ask_run(&ask, nl, on_listed, out);
}

static void put_address(struct ask *ask, const struct addr *a)
{
	mnl_attr_put_u16(ask->msg, MPTCP_PM_ADDR_ATTR_FAMILY, a->family);
	mnl_attr_put(ask->msg, a->family == AF_INET ? MPTCP_PM_ADDR_ATTR_ADDR4
	             : MPTCP_PM_ADDR_ATTR_ADDR6, addr_ip_len(a), a->ip);
}

int mptcp_nl_add(struct mptcp_nl *nl, const struct mptcp_msg_endpoint *e)
{
	struct ask ask;

	ask_start(&ask, nl, nl->family.id, MPTCP_PM_CMD_ADD_ADDR, MPTCP_PM_VER);
	struct nlattr *nest = mnl_attr_nest_start(ask.msg, MPTCP_PM_ATTR_ADDR);
	put_address(&ask, &e->addr);
	if (e->id)
		mnl_attr_put_u8(ask.msg, MPTCP_PM_ADDR_ATTR_ID, e->id);
	mnl_attr_put_u32(ask.msg, MPTCP_PM_ADDR_ATTR_FLAGS, e->flags);
	if (e->ifindex)
		mnl_attr_put_u32(ask.msg, MPTCP_PM_ADDR_ATTR_IF_IDX,
		                 (uint32_t)e->ifindex);
	mnl_attr_nest_end(ask.msg, nest);
	return ask_run(&ask, nl, NULL, NULL);
}

int mptcp_nl_remove(struct mptcp_nl *nl, const struct mptcp_msg_endpoint *e)
{
	struct ask ask;

	ask_start(&ask, nl, nl->family.id, MPTCP_PM_CMD_DEL_ADDR, MPTCP_PM_VER);
	struct nlattr *nest = mnl_attr_nest_start(ask.msg, MPTCP_PM_ATTR_ADDR);
	put_address(&ask, &e->addr);
	mnl_attr_put_u8(ask.msg, MPTCP_PM_ADDR_ATTR_ID, e->id);
	mnl_attr_nest_end(ask.msg, nest);
	return ask_run(&ask, nl, NULL, NULL);
}

/* By its address: kernels before 5.18 know no other way. */
int mptcp_nl_set_backup(struct mptcp_nl *nl, const struct mptcp_msg_endpoint *e)
{
	struct ask ask;

	ask_start(&ask, nl, nl->family.id, MPTCP_PM_CMD_SET_FLAGS, MPTCP_PM_VER);
	struct nlattr *nest = mnl_attr_nest_start(ask.msg, MPTCP_PM_ATTR_ADDR);
	put_address(&ask, &e->addr);
	mnl_attr_put_u32(ask.msg, MPTCP_PM_ADDR_ATTR_FLAGS, e->flags);
	mnl_attr_nest_end(ask.msg, nest);
	return ask_run(&ask, nl, NULL, NULL);
}

static int on_limits(void *ctx, const struct nlmsghdr *msg)
{
	struct mptcp_msg_limits *limits = ctx;

	return mptcp_msg_limits(limits, msg, msg->nlmsg_len);
}

int mptcp_nl_get_limits(struct mptcp_nl *nl, struct mptcp_msg_limits *out)
{
	struct ask ask;

	memset(out, 0, sizeof(*out));
	ask_start(&ask, nl, nl->family.id, MPTCP_PM_CMD_GET_LIMITS, MPTCP_PM_VER);
	return ask_run(&ask, nl, on_limits, out);
}

int mptcp_nl_set_limits(struct mptcp_nl *nl, const uint32_t *accepted,
                        const uint32_t *subflows)
{
	struct ask ask;

	ask_start(&ask, nl, nl->family.id, MPTCP_PM_CMD_SET_LIMITS, MPTCP_PM_VER);
	if (accepted)
		mnl_attr_put_u32(ask.msg, MPTCP_PM_ATTR_RCV_ADD_ADDRS, *accepted);
	if (subflows)
		mnl_attr_put_u32(ask.msg, MPTCP_PM_ATTR_SUBFLOWS, *subflows);
	return ask_run(&ask, nl, NULL, NULL);
}
