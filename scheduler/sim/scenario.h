/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scenario: paths, what is loaded on them, who decides, and what others
 * published for the same. Read from a .scn file in UCI syntax (the keys, their
 * limits and defaults are rows in scenario_keys.c; docs/aggsim.scn.md is
 * written from them), or filled by hand from scenario_init() on and checked by
 * scenario_check(): who runs it may trust every value.
 */
#ifndef SCHEDULER_SIM_SCENARIO_H
#define SCHEDULER_SIM_SCENARIO_H

#include "agg/base/buf.h"
#include "agg/conf/table.h"
#include "scheduler/sim/world.h"

#define SCENARIO_PATHS_MAX WIRE_UPLINKS_MAX
#define SCENARIO_LOADS_MAX 16
#define SCENARIO_CUTS_MAX 16
#define SCENARIO_EXPECTS_MAX 32
#define SCENARIO_SCHEDULERS_MAX 16
#define SCENARIO_SIZES_MAX 256
#define SCENARIO_LEVELS_MAX 16
#define SCENARIO_ITEMS_MAX 100000u   /* of all loads */
#define SCENARIO_RATES_MAX 100000u   /* rows of a recorded rate */
#define SCENARIO_TEXT_MAX 1000
#define SCENARIO_WORD_MAX 31

#define SCENARIO_FRAME_BYTES 1518u   /* of a full frame on a link ... */
#define SCENARIO_PAYLOAD_BYTES 1448u /* ... so much is payload */

enum scenario_direction { SCENARIO_DOWN, SCENARIO_UP };

enum scenario_kind {
	SCENARIO_BATCH,     /* all objects at once */
	SCENARIO_POISSON,   /* objects at random times */
	SCENARIO_OBJECTS,   /* one after the other */
	SCENARIO_PAGE,      /* a few at a time, until all are there */
	SCENARIO_VIDEO,     /* chunks ahead of a player */
	SCENARIO_CALL,      /* a small frame now and then, pushed both ways */
	SCENARIO_BULK,      /* as much as there goes, for a time */
	SCENARIO_REQUESTS,  /* an object now and then on one stream */
};
#define SCENARIO_KIND_COUNT (SCENARIO_REQUESTS + 1)

enum scenario_sizes { SCENARIO_FIXED, SCENARIO_PARETO, SCENARIO_LOGNORMAL,
                      SCENARIO_UNIFORM };

enum scenario_metric {
	SCENARIO_MEAN, SCENARIO_P50, SCENARIO_P95, SCENARIO_P99, SCENARIO_LONGEST,
	SCENARIO_TOTAL, SCENARIO_GOODPUT, SCENARIO_SLOWDOWN,
	SCENARIO_SLOWDOWN_P99, SCENARIO_TWICE, SCENARIO_SHARE, SCENARIO_STALL,
	SCENARIO_QUALITY, SCENARIO_LATE, SCENARIO_SILENCE, SCENARIO_WORST_HALF,
	SCENARIO_BOUND, SCENARIO_SHARING,
};

/* Each section has its name ("" if it may go without) and its line in the
 * file (0: none), for messages. */
struct scenario_main {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	char title[SCENARIO_TEXT_MAX + 1];
	char note[SCENARIO_TEXT_MAX + 1];
	char source[SCENARIO_TEXT_MAX + 1];
	unsigned seed, repeat;    /* runs with seed, seed + 1, ... are pooled */
	enum scenario_direction direction; /* whose figures are shown */
	char congestion[SCENARIO_WORD_MAX + 1];
	unsigned bundles;
	uint64_t host_us;
	uint64_t warmup_us;       /* a download before all, and as long */
	uint64_t limit_us;        /* a run that takes longer has failed */
	uint64_t memory_bytes;    /* 0: the session's default */
	uint64_t bulk_after_bytes; /* 0: likewise */
	/* Names: see simsched.h. None: all. */
	char scheduler[SCENARIO_SCHEDULERS_MAX][SCENARIO_WORD_MAX + 1];
	unsigned scheduler_count;
	char order[SCENARIO_WORD_MAX + 1];       /* or "auto" */
	char reinjection[SCENARIO_WORD_MAX + 1]; /* or "auto" */
	bool deep_pull;
};

struct scenario_path {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	uint64_t down_bits, up_bits;       /* bit/s of frames; up 0: as down */
	uint64_t delay_us, jitter_us;      /* one way, each way */
	uint64_t loss_millionths;          /* of a percent, each way */
	unsigned burst;                    /* mean frames lost in a row */
	uint64_t queue_us;                 /* as time of the rate ... */
	unsigned queue_packets;            /* ... or this many; one is 0 */
	enum sched_path_class cost;
	char trace[2][SCENARIO_TEXT_MAX + 1]; /* by enum scenario_direction */
	struct world_rate *rates[2];       /* what these files hold; owned */
	size_t rate_count[2];
	uint64_t period_us[2];
};

struct scenario_load {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	enum scenario_kind kind;
	enum scenario_direction direction;
	uint64_t start_us;
	uint64_t duration_us;  /* bulk; 0: until the other loads are done */
	uint64_t skip_us;      /* bulk: of that, not counted */
	uint64_t interval_us;  /* requests, call: from start to start; objects:
	                        * from end to start */
	uint64_t deadline_us;  /* longer is late; 0: none */
	unsigned count;        /* of objects, chunks, frames (each way), bulks */
	unsigned parallel;     /* page */
	bool kept;             /* page: streams live on for the next object */
	uint64_t rate;         /* poisson: millionths of a start per second */
	enum scenario_sizes sizes;
	uint64_t size_bytes[SCENARIO_SIZES_MAX]; /* fixed: in turn */
	unsigned size_count;
	uint64_t size_min_bytes, size_max_bytes; /* pareto, uniform */
	uint64_t alpha, sigma; /* pareto, lognormal: millionths */
	uint64_t size_sum_bytes; /* lognormal: of all */
	uint64_t request_bytes;
	uint64_t level_bits[SCENARIO_LEVELS_MAX]; /* video: bit/s, growing */
	unsigned level_count;
	uint64_t chunk_us, buffer_us; /* video */
};

/* A path that silently loses all, both ways. */
struct scenario_cut {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	char path[CONF_NAME_MAX + 1];
	uint64_t at_us;
	uint64_t duration_us;  /* 0: for ever */
};

/* A published value, to be laid beside ours. */
struct scenario_expect {
	char name[CONF_NAME_MAX + 1];
	unsigned line;
	enum scenario_metric metric;
	char scheduler[SCENARIO_WORD_MAX + 1]; /* "": BOUND, SHARING */
	char against[SCENARIO_WORD_MAX + 1];   /* the value is a ratio to this
	                                        * one's; "": it is not */
	char load[CONF_NAME_MAX + 1];          /* "": the first */
	char path[CONF_NAME_MAX + 1];          /* SHARE */
	uint64_t value, value_max; /* millionths; max 0: no range */
	char source[SCENARIO_TEXT_MAX + 1];
	char word[SCENARIO_TEXT_MAX + 1];      /* on the difference */
};

struct scenario {
	struct scenario_main main;
	unsigned main_count; /* 1 */
	struct scenario_path paths[SCENARIO_PATHS_MAX];
	unsigned path_count; /* >= 1 */
	struct scenario_load loads[SCENARIO_LOADS_MAX];
	unsigned load_count; /* >= 1 */
	struct scenario_cut cuts[SCENARIO_CUTS_MAX];
	unsigned cut_count;
	struct scenario_expect expects[SCENARIO_EXPECTS_MAX];
	unsigned expect_count;
};

/* Where the files that a scenario names come from. */
struct scenario_files {
	/* Appends the file to out: 0 or -errno. */
	int (*read)(void *ctx, const char *name, struct buf *out);
	void *ctx;
};

/* A scenario with every default and nothing in it; so are a path and a load
 * of a kind. NULL: no memory. */
struct scenario *scenario_create(void);
void scenario_free(struct scenario *scenario);
struct scenario_path *scenario_add_path(struct scenario *scenario,
                                        const char *name);
struct scenario_load *scenario_add_load(struct scenario *scenario,
                                        const char *name,
                                        enum scenario_kind kind);
/* What must hold between the values, for any scenario. 0; -EINVAL and error. */
int scenario_check(const struct scenario *scenario, const char *file,
                   struct conf_error *error);

/* From the text of a .scn file, checked. files NULL: it may name none. 0, and
 * *out is the caller's; -EINVAL, another -errno: error says what is wrong. */
int scenario_parse(const char *file, const char *data, size_t n,
                   const struct scenario_files *files, struct scenario **out,
                   struct conf_error *error);
/* Appends the manual of .scn files, in Markdown. 0 or -ENOBUFS. */
int scenario_help(struct buf *out);

/* One direction of a path as the world wants it; borrows the path's rates. */
void scenario_link(const struct scenario_path *path,
                   enum scenario_direction direction, struct world_link *out);

/* Index, or -1: there is none. "" as a load is the first. */
int scenario_find_path(const struct scenario *scenario, const char *name);
int scenario_find_load(const struct scenario *scenario, const char *name);

const char *scenario_kind_name(enum scenario_kind kind);
const char *scenario_metric_name(enum scenario_metric metric);
const char *scenario_metric_unit(enum scenario_metric metric); /* "ms" */

#endif
