/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the tables of a .scn file: every section, every key.
 */
#include "scheduler/sim/scenario_impl.h"

#include <assert.h>

#define MILLION UINT64_C(1000000)
#define KIB UINT64_C(1024)
#define GIB (KIB * KIB * KIB)
#define SECOND_US MILLION
#define HOUR_US (3600 * SECOND_US)

#define ALL 1u /* sections but load have one role */
#define BATCH (1u << SCENARIO_BATCH)
#define POISSON (1u << SCENARIO_POISSON)
#define OBJECTS (1u << SCENARIO_OBJECTS)
#define PAGE (1u << SCENARIO_PAGE)
#define VIDEO (1u << SCENARIO_VIDEO)
#define CALL (1u << SCENARIO_CALL)
#define BULK (1u << SCENARIO_BULK)
#define REQUESTS (1u << SCENARIO_REQUESTS)
#define SIZED (BATCH | POISSON | OBJECTS | PAGE | REQUESTS)
#define KINDS ((1u << SCENARIO_KIND_COUNT) - 1)

#define AT(section, field) \
	.offset = offsetof(struct section, field), \
	.size = sizeof(((struct section *)0)->field)
#define LIST_AT(section, field, count, most) \
	.offset = offsetof(struct section, field), \
	.size = sizeof(((struct section *)0)->field[0]), .list_max = most, \
	.count_offset = offsetof(struct section, count)

static_assert(sizeof(enum scenario_kind) == sizeof(unsigned), "enum size");
static_assert(sizeof(enum scenario_metric) == sizeof(unsigned), "enum size");
static_assert(sizeof(enum sched_path_class) == sizeof(unsigned), "enum size");

const char *const scenario_kind_words[] = {
	"batch", "poisson", "objects", "page", "video", "call", "bulk",
	"requests", NULL,
};
const char *const scenario_metric_words[] = {
	"mean", "p50", "p95", "p99", "longest", "total", "goodput", "slowdown",
	"slowdown_p99", "twice", "share", "stall", "quality", "late", "silence",
	"worst_half", "bound", "sharing", NULL,
};
static const char *const direction_words[] = { "down", "up", NULL };
static const char *const sizes_words[] = { "fixed", "pareto", "lognormal",
                                           "uniform", NULL };
static const char *const cost_words[] = { "normal", "metered", "backup", NULL };

static const struct conf_key main_keys[] = {
	{ "title", CONF_STRING, ALL, .required = true, .min = 1, .max = 100,
	  AT(scenario_main, title), .help = "One line for the tables." },
	{ "note", CONF_STRING, ALL, .max = SCENARIO_TEXT_MAX,
	  AT(scenario_main, note), .help = "What it shows, and its limits." },
	{ "source", CONF_STRING, ALL, .max = SCENARIO_TEXT_MAX,
	  AT(scenario_main, source), .help = "Who published it." },
	{ "seed", CONF_INT, ALL, .fallback = "1", .max = 1000000000,
	  AT(scenario_main, seed),
	  .help = "All that is random comes from it: the same seed gives the "
	          "same run." },
	{ "repeat", CONF_INT, ALL, .fallback = "1", .min = 1, .max = 1000,
	  AT(scenario_main, repeat),
	  .help = "So many runs, each with the next seed; their figures are "
	          "pooled." },
	{ "direction", CONF_WORD, ALL, .fallback = "down",
	  .words = direction_words, AT(scenario_main, direction),
	  .help = "Whose shares, repetitions and queues are shown: down is "
	          "towards the gateway." },
	{ "congestion", CONF_TOKEN, ALL, .fallback = "cubic", .min = 1,
	  .max = SCENARIO_WORD_MAX, AT(scenario_main, congestion),
	  .help = "The congestion control of the subflows: cubic or bbr." },
	{ "bundles", CONF_INT, ALL, .fallback = "2", .min = 1,
	  .max = WIRE_BUNDLES_MAX, AT(scenario_main, bundles),
	  .help = "As in aggd.conf: subflows a path." },
	{ "host", CONF_DURATION, ALL, .fallback = "100us", .max = SECOND_US,
	  AT(scenario_main, host_us),
	  .help = "What each end takes beside the paths, one way: half of it to "
	          "one and a half times." },
	{ "warmup", CONF_DURATION, ALL, .fallback = "0", .max = 60 * SECOND_US,
	  AT(scenario_main, warmup_us),
	  .help = "Before all else as much as there goes is sent, in the "
	          "scenario's direction, for so long: windows have grown when "
	          "the loads begin. 0: they are those of new connections." },
	{ "limit", CONF_DURATION, ALL, .fallback = "120s", .min = SECOND_US,
	  .max = HOUR_US, AT(scenario_main, limit_us),
	  .help = "A run that is not done by then has failed." },
	{ "memory", CONF_BYTES, ALL, .fallback = "0", .max = GIB,
	  AT(scenario_main, memory_bytes),
	  .help = "As in aggd.conf: what the session may hold. 0: its default." },
	{ "bulk_after", CONF_BYTES, ALL, .fallback = "0", .max = GIB,
	  AT(scenario_main, bulk_after_bytes),
	  .help = "A burst of more is bulk. 0: the session's default." },
	{ "scheduler", CONF_SCHEDULER, ALL, .min = 1, .max = SCENARIO_WORD_MAX,
	  LIST_AT(scenario_main, scheduler, scheduler_count,
	          SCENARIO_SCHEDULERS_MAX),
	  .help = "Each runs the scenario once. None: all." },
	{ "order", CONF_ORDER, ALL, .fallback = "auto", .min = 1,
	  .max = SCENARIO_WORD_MAX, AT(scenario_main, order),
	  .help = "The order of streams; auto: the scheduler's own." },
	{ "reinjection", CONF_REINJECTION, ALL, .fallback = "auto", .min = 1,
	  .max = SCENARIO_WORD_MAX, AT(scenario_main, reinjection),
	  .help = "When a piece is sent again on another path; auto: the "
	          "session's default." },
	{ "deep_pull", CONF_BOOL, ALL, .fallback = "1",
	  AT(scenario_main, deep_pull),
	  .help = "A slow path takes of bulk what is needed when it has it there, "
	          "and what the reader waits for goes again at once; 0: as "
	          "schedulers were published, each path takes what is next." },
	{ NULL },
};

static const struct conf_key path_keys[] = {
	{ "rate", CONF_DECIMAL, ALL, .required = true, .min = 10000,
	  .max = 100000 * MILLION, AT(scenario_path, down_bits),
	  .help = "Mbit/s of whole frames towards the gateway." },
	{ "rate_up", CONF_DECIMAL, ALL, .fallback = "0", .max = 100000 * MILLION,
	  AT(scenario_path, up_bits),
	  .help = "The same from the gateway; 0: as rate." },
	{ "delay", CONF_DURATION, ALL, .fallback = "0", .max = 2 * SECOND_US,
	  AT(scenario_path, delay_us), .help = "One way, each way." },
	{ "jitter", CONF_DURATION, ALL, .fallback = "0", .max = SECOND_US,
	  AT(scenario_path, jitter_us),
	  .help = "Up to so much more; frames keep their order." },
	{ "loss", CONF_DECIMAL, ALL, .fallback = "0", .max = 50 * MILLION,
	  AT(scenario_path, loss_millionths),
	  .help = "Percent of the frames, each way." },
	{ "burst", CONF_INT, ALL, .fallback = "1", .min = 1, .max = 1000,
	  AT(scenario_path, burst),
	  .help = "Frames that are lost in a row, in the mean." },
	{ "queue", CONF_DURATION, ALL, .fallback = "0", .max = 10 * SECOND_US,
	  AT(scenario_path, queue_us),
	  .help = "What the queue before the link holds, as time of its rate; "
	          "0: queue_packets, or else 100ms." },
	{ "queue_packets", CONF_INT, ALL, .fallback = "0", .max = 1000000,
	  AT(scenario_path, queue_packets),
	  .help = "The same in full frames; 0: queue." },
	{ "cost", CONF_WORD, ALL, .fallback = "normal", .words = cost_words,
	  AT(scenario_path, cost), .help = "As in aggd.conf." },
	{ "trace", CONF_STRING, ALL, .min = 1, .max = CONF_NAME_MAX * 4,
	  AT(scenario_path, trace[SCENARIO_DOWN]),
	  .help = "A file beside the scenario, of lines 'MILLISECONDS MBIT/S': "
	          "from then on the rate towards the gateway is that. The last "
	          "line holds as long as the one before it, then the first "
	          "comes again." },
	{ "trace_up", CONF_STRING, ALL, .min = 1, .max = CONF_NAME_MAX * 4,
	  AT(scenario_path, trace[SCENARIO_UP]),
	  .help = "The same from the gateway." },
	{ NULL },
};

static const struct conf_key load_keys[] = {
	{ "kind", CONF_WORD, KINDS, .required = true,
	  .words = scenario_kind_words, AT(scenario_load, kind),
	  .help = "batch: count objects at once. poisson: at random times. "
	          "objects: one after the other, each on a new stream. page: "
	          "parallel at a time until all are there. video: chunks ahead "
	          "of a player. call: small frames pushed both ways, each "
	          "measured. bulk: as much as there goes. requests: one object "
	          "each interval, on one stream." },
	{ "direction", CONF_WORD, KINDS & ~(PAGE | VIDEO | CALL),
	  .fallback = "down", .words = direction_words,
	  AT(scenario_load, direction),
	  .help = "Where the objects go; down is towards the gateway. A "
	          "download is measured from the request's first byte, an "
	          "upload until its answer is there." },
	{ "start", CONF_DURATION, KINDS, .fallback = "0", .max = HOUR_US,
	  AT(scenario_load, start_us), .help = "When it begins." },
	{ "duration", CONF_DURATION, BULK, .fallback = "0", .max = HOUR_US,
	  AT(scenario_load, duration_us),
	  .help = "How long; 0: until the other loads are done." },
	{ "skip", CONF_DURATION, BULK, .fallback = "0", .max = HOUR_US,
	  AT(scenario_load, skip_us),
	  .help = "How much of its begin does not count." },
	{ "interval", CONF_DURATION, REQUESTS, .fallback = "250ms",
	  .min = 1000, .max = HOUR_US, AT(scenario_load, interval_us),
	  .help = "From one start to the next." },
	{ "interval", CONF_DURATION, CALL, .fallback = "20ms", .min = 1000,
	  .max = HOUR_US, AT(scenario_load, interval_us),
	  .help = "From one frame to the next." },
	{ "interval", CONF_DURATION, OBJECTS, .fallback = "0", .max = HOUR_US,
	  AT(scenario_load, interval_us),
	  .help = "The pause between two objects." },
	{ "deadline", CONF_DURATION, SIZED | CALL, .fallback = "0",
	  .max = HOUR_US, AT(scenario_load, deadline_us),
	  .help = "What takes longer is late; 0: nothing is." },
	{ "count", CONF_INT, KINDS & ~BULK, .required = true, .min = 1,
	  .max = SCENARIO_ITEMS_MAX, AT(scenario_load, count),
	  .help = "How many objects, chunks, or frames each way." },
	{ "count", CONF_INT, BULK, .fallback = "1", .min = 1, .max = 64,
	  AT(scenario_load, count), .help = "How many streams." },
	{ "parallel", CONF_INT, PAGE, .fallback = "6", .min = 1, .max = 256,
	  AT(scenario_load, parallel), .help = "How many at a time." },
	{ "kept", CONF_BOOL, PAGE, .fallback = "1", AT(scenario_load, kept),
	  .help = "Streams live on for the next object, as HTTP/1.1's "
	          "connections; 0: each has its own." },
	{ "rate", CONF_DECIMAL, POISSON, .required = true, .min = 1000,
	  .max = 100000 * MILLION, AT(scenario_load, rate),
	  .help = "Starts per second, in the mean." },
	{ "sizes", CONF_WORD, SIZED, .fallback = "fixed", .words = sizes_words,
	  AT(scenario_load, sizes),
	  .help = "fixed: the list of size in turn. pareto: alpha, cut at "
	          "size_min and size_max. lognormal: sigma, scaled so that all "
	          "are size_sum. uniform: size_min to size_max." },
	{ "size", CONF_BYTES, SIZED | CALL, .min = 1, .max = GIB,
	  LIST_AT(scenario_load, size_bytes, size_count, SCENARIO_SIZES_MAX),
	  .help = "Of an object or a frame." },
	{ "size_min", CONF_BYTES, SIZED, .fallback = "0", .max = GIB,
	  AT(scenario_load, size_min_bytes), .help = "The least." },
	{ "size_max", CONF_BYTES, SIZED, .fallback = "0", .max = GIB,
	  AT(scenario_load, size_max_bytes), .help = "The most." },
	{ "alpha", CONF_DECIMAL, SIZED, .fallback = "1.2", .min = 100000,
	  .max = 100 * MILLION, AT(scenario_load, alpha),
	  .help = "The less, the heavier is the tail." },
	{ "sigma", CONF_DECIMAL, SIZED, .fallback = "1", .max = 4 * MILLION,
	  AT(scenario_load, sigma),
	  .help = "The deviation of the sizes' logarithms." },
	{ "size_sum", CONF_BYTES, SIZED, .fallback = "0", .max = GIB,
	  AT(scenario_load, size_sum_bytes), .help = "What all are together." },
	{ "request", CONF_BYTES, KINDS & ~CALL, .fallback = "300", .min = 1,
	  .max = 65536, AT(scenario_load, request_bytes),
	  .help = "What asks for an object, or answers an upload." },
	{ "level", CONF_DECIMAL, VIDEO, .required = true, .min = 10000,
	  .max = 1000 * MILLION,
	  LIST_AT(scenario_load, level_bits, level_count, SCENARIO_LEVELS_MAX),
	  .help = "Mbit/s of the media, from the least to the best. Of several "
	          "the player takes the best that 90 % of what it saw of late "
	          "(the harmonic mean of three chunks) carry." },
	{ "chunk", CONF_DURATION, VIDEO, .fallback = "5s", .min = 10000,
	  .max = 60 * SECOND_US, AT(scenario_load, chunk_us),
	  .help = "How long a chunk plays." },
	{ "buffer", CONF_DURATION, VIDEO, .fallback = "25s", .min = 10000,
	  .max = HOUR_US, AT(scenario_load, buffer_us),
	  .help = "How much is fetched ahead at most." },
	{ NULL },
};

static const struct conf_key cut_keys[] = {
	{ "path", CONF_TOKEN, ALL, .required = true, .min = 1,
	  .max = CONF_NAME_MAX, AT(scenario_cut, path),
	  .help = "Which path." },
	{ "at", CONF_DURATION, ALL, .required = true, .max = HOUR_US,
	  AT(scenario_cut, at_us), .help = "When, after the loads' begin." },
	{ "duration", CONF_DURATION, ALL, .fallback = "0", .max = HOUR_US,
	  AT(scenario_cut, duration_us), .help = "How long; 0: for ever." },
	{ NULL },
};

static const struct conf_key expect_keys[] = {
	{ "metric", CONF_WORD, ALL, .required = true,
	  .words = scenario_metric_words, AT(scenario_expect, metric),
	  .help = "mean, p50, p95, p99, longest: of the objects' times, ms. "
	          "total: from the first's start to the last's end, ms. goodput: "
	          "Mbit/s. slowdown, slowdown_p99: of time by what the object "
	          "would need alone. twice: bytes that came twice, percent. "
	          "share: of a path, percent. stall: of a player, ms. quality: "
	          "mean of the media's rate by the best possible, percent. "
	          "late: percent. silence: the longest time in which a bulk stream's "
	          "reader got nothing, ms. worst_half: the least that all streams "
	          "of a bulk load got in a half second, Mbit/s. bound: the least mean time "
	          "that the paths allow, ms. sharing: the mean time where all "
	          "streams share them alike, ms." },
	{ "scheduler", CONF_SCHEDULER, ALL, .min = 1, .max = SCENARIO_WORD_MAX,
	  AT(scenario_expect, scheduler), .help = "Whose." },
	{ "against", CONF_SCHEDULER, ALL, .min = 1, .max = SCENARIO_WORD_MAX,
	  AT(scenario_expect, against),
	  .help = "The value is a share of what this one reaches." },
	{ "load", CONF_TOKEN, ALL, .min = 1, .max = CONF_NAME_MAX,
	  AT(scenario_expect, load), .help = "Which; not set: the first." },
	{ "path", CONF_TOKEN, ALL, .min = 1, .max = CONF_NAME_MAX,
	  AT(scenario_expect, path), .help = "For share." },
	{ "value", CONF_DECIMAL, ALL, .required = true,
	  .max = 1000000 * MILLION, AT(scenario_expect, value),
	  .help = "What was published." },
	{ "value_max", CONF_DECIMAL, ALL, .fallback = "0",
	  .max = 1000000 * MILLION, AT(scenario_expect, value_max),
	  .help = "Of a range, its end." },
	{ "source", CONF_STRING, ALL, .required = true, .min = 1,
	  .max = SCENARIO_TEXT_MAX, AT(scenario_expect, source),
	  .help = "Where." },
	{ "word", CONF_STRING, ALL, .required = true, .min = 1,
	  .max = SCENARIO_TEXT_MAX, AT(scenario_expect, word),
	  .help = "On the difference." },
	{ NULL },
};

#define MANY_AT(section, field, field_count, most) \
	.offset = offsetof(struct scenario, field), \
	.size = sizeof(struct section), .max = most, \
	.count_offset = offsetof(struct scenario, field_count), \
	.name_offset = offsetof(struct section, name), \
	.line_offset = offsetof(struct section, line)

const struct conf_table scenario_tables[SCENARIO_TABLE_COUNT + 1] = {
	[SCENARIO_TABLE_MAIN] = { "scenario", main_keys, ALL, .named = false,
	  MANY_AT(scenario_main, main, main_count, 1),
	  .help = "What holds for the whole. Required." },
	[SCENARIO_TABLE_PATH] = { "path", path_keys, ALL, .named = true,
	  MANY_AT(scenario_path, paths, path_count, SCENARIO_PATHS_MAX),
	  .help = "A link between gateway and concentrator. At least one is "
	          "required." },
	[SCENARIO_TABLE_LOAD] = { "load", load_keys, KINDS, .named = true,
	  MANY_AT(scenario_load, loads, load_count, SCENARIO_LOADS_MAX),
	  .help = "What is loaded. At least one is required." },
	[SCENARIO_TABLE_CUT] = { "cut", cut_keys, ALL, .named = false,
	  MANY_AT(scenario_cut, cuts, cut_count, SCENARIO_CUTS_MAX),
	  .help = "A path that silently loses everything." },
	[SCENARIO_TABLE_EXPECT] = { "expect", expect_keys, ALL, .named = false,
	  MANY_AT(scenario_expect, expects, expect_count, SCENARIO_EXPECTS_MAX),
	  .help = "A published value, to be laid beside ours." },
	[SCENARIO_TABLE_COUNT] = { NULL },
};
