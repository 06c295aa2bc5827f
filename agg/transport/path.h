/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a path: one uplink towards one endpoint, as its users together see it. Pure:
 * the time is an argument. Whoever sends over it (a lane; there may be several)
 * tells what it sent, what was acknowledged and, when the path is judged anew, how
 * things stand with it; and reads what comes out of it all.
 */
#ifndef AGG_TRANSPORT_PATH_H
#define AGG_TRANSPORT_PATH_H

#include <stdbool.h>
#include <stdint.h>

#define PATH_RTT_AGE_US 1000000u /* after which a smoothed RTT is history */
#define PATH_ANSWER_US 20000u    /* until the peer acknowledges, at most */
#define PATH_WINDOW_MIN_US 50000u /* a rate is of so long, and of 2 RTT, at least */

/* Zeroed: nothing is known. */
struct path {
	uint64_t rtt_us;         /* now; UINT64_MAX: nobody is there to know */
	uint64_t rate_bps;       /* bytes/s, the best of late */
	uint64_t taken_bps;      /* and what its users together took of it, of late */
	uint64_t backlog_bytes;  /* sent and not acknowledged, or queued */
	uint64_t under_way_bytes; /* of them those that are not there yet */
	uint32_t loss_ppm;       /* of what was sent, what had to be again; 0: too
	                          * little was */
	/* From a piece's sending until its acknowledgement, and its mean
	 * deviation; 0: none yet. */
	uint64_t usual_us, usual_var_us;
	uint64_t late_us;        /* the latest of late */
	uint64_t min_rtt_us;     /* the least of its users; 0: not known */
	uint64_t pace_bps;       /* none of them sends faster; 0: as it likes */
	unsigned most_percent;   /* of what it carries in a round trip, under way: it is
	                          * far, and may carry more than was seen; 0: any */
	bool minor;              /* path_compare(): others carry many times as much */
	bool wasteful;           /* path_judge(): better left out, for a while */

	/* private */
	uint64_t spent_bytes, wasted_bytes, judged_us; /* since then */
	uint64_t all_bytes, rests_until_us;
	unsigned wasted_times;   /* in a row */
	uint64_t acked_bytes;    /* since window_us */
	uint64_t window_us;
	bool busy;               /* a user was, since then */
	uint64_t sampled_us;     /* of rtt_us; 0: of users that are quiet */
	bool filled;             /* a queue stood in it */
	uint64_t queued_us, queued_bps; /* one does, since then, at that rate; 0: no */
	uint64_t full_us;        /* when one did last */
	uint64_t sent_bytes, retrans_bytes, users_bps; /* of all users */
	uint64_t sent_before_bytes, retrans_before_bytes; /* of the last time */
	uint64_t free_sent_bytes, free_retrans_bytes; /* while no queue stood */
};

/* What one user tells of itself. */
struct path_user {
	uint64_t srtt_us, min_rtt_us; /* 0: not known */
	uint64_t sampled_us;     /* when srtt_us was renewed last */
	uint64_t rate_bps, backlog_bytes, under_way_bytes;
	uint64_t sent_bytes, retrans_bytes; /* ever */
	bool busy;               /* something waits that could be sent */
};

/* To judge it anew: begin, add all users, end. */
void path_begin(struct path *path);
void path_add(struct path *path, const struct path_user *user, uint64_t now_us);
void path_end(struct path *path, uint64_t now_us);

void path_sent(struct path *path, uint64_t bytes);
void path_acked(struct path *path, uint64_t bytes);
/* A piece was acknowledged so long after it was sent first, by this path. */
void path_took(struct path *path, uint64_t took_us);

/* What it has came too late, and went again by another. */
void path_wasted(struct path *path, uint64_t bytes);
void path_wasted_not(struct path *path, uint64_t bytes); /* it did not, after all */
/* Once a turn: was of late so much of what it carried for nothing that it is better
 * left out, for a while? all_bytes: what all paths were given, ever. */
void path_judge(struct path *path, uint64_t all_bytes, uint64_t now_us);
/* And is it minor beside the others of so many paths? usable: a bit for each that
 * carries something new. Where it is not small beside those that are nearer, it is not
 * paced. */
void path_compare(struct path *paths, unsigned count, unsigned usable);

/* From sending so much now until it is acknowledged: as usual, or, where less
 * stands before it than usually does, what that and a round trip take. */
uint64_t path_would_take_us(const struct path *path, uint32_t len);

/* The best rate of late, so long after it was seen: of a busy one what is delivered
 * now is what can be; a quiet one does not look slow. */
uint64_t path_rate_decayed(uint64_t rate_bps, uint64_t elapsed_us, bool busy);

#endif
