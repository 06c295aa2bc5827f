/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a person may know of a running daemon: a snapshot in plain
 * structs, and one walk over it that hands each part to a renderer.
 *
 * Down is towards the LAN and up is away from it, on both sides. Rates are
 * bytes a second. A text that is "" is not known.
 *
 * A snapshot is filled by the role (which alone sees the state) with
 * report_add_*, rendered, and finished; it borrows nothing.
 */
#ifndef AGG_REPORT_REPORT_H
#define AGG_REPORT_REPORT_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPORT_SCHEMA_VERSION 1 /* of the JSON; docs/report.schema.json */
#define REPORT_NAME_MAX 31
#define REPORT_WORDS_MAX 191  /* a reason, a library's name */
#define REPORT_WAITS_MAX 255  /* several things */
#define REPORT_DEST_MAX 263   /* a name of 255, ':' and a port */
#define REPORT_SHARES_MAX 16  /* paths of one stream */
#define REPORT_SESSIONS_MAX 4096
#define REPORT_UPLINKS_MAX 16384
#define REPORT_STREAMS_MAX 16384
#define REPORT_SUBFLOWS_MAX 16384
#define REPORT_SITES_MAX 4096
#define REPORT_CHOICES_MAX 128
#define REPORT_DEVICES_MAX 65   /* those that a history has, and the others */
#define REPORT_PIN_MAX 63
#define REPORT_ENDS_MAX 16   /* ways in which a stream ends */
#define REPORT_SENDING_MAX 255 /* a struct report_sending in words */

/* States are facts of the daemon in words for people; their texts are part of
 * the JSON and stay as they are. */
enum report_session_state {
	REPORT_SESSION_CONNECTING, /* "connecting" */
	REPORT_SESSION_UP,         /* "up" */
	REPORT_SESSION_OUTAGE,     /* "outage": no path, streams linger */
	REPORT_SESSION_DOWN,       /* "down" */
};
enum report_path_state {
	REPORT_PATH_UP,         /* "up" */
	REPORT_PATH_SUSPECT,    /* "suspect": no progress, carries nothing new */
	REPORT_PATH_CONNECTING, /* "connecting" */
	REPORT_PATH_DOWN,       /* "down" */
	REPORT_PATH_DISABLED,   /* "disabled" by the configuration */
};
enum report_stream_state {
	REPORT_STREAM_OPENING,   /* "opening": the other side is dialling */
	REPORT_STREAM_OPEN,      /* "open" */
	REPORT_STREAM_FINISHING, /* "finishing": one direction is done */
};

struct report_head {
	char role[REPORT_NAME_MAX + 1]; /* "gateway", "concentrator" */
	char version[REPORT_NAME_MAX + 1];
	uint64_t uptime_us;
	char own_pin[REPORT_PIN_MAX + 1]; /* "sha256:...": what the other side
	                                   * must know; "": not known */
	/* In use, and for how many of them connections are taken; 0: unknown. */
	unsigned descriptors_used, descriptors_max;
	/* What is not there (yet) and would be used if it came: an address to
	 * listen at, a device; "": nothing. */
	char waits_for[REPORT_WAITS_MAX + 1];
	bool unpaired; /* a gateway that has not joined a concentrator yet */
	/* Of sessions of before an update, of either end's: what they still carry, in this
	 * process or in those before. */
	unsigned before_streams;
	uint64_t before_down_bps, before_up_bps;
};

/* How one direction is sent: names. All are "" where it is not known. */
struct report_sending {
	char interactive[REPORT_NAME_MAX + 1]; /* the scheduler of these streams */
	char bulk[REPORT_NAME_MAX + 1];        /* and of those */
	char order[REPORT_NAME_MAX + 1];
	char reinjection[REPORT_NAME_MAX + 1];
};

/* Why bytes were sent again. */
enum report_again {
	REPORT_AGAIN_DEAD,     /* "dead": the subflow that carried them died */
	REPORT_AGAIN_SUSPECT,  /* "suspect": it makes no progress */
	REPORT_AGAIN_TAIL,     /* "tail": another path is faster */
	REPORT_AGAIN_DEADLINE, /* "deadline": they are overdue on their path */
	REPORT_AGAIN_OVERDUE,  /* "overdue": the reader waits for them */
};
#define REPORT_AGAIN_COUNT (REPORT_AGAIN_OVERDUE + 1)

/* What went wrong with MPTCP on this host since the daemon began, whoever's
 * connections they were: the kernel counts them together. */
struct report_mptcp {
	uint64_t fallbacks;       /* connections that became plain TCP */
	uint64_t joins, joined;   /* asked for by this side, answered */
	uint64_t joins_refused;   /* by this side */
	uint64_t checksum_errors; /* data that somebody changed on its way */
	uint64_t blackholes;      /* times that the kernel turned it off for long */
};

/* Does the LAN's TCP come to the gateway's proxy (or is refused, or left to the
 * host's routing on purpose) as it should? */
enum report_interception_state {
	REPORT_INTERCEPTION_NONE,     /* not asked for, or no gateway */
	REPORT_INTERCEPTION_IN_FORCE, /* "in force" */
	REPORT_INTERCEPTION_BROKEN,   /* "broken": ruleset, rule or route lacks */
};
struct report_interception {
	enum report_interception_state state;
	char why[REPORT_WORDS_MAX + 1]; /* of BROKEN; IN_FORCE: what
	                              * happens instead, on purpose */
};

/* A session's packet tunnel. */
enum report_tunnel_state {
	REPORT_TUNNEL_NONE, /* not asked for, or the other side has none */
	REPORT_TUNNEL_UP,   /* "up" */
	REPORT_TUNNEL_DOWN, /* "down" */
};
enum report_class {
	REPORT_BACKGROUND, /* "background" */
	REPORT_NORMAL,     /* "normal" */
	REPORT_REALTIME,   /* "realtime" */
	REPORT_CLASSES
};
#define REPORT_TUNNEL_PATHS_MAX 8
#define REPORT_TUNNEL_DROPS_MAX 16
struct report_tunnel {
	enum report_tunnel_state state;
	char why[REPORT_WORDS_MAX + 1]; /* of DOWN */
	bool lost;                      /* and it was up before, or cannot be */
	unsigned mtu;                   /* of packets inside */
	unsigned flows;
	uint64_t queued_bytes;
	uint64_t memory_bytes;          /* of tables */
	/* Of packets inside, ever. */
	uint64_t down_packets, down_bytes, up_packets, up_bytes;
	/* Of what goes to and comes from the kernel at once: by the device, "udp", "tcp" or
	 * "none" (""; it is not there); does it leave in messages of several? */
	const char *device_offload; /* static */
	bool segments;
	/* Of the device, ever: packets, and calls of the kernel for them. */
	uint64_t device_in, device_reads, device_out, device_writes;
	struct {
		const char *why; /* static */
		uint64_t packets;
	} drop[REPORT_TUNNEL_DROPS_MAX]; /* by this side, ever: those that there were */
	unsigned drop_count;
	/* Of what this side sends, by enum report_class, ever; wait_us in its queue, of late. */
	struct {
		uint64_t packets, bytes, dropped, wait_us;
	} class[REPORT_CLASSES];
	struct {
		char uplink[REPORT_NAME_MAX + 1];
		bool works;      /* datagrams pass */
		uint64_t srtt_us;
		uint64_t down_bytes, up_bytes; /* of datagrams, ever */
		unsigned mtu;    /* outside; 0: not known */
		/* Of what this side sends there, bytes/s; 0: not known. */
		uint64_t rate_bps, queue_us;
		unsigned loss_ppm;
	} path[REPORT_TUNNEL_PATHS_MAX];
	unsigned path_count;
};

/* One direction of a session of late, as both ends see it; shares of the time in
 * thousandths. */
struct report_flow {
	bool known; /* by its sender: what bytes waited for */
	unsigned paths_permille;  /* that a path has room, */
	unsigned credit_permille; /* or that the receiver takes more */
	unsigned sender_cpu_permille, receiver_cpu_permille; /* of a core */
	bool reader_full;  /* by the receiver: a reader takes no more; */
	bool hole;         /* one waits for what is late or lost; */
	bool memory_short; /* there is none for more credit */
};

struct report_session {
	char site[REPORT_NAME_MAX + 1];         /* on the concentrator */
	char concentrator[REPORT_NAME_MAX + 1]; /* on the gateway */
	enum report_session_state state;
	char why[REPORT_WORDS_MAX + 1]; /* of a state that is not up */
	uint64_t age_us;                /* since it is in that state */
	/* One by what this side does, the other as the peer says. What the
	 * gateway does is also what it wishes for down. */
	struct report_sending down, up;
	uint64_t again_bytes[REPORT_AGAIN_COUNT]; /* by this side, ever */
	/* What this side's schedulers said, ever; again: a double. */
	uint64_t picks_sent, picks_waited, picks_again;
	struct report_flow down_flow, up_flow;
	/* Its streams by how they ended, ever. */
	struct { char why[REPORT_NAME_MAX + 1]; uint64_t count; }
		ends[REPORT_ENDS_MAX];
	unsigned end_count;
	char scheduler[REPORT_NAME_MAX + 1]; /* of this side, for bulk */
	char carrier[REPORT_NAME_MAX + 1]; /* that is used: "subflows", "mptcp" */
	char carrier_wanted[REPORT_NAME_MAX + 1]; /* on the gateway */
	char carrier_why[REPORT_WORDS_MAX + 1];
	char kernel_scheduler[REPORT_NAME_MAX + 1]; /* of MPTCP; "": not used */
	struct report_mptcp mptcp;
	char library[REPORT_WORDS_MAX + 1];
	char cipher[REPORT_WORDS_MAX + 1];
	struct report_interception interception;
	struct report_tunnel tunnel;
	bool peer_known, peer_ipv6; /* on the gateway: its egress reaches IPv6 */
	unsigned bundles;
	unsigned streams;
	uint64_t memory_bytes, memory_budget_bytes;
	uint64_t down_bytes, up_bytes;
	/* The longest silence of the last minute that a reader of this side saw
	 * as bytes were missing; 0: none; and the uplink that was late. */
	uint64_t silent_us;
	char silent_uplink[REPORT_NAME_MAX + 1];
};

/* A path: an uplink towards one endpoint. */
struct report_uplink {
	char site[REPORT_NAME_MAX + 1]; /* on the concentrator */
	char name[REPORT_NAME_MAX + 1];
	char device[REPORT_NAME_MAX + 1]; /* on the gateway */
	char cost[REPORT_NAME_MAX + 1];   /* now */
	char cost_why[REPORT_WORDS_MAX + 1]; /* it is not as configured: its cap */
	uint64_t month_bytes, cap_bytes;  /* of its month of billing; 0: it has none */
	enum report_path_state state;
	char why[REPORT_WORDS_MAX + 1]; /* of a state that is not up */
	char address[ADDR_TEXT_MAX];
	char seen[ADDR_TEXT_MAX]; /* that address, as the concentrator sees it */
	bool keeps_port;          /* and the ports there are the same */
	char endpoint[ADDR_TEXT_MAX];
	char endpoint_name[REPORT_DEST_MAX + 1]; /* whose address it is; "" */
	uint64_t srtt_us, min_rtt_us;   /* 0: not measured yet */
	uint64_t rttvar_us;             /* their mean deviation, the least of late */
	uint64_t down_bps, up_bps;      /* measured over the last second */
	/* The most that it carried over a few seconds of late; 0: it was not
	 * loaded. */
	uint64_t down_best_bps, up_best_bps;
	unsigned down_full_permille, up_full_permille; /* of the time of late */
	uint64_t down_capacity_bps, up_capacity_bps; /* estimated; 0: unknown */
	uint64_t down_bytes, up_bytes;
	uint64_t sent_bytes;            /* by this side, on living subflows */
	unsigned retransmitted_ppm;     /* of them; where none are, not known */
	unsigned subflows_alive, subflows_total;
	uint64_t reconnects;
	/* What the kernel's MPTCP does on it, in words; "": nothing. Its bytes
	 * are in those above too. */
	char mptcp[REPORT_WORDS_MAX + 1];
	unsigned mptcp_alive, mptcp_total; /* bundles that it is joined to */
	uint64_t mptcp_srtt_us;
	uint64_t mptcp_rate_bps; /* delivered of late, by this side; 0: unknown */
	uint64_t mptcp_down_bytes, mptcp_up_bytes;
};

/* One of the kernel's subflows of a bundle of MPTCP. */
struct report_subflow {
	char site[REPORT_NAME_MAX + 1];   /* on the concentrator */
	char uplink[REPORT_NAME_MAX + 1]; /* on the gateway */
	unsigned bundle;
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
	bool fallback, checksum;          /* of its bundle */
	uint64_t srtt_us, min_rtt_us;     /* 0: not measured yet */
	uint64_t rate_bps;   /* delivered of late, by this side; 0: unknown */
	uint64_t down_bytes, up_bytes;
	uint64_t sent_bytes;
	unsigned retransmitted_ppm;       /* as of an uplink */
	uint64_t silent_us;               /* since the peer acknowledged */
};

#define REPORT_SHARE_MPTCP REPORT_UPLINKS_MAX /* uplinks that the kernel chose */

/* How much of a stream a path carried, both directions. */
struct report_share {
	unsigned uplink; /* its place among the uplinks of the report, or: */
	uint64_t bytes;
};

struct report_stream {
	uint64_t id;
	char site[REPORT_NAME_MAX + 1]; /* on the concentrator */
	char client[ADDR_TEXT_MAX];
	char dest[REPORT_DEST_MAX + 1]; /* "192.0.2.1:443", "example.net:443" */
	enum report_stream_state state;
	char class[REPORT_NAME_MAX + 1]; /* "interactive", "bulk": as it is sent */
	uint64_t age_us;
	uint64_t down_bytes, up_bytes;
	struct report_share shares[REPORT_SHARES_MAX];
	unsigned share_count;
};

struct report_site {
	char name[REPORT_NAME_MAX + 1];
	bool connected;
	uint64_t since_us;  /* that it is connected, or that it is not; 0: never */
	unsigned uplinks;   /* that are up */
	unsigned streams;
	uint64_t down_bytes, up_bytes;
	uint64_t month_bytes, quota_bytes; /* of its quota; 0: it has none */
	uint64_t rate_mbps; /* it may have, each way; 0: no limit */
	char note[REPORT_WORDS_MAX + 1]; /* what is wrong with it; "" */
};

/* A device of the LAN, on the gateway. */
struct report_device {
	char name[ADDR_TEXT_MAX];    /* its card, or its IP address; "others" */
	char address[ADDR_TEXT_MAX]; /* the last */
	uint64_t down_bytes, up_bytes; /* by streams and packets, since it was seen */
};

/* What can be chosen. */
struct report_choice {
	char kind[REPORT_NAME_MAX + 1]; /* "scheduler", "order", "reinjection" */
	char name[REPORT_NAME_MAX + 1];
	char summary[REPORT_WORDS_MAX + 1];
	char order[REPORT_NAME_MAX + 1]; /* of a scheduler: the one it is made for */
	char runs[REPORT_WORDS_MAX + 1]; /* "down, up bulk": where it runs now */
};

struct report {
	struct report_head head;
	struct report_session *sessions;
	struct report_uplink *uplinks;
	struct report_stream *streams;
	struct report_site *sites;
	struct report_choice *choices;
	struct report_subflow *subflows;
	struct report_device *devices;
	size_t session_count, uplink_count, stream_count, site_count;
	size_t choice_count, subflow_count, device_count;
	size_t left_out; /* streams, sites ... past the limits above */
};

void report_init(struct report *report);
void report_finish(struct report *report);
/* A new part, all 0, to be filled before the next of its kind is added.
 * NULL: past the limit (counted in left_out) or no memory. */
struct report_session *report_add_session(struct report *report);
struct report_uplink *report_add_uplink(struct report *report);
struct report_stream *report_add_stream(struct report *report);
struct report_site *report_add_site(struct report *report);
struct report_choice *report_add_choice(struct report *report);
struct report_subflow *report_add_subflow(struct report *report);
struct report_device *report_add_device(struct report *report);
/* Whose share it is; "": of nobody that is in the report. */
const char *report_share_name(const struct report *report,
                              const struct report_share *share);

const char *report_session_state_text(enum report_session_state state);
/* "" for NONE. */
const char *report_interception_text(enum report_interception_state state);
const char *report_tunnel_text(enum report_tunnel_state state); /* likewise */
const char *report_class_text(enum report_class class);         /* likewise */
const char *report_path_state_text(enum report_path_state state);
const char *report_stream_state_text(enum report_stream_state state);
const char *report_again_text(enum report_again again);
/* "ecf for interactive, lowrtt for bulk, order srpt, reinjection off"; "" where
 * it is not known. In buf, which is returned. */
const char *report_sending_text(const struct report_sending *sending,
                                char buf[REPORT_SENDING_MAX + 1]);
bool report_sending_equal(const struct report_sending *a,
                          const struct report_sending *b);

/* What a walk visits, besides head and tail. */
enum report_part {
	REPORT_PART_SESSIONS = 1,
	REPORT_PART_UPLINKS = 2,
	REPORT_PART_STREAMS = 4,
	REPORT_PART_SITES = 8,
	REPORT_PART_CHOICES = 16,
	REPORT_PART_SUBFLOWS = 32,
	REPORT_PART_DEVICES = 64, /* of JSON and metrics: aggctl history has them, too */
};

/* One walk in progress. */
struct render {
	const struct render_ops *ops;
	const struct report *report; /* borrowed */
	unsigned parts;
	unsigned line_max;           /* characters, of text; 0: no limit */
	struct buf *out;             /* borrowed */
	void *state;                 /* the renderer's own, from head to tail */
	bool failed;                 /* set by a hook: out is full, no memory */
};

/* A renderer. Every hook may be NULL but tail, which is always called, and
 * last: it frees state. */
struct render_ops {
	const char *name;
	void (*head)(struct render *r, const struct report_head *head);
	void (*session)(struct render *r, const struct report_session *session);
	void (*uplink)(struct render *r, const struct report_uplink *uplink);
	void (*stream)(struct render *r, const struct report_stream *stream);
	void (*site)(struct render *r, const struct report_site *site);
	void (*choice)(struct render *r, const struct report_choice *choice);
	void (*subflow)(struct render *r, const struct report_subflow *subflow);
	void (*tail)(struct render *r);
};

extern const struct render_ops render_text;    /* for a terminal */
extern const struct render_ops render_json;    /* one object, one line */
extern const struct render_ops render_metrics; /* OpenMetrics 1.0 */

/* Appends the parts to out; line_max is how wide a terminal text is for, 0:
 * any. 0, or -ENOBUFS: out is full or memory is short, and what was appended is
 * of no use. */
int report_render(const struct report *report, const struct render_ops *ops,
                  unsigned parts, unsigned line_max, struct buf *out);

#endif
