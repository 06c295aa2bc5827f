/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a gateway joins: from an invitation to a configuration that aggd runs with.
 * Three steps, between which a person may be asked; each of them says in `out`,
 * for him, what it has found or what is in the way. Blocks, for some seconds.
 *
 * Nothing is written before join_redeem, but the keys; and nothing is said to the
 * concentrator before it has proved that it is the invitation's.
 */
#ifndef AGG_PAIR_JOIN_H
#define AGG_PAIR_JOIN_H

#include "agg/pair/found.h"
#include "agg/pair/gwconf.h"
#include "agg/pair/reach.h"
#include "agg/pair/token.h"

#define JOIN_ADDRESSES_MAX 8   /* of the concentrator; names have several */
#define JOIN_CLOCK_S 120       /* a clock that is so far off is spoken of */

struct join_args {
	const char *config;
	const char *state;         /* NULL: as the file says, else /etc/aggd */
	const char *control;       /* NULL: as the file says, else the usual one */
	const char *uplinks[CONF_UPLINKS_MAX]; /* none: those that are found */
	unsigned uplink_count;
	const char *lan;           /* NULL: the one that is found, if any */
};

/* Why it came to nothing, for who has to tell one from another. */
enum join_end {
	JOIN_GOES_ON,
	JOIN_MALFORMED,   /* it is no invitation */
	JOIN_HOST,        /* what is here: configuration, devices, keys */
	JOIN_UNREACHABLE,
	JOIN_WRONG_PIN,
	JOIN_REFUSED,     /* answer.result says what for */
};

struct join {
	struct join_args args;
	enum join_end end;
	struct token token;
	char state[CONF_PATH_MAX + 1], control[CONF_CONTROL_MAX + 1];
	bool is_new;          /* there was no configuration */
	struct found found;
	struct found_device uplinks[CONF_UPLINKS_MAX]; /* those in question */
	unsigned uplink_count;
	bool uplinks_said;    /* by a person, now or in his file */
	struct gwconf_plan plan;
	struct addr addresses[JOIN_ADDRESSES_MAX]; /* of the concentrator */
	unsigned address_count;
	struct reach ways[REACH_MAX]; /* uplink by uplink, each to all */
	unsigned way_count;
	struct tls_context *tls;
	struct buf text;      /* the configuration as it shall be */
	struct wire_redeemed answer;
};

/* Reads the invitation and what is here, makes the keys, and tries every uplink. 0;
 * -errno: end says what kind it is. Finish it in any case. */
int join_look(struct join *j, const struct join_args *args, const char *token,
              struct buf *out);
/* What it has found, and what it would do, in lines of at most so many columns. */
int join_show(const struct join *j, unsigned columns, struct buf *out);
/* Shows the invitation, and writes the configuration. 0; as join_look. */
int join_redeem(struct join *j, uint64_t now_s, struct buf *out);
void join_finish(struct join *j);
/* Says so where the two clocks are more than JOIN_CLOCK_S apart. */
void join_compare_clocks(uint64_t here_s, uint64_t there_s, struct buf *out);

#endif
