/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see carrier.h.
 */
#include "agg/role/carrier.h"

#include "agg/transport/wire.h"

#include <stdio.h>
#include <string.h>

#define MPTCP_PATHS (1u << WIRE_PATH_MPTCP4 | 1u << WIRE_PATH_MPTCP6)
#define BITS_PER_BYTE 8

enum { OURS, MPTCP };                              /* carrier.bytes */
enum { BEFORE_BEGIN, BEFORE_END, AFTER_BEGIN, AFTER_END }; /* marks */

void carrier_init(struct carrier *c)
{
	*c = (struct carrier){ .reserve = MPTCP_PATHS };
}

void carrier_forget(struct carrier *c)
{
	c->verdict = CARRIER_UNTRIED;
	c->void_us = 0;
	c->falls = 0;
	if (c->phase != CARRIER_QUIET)
		c->mptcp = c->first_mptcp;
	c->phase = CARRIER_QUIET;
}

bool carrier_is_trying(const struct carrier *c)
{
	return c->phase != CARRIER_QUIET;
}

static uint64_t phase_length_us(enum carrier_phase phase)
{
	return phase == CARRIER_SETTLING ? CARRIER_SETTLE_US : CARRIER_PHASE_US;
}

/* Why MPTCP cannot be had everywhere; "": it can. */
static const char *shortcoming(const struct carrier_facts *f)
{
	if (f->obstacle)
		return f->obstacle;
	if (f->usable & f->stripped)
		return "an uplink strips or drops MPTCP's option (see its note)";
	if (!f->bundle)
		return "no MPTCP connection works";
	if (!f->whole)
		return "MPTCP is not on every uplink";
	return "";
}

/* What is not joined by the kernel is ours to use. */
static void set_reserve(struct carrier *c, const struct carrier_facts *f)
{
	c->reserve = c->mptcp ? f->covered : MPTCP_PATHS;
}

static void say(struct carrier *c, const char *what)
{
	snprintf(c->why, sizeof(c->why), "%s", what);
}

/* Why it is not MPTCP that carries, and what does. */
static void say_ours(struct carrier *c, const char *why)
{
	snprintf(c->why, sizeof(c->why), "%s, so our own subflows carry it", why);
}

static void say_mptcp(struct carrier *c, const struct carrier_facts *f)
{
	unsigned left = f->usable & ~f->covered;
	const char *why = shortcoming(f);

	if (!c->mptcp)
		say_ours(c, *why ? why : "MPTCP has joined no uplink yet");
	else if (left)
		snprintf(c->why, sizeof(c->why),
		         "as configured; our own subflows carry %d uplink%s that "
		         "MPTCP does not reach", __builtin_popcount(left),
		         left & (left - 1) ? "s" : "");
	else
		say(c, "as configured");
}

static double mbit(uint64_t bytes)
{
	return (double)(bytes * BITS_PER_BYTE) / CARRIER_PHASE_US;
}

static void say_verdict(struct carrier *c)
{
	char echo[64] = "";

	if (c->verdict == CARRIER_UNTRIED) {
		say(c, c->mptcp ?
		    "MPTCP works on every uplink; compared under the next load, it "
		    "carries until then" :
		    "MPTCP works on every uplink; compared under the next load, our "
		    "own subflows carry it until then");
		return;
	}
	if (c->echo_mean_us[OURS] && c->echo_mean_us[MPTCP])
		snprintf(echo, sizeof(echo), ", an echo took %.0f ms, not %.0f",
		         (double)c->echo_mean_us[MPTCP] / 1000,
		         (double)c->echo_mean_us[OURS] / 1000);
	snprintf(c->why, sizeof(c->why),
	         "MPTCP was %s: %.1f Mbit/s of our own %.1f%s; so %s",
	         c->verdict == CARRIER_WORSE ? "worse" : "no worse",
	         mbit(c->bytes[MPTCP]), mbit(c->bytes[OURS]), echo,
	         c->verdict == CARRIER_WORSE ? "our own subflows carry it"
	                                     : "MPTCP carries it");
}

static void end_trial(struct carrier *c, bool is_void, uint64_t now_us)
{
	if (is_void) {
		c->mptcp = c->first_mptcp;
		c->void_us = now_us;
	}
	c->phase = CARRIER_QUIET;
	c->load_us = 0;
}

static void settle_verdict(struct carrier *c, bool no_worse, unsigned usable,
                           uint64_t now_us)
{
	c->verdict = no_worse ? CARRIER_NO_WORSE : CARRIER_WORSE;
	c->verdict_us = now_us;
	c->tried = usable;
	c->falls = 0;
	end_trial(c, false, now_us);
	c->mptcp = no_worse;
	say_verdict(c);
}

static bool has_fallen(const struct carrier *c, const struct carrier_facts *f)
{
	return c->phase == CARRIER_AFTER &&
	       f->load_bps < c->before_bps / CARRIER_FALL;
}

static void break_off(struct carrier *c, const struct carrier_facts *f,
                      uint64_t now_us)
{
	bool first = c->first_mptcp;

	if (++c->falls < CARRIER_FALLS_MAX) {
		end_trial(c, true, now_us);
		return;
	}
	c->bytes[first] = c->before_bps * CARRIER_PHASE_US / 1000000;
	c->bytes[!first] = f->load_bps * CARRIER_PHASE_US / 1000000;
	c->echo_mean_us[OURS] = c->echo_mean_us[MPTCP] = 0;
	settle_verdict(c, first, f->usable, now_us);
}

static bool may_try(const struct carrier *c, uint64_t now_us)
{
	return c->verdict == CARRIER_UNTRIED &&
	       (!c->void_us || now_us - c->void_us >= CARRIER_VOID_US) &&
	       c->load_us && now_us - c->load_us >= CARRIER_LOAD_US;
}

/* Under load since load_us, whole since whole_us; 0: not. */
static void note_times(struct carrier *c, const struct carrier_facts *f,
                       uint64_t now_us)
{
	if (f->load_bps < CARRIER_LOAD_MIN_BPS)
		c->load_us = 0;
	else if (!c->load_us)
		c->load_us = now_us;
	if (!f->whole)
		c->whole_us = 0;
	else if (!c->whole_us)
		c->whole_us = now_us;
	if (c->verdict != CARRIER_UNTRIED && c->phase == CARRIER_QUIET &&
	    (now_us - c->verdict_us >= CARRIER_VALID_US ||
	     (f->usable & ~c->tried)))
		c->verdict = CARRIER_UNTRIED;
}

static void enter(struct carrier *c, enum carrier_phase phase, uint64_t now_us)
{
	c->phase = phase;
	c->phase_us = now_us;
}

/* True: a mark is wanted. */
static bool step_trial(struct carrier *c, uint64_t now_us)
{
	if (c->phase == CARRIER_QUIET) {
		if (!may_try(c, now_us))
			return false;
		c->first_mptcp = c->mptcp;
		c->stream_count = 0;
		c->mark = BEFORE_BEGIN;
		return true;
	}
	return now_us - c->phase_us >= phase_length_us(c->phase);
}

static bool step_auto(struct carrier *c, const struct carrier_facts *f,
                      uint64_t now_us)
{
	const char *why = f->metered ?
		"an uplink is metered, which MPTCP cannot spare" : shortcoming(f);

	if (*why) {
		if (c->phase != CARRIER_QUIET)
			end_trial(c, true, now_us);
		c->mptcp = false;
		say_ours(c, why);
		return false;
	}
	if (now_us - c->whole_us < CARRIER_WHOLE_US) {
		say(c, "MPTCP has just joined every uplink; our own subflows carry "
		    "it for now");
		return false;
	}
	if (c->phase == CARRIER_QUIET)
		c->mptcp = c->verdict == CARRIER_NO_WORSE ||
		           (c->mptcp && c->verdict == CARRIER_UNTRIED);
	if (c->phase == CARRIER_QUIET)
		say_verdict(c);
	else
		say(c, "MPTCP and our own subflows are being compared, for ten "
		    "seconds");
	if (has_fallen(c, f))
		break_off(c, f, now_us);
	return step_trial(c, now_us);
}

bool carrier_step(struct carrier *c, const struct carrier_facts *f,
                  uint64_t now_us)
{
	bool mark = false;

	note_times(c, f, now_us);
	switch (f->wanted) {
	case CONF_CARRIER_SUBFLOWS:
		c->mptcp = false;
		say(c, "as configured");
		break;
	case CONF_CARRIER_MPTCP:
		c->mptcp = !f->obstacle && f->bundle && (f->usable & f->covered);
		say_mptcp(c, f);
		break;
	case CONF_CARRIER_AUTO:
		mark = step_auto(c, f, now_us);
		break;
	}
	if (f->wanted != CONF_CARRIER_AUTO)
		c->phase = CARRIER_QUIET;
	set_reserve(c, f);
	return mark;
}

void carrier_mark_stream(struct carrier *c, uint32_t id, uint64_t bytes)
{
	for (unsigned i = 0; i < c->stream_count; i++)
		if (c->streams[i].id == id) {
			c->streams[i].bytes[c->mark] = bytes;
			c->streams[i].marks++;
			return;
		}
	if (c->mark == BEFORE_BEGIN && c->stream_count < CARRIER_STREAMS_MAX)
		c->streams[c->stream_count++] = (struct carrier_mark){
			.id = id, .marks = 1, .bytes = { bytes } };
}

static uint64_t mean_echo_us(const struct carrier *c, unsigned begin)
{
	uint64_t n = c->echoes[begin + 1] - c->echoes[begin];

	return n ? (c->echo_us[begin + 1] - c->echo_us[begin]) / n : 0;
}

static bool is_no_worse(const struct carrier *c)
{
	uint64_t ours_us = c->echo_mean_us[OURS];

	if (c->bytes[MPTCP] < c->bytes[OURS] / 100 * CARRIER_BYTES_PERCENT)
		return false;
	return !ours_us || (c->echo_mean_us[MPTCP] &&
		c->echo_mean_us[MPTCP] <= ours_us + ours_us / 4 +
		                          CARRIER_ECHO_MORE_US);
}

/* By the streams that were there at each mark. */
static void judge(struct carrier *c, const struct carrier_facts *f,
                  uint64_t now_us)
{
	uint64_t bytes[2] = { 0, 0 }; /* before, after */
	bool first = c->first_mptcp;

	for (unsigned i = 0; i < c->stream_count; i++) {
		const struct carrier_mark *s = &c->streams[i];
		if (s->marks != AFTER_END + 1)
			continue;
		bytes[0] += s->bytes[BEFORE_END] - s->bytes[BEFORE_BEGIN];
		bytes[1] += s->bytes[AFTER_END] - s->bytes[AFTER_BEGIN];
	}
	if (bytes[0] < (uint64_t)CARRIER_LOAD_MIN_BPS * CARRIER_PHASE_US / 1000000) {
		end_trial(c, true, now_us); /* others were the load, and ended */
		return;
	}
	c->bytes[first] = bytes[0];
	c->bytes[!first] = bytes[1];
	c->echo_mean_us[first] = mean_echo_us(c, BEFORE_BEGIN);
	c->echo_mean_us[!first] = mean_echo_us(c, AFTER_BEGIN);
	settle_verdict(c, is_no_worse(c), f->usable, now_us);
}

void carrier_marked(struct carrier *c, const struct carrier_facts *f,
                    uint64_t now_us)
{
	c->echo_us[c->mark] = f->echo_us;
	c->echoes[c->mark] = f->echoes;
	switch (c->mark++) {
	case BEFORE_BEGIN:
		enter(c, CARRIER_BEFORE, now_us);
		break;
	case BEFORE_END:
		enter(c, CARRIER_SETTLING, now_us);
		c->before_bps = f->load_bps;
		c->mptcp = !c->first_mptcp;
		break;
	case AFTER_BEGIN:
		enter(c, CARRIER_AFTER, now_us);
		break;
	case AFTER_END:
		judge(c, f, now_us);
		break;
	}
	set_reserve(c, f);
}
