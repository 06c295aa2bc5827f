/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see rule.h. Owns nothing; every length is checked before it is read.
 */
#include "agg/kernel/rule.h"
#include "agg/kernel/netattr.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

/* Is there an attribute of a condition that we never use? */
static bool has_more(const struct fib_rule_hdr *header,
                     const struct netattrs *attrs, const struct rule *rule)
{
	static const uint8_t others[] = {
		FRA_DST, FRA_FLOW, FRA_TUN_ID, FRA_UID_RANGE,
		FRA_IP_PROTO, FRA_SPORT_RANGE, FRA_DPORT_RANGE, FRA_GOTO,
	};
	uint8_t l3mdev = 0;

	for (unsigned i = 0; i < sizeof(others); i++)
		if (attrs->of[others[i]])
			return true;
	return header->tos || header->flags & FIB_RULE_INVERT ||
	       !netattrs_u8(attrs, FRA_L3MDEV, &l3mdev) || l3mdev ||
	       (attrs->of[FRA_SRC] &&
	        header->src_len != addr_ip_len(&rule->source) * 8);
}

static bool get_name(const struct nlattr *attr, char out[IFNAMSIZ])
{
	if (!attr)
		return true;
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_get_payload_len(attr) > IFNAMSIZ)
		return false;
	strncpy(out, mnl_attr_get_str(attr), IFNAMSIZ - 1);
	return true;
}

int rule_parse(struct rule *out, const void *data, size_t size)
{
	const struct nlmsghdr *msg = data;
	const struct fib_rule_hdr *header;
	uint32_t suppress = UINT32_MAX;
	struct netattrs attrs;

	memset(out, 0, sizeof(*out));
	if (size > INT32_MAX || !mnl_nlmsg_ok(msg, (int)size) ||
	    mnl_nlmsg_get_payload_len(msg) < sizeof(*header))
		return -EBADMSG;
	header = mnl_nlmsg_get_payload(msg);
	netattrs_parse(&attrs, mnl_nlmsg_get_payload_offset(msg, sizeof(*header)),
	               mnl_nlmsg_get_payload_len(msg) - MNL_ALIGN(sizeof(*header)));
	out->family = header->family;
	out->action = header->action;
	out->table = header->table;
	if (!netattrs_u32(&attrs, FRA_TABLE, &out->table) ||
	    !netattrs_u32(&attrs, FRA_PRIORITY, &out->priority) ||
	    !netattrs_u32(&attrs, FRA_FWMARK, &out->mark) ||
	    !netattrs_u32(&attrs, FRA_FWMASK, &out->mask) ||
	    !netattrs_u8(&attrs, FRA_PROTOCOL, &out->protocol) ||
	    !netattrs_u32(&attrs, FRA_SUPPRESS_PREFIXLEN, &suppress) ||
	    !get_name(attrs.of[FRA_IIFNAME], out->iif) ||
	    !get_name(attrs.of[FRA_OIFNAME], out->oif) ||
	    (attrs.of[FRA_SRC] &&
	     !netattr_addr(attrs.of[FRA_SRC], header->family, &out->source)))
		return -EBADMSG;
	out->but_default = suppress == 0;
	out->more = has_more(header, &attrs, out) ||
	            (suppress != 0 && suppress != UINT32_MAX);
	return 0;
}

struct nlmsghdr *rule_put(char *buf, uint16_t type, uint16_t flags,
                          const struct rule *rule)
{
	struct nlmsghdr *msg = mnl_nlmsg_put_header(buf);
	struct fib_rule_hdr *header =
		mnl_nlmsg_put_extra_header(msg, sizeof(*header));
	size_t ip_len = addr_ip_len(&rule->source);

	msg->nlmsg_type = type;
	msg->nlmsg_flags = NLM_F_REQUEST | flags;
	header->family = (uint8_t)rule->family;
	header->action = rule->action;
	mnl_attr_put_u32(msg, FRA_TABLE, rule->table);
	mnl_attr_put_u32(msg, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(msg, FRA_PROTOCOL, rule->protocol);
	if (rule->mask) {
		mnl_attr_put_u32(msg, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(msg, FRA_FWMASK, rule->mask);
	}
	if (rule->iif[0])
		mnl_attr_put_strz(msg, FRA_IIFNAME, rule->iif);
	if (rule->oif[0])
		mnl_attr_put_strz(msg, FRA_OIFNAME, rule->oif);
	if (rule->source.family != AF_UNSPEC) {
		header->src_len = (uint8_t)(ip_len * 8);
		mnl_attr_put(msg, FRA_SRC, ip_len, rule->source.ip);
	}
	if (rule->but_default)
		mnl_attr_put_u32(msg, FRA_SUPPRESS_PREFIXLEN, 0);
	return msg;
}

bool rule_equal(const struct rule *a, const struct rule *b)
{
	return a->family == b->family && a->action == b->action &&
	       a->priority == b->priority && a->table == b->table &&
	       a->mask == b->mask && (a->mark & a->mask) == (b->mark & b->mask) &&
	       !strcmp(a->iif, b->iif) && !strcmp(a->oif, b->oif) &&
	       a->source.family == b->source.family &&
	       !memcmp(a->source.ip, b->source.ip, sizeof(a->source.ip)) &&
	       a->but_default == b->but_default && a->more == b->more;
}

static const char *action_word(const struct rule *rule)
{
	switch (rule->action) {
	case FR_ACT_TO_TBL: return "lookup";
	case FR_ACT_GOTO: return "goto";
	case FR_ACT_BLACKHOLE: return "blackhole";
	case FR_ACT_UNREACHABLE: return "unreachable";
	case FR_ACT_PROHIBIT: return "prohibit";
	}
	return "action";
}

const char *rule_format(const struct rule *rule, char buf[RULE_TEXT_MAX])
{
	char source[ADDR_TEXT_MAX] = "all", mark[40] = "", table[16] = "";
	char iif[IFNAMSIZ + 8] = "", oif[IFNAMSIZ + 8] = "";

	if (rule->source.family != AF_UNSPEC)
		addr_format_ip(&rule->source, source);
	if (rule->mask)
		snprintf(mark, sizeof(mark), " fwmark 0x%x/0x%x", rule->mark,
		         rule->mask);
	if (rule->iif[0])
		snprintf(iif, sizeof(iif), " iif %s", rule->iif);
	if (rule->oif[0])
		snprintf(oif, sizeof(oif), " oif %s", rule->oif);
	if (rule->action == FR_ACT_TO_TBL)
		snprintf(table, sizeof(table), " %u", rule->table);
	snprintf(buf, RULE_TEXT_MAX, "rule %u (from %s%s%s%s%s %s%s)",
	         rule->priority, source, mark, iif, oif, rule->more ? " ..." : "",
	         action_word(rule), table);
	return buf;
}
