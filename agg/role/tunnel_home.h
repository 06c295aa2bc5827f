/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one packet tunnel as a role keeps it, at either end: its device, its turn and
 * its deadline, and the guard between the two. By which sockets its datagrams go, and
 * what the peer said of it, is the role's.
 *
 *     device -> guard -> tunnel_put() ... tunnel_input() -> guard -> device
 *
 * The device is there from tunnel_home_open() on, whether or not there is a tunnel;
 * what comes out of it meanwhile is dropped. One that somebody removes or renames is made
 * again.
 */
#ifndef AGG_ROLE_TUNNEL_HOME_H
#define AGG_ROLE_TUNNEL_HOME_H

#include "agg/base/loop.h"
#include "agg/report/report.h"
#include "agg/role/tunnel_guard.h"
#include "agg/role/usage.h"
#include "proxy/throttle.h"
#include "agg/transport/tunnel_shell.h"
#include "tun/device.h"

#define TUNNEL_QUEUE_BYTES (4u << 20)  /* that wait to go out, of a tunnel */
#define TUNNEL_PACKETS_MAX 16384u      /* of all tunnels of a thread */

/* What the tunnels of a thread share. */
struct tunnel_kit {
	struct packet_pool *pool;       /* NULL: nothing is there yet */
	struct device_scratch *scratch;
	bool is_single; /* packets go to and come from the kernel one by one */
};
int tunnel_kit_open(struct tunnel_kit *kit, struct budget *budget); /* 0, -errno */
void tunnel_kit_close(struct tunnel_kit *kit); /* all 0 is fine */
/* Once a second: what a load needed is given back some time after it. All 0 is fine. */
void tunnel_kit_rest(struct tunnel_kit *kit);

/* All are required. */
struct tunnel_home_ops {
	/* By the session: session_say_tunnel(). */
	void (*say)(void *ctx, const struct wire_frame *frame);
	/* And session_carry(). */
	bool (*carry)(void *ctx, const uint8_t *p, size_t n);
	/* And session_path_load(); *out is zeroed. */
	void (*load)(void *ctx, unsigned path, struct path_load *out);
	/* The device came or went, or cannot be made: tunnel_home.why. */
	void (*on_device)(void *ctx);
};

struct tunnel_home_args {
	struct loop *loop;           /* borrowed, as all of these */
	struct tunnel_kit *kit;
	struct dgram *dgram;
	struct budget *memory;       /* of all tunnels */
	const struct egress *egress; /* as in tunnel_guard.h: a concentrator's */
	struct throttle *throttle;   /* of a site; NULL: none */
	struct usage *usage;         /* of the hosts of this side; NULL: nobody asks */
	char device[IFNAMSIZ];
	const struct tunnel_home_ops *ops;
	void *ctx;
};

struct tunnel_home {
	struct tunnel_home_args args;
	struct tunnel_guard guard;
	struct device *device;       /* NULL: it is not there */
	struct loop_io *io;
	struct tunnel_shell *shell;  /* NULL: there is no tunnel */
	struct tunnel *tunnel;       /* its */
	struct loop_timer *again;
	struct loop_timer *hold;     /* the device is read again */
	uint64_t throttled;          /* packets, dropped */
	struct loop_task flush;      /* of what was written to the device */
	struct wire_traffic traffic; /* tunnel_home_treat() */
	struct budget tables;        /* of the tunnel's, but for its packets */
	bool single;                 /* said: a device spoils what leaves at once */
	uint64_t settled_us;         /* when the device's settings were set again */
	unsigned failures;           /* of making the device, in a row */
	char why[128];               /* the last; "": it is there, or not wanted */
};

/* 0, or -ENOMEM. */
int tunnel_home_init(struct tunnel_home *h, const struct tunnel_home_args *args);
void tunnel_home_finish(struct tunnel_home *h); /* all 0 is fine */

/* The device shall be there; or not any more. */
void tunnel_home_open(struct tunnel_home *h);
void tunnel_home_close(struct tunnel_home *h);

/* Made anew where it was there: it is to have other addresses, and none of before. */
void tunnel_home_renew(struct tunnel_home *h);

/* A tunnel of that session begins; there is none. 0 or -errno. */
int tunnel_home_begin(struct tunnel_home *h,
                      const uint8_t session_id[WIRE_SESSION_ID_BYTES],
                      uint64_t queue_bytes_max);
/* How packets are to be treated from now on. */
void tunnel_home_treat(struct tunnel_home *h, const struct wire_traffic *traffic);
/* Where there is one. */
void tunnel_home_end(struct tunnel_home *h);

/* Once a second: the device takes packets as long as the paths let them be, so that
 * the kernel tells their senders; it has its name and settings. */
void tunnel_home_measure(struct tunnel_home *h);
/* But for the state, and the names of the uplinks. */
void tunnel_home_report(const struct tunnel_home *h, struct report_tunnel *out);

#endif
