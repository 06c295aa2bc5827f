/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one rule of routing policy (ip-rule(8)) as a struct, read from and
 * written to a netlink message. Pure. What we do not use ourselves is only
 * told apart from nothing: a rule with more in it than is said here is never
 * equal to one of ours.
 */
#ifndef AGG_KERNEL_RULE_H
#define AGG_KERNEL_RULE_H

#include "agg/base/addr.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULE_TEXT_MAX 128
#define RULE_MESSAGE_MAX 256 /* bytes of a request */

struct nlmsghdr;

struct rule {
	sa_family_t family;
	uint8_t protocol, action; /* RTPROT_..., FR_ACT_... */
	uint32_t priority, table;
	uint32_t mark, mask;      /* mask 0: any */
	char iif[IFNAMSIZ], oif[IFNAMSIZ]; /* "": any */
	struct addr source;       /* a host's; AF_UNSPEC: any */
	bool but_default;         /* not by a default route of that table */
	bool more;                /* conditions besides these */
};

/* Reads RTM_{NEW,DEL}RULE. 0 or -EBADMSG. size as netmsg_parse(). */
int rule_parse(struct rule *out, const void *data, size_t size);

/* Writes a request of that type (RTM_NEWRULE, RTM_DELRULE), flags besides
 * NLM_F_REQUEST, into buf of RULE_MESSAGE_MAX zeros. */
struct nlmsghdr *rule_put(char *buf, uint16_t type, uint16_t flags,
                          const struct rule *rule);

/* The same in all but the protocol. */
bool rule_equal(const struct rule *a, const struct rule *b);

/* "rule 699 (from 10.0.0.1 lookup 100)", as ip-rule(8) would say it. In buf,
 * which is returned. */
const char *rule_format(const struct rule *rule, char buf[RULE_TEXT_MAX]);

#endif
