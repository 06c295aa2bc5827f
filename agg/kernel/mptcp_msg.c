/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: parses what <linux/mptcp.h> describes, with libmnl. Every length is
 * checked before a byte is read. Attributes newer than Debian 12's header are
 * named here.
 */
#include "agg/kernel/mptcp_msg.h"
#include "agg/kernel/netattr.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <string.h>

#define EVENT_FLAG_SERVER_SIDE 2 /* MPTCP_PM_EV_FLAG_SERVER_SIDE (6.18) */
#define RESET_REASON_MAX 255

_Static_assert(MPTCP_ATTR_SERVER_SIDE < NETATTR_TYPES_MAX, "all are kept");

/* mnl_nlmsg_ok takes a length of 2 GiB and more for a negative one. */
static bool is_whole(const struct nlmsghdr *msg, size_t size)
{
	return size <= INT32_MAX && mnl_nlmsg_ok(msg, (int)size) &&
	       msg->nlmsg_len <= size;
}

/* The attributes of a generic netlink message; *cmd is its command. */
static int open_message(struct netattrs *attrs, uint8_t *cmd, const void *data,
                        size_t size)
{
	const struct nlmsghdr *msg = data;
	const struct genlmsghdr *genl;

	if (!is_whole(msg, size) ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*genl))
		return -EBADMSG;
	genl = mnl_nlmsg_get_payload(msg);
	*cmd = genl->cmd;
	netattrs_parse(attrs, genl + 1,
	               mnl_nlmsg_get_payload_len(msg) - sizeof(*genl));
	return 0;
}

static enum mptcp_event_kind kind_of(uint8_t cmd)
{
	switch (cmd) {
	case MPTCP_EVENT_CREATED: return MPTCP_EV_CREATED;
	case MPTCP_EVENT_ESTABLISHED: return MPTCP_EV_ESTABLISHED;
	case MPTCP_EVENT_CLOSED: return MPTCP_EV_CLOSED;
	case MPTCP_EVENT_ANNOUNCED: return MPTCP_EV_ANNOUNCED;
	case MPTCP_EVENT_REMOVED: return MPTCP_EV_REMOVED;
	case MPTCP_EVENT_SUB_ESTABLISHED: return MPTCP_EV_SUB_ESTABLISHED;
	case MPTCP_EVENT_SUB_CLOSED: return MPTCP_EV_SUB_CLOSED;
	case MPTCP_EVENT_SUB_PRIORITY: return MPTCP_EV_SUB_PRIORITY;
	}
	return MPTCP_EV_OTHER;
}

/* One end: its IPv4 or IPv6 address if either is there, and its port. */
static bool get_end(const struct netattrs *attrs, unsigned ip4, unsigned ip6,
                    unsigned port, struct addr *out)
{
	uint16_t wire_port = 0;

	if (attrs->of[ip4] && !netattr_addr(attrs->of[ip4], AF_INET, out))
		return false;
	if (attrs->of[ip6] && !netattr_addr(attrs->of[ip6], AF_INET6, out))
		return false;
	if (!netattrs_u16(attrs, port, &wire_port))
		return false;
	out->port = ntohs(wire_port);
	return true;
}

static bool get_event_words(const struct netattrs *attrs,
                            struct mptcp_event *out)
{
	uint32_t ifindex = 0, reason = 0;
	uint16_t flags = 0;
	uint8_t backup = 0, server = 0;

	if (!netattrs_u32(attrs, MPTCP_ATTR_IF_IDX, &ifindex) ||
	    !netattrs_u32(attrs, MPTCP_ATTR_RESET_REASON, &reason) ||
	    !netattrs_u16(attrs, MPTCP_ATTR_FLAGS, &flags) ||
	    !netattrs_u8(attrs, MPTCP_ATTR_BACKUP, &backup) ||
	    !netattrs_u8(attrs, MPTCP_ATTR_SERVER_SIDE, &server) ||
	    !netattrs_u8(attrs, MPTCP_ATTR_LOC_ID, &out->local_id) ||
	    !netattrs_u8(attrs, MPTCP_ATTR_REM_ID, &out->remote_id) ||
	    !netattrs_u8(attrs, MPTCP_ATTR_ERROR, &out->error) ||
	    reason > RESET_REASON_MAX)
		return false;
	out->ifindex = (int)ifindex;
	out->backup = backup;
	out->server_side = server || flags & EVENT_FLAG_SERVER_SIDE;
	if (attrs->of[MPTCP_ATTR_RESET_REASON])
		out->reset_reason = (int)reason;
	return true;
}

int mptcp_msg_event(struct mptcp_event *out, const void *data, size_t size)
{
	struct netattrs attrs;
	uint8_t cmd;
	int err = open_message(&attrs, &cmd, data, size);

	memset(out, 0, sizeof(*out));
	out->reset_reason = MPTCP_RESET_NONE;
	if (err || kind_of(cmd) == MPTCP_EV_OTHER)
		return err;
	if (!attrs.of[MPTCP_ATTR_TOKEN] ||
	    !netattrs_u32(&attrs, MPTCP_ATTR_TOKEN, &out->token) ||
	    !get_end(&attrs, MPTCP_ATTR_SADDR4, MPTCP_ATTR_SADDR6,
	             MPTCP_ATTR_SPORT, &out->local) ||
	    !get_end(&attrs, MPTCP_ATTR_DADDR4, MPTCP_ATTR_DADDR6,
	             MPTCP_ATTR_DPORT, &out->remote) ||
	    !get_event_words(&attrs, out))
		return -EBADMSG;
	out->kind = kind_of(cmd);
	return 0;
}

int mptcp_msg_endpoint(struct mptcp_msg_endpoint *out, const void *data,
                       size_t size)
{
	struct netattrs outer, attrs;
	uint16_t family = 0, port = 0;
	uint32_t ifindex = 0;
	uint8_t cmd;
	int err = open_message(&outer, &cmd, data, size);

	memset(out, 0, sizeof(*out));
	if (err)
		return err;
	netattrs_parse_nested(&attrs, outer.of[MPTCP_PM_ATTR_ADDR]);
	if (!attrs.of[MPTCP_PM_ADDR_ATTR_FAMILY] ||
	    !netattrs_u16(&attrs, MPTCP_PM_ADDR_ATTR_FAMILY, &family) ||
	    (family != AF_INET && family != AF_INET6))
		return -EBADMSG;
	const struct nlattr *ip = attrs.of[family == AF_INET ?
		MPTCP_PM_ADDR_ATTR_ADDR4 : MPTCP_PM_ADDR_ATTR_ADDR6];
	if (!ip || !netattr_addr(ip, family, &out->addr) ||
	    !netattrs_u16(&attrs, MPTCP_PM_ADDR_ATTR_PORT, &port) ||
	    !netattrs_u8(&attrs, MPTCP_PM_ADDR_ATTR_ID, &out->id) ||
	    !netattrs_u32(&attrs, MPTCP_PM_ADDR_ATTR_FLAGS, &out->flags) ||
	    !netattrs_u32(&attrs, MPTCP_PM_ADDR_ATTR_IF_IDX, &ifindex))
		return -EBADMSG;
	out->addr.port = port;
	out->ifindex = (int)ifindex;
	return 0;
}

int mptcp_msg_limits(struct mptcp_msg_limits *out, const void *data,
                     size_t size)
{
	struct netattrs attrs;
	uint8_t cmd;
	int err = open_message(&attrs, &cmd, data, size);

	memset(out, 0, sizeof(*out));
	if (err)
		return err;
	if (!attrs.of[MPTCP_PM_ATTR_RCV_ADD_ADDRS] ||
	    !attrs.of[MPTCP_PM_ATTR_SUBFLOWS] ||
	    !netattrs_u32(&attrs, MPTCP_PM_ATTR_RCV_ADD_ADDRS, &out->accepted) ||
	    !netattrs_u32(&attrs, MPTCP_PM_ATTR_SUBFLOWS, &out->subflows))
		return -EBADMSG;
	return 0;
}

/* Is the attribute the word, with or without its NUL? */
static bool is_word(const struct nlattr *attr, const char *word)
{
	size_t len = attr ? mnl_attr_get_payload_len(attr) : 0;
	const char *text = len ? mnl_attr_get_payload(attr) : "";

	if (len && !text[len - 1])
		len--;
	return len == strlen(word) && !memcmp(text, word, len);
}

static uint32_t find_group(const struct nlattr *groups, const char *name)
{
	const char *at = mnl_attr_get_payload(groups);
	const char *end = at + mnl_attr_get_payload_len(groups);
	struct netattrs attrs;
	uint32_t id = 0;

	while (mnl_attr_ok((const void *)at, (int)(end - at))) {
		const struct nlattr *group = (const void *)at;
		netattrs_parse_nested(&attrs, group);
		if (is_word(attrs.of[CTRL_ATTR_MCAST_GRP_NAME], name) &&
		    netattrs_u32(&attrs, CTRL_ATTR_MCAST_GRP_ID, &id))
			return id;
		at += MNL_ALIGN(mnl_attr_get_len(group));
	}
	return 0;
}

int mptcp_msg_family(struct mptcp_msg_family *out, const void *data,
                     size_t size)
{
	struct netattrs attrs;
	uint8_t cmd;
	int err = open_message(&attrs, &cmd, data, size);

	memset(out, 0, sizeof(*out));
	if (err)
		return err;
	if (!attrs.of[CTRL_ATTR_FAMILY_ID] ||
	    !netattrs_u16(&attrs, CTRL_ATTR_FAMILY_ID, &out->id))
		return -EBADMSG;
	if (attrs.of[CTRL_ATTR_MCAST_GROUPS])
		out->events_group = find_group(attrs.of[CTRL_ATTR_MCAST_GROUPS],
		                               MPTCP_PM_EV_GRP_NAME);
	return 0;
}

/* The words stand behind the copy of the request, or of its header only. */
static void get_words(const struct nlmsghdr *msg, const struct nlmsgerr *e,
                      char words[MPTCP_MSG_WORDS_MAX])
{
	size_t len = mnl_nlmsg_get_payload_len(msg), at = sizeof(*e);
	struct netattrs attrs;

	if (!(msg->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(msg->nlmsg_flags & NLM_F_CAPPED)) {
		if (e->msg.nlmsg_len < NLMSG_HDRLEN || e->msg.nlmsg_len > len)
			return;
		at += MNL_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	}
	if (at >= len)
		return;
	netattrs_parse(&attrs, (const char *)e + at, len - at);
	const struct nlattr *text = attrs.of[NLMSGERR_ATTR_MSG];
	if (!text)
		return;
	size_t n = mnl_attr_get_payload_len(text);
	n = n < MPTCP_MSG_WORDS_MAX ? n : MPTCP_MSG_WORDS_MAX - 1;
	memcpy(words, mnl_attr_get_payload(text), n);
	words[n] = 0;
}

int mptcp_msg_ack(const void *data, size_t size,
                  char words[MPTCP_MSG_WORDS_MAX])
{
	const struct nlmsghdr *msg = data;
	const struct nlmsgerr *e;

	words[0] = 0;
	if (!is_whole(msg, size) ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*e))
		return -EBADMSG;
	e = mnl_nlmsg_get_payload(msg);
	if (!e->error)
		return 0;
	get_words(msg, e, words);
	return e->error < 0 && e->error > -4096 ? e->error : -EBADMSG;
}
