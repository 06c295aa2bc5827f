/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a concentrator's door and sites on a stage: the shipped decisions and
 * sessions, with every socket played. stage.c is linked in place of subflow.c,
 * listener.c, sockopt.c, outlet.c and mptcp_host.c. One stage at a time.
 */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include "agg/base/buf.h"
#include "agg/role/door.h"
#include "agg/role/sites.h"

#define STAGE_SUBFLOWS_MAX 1024
#define STAGE_PIN "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define STAGE_PROCESS 7u
#define STAGE_MAIN "config aggd main\noption role concentrator\n"
#define STAGE_SITE "config site home\noption pin " STAGE_PIN "\n"

/* A gateway's end. */
struct subflow {
	struct subflow_args args;
	struct addr peer;
	struct wire_hello hello;
	struct lane *lane;
	struct buf out;         /* what the session says, not heard yet */
	char told[128];         /* the reason it was refused with; "" */
	char dropped[128];      /* why the session let go of it; "" */
	struct wire_redeemed answer; /* to an invitation */
	bool destroyed, broken;
};

struct stage {
	struct loop *loop;
	struct conf *conf;
	struct share_pool pool;
	struct mptcp_host mptcp_host;
	struct sites sites;
	struct door door;
	struct subflow subflows[STAGE_SUBFLOWS_MAX];
	unsigned subflow_count;
	enum stream_end outlet_says;
	unsigned dials;         /* streams that the outlet took */
	struct addr busy;       /* listening there is refused */
	bool no_mptcp;          /* the kernel has none */
	enum wire_redeem redeem_says; /* to every invitation */
	unsigned redeems;
	uint64_t incarnation;   /* that gateways know */
	bool awaits_words;      /* the listeners do */
	uint32_t passed;        /* for whom a connection was */
	bool is_alone;          /* and it is not there */
	_Atomic unsigned infos; /* how often the kernel was asked for estimates, */
	_Atomic unsigned kernel_calls; /* and for addresses and MPTCP */
};

void stage_begin(struct stage *stage, const char *conf);
void stage_end(struct stage *stage);
/* Another configuration: as the concentrator does it. */
int stage_reload(struct stage *stage, const char *conf, struct addr *culprit);

/* Somebody connects; NULL: the door did not let him in. */
struct subflow *stage_come(struct stage *stage, const char *from);
/* By that socket, to be peeked at. */
struct subflow *stage_come_by(struct stage *stage, const char *from, int fd);
/* It has shaken hands, with that pin and session, and says HELLO. */
void stage_greet(struct subflow *sf, const char *pin, uint8_t session,
                 uint8_t path, uint8_t bundle);
/* It shows an invitation, in place of that. */
void stage_invite(struct subflow *sf, const char *pin, uint8_t secret);
/* It breaks. */
void stage_break(struct subflow *sf, const char *why);
void stage_say(struct subflow *sf, const struct wire_frame *frame);
/* Skips to the next frame of that type that the session said, by the end of this
 * turn of the loop. */
bool stage_hear(struct subflow *sf, uint8_t type, struct wire_frame *out);
/* Lets the loop turn until nothing is left of this turn. */
void stage_turn(struct stage *stage);

#endif
