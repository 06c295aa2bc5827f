/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two tunnels, a gateway's and a concentrator's, under virtual time, with paths
 * between them that delay, lose, fall silent, and hide the gateway behind addresses that
 * change. The frames of the session arrive after a while, in order. No nonce is ever used
 * twice: asserted of every datagram on the wire.
 */
#ifndef TESTS_TUNNEL_PAIR_H
#define TESTS_TUNNEL_PAIR_H

#include "agg/transport/tunnel.h"

enum { PAIR_GATEWAY, PAIR_CONCENTRATOR, PAIR_SIDES };

#define PAIR_SEQ_MAX 65536u

struct pair_path {
	uint64_t delay_us, jitter_us;
	uint64_t more_us[PAIR_SIDES]; /* what that side sends there takes so much longer */
	unsigned loss_ppm;
	unsigned late_ppm;          /* so many are late_us later: others overtake them */
	uint64_t late_us;
	uint16_t mtu;               /* longer ones vanish; 0: none do */
	uint64_t rate_bps;          /* bytes/s of a queue without an end; 0: no limit */
	uint64_t free_us[PAIR_SIDES]; /* when that has sent all */
	bool cut[PAIR_SIDES];       /* what that side sends there is lost */
	uint16_t port;              /* the gateway's, as the other side sees it */
	bool busy[PAIR_SIDES];      /* reserve gives nothing */
};

struct pair_datagram {
	struct pair_datagram *next;
	uint64_t at_us;
	unsigned to, path;
	struct tunnel_ends ends;
	bool is_frame;
	struct wire_frame frame;
	size_t n;
	uint8_t bytes[DATAGRAM_BYTES_MAX];
};

struct pair_side {
	struct pair *pair;
	struct tunnel *tunnel;
	struct packet_pool *pool;
	struct budget tables;
	uint64_t deadline_us;
	bool noted, silent;         /* silent: its session's frames do not arrive */
	uint8_t scratch[DATAGRAM_BYTES_MAX];
	unsigned sent[TUNNEL_PATHS_MAX], frames, deaths;
	struct tunnel_ends ends[TUNNEL_PATHS_MAX];
	bool carries;               /* its session takes datagrams */
	uint64_t carry_us;
	unsigned answers;           /* that a packet is too long, and how long it may be */
	uint16_t answered_mtu;
	uint32_t next_seq;          /* of pair_send(), as the next three: */
	uint8_t tos, host;          /* bytes of its packets; host: the last of the source, or 2 */
	uint64_t clock_us;          /* its clock is so much before the pair's */
	int ppm;                    /* and so much faster */
	/* of what was delivered here */
	bool pieces_only;           /* are expected, which are counted alone */
	uint64_t bytes;
	unsigned received, doubles, disordered, marked; /* marked: CE */
	unsigned of_host[256];      /* received, by that */
	uint32_t highest;
	uint64_t worst_us;          /* the longest way */
	uint8_t seen[PAIR_SEQ_MAX];
};

struct pair {
	uint64_t now_us, rng;
	struct pair_side side[PAIR_SIDES];
	struct pair_path path[TUNNEL_PATHS_MAX];
	struct pair_datagram *flying; /* by time */
	/* (optional) Sees every datagram; false: it is taken away. */
	bool (*tap)(struct pair *p, unsigned from, unsigned path, uint8_t *bytes, size_t n);
	uint64_t *nonces;
	size_t nonce_count;
	/* As set before pair_init(); 0: as usual. */
	uint64_t renew_packets, epoch_kept_us;
	enum aead_suite suite[PAIR_SIDES];
};

/* Paths have 10 ms each way, and are down at the gateway until pair_up(). */
void pair_init(struct pair *p);
void pair_finish(struct pair *p);
void pair_up(struct pair *p, unsigned path);
/* A new tunnel on that side, as after a restart; the other one hears of it by keys. */
void pair_restart(struct pair *p, unsigned side);
void pair_run(struct pair *p, uint64_t us);
/* An inner packet of n bytes (40 at least) in flow `flow`, which may not be fragmented. */
void pair_send(struct pair *p, unsigned side, uint16_t flow, size_t n);
/* So many a second for so long, in both directions. */
void pair_load(struct pair *p, unsigned per_s, uint64_t us);
/* A datagram arrives there out of nowhere. */
void pair_inject(struct pair *p, unsigned to, unsigned path, uint16_t port,
                 const uint8_t *bytes, size_t n);
uint64_t pair_random(struct pair *p);
/* Initialised, with so many paths that are up and known to both. */
void pair_begin(struct pair *p, unsigned paths);
bool pair_is_usable(const struct pair *p, unsigned side, unsigned path);
struct tunnel_stats pair_stats(const struct pair *p, unsigned side);

#endif
