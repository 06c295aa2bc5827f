/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: advice on how to send over links as they were measured: every scheduler
 * is run on them, then other reinjection of the best one and other orders of
 * streams of the best two. Pure: the same question gives the same advice, and what it costs
 * is counted in events of the simulation, not in seconds.
 *
 * What nobody measures is assumed: queues of 100 ms, or as long as one stands
 * now.
 */
#ifndef SCHEDULER_SIM_ADVISE_H
#define SCHEDULER_SIM_ADVISE_H

#include "scheduler/sim/run.h"

#include <stdio.h>

#define ADVISE_LINKS_MAX SCENARIO_PATHS_MAX
#define ADVISE_CANDIDATES_MAX 32
#define ADVISE_EVENTS_MAX 20000000u /* then no other candidate is begun */
#define ADVISE_SAME 0.05            /* less of a difference is none */
#define ADVISE_WORDS_MAX 255

enum advise_load {
	ADVISE_PAGE,  /* 30 objects beside a download: until all are there, ms */
	ADVISE_BULK,  /* one long download: Mbit/s */
	ADVISE_VIDEO, /* chunks: Mbit/s of the media, less what it stalled */
	ADVISE_CALL,  /* small frames beside a download: p95 of one way, ms */
};
#define ADVISE_LOAD_COUNT (ADVISE_CALL + 1)

/* An uplink as it was measured. Rates are what its subflows carried. */
struct advise_link {
	char name[CONF_NAME_MAX + 1];
	uint64_t min_rtt_us, srtt_us, rttvar_us;
	uint64_t down_bps, up_bps;  /* bytes/s; up 0: as down */
	uint64_t loss_ppm;
	enum sched_path_class cost;
};

struct advise_policy {
	const struct sched_ops *scheduler[STREAM_CLASS_COUNT];
	const struct order_ops *order;
	enum reinject_policy reinjection;
};

struct advise_question {
	struct advise_link links[ADVISE_LINKS_MAX];
	unsigned link_count;         /* >= 1 */
	struct advise_policy present;
	char congestion[SCENARIO_WORD_MAX + 1];
	unsigned bundles;            /* 0: the default */
	uint64_t memory_bytes;       /* 0: likewise */
	/* (optional) Before each candidate; of is what it may come to. */
	void (*on_progress)(void *ctx, unsigned done, unsigned of);
	void *ctx;
};

struct advise_figure {
	double value;                   /* NAN: it was not done in time */
	double ratio;                   /* to the present one; more is better */
	double share[ADVISE_LINKS_MAX]; /* of what was sent down */
	double twice;                   /* came again, share of that */
};

struct advise_candidate {
	struct advise_policy policy;
	struct advise_figure figure[ADVISE_LOAD_COUNT];
	double score;                   /* geometric mean of the ratios */
};

struct advise_result {
	struct advise_candidate candidates[ADVISE_CANDIDATES_MAX];
	unsigned count;                 /* the first is the present one */
	unsigned best[ADVISE_LOAD_COUNT]; /* 0 where nothing gains ADVISE_SAME */
	unsigned pick;                  /* over all; 0: keep the present one */
	uint64_t events;
	bool cut;                       /* not all were tried */
	char why[ADVISE_LOAD_COUNT][ADVISE_WORDS_MAX + 1];
};

/* 0; -ENOMEM; -EINVAL: error says what cannot be simulated. */
int advise(const struct advise_question *question, struct advise_result *out,
           struct conf_error *error);

const char *advise_load_name(enum advise_load load);    /* "page" */
const char *advise_load_summary(enum advise_load load); /* what its figure is */
const char *advise_load_unit(enum advise_load load);    /* "ms" */
bool advise_policy_equal(const struct advise_policy *a,
                         const struct advise_policy *b);
/* One sentence on why the best of a load is better than the present one, from
 * their figures. For advise(). */
void advise_reason(const struct advise_question *question,
                   struct advise_result *result, enum advise_load load);

/* Such a load on these links, checked; scenario_free() it, also where it is refused. 0,
 * -ENOMEM, -ENOSPC, -EINVAL with error. */
int advise_scenario(const struct advise_question *q, enum advise_load load,
                    struct scenario **out, struct conf_error *error);
/* A page that plays what runs now and all other schedulers on these links (page.h).
 * 0, as above, or -errno of out. */
int advise_film(const struct advise_question *question, FILE *out,
                struct conf_error *error);

#endif
