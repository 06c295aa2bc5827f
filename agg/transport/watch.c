/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how lanes are judged; what follows is verdict.c's.
 *
 *   suspect   no progress for 2*srtt + 4*rttvar, 200 ms at least and at most
 *             1 s or 3*srtt, while something waits for it. What is in flight
 *             goes again elsewhere, nothing new is given to it; any progress
 *             clears it. Progress is what TCP saw acknowledged: the session's
 *             own acknowledgements may come by another path.
 *             A lane of several connections (MPTCP) is suspect as long as one
 *             of them is stuck.
 *   silent    no acknowledgement at all for srtt + 4*rttvar + 40 ms, 100 ms at
 *             least, while something is under way and another path is good:
 *             under load they come every few milliseconds. What readers wait
 *             for goes again, once, as it is a guess; and it carries nothing new
 *             until it has made progress.
 *   mute      suspect as well: TCP has it all acknowledged, but the peer says
 *             nothing, on no lane: its kernel lives, its process does not. Where
 *             something waits for an answer, or a download falls silent, and no
 *             frame came for a while, all lanes are asked (PING), and what
 *             answers by nothing but its kernel is mute. Any frame clears all.
 *   doubted   another lane on the same path is suspect or silent; or any is, and
 *             this one rested in reserve, where it could not show what it is
 *             worth. It is asked (PING), and carries nothing new until it has made
 *             progress.
 *   given up  suspect for give_up_us: dropped, and the shell connects anew.
 */
#include "agg/transport/watch.h"

#include "agg/transport/lane.h"

#include <utlist.h>

#define STUCK_MAX_US 1000000u
#define SILENCE_MAX_US 40000000u  /* heard nothing at all: dropped */
#define MUTE_ASK_US 400000u       /* and a round trip: then it is asked; and so */
#define FLOW_BYTES 65536u         /* heard of a peer make a download, which is */
#define FLOW_SILENT_US 1000000u   /* asked after when it is silent */
#define MUTE_US 1000000u          /* long after that at least, it is mute */

static uint64_t patience_us(const struct lane *lane)
{
	uint64_t us = 2 * lane->info.srtt_us + 4 * lane->info.rttvar_us;
	uint64_t most = 3 * lane->info.srtt_us;

	if (most < SUSPECT_MAX_US)
		most = SUSPECT_MAX_US;
	if (us > most)
		us = most;
	return us > SUSPECT_MIN_US ? us : SUSPECT_MIN_US;
}

/* Where part of it is stuck, a new one is soon as good on the others; and who
 * sees that is the one who sends. */
static uint64_t give_up_us(const struct lane *lane)
{
	uint64_t us = lane->session->args.give_up_us;

	return lane->info.stuck && us > STUCK_MAX_US ? STUCK_MAX_US : us;
}

/* "": it is not. */
static const char *given_up(const struct lane *lane)
{
	uint64_t now = lane->session->now_us;

	if (lane_stalls(lane) &&
	    now - lane->suspect_us >= give_up_us(lane) + patience_us(lane))
		return lane->state == LANE_MUTE ? SESSION_MUTE_WORDS : "no progress";
	if (now - lane->heard_us >= SILENCE_MAX_US)
		return "silent";
	return "";
}

static bool is_other_path_good(const struct lane *lane)
{
	const struct lane *other;

	DL_FOREACH(lane->session->lanes, other)
		if (other->hello.path != lane->hello.path &&
		    lane_is_good(other) && !lane_rests(other))
			return true;
	return false;
}

static bool is_silent(const struct lane *lane)
{
	return (lane_is_good(lane) || lane->state == LANE_DOUBTED) &&
	       lane_unheard_us(lane) >= lane_silence_us(lane) &&
	       is_other_path_good(lane);
}

static bool is_suspect(const struct lane *lane)
{
	return !lane_stalls(lane) && lane_waits(lane) &&
	       (lane->info.stuck || lane->session->now_us - lane->progress_us >=
	                            patience_us(lane));
}

enum watch_verdict watch_lane(struct lane *lane, const char **why)
{
	struct session *s = lane->session;

	lane->watched_us = s->now_us;
	if (!lane_waits(lane))
		lane->progress_us = s->now_us;
	*why = given_up(lane);
	if (**why)
		return WATCH_GIVE_UP;
	if (s->args.opens && s->now_us - lane->heard_us >= PING_IDLE_US &&
	    s->now_us - lane->pinged_us >= PING_IDLE_US)
		lane_ask(lane);
	if (is_suspect(lane))
		return WATCH_SUSPECT;
	return is_silent(lane) ? WATCH_SILENT : WATCH_OK;
}

/* Since when the peer owes a frame; UINT64_MAX: it does not. */
static uint64_t awaited_since(const struct lane *lane)
{
	if (lane->flights.len)
		return flights_at(&lane->flights, 0)->sent_us;
	return lane->pinged_us > lane->heard_us ? lane->pinged_us : UINT64_MAX;
}

/* A download that is silent has ended, or waits for its server, or its peer
 * hangs; who only reads is owed nothing that would tell. */
static uint64_t flow_asked_at(const struct session *s)
{
	return s->args.opens && s->unasked_bytes >= FLOW_BYTES ?
		s->heard_us + FLOW_SILENT_US : UINT64_MAX;
}

static void ask_all(struct session *s)
{
	struct lane *lane;

	s->unasked_bytes = 0;

	DL_FOREACH(s->lanes, lane)
		if (!lane_stalls(lane))
			lane_ask(lane);
	s->asked_us = s->now_us;
}

bool watch_peer(struct session *s)
{
	uint64_t awaited_us = UINT64_MAX, rtt_us = 0, slept = s->now_us - s->watched_us;
	const struct lane *lane;

	s->watched_us = s->now_us;
	DL_FOREACH(s->lanes, lane) {
		uint64_t since = awaited_since(lane);
		awaited_us = since < awaited_us ? since : awaited_us;
		rtt_us = lane->info.srtt_us > rtt_us ? lane->info.srtt_us : rtt_us;
	}
	if (s->now_us >= flow_asked_at(s))
		ask_all(s);
	if (awaited_us == UINT64_MAX)
		return false;
	if (s->heard_us > awaited_us)
		awaited_us = s->heard_us;
	/* Who slept himself, and has not read yet, does not judge. */
	if (s->asked_us && slept > MUTE_ASK_US)
		s->asked_us = s->now_us;
	if (s->asked_us >= awaited_us)
		return s->now_us - s->asked_us >= MUTE_US + 2 * rtt_us;
	if (s->now_us - awaited_us >= MUTE_ASK_US + rtt_us)
		ask_all(s);
	return false;
}

bool watch_is_mute(const struct lane *lane)
{
	return !lane_waits(lane) && lane->since_us <= lane->session->asked_us;
}

uint64_t watch_deadline(const struct lane *lane)
{
	uint64_t at = lane->heard_us + SILENCE_MAX_US;

	if (lane->session->args.opens) {
		uint64_t last = lane->heard_us > lane->pinged_us ? lane->heard_us
		                                                 : lane->pinged_us;
		if (last + PING_IDLE_US < at)
			at = last + PING_IDLE_US;
		last = flow_asked_at(lane->session);
		if (last < at)
			at = last;
	}
	if ((awaited_since(lane) != UINT64_MAX || lane_waits(lane)) &&
	    lane->watched_us + WATCH_US < at)
		at = lane->watched_us + WATCH_US;
	uint64_t silent_at = lane->info_us - lane_unheard_us(lane) +
	                     lane_silence_us(lane);
	if (lane_unheard_us(lane) && silent_at > lane->session->now_us &&
	    silent_at < at)
		at = silent_at;
	return at;
}
