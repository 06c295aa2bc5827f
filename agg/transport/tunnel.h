/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the packet tunnel of a session, pure: IP packets of one end to the other over all
 * paths, in datagrams. It has no socket, no clock and no device; the shell (dgram.h, a
 * role, or a test under virtual time) hands in what came, and is told what goes.
 *
 * The way of a packet out: tunnel_put() -> the flow queues (tun/flows.h) -> when a path
 * may take it, in tunnel_turn(): a datagram, sealed where ops->reserve() says, ops->
 * commit(). The way in: tunnel_input() -> key by index -> replay -> open -> deliver().
 *
 * Nothing is answered at once: tunnel_turn() is called when on_work told so, after all
 * else that there is to do, and when the deadline is reached. As in the session.
 *
 * A path is an uplink of the gateway, by its number in the session. The gateway begins:
 * it probes; its peer learns a path's address by what is genuine.
 */
#ifndef AGG_TRANSPORT_TUNNEL_H
#define AGG_TRANSPORT_TUNNEL_H

#include "agg/transport/datagram.h"
#include "agg/transport/path_load.h"
#include "agg/transport/wire.h"
#include "tun/flows.h"

#define TUNNEL_PATHS_MAX DATAGRAM_PATHS_MAX
#define TUNNEL_EPOCHS_MAX 4u         /* keys that are opened with at once */
#define TUNNEL_EPOCH_KEPT_US 30000000u /* an old one, since the next is used */
/* The longest inner packet before anything is known of the paths: every datagram has room
 * for it, in an Ethernet frame with IPv6 outside. */
#define TUNNEL_MTU (1500 - 48 - DATAGRAM_SEAL_BYTES - DATAGRAM_ORDERED_BYTES)

struct tunnel;

/* Where a path's datagrams come from and where they arrive. */
struct tunnel_ends {
	struct addr peer, local;
};

/* How a datagram came. */
struct tunnel_came {
	const struct tunnel_ends *ends; /* NULL where the socket knows only one */
	uint64_t waited_us; /* for us, since it arrived at this host; 0: not, or not known */
	bool ce;            /* marked by the network */
};

enum tunnel_path_state {
	TUNNEL_PATH_DOWN,    /* no socket, no uplink */
	TUNNEL_PATH_SUSPECT, /* its subflows stall: only where there is no other */
	TUNNEL_PATH_UP,
};

/* All are required but where it says so. None may call back into the tunnel. */
struct tunnel_ops {
	uint64_t (*now_us)(void *ctx);
	/* There is work: tunnel_turn(), soon, but not in here. Told once until then. */
	void (*on_work)(void *ctx);
	void (*on_deadline)(void *ctx, uint64_t at_us); /* UINT64_MAX: none */
	void (*random)(void *ctx, uint8_t *p, size_t n);
	/* A random number by which this tunnel is found from now on, that nobody else on
	 * this host's sockets has; and no longer. 0 or -errno. */
	int (*take_index)(void *ctx, uint32_t *index);
	void (*drop_index)(void *ctx, uint32_t index);
	/* Memory for a datagram of at most n bytes to that path; NULL: it is busy, until
	 * tunnel_writable(). Then commit so many, or nothing. They leave at flush. */
	uint8_t *(*reserve)(void *ctx, unsigned path, size_t n);
	void (*commit)(void *ctx, unsigned path, size_t n);
	void (*flush)(void *ctx);
	/* (optional) The peer of that path is there now; so is what is reserved next. */
	void (*on_moved)(void *ctx, unsigned path, const struct tunnel_ends *ends);
	/* (optional) Nothing comes back on that path: another source port may help. */
	void (*on_dead)(void *ctx, unsigned path);
	/* An inner packet, the owner's then. */
	void (*deliver)(void *ctx, struct packet *p, const struct inspection *in);
	/* (optional) One of the tunnel's own for a host of our side (ICMP), the owner's
	 * then; from whoever that host sent to. */
	void (*answer)(void *ctx, struct packet *p);
	/* (optional) By the session: session_carry(). */
	bool (*carry)(void *ctx, const uint8_t *p, size_t n);
	/* (optional) By the session, too: session_path_load(); of any path. */
	void (*load)(void *ctx, unsigned path, struct path_load *out);
	/* By the session: session_say_tunnel(). */
	void (*say)(void *ctx, const struct wire_frame *frame);
};

struct tunnel_args {
	bool is_gateway;
	uint8_t session_id[WIRE_SESSION_ID_BYTES];
	/* In which we want to be written to: where either end says ChaCha20, it is that. */
	enum aead_suite suite;
	uint32_t first_epoch;      /* the last before our first key: a second tunnel of a
	                            * session goes on where the one before was */
	struct packet_pool *pool;  /* borrowed; of what is delivered */
	uint64_t queue_bytes_max;  /* of what waits to go out, PACKET_SIZE each */
	struct budget *budget;     /* borrowed; of tables; NULL: none */
	/* 0: as in datagram_key.h, and TUNNEL_EPOCH_KEPT_US. */
	uint64_t renew_packets, epoch_kept_us;
	const struct tunnel_ops *ops; /* borrowed */
	void *ctx;
};

/* NULL: errno. */
struct tunnel *tunnel_create(const struct tunnel_args *args);
void tunnel_destroy(struct tunnel *t);

/* What the owner knows of a path. Its number stays its own whatever becomes of it.
 * Classes: enum sched_path_class. A concentrator's are up until something else is
 * said. */
void tunnel_path(struct tunnel *t, unsigned path, enum tunnel_path_state state,
                 unsigned path_class);
/* It has another socket, address or device: what was known of it is no longer true. The
 * family is of its datagrams. */
void tunnel_renewed(struct tunnel *t, unsigned path, sa_family_t family);
void tunnel_writable(struct tunnel *t, unsigned path);

/* Whether what is real time goes by two paths; at first only what packets say of
 * themselves (TRAFFIC_REDUNDANT). */
void tunnel_double(struct tunnel *t, bool realtime);

/* A packet of our side, the tunnel's then. */
void tunnel_put(struct tunnel *t, struct packet *p);
/* A datagram, which is opened where it stands. */
void tunnel_input(struct tunnel *t, const struct tunnel_came *came, uint8_t *p, size_t n);
/* TUNNEL_KEY or DATAGRAM of the peer's; others are passed over. A key that one tunnel was
 * given is never given to another one: each counts from 0. 0; -EOPNOTSUPP: it wants a suite
 * that we have not; -errno. */
int tunnel_frame(struct tunnel *t, const struct wire_frame *frame);
void tunnel_turn(struct tunnel *t);

/* The longest inner packet that is taken: as long as the least of the paths in use lets
 * it be, and 1280 at least. It falls at once, and grows after a minute. */
unsigned tunnel_mtu(const struct tunnel *t);
/* May anything leave now, by whatever path, or by the session? */
bool tunnel_is_up(const struct tunnel *t);

/* Datagrams that were not taken, and why. */
enum tunnel_refusal {
	TUNNEL_UNKNOWN,   /* an index that is not ours (any more) */
	TUNNEL_REPLAYED,  /* seen before, or too old */
	TUNNEL_FORGED,    /* its tag is wrong; or so many's were that it was not tried */
	TUNNEL_MALFORMED, /* genuine, but not understood; also its packet */
	TUNNEL_REFUSALS
};
/* Packets of our side that did not go. */
enum tunnel_drop {
	TUNNEL_DROP_CODEL, TUNNEL_DROP_OVERFLOW, TUNNEL_DROP_AGE, TUNNEL_DROP_FLUSH,
	TUNNEL_DROP_MALFORMED, /* no IP packet */
	TUNNEL_DROP_TOO_LONG,  /* its sender was told so */
	TUNNEL_DROP_KEY,       /* the peer gives no key, or too late a new one */
	TUNNEL_DROPS
};
struct tunnel_path_stats {
	enum tunnel_path_state state;
	bool usable;            /* something comes back */
	bool busy;
	uint8_t path_class;
	struct tunnel_ends ends;
	uint64_t srtt_us;       /* of probes; 0: not known */
	uint64_t heard_us;      /* when something genuine came last; 0: never */
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes; /* datagrams, ever */
	uint64_t rx_ce;
	/* By feedback: the highest counter that came, and packets in all. 0: none. */
	uint64_t told_counter, told_packets;
	unsigned moves;
	uint16_t mtu;           /* outside, with IP's header */
	/* Of what we send there (tunnel_rate.h): the rate that it goes by, bytes/s; what
	 * stands in the path before it; lost of a million. 0: not known. */
	uint64_t rate_bps, queue_us;
	uint32_t loss_ppm;
};
enum tunnel_class {
	TUNNEL_BACKGROUND, TUNNEL_NORMAL, TUNNEL_REALTIME,
	TUNNEL_CLASSES
};
/* Packets of a class that this side sends, ever. */
struct tunnel_class_stats {
	uint64_t packets, bytes, dropped;
	uint64_t wait_us;       /* in the queue, in the mean of the last ones */
};
struct tunnel_stats {
	struct tunnel_path_stats path[TUNNEL_PATHS_MAX];
	struct tunnel_class_stats class[TUNNEL_CLASSES];
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes; /* inner */
	uint64_t refused[TUNNEL_REFUSALS], dropped[TUNNEL_DROPS];
	uint64_t unkept;        /* arrived, and there was no buffer */
	uint64_t queued_bytes;
	uint64_t carried;       /* of tx_packets: by the session, as no path worked */
	uint32_t flows, epoch_out, epoch_in;
};
void tunnel_stats(const struct tunnel *t, struct tunnel_stats *out);

#endif
