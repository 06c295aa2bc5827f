/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the wire: every frame, every length and every limit of the protocol
 * "aggd/1". Inside TLS, a subflow carries frames in each direction:
 *
 *     0        1                4
 *     | type   | length, 24 bit | payload ...           all big-endian
 *
 * The first frame from the gateway is HELLO, the first from the concentrator
 * WELCOME, but for a PAD; neither comes again. Who has an invitation says INVITE
 * in place of HELLO, and gets REDEEMED, and the end. A frame of unknown type with
 * the ignorable bit is skipped; everything else that is not understood ends the
 * session.
 *
 * Frames of one subflow arrive in order; between subflows there is no order:
 * DATA may overtake its OPEN. A receiver acknowledges, per subflow, how many
 * bytes of whole frames it has processed (ACK); what is not acknowledged when
 * a subflow dies is sent again on another, from what is true then (a CREDIT
 * is sent anew, not repeated). So every frame must bear being doubled.
 */
#ifndef AGG_TRANSPORT_WIRE_H
#define AGG_TRANSPORT_WIRE_H

#include "agg/transport/stream.h"

#include <stdint.h>
#include <sys/types.h>

/* The newest version that is spoken here, and the oldest. A version may add to the
 * end of a frame, which is read only where something is left, or ignorable frames,
 * and is else what the one before it was. */
#define WIRE_VERSION 1
#define WIRE_VERSION_OLDEST 1
#define WIRE_ALPN "aggd/1"

#define WIRE_HEADER_BYTES 4
#define WIRE_IGNORABLE 0x80 /* in the type: skip what you do not know */

#define WIRE_DATA_HEADER_BYTES (WIRE_HEADER_BYTES + 4 + 8)
/* With its header a piece fits one TLS record (RFC 8446, 5.1: 2^14). */
#define WIRE_PIECE_BYTES_MAX (16384 - WIRE_DATA_HEADER_BYTES)
#define WIRE_PAYLOAD_BYTES_MAX 16380 /* of any frame */

#define WIRE_STREAMS_MAX 4096     /* open at once in a session */
#define WIRE_STREAM_WINDOW 16384  /* ids ahead of the oldest never seen */
#define WIRE_BUNDLES_MAX 8
#define WIRE_UPLINKS_MAX 8        /* paths 0 to 7: an uplink of the gateway */
/* Bundles of the kernel's MPTCP: over all uplinks that have the family. */
#define WIRE_PATH_MPTCP4 8
#define WIRE_PATH_MPTCP6 9
#define WIRE_PATHS_MAX 10
#define WIRE_SUBFLOWS_MAX (WIRE_PATHS_MAX * WIRE_BUNDLES_MAX) /* of a session */
#define WIRE_NAME_MAX 32          /* an uplink's or scheduler's name */
#define WIRE_SESSION_ID_BYTES 16
#define WIRE_SECRET_BYTES 16      /* of an invitation */
#define WIRE_WHY_MAX 127
#define WIRE_OFFSET_MAX (UINT64_C(1) << 62)
#define WIRE_CREDIT_LEAST 1024u   /* that a stream begins with */
#define WIRE_TUNNEL_SECRET_BYTES 32
#define WIRE_LAN_PREFIXES_MAX 16
#define WIRE_TRAFFIC_PORTS_MAX 24
#define WIRE_TRAFFIC_HOSTS_MAX 32
#define WIRE_DATAGRAM_BYTES_MAX 2048

enum wire_type {
	WIRE_HELLO = 1,
	WIRE_WELCOME = 2,
	WIRE_CLOSE = 3,    /* fatal: a reason in words */
	WIRE_SETTINGS = 4,
	WIRE_PING = 5,
	WIRE_PONG = 6,
	WIRE_ACK = 7,
	WIRE_OPEN = 8,
	WIRE_ACCEPT = 9,
	WIRE_DATA = 10,
	WIRE_DATA_FIN = 11, /* DATA whose last byte is the stream's last */
	WIRE_CREDIT = 12,
	WIRE_RESET = 13,
	WIRE_INVITE = 24,
	WIRE_REDEEMED = 25,
	WIRE_CLASS = 1 | WIRE_IGNORABLE,
	/* The packet tunnel's (datagram.h). */
	WIRE_TUNNEL_KEY = 3 | WIRE_IGNORABLE,
	WIRE_TUNNEL_NET = 4 | WIRE_IGNORABLE,
	WIRE_DATAGRAM = 9 | WIRE_IGNORABLE, /* a plaintext, where UDP does not pass */
	WIRE_LIMITS = 8 | WIRE_IGNORABLE, /* once a second, of a busy one */
};

/* Says nothing, and is as long as its sender likes: before a greeting it shows
 * whether packets of full size pass. Decoded as any unknown one. */
#define WIRE_PAD (2 | WIRE_IGNORABLE)

/* What an end speaks. A gateway offers its newest, in HELLO or INVITE; the
 * concentrator answers with the one that both speak from then on. */
struct wire_versions {
	uint16_t oldest, newest;
};
#define WIRE_VERSIONS \
	((struct wire_versions){ WIRE_VERSION_OLDEST, WIRE_VERSION })
/* The one to speak with whom offers that; 0: there is none. An answer is good
 * where it is agreed to as it is. Pure. */
uint16_t wire_agree(struct wire_versions own, uint16_t offered);

/* Gateway to concentrator: which session, which subflow of it. */
struct wire_hello {
	uint16_t version;
	uint8_t session_id[WIRE_SESSION_ID_BYTES]; /* random, of this start */
	uint32_t subflow_id;     /* never used twice in a session */
	uint8_t path, bundle;    /* < WIRE_PATHS_MAX, < WIRE_BUNDLES_MAX */
	uint8_t path_class;      /* enum sched_path_class */
	char name[WIRE_NAME_MAX + 1]; /* of the uplink */
	/* Only the session that its WELCOMEs said that of, and none that begins: for one
	 * that the concentrator's process of before has (WIRE_PASSES); 0: not said. */
	uint64_t incarnation;
};

/* Concentrator to gateway: joined. */
struct wire_welcome {
	uint16_t version;
	/* Random, of the concentrator's side of the session; its lower half, of the
	 * process. Another than before: the streams of before are unknown there. */
	uint64_t incarnation;
	struct addr seen; /* where the gateway came from, as it looked here; family 0:
	                   * not said */
};

/* Which process has that session. A client offers it as a second ALPN, which is in
 * clear, and which no server takes: so it is known before TLS whose the connection is,
 * and nothing else of it. Pure. */
#define WIRE_OFFER_MAX (sizeof(WIRE_ALPN) + 8) /* "aggd/1-89abcdef" */
void wire_offer(uint64_t incarnation, char out[WIRE_OFFER_MAX + 1]);
/* Of a ClientHello, or the beginning of one; 0: there is none. */
uint32_t wire_offered(const uint8_t *hello, size_t n);

/* Gateway to concentrator, in place of HELLO: my key shall be a site's. It shows
 * the secret, so it says it only to him whose pin is in the invitation. */
struct wire_invite {
	uint16_t version;
	uint8_t secret[WIRE_SECRET_BYTES];
};

enum wire_redeem {
	WIRE_REDEEM_JOINED,  /* the key is the site's */
	WIRE_REDEEM_UNKNOWN, /* no such invitation */
	WIRE_REDEEM_USED,
	WIRE_REDEEM_EXPIRED,
	WIRE_REDEEM_REVOKED,
	WIRE_REDEEM_OTHER,   /* the key is another site's already */
	WIRE_REDEEM_FAILED,  /* why: the concentrator could not */
	WIRE_REDEEM_COUNT
};

/* Concentrator to gateway, its last word. */
struct wire_redeemed {
	uint16_t version;
	uint8_t result;      /* enum wire_redeem */
	uint64_t now_s;      /* since 1970, by its clock */
	struct addr seen;    /* where the gateway came from, as it looked here */
	/* How the Internet will see it; family 0: not at all, or not known. */
	struct addr egress4, egress6;
	char site[WIRE_NAME_MAX + 1];
	char why[WIRE_WHY_MAX + 1]; /* of FAILED */
};

enum { /* wire_settings.flags */
	WIRE_HAS_IPV6 = 1, /* the sender's egress reaches IPv6 */
	WIRE_DRAINING = 2, /* open no new streams */
	WIRE_HAS_MPTCP = 4, /* the sender's listener takes MPTCP */
	/* The sender keeps a session that leaves beside the one that follows. */
	WIRE_KEEPS = 8,
	/* This session leaves: another of the sender's follows, for what is new. Said
	 * back by a concentrator, which keeps it from now on. */
	WIRE_LEAVES = 16,
	/* The concentrator's process of before goes on with its sessions, and gets the
	 * connections that are for them (wire_offer). */
	WIRE_PASSES = 32,
};

/* How the sender of these settings sends, by names; "": not said. The gateway
 * asks its peer to do the same; order may be "auto" there. */
struct wire_wish {
	char scheduler[WIRE_NAME_MAX + 1];
	char interactive[WIRE_NAME_MAX + 1]; /* a scheduler for these streams */
	char order[WIRE_NAME_MAX + 1];
	char reinjection[WIRE_NAME_MAX + 1];
};

/* All settings at once; a higher serial replaces. */
struct wire_settings {
	uint32_t serial;
	uint32_t flags;
	uint32_t stream_credit; /* see wire_first_credit(); of the sender */
	/* The gateway's word: paths, a bit each, that carry nothing while one
	 * that is not among them works. Others' is 0. */
	uint16_t reserve;
	struct wire_wish wish;
	/* The gateway's, of each path two bits: 0, its class is its HELLO's; else
	 * 1 + enum sched_path_class. */
	uint32_t classes;
};

struct wire_ping { uint64_t stamp; }; /* echoed in PONG */

struct wire_ack {
	uint32_t subflow_id;
	uint64_t bytes; /* of whole frames processed on it */
};

struct wire_open {
	uint32_t stream;
	uint32_t credit; /* bytes that the opener takes at first */
	struct dest dest;
	struct addr client; /* whose connection it is; family 0: not told */
};

struct wire_accept {
	uint32_t stream;
	struct addr bound;
};

struct wire_data {
	uint32_t stream;
	uint64_t offset;
	const uint8_t *bytes; /* borrowed from the frame */
	uint32_t len;         /* 0 only with FIN */
};

struct wire_credit {
	uint32_t stream;
	uint64_t offset_max; /* bytes up to this offset are taken */
};

struct wire_reset {
	uint32_t stream;
	uint8_t end;     /* enum stream_end */
	uint64_t offset; /* bytes up to here come before it; 0: at once */
};

struct wire_class {
	uint32_t stream;
	uint8_t class; /* enum stream_class */
};

/* How the sender of it wants datagrams to be sealed from now on. */
struct wire_tunnel_key {
	uint32_t epoch; /* 1 and up; one that is not higher is a double */
	uint32_t index; /* to be named in each datagram */
	uint8_t suite;  /* enum aead_suite; one may not know it */
	uint8_t random[WIRE_TUNNEL_SECRET_BYTES];
};

/* How a person wants the packets of the tunnel to be treated, in both directions. */
struct wire_traffic {
	uint8_t redundant;    /* 1: real time goes twice */
	uint8_t port_count;
	struct wire_traffic_port {
		uint8_t traffic;  /* enum traffic; one may not know it */
		uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP; 0: any */
		uint16_t first, last;
	} port[WIRE_TRAFFIC_PORTS_MAX];
	uint64_t realtime_dscps, bulk_dscps; /* a bit each */
	uint8_t host_count;
	struct wire_traffic_host {
		uint8_t traffic;   /* likewise */
		struct prefix net; /* of the gateway's LAN */
	} host[WIRE_TRAFFIC_HOSTS_MAX];
};

/* What the sender of it does with packets; each replaces the one before. */
struct wire_tunnel_net {
	uint8_t flags;        /* WIRE_TUNNEL_... */
	/* The concentrator's: what the gateway itself has inside; family 0: none. */
	struct addr inner4;   /* without a port */
	struct prefix inner6;
	/* The gateway's: what stands behind it. The concentrator's: addresses of its own that
	 * lead to sites. */
	uint8_t lan_count;
	struct prefix lan[WIRE_LAN_PREFIXES_MAX];
	struct wire_traffic traffic;
};
struct wire_datagram {
	const uint8_t *bytes; /* borrowed from the frame */
	uint32_t len;
};

enum { /* wire_tunnel_net.flags */
	WIRE_TUNNEL_ON = 1,  /* it takes packets */
	WIRE_TUNNEL_UDP = 2, /* and datagrams, where it takes subflows */
};

/* What its sender knows of the last seconds: what held up the bytes that it sends,
 * and, flags, those that it gets. For a person; nothing is decided by it. */
struct wire_limits {
	/* Of the time, in thousandths: bytes waited as no path took them; as the
	 * receiver's credit was used up. Else none waited. */
	uint16_t paths, credit;
	uint16_t cpu;                   /* of the thread's time */
	uint16_t full[WIRE_PATHS_MAX];  /* of the time that each path was */
	uint8_t flags;
};
enum { /* wire_limits.flags */
	WIRE_READER_FULL = 1,  /* a reader did not take what was there */
	WIRE_HOLE = 2,         /* a reader waits for what is late or lost */
	WIRE_MEMORY_SHORT = 4, /* there was none for more credit */
};

struct wire_close { char reason[128]; };

struct wire_frame {
	uint8_t type; /* enum wire_type; 0: an unknown one to be skipped */
	union {
		struct wire_hello hello;
		struct wire_welcome welcome;
		struct wire_close close;
		struct wire_settings settings;
		struct wire_ping ping; /* and PONG */
		struct wire_ack ack;
		struct wire_open open;
		struct wire_accept accept;
		struct wire_data data; /* and DATA_FIN */
		struct wire_credit credit;
		struct wire_reset reset;
		struct wire_class class;
		struct wire_tunnel_key tunnel_key;
		struct wire_tunnel_net tunnel_net;
		struct wire_datagram datagram;
		struct wire_limits limits;
		struct wire_invite invite;
		struct wire_redeemed redeemed;
	};
};

/* Decodes the frame at p. Returns its whole length; 0: more bytes are needed
 * (at most WIRE_HEADER_BYTES + WIRE_PAYLOAD_BYTES_MAX); -EPROTO with *why. */
ssize_t wire_decode(struct wire_frame *out, const uint8_t *p, size_t n,
                    const char **why);

/* The credit with which a stream begins, where so many others are open and the
 * one who receives grants `most`: as many small ones fit as there may be. */
uint64_t wire_first_credit(uint64_t most, unsigned streams);

/* Large enough for every frame but DATA and DATAGRAM. */
#define WIRE_CONTROL_BYTES_MAX 1152

/* Encodes any frame but these into p (WIRE_CONTROL_BYTES_MAX); returns the
 * length. */
size_t wire_encode(uint8_t *p, const struct wire_frame *frame);
/* Writes DATAGRAM's header; the len bytes follow it. */
void wire_encode_datagram_header(uint8_t p[WIRE_HEADER_BYTES], uint32_t len);
/* Writes a PAD of n bytes in all, its header too. */
void wire_encode_pad(uint8_t *p, size_t n);
/* Writes DATA's header; the len bytes follow it. */
void wire_encode_data_header(uint8_t p[WIRE_DATA_HEADER_BYTES], bool fin,
                             uint32_t stream, uint64_t offset, uint32_t len);

#endif
