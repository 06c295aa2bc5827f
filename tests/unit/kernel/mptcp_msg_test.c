/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the path manager's messages as the kernel sends them, put together by
 * libmnl, and what is wrong with each that is refused.
 */
#include "agg/kernel/mptcp_msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/mptcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 1024
#define FAMILY 0x20

struct message {
	char bytes[ROOM] __attribute__((aligned(4)));
	struct nlmsghdr *nlh;
};

static void start(struct message *m, uint8_t cmd)
{
	memset(m, 0, sizeof(*m));
	m->nlh = mnl_nlmsg_put_header(m->bytes);
	m->nlh->nlmsg_type = FAMILY;
	struct genlmsghdr *genl =
		mnl_nlmsg_put_extra_header(m->nlh, sizeof(*genl));
	genl->cmd = cmd;
}

static void put_ip(struct message *m, uint16_t type, const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 0), 0);
	mnl_attr_put(m->nlh, type, addr_ip_len(&a), a.ip);
}

static void assert_addr(const struct addr *a, const char *text)
{
	char buf[ADDR_TEXT_MAX];

	assert_string_equal(addr_format(a, buf), text);
}

static int parse_event(const struct message *m, struct mptcp_event *out)
{
	return mptcp_msg_event(out, m->nlh, m->nlh->nlmsg_len);
}

static void a_subflow_is_told_whole(void **state)
{
	struct mptcp_event e;
	struct message m;

	start(&m, MPTCP_EVENT_SUB_CLOSED);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_TOKEN, 0x12345678);
	mnl_attr_put_u16(m.nlh, MPTCP_ATTR_FAMILY, AF_INET);
	mnl_attr_put_u8(m.nlh, MPTCP_ATTR_LOC_ID, 3);
	mnl_attr_put_u8(m.nlh, MPTCP_ATTR_REM_ID, 1);
	put_ip(&m, MPTCP_ATTR_SADDR4, "10.2.0.2");
	put_ip(&m, MPTCP_ATTR_DADDR4, "198.51.100.10");
	mnl_attr_put_u16(m.nlh, MPTCP_ATTR_SPORT, htons(40000));
	mnl_attr_put_u16(m.nlh, MPTCP_ATTR_DPORT, htons(443));
	mnl_attr_put_u8(m.nlh, MPTCP_ATTR_BACKUP, 1);
	mnl_attr_put_u8(m.nlh, MPTCP_ATTR_ERROR, ETIMEDOUT);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_IF_IDX, 7);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_RESET_REASON, MPTCP_RST_EMIDDLEBOX);
	assert_int_equal(parse_event(&m, &e), 0);
	assert_int_equal(e.kind, MPTCP_EV_SUB_CLOSED);
	assert_int_equal(e.token, 0x12345678);
	assert_addr(&e.local, "10.2.0.2:40000");
	assert_addr(&e.remote, "198.51.100.10:443");
	assert_int_equal(e.local_id, 3);
	assert_int_equal(e.remote_id, 1);
	assert_int_equal(e.ifindex, 7);
	assert_true(e.backup && !e.server_side);
	assert_int_equal(e.error, ETIMEDOUT);
	assert_int_equal(e.reset_reason, 6);
}

static void sides_are_told_by_two_kinds_of_kernels(void **state)
{
	struct mptcp_event e;
	struct message m;

	start(&m, MPTCP_EVENT_CREATED);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_TOKEN, 1);
	mnl_attr_put_u8(m.nlh, MPTCP_ATTR_SERVER_SIDE, 1);
	put_ip(&m, MPTCP_ATTR_SADDR6, "2001:db8::1");
	assert_int_equal(parse_event(&m, &e), 0);
	assert_true(e.server_side);
	assert_int_equal(e.reset_reason, MPTCP_RESET_NONE);
	assert_addr(&e.local, "[2001:db8::1]:0");
	assert_int_equal(e.remote.family, AF_UNSPEC);
	start(&m, MPTCP_EVENT_ESTABLISHED);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_TOKEN, 1);
	mnl_attr_put_u16(m.nlh, MPTCP_ATTR_FLAGS, 2);
	assert_int_equal(parse_event(&m, &e), 0);
	assert_true(e.server_side);
}

static void other_events_are_passed_over(void **state)
{
	struct mptcp_event e;
	struct message m;

	start(&m, 15); /* MPTCP_EVENT_LISTENER_CREATED, without token */
	assert_int_equal(parse_event(&m, &e), 0);
	assert_int_equal(e.kind, MPTCP_EV_OTHER);
}

static void events_of_another_form_are_refused(void **state)
{
	struct mptcp_event e;
	struct message m;

	start(&m, MPTCP_EVENT_CLOSED);
	assert_int_equal(parse_event(&m, &e), -EBADMSG); /* no token */
	mnl_attr_put_u16(m.nlh, MPTCP_ATTR_TOKEN, 1);
	assert_int_equal(parse_event(&m, &e), -EBADMSG);
	start(&m, MPTCP_EVENT_CLOSED);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_TOKEN, 1);
	assert_int_equal(parse_event(&m, &e), 0);
	mnl_attr_put(m.nlh, MPTCP_ATTR_SADDR4, 3, "abc");
	assert_int_equal(parse_event(&m, &e), -EBADMSG);
	for (size_t len = 0; len < NLMSG_HDRLEN + GENL_HDRLEN; len++)
		assert_int_equal(mptcp_msg_event(&e, m.nlh, len), -EBADMSG);
	start(&m, MPTCP_EVENT_SUB_CLOSED);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_TOKEN, 1);
	mnl_attr_put_u32(m.nlh, MPTCP_ATTR_RESET_REASON, UINT32_MAX);
	assert_int_equal(parse_event(&m, &e), -EBADMSG);
}

static void endpoints_are_read(void **state)
{
	struct mptcp_msg_endpoint e;
	struct message m;

	start(&m, MPTCP_PM_CMD_GET_ADDR);
	struct nlattr *nest = mnl_attr_nest_start(m.nlh, MPTCP_PM_ATTR_ADDR);
	mnl_attr_put_u16(m.nlh, MPTCP_PM_ADDR_ATTR_FAMILY, AF_INET6);
	mnl_attr_put_u8(m.nlh, MPTCP_PM_ADDR_ATTR_ID, 9);
	mnl_attr_put_u32(m.nlh, MPTCP_PM_ADDR_ATTR_FLAGS, 6);
	mnl_attr_put_u32(m.nlh, MPTCP_PM_ADDR_ATTR_IF_IDX, 4);
	put_ip(&m, MPTCP_PM_ADDR_ATTR_ADDR6, "2001:db8::2");
	mnl_attr_nest_end(m.nlh, nest);
	assert_int_equal(mptcp_msg_endpoint(&e, m.nlh, m.nlh->nlmsg_len), 0);
	assert_addr(&e.addr, "[2001:db8::2]:0");
	assert_int_equal(e.id, 9);
	assert_int_equal(e.flags, 6);
	assert_int_equal(e.ifindex, 4);
	for (unsigned len = 0; len < m.nlh->nlmsg_len; len++) {
		struct message cut = m;
		cut.nlh = (void *)cut.bytes;
		cut.nlh->nlmsg_len = len;
		assert_int_equal(mptcp_msg_endpoint(&e, cut.nlh, len), -EBADMSG);
	}
}

static void an_endpoint_has_an_address_of_its_family(void **state)
{
	struct mptcp_msg_endpoint e;
	struct message m;

	start(&m, MPTCP_PM_CMD_GET_ADDR);
	struct nlattr *nest = mnl_attr_nest_start(m.nlh, MPTCP_PM_ATTR_ADDR);
	mnl_attr_put_u16(m.nlh, MPTCP_PM_ADDR_ATTR_FAMILY, AF_INET);
	put_ip(&m, MPTCP_PM_ADDR_ATTR_ADDR6, "2001:db8::2");
	mnl_attr_nest_end(m.nlh, nest);
	assert_int_equal(mptcp_msg_endpoint(&e, m.nlh, m.nlh->nlmsg_len),
	                 -EBADMSG);
	start(&m, MPTCP_PM_CMD_GET_ADDR);
	assert_int_equal(mptcp_msg_endpoint(&e, m.nlh, m.nlh->nlmsg_len),
	                 -EBADMSG);
}

static void limits_are_read(void **state)
{
	struct mptcp_msg_limits l;
	struct message m;

	start(&m, MPTCP_PM_CMD_GET_LIMITS);
	mnl_attr_put_u32(m.nlh, MPTCP_PM_ATTR_RCV_ADD_ADDRS, 1);
	assert_int_equal(mptcp_msg_limits(&l, m.nlh, m.nlh->nlmsg_len), -EBADMSG);
	mnl_attr_put_u32(m.nlh, MPTCP_PM_ATTR_SUBFLOWS, 2);
	assert_int_equal(mptcp_msg_limits(&l, m.nlh, m.nlh->nlmsg_len), 0);
	assert_int_equal(l.accepted, 1);
	assert_int_equal(l.subflows, 2);
}

static void put_group(struct message *m, const char *name, uint32_t id)
{
	struct nlattr *group = mnl_attr_nest_start(m->nlh, 1);

	mnl_attr_put_u32(m->nlh, CTRL_ATTR_MCAST_GRP_ID, id);
	mnl_attr_put_strz(m->nlh, CTRL_ATTR_MCAST_GRP_NAME, name);
	mnl_attr_nest_end(m->nlh, group);
}

static void the_family_tells_its_events_group(void **state)
{
	struct mptcp_msg_family f;
	struct message m;

	start(&m, CTRL_CMD_NEWFAMILY);
	assert_int_equal(mptcp_msg_family(&f, m.nlh, m.nlh->nlmsg_len), -EBADMSG);
	mnl_attr_put_u16(m.nlh, CTRL_ATTR_FAMILY_ID, 0x1c);
	assert_int_equal(mptcp_msg_family(&f, m.nlh, m.nlh->nlmsg_len), 0);
	assert_int_equal(f.id, 0x1c);
	assert_int_equal(f.events_group, 0);
	struct nlattr *groups =
		mnl_attr_nest_start(m.nlh, CTRL_ATTR_MCAST_GROUPS);
	put_group(&m, MPTCP_PM_CMD_GRP_NAME, 5);
	put_group(&m, MPTCP_PM_EV_GRP_NAME, 6);
	mnl_attr_nest_end(m.nlh, groups);
	assert_int_equal(mptcp_msg_family(&f, m.nlh, m.nlh->nlmsg_len), 0);
	assert_int_equal(f.events_group, 6);
}

/* A refusal with words behind the copy of the request. */
static void refusal(struct message *m, uint16_t flags, int error)
{
	memset(m, 0, sizeof(*m));
	m->nlh = mnl_nlmsg_put_header(m->bytes);
	m->nlh->nlmsg_type = NLMSG_ERROR;
	m->nlh->nlmsg_flags = flags;
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(m->nlh, sizeof(*e));
	e->error = error;
	e->msg.nlmsg_len = NLMSG_HDRLEN + 8;
	if (!(flags & NLM_F_CAPPED))
		mnl_nlmsg_put_extra_header(m->nlh, 8);
	mnl_attr_put_strz(m->nlh, NLMSGERR_ATTR_MSG, "limit exceeded");
}

static void refusals_have_the_kernels_words(void **state)
{
	char words[MPTCP_MSG_WORDS_MAX];
	struct message m;

	refusal(&m, NLM_F_ACK_TLVS, -ERANGE);
	assert_int_equal(mptcp_msg_ack(m.nlh, m.nlh->nlmsg_len, words), -ERANGE);
	assert_string_equal(words, "limit exceeded");
	refusal(&m, NLM_F_ACK_TLVS | NLM_F_CAPPED, -ERANGE);
	assert_int_equal(mptcp_msg_ack(m.nlh, m.nlh->nlmsg_len, words), -ERANGE);
	assert_string_equal(words, "limit exceeded");
	refusal(&m, 0, -EPERM);
	assert_int_equal(mptcp_msg_ack(m.nlh, m.nlh->nlmsg_len, words), -EPERM);
	assert_string_equal(words, "");
	refusal(&m, NLM_F_ACK_TLVS, 0);
	assert_int_equal(mptcp_msg_ack(m.nlh, m.nlh->nlmsg_len, words), 0);
	assert_int_equal(mptcp_msg_ack(m.nlh, 20, words), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subflow_is_told_whole),
		cmocka_unit_test(sides_are_told_by_two_kinds_of_kernels),
		cmocka_unit_test(other_events_are_passed_over),
		cmocka_unit_test(events_of_another_form_are_refused),
		cmocka_unit_test(endpoints_are_read),
		cmocka_unit_test(an_endpoint_has_an_address_of_its_family),
		cmocka_unit_test(limits_are_read),
		cmocka_unit_test(the_family_tells_its_events_group),
		cmocka_unit_test(refusals_have_the_kernels_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
