/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: samples a run, and writes samples as JSON.
 */
#include "scheduler/sim/trace.h"

#include "scheduler/sim/load.h"
#include "scheduler/sim/plan.h"
#include "scheduler/sim/result.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MS 1e3

/* Of an object at a time. What is left is not known before the end, where the
 * object is as long as it gets. */
struct sample {
	unsigned stream;
	uint64_t read_bytes, in_flight_bytes;
};

struct frame {
	struct sample *samples;
	unsigned count;
	struct world_link_state paths[SCENARIO_PATHS_MAX];
};

struct stream_info {
	unsigned load, nth;
	bool alone; /* in its load */
	uint64_t size_bytes, start_us, end_us, bound_us; /* end 0: not done */
};

struct trace_run {
	const struct loads *loads; /* borrowed; while it runs */
	uint64_t step_us;
	struct frame frames[TRACE_FRAMES_MAX];
	unsigned frame_count;
	struct stream_info streams[TRACE_STREAMS_MAX];
	unsigned stream_count;
	uint64_t *unsent[2];       /* by side and conn, while a frame is made */
	unsigned conn_cap;
	bool failed;               /* no memory: what is there stays */
	bool whole;                /* the run came to its end */
};

struct trace_run *trace_create(void)
{
	struct trace_run *t = calloc(1, sizeof(*t));

	if (t)
		t->step_us = TRACE_STEP_US;
	return t;
}

void trace_free(struct trace_run *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->frame_count; i++)
		free(t->frames[i].samples);
	free(t->unsent[0]);
	free(t->unsent[1]);
	free(t);
}

/* Sampling -------------------------------------------------------------- */

struct unsent {
	uint64_t *bytes;
	unsigned count;
};

static void note_unsent(void *ctx, const struct stream_stats *stats)
{
	struct unsent *unsent = ctx;
	uint32_t index;

	memcpy(&index, stats->dest.addr.ip, sizeof(index));
	if (index < unsent->count)
		unsent->bytes[index] = stats->unsent_bytes;
}

static bool ask_unsent(struct trace_run *t)
{
	unsigned count = t->loads->conns.count;

	if (count > t->conn_cap) {
		for (int side = 0; side < 2; side++) {
			uint64_t *p = realloc(t->unsent[side],
			                      2 * count * sizeof(*p));
			if (!p)
				return false;
			t->unsent[side] = p;
		}
		t->conn_cap = 2 * count;
	}
	for (int side = 0; side < 2; side++) {
		struct unsent unsent = { t->unsent[side], count };
		if (count)
			memset(unsent.bytes, 0, count * sizeof(uint64_t));
		session_each_stream(world_session(t->loads->world, side),
		                    note_unsent, &unsent);
	}
	return true;
}

/* How many objects of each load are kept: as many of each, where there are as
 * many; a call of thousands of frames must not hide the video beside it. */
static void share_streams(const struct loads *loads, unsigned *shares)
{
	unsigned count = loads->scenario->load_count, given = 0, before;

	memset(shares, 0, count * sizeof(*shares));
	do {
		before = given;
		for (unsigned i = 0; i < count && given < TRACE_STREAMS_MAX; i++) {
			bool wants = shares[i] < loads->load[i].count;
			shares[i] += wants;
			given += wants;
		}
	} while (given > before);
}

/* Calls fn for the first objects of all loads. */
static void each_item(const struct loads *loads, void *ctx,
                      void (*fn)(void *ctx, unsigned nth,
                                 const struct load *load, size_t at))
{
	unsigned shares[SCENARIO_LOADS_MAX], nth = 0;

	share_streams(loads, shares);
	for (unsigned i = 0; i < loads->scenario->load_count; i++)
		for (size_t j = 0; j < shares[i]; j++)
			fn(ctx, nth++, &loads->load[i], j);
}

struct sampling {
	struct trace_run *t;
	struct sample samples[TRACE_STREAMS_MAX];
	unsigned count;
};

static void sample_item(void *ctx, unsigned nth, const struct load *load,
                        size_t at)
{
	struct sampling *s = ctx;
	const struct conn_item *item = &load->items[at];
	struct sample *sample = &s->samples[s->count];

	if (at >= load->begun || item->end_us || !item->conn)
		return;
	int reader = load_reader(load, item);
	sample->stream = nth;
	conn_progress(item, reader, s->t->unsent[!reader][item->conn->index],
	              &sample->read_bytes, &sample->in_flight_bytes);
	s->count++;
}

static void halve(struct trace_run *t)
{
	for (unsigned i = 0; i < t->frame_count; i++) {
		if (i % 2)
			free(t->frames[i].samples);
		else
			t->frames[i / 2] = t->frames[i];
	}
	t->frame_count = (t->frame_count + 1) / 2;
	t->step_us *= 2;
}

static bool take_frame(struct trace_run *t)
{
	const struct loads *loads = t->loads;
	bool down = loads->scenario->main.direction == SCENARIO_DOWN;
	struct frame *frame = &t->frames[t->frame_count];
	struct sampling s = { .t = t };

	if (!ask_unsent(t))
		return false;
	each_item(loads, &s, sample_item);
	*frame = (struct frame){ .count = s.count };
	if (s.count) {
		frame->samples = malloc(s.count * sizeof(struct sample));
		if (!frame->samples)
			return false;
		memcpy(frame->samples, s.samples, s.count * sizeof(struct sample));
	}
	for (unsigned i = 0; i < loads->scenario->path_count; i++)
		world_link_state(loads->world, i, down, &frame->paths[i]);
	t->frame_count++;
	return true;
}

static void on_sample(void *ctx)
{
	struct trace_run *t = ctx;

	if (t->frame_count == TRACE_FRAMES_MAX)
		halve(t);
	uint64_t at_us = t->loads->zero_us + t->frame_count * t->step_us;
	if (at_us <= world_now_us(t->loads->world)) {
		t->failed = !take_frame(t);
		at_us += t->step_us;
	}
	if (!t->failed)
		world_at(t->loads->world, at_us, on_sample, t);
}

void trace_begin(struct trace_run *t, const struct loads *loads)
{
	t->loads = loads;
	world_at(loads->world, loads->zero_us, on_sample, t);
}

static void note_item(void *ctx, unsigned nth, const struct load *load, size_t at)
{
	struct trace_run *t = ctx;
	const struct conn_item *item = &load->items[at];
	const struct scenario *s = load->all->scenario;
	bool up = load_reader(load, item) == WORLD_CONCENTRATOR;
	struct stream_info *info = &t->streams[nth];
	uint64_t zero_us = load->all->zero_us;
	uint64_t now_us = world_now_us(load->all->world) - zero_us;

	*info = (struct stream_info){ .load = (unsigned)(load - load->all->load),
	                              .nth = (unsigned)at + 1,
	                              .alone = load->count == 1,
	                              .start_us = now_us,
	                              .size_bytes = load->plan[at].size_bytes };
	if (at < load->begun) {
		info->start_us = item->start_us - zero_us;
		info->size_bytes = up ? item->up_bytes : item->down_bytes;
		if (info->size_bytes == CONN_ENDLESS)
			info->size_bytes = item->conn->got[load_reader(load, item)];
	}
	info->bound_us = (uint64_t)run_bound_us(s, load->args, up,
	                                        (double)info->size_bytes);
	if (item->end_us)
		info->end_us = item->end_us - zero_us;
	t->stream_count = nth + 1;
}

void trace_end(struct trace_run *t)
{
	if (t->loads) {
		each_item(t->loads, t, note_item);
		t->whole = t->loads->done && !t->loads->conns.open;
	}
	t->loads = NULL;
}

/* JSON ------------------------------------------------------------------ */

static int put_text(struct buf *out, const char *text)
{
	int err = buf_put(out, "\"", 1);

	for (; !err && *text; text++) {
		if (*text == '"' || *text == '\\')
			err = buf_put(out, "\\", 1);
		if ((unsigned char)*text < ' ')
			err |= buf_printf(out, "\\u%04x", (unsigned char)*text);
		else
			err |= buf_put(out, text, 1);
	}
	return err | buf_put(out, "\"", 1);
}

static int put_key(struct buf *out, const char *key, const char *text)
{
	return buf_printf(out, "\"%s\":", key) | put_text(out, text) |
	       buf_put(out, ",", 1);
}

static int put_paths(const struct scenario *s, struct buf *out)
{
	int err = buf_printf(out, "\"paths\":[");

	for (unsigned i = 0; i < s->path_count; i++) {
		struct world_link link;
		scenario_link(&s->paths[i], s->main.direction, &link);
		err |= buf_printf(out, "%s{", i ? "," : "");
		err |= put_key(out, "name", s->paths[i].name);
		err |= buf_printf(out, "\"rate_bps\":%" PRIu64 ",\"delay_us\":%"
		                  PRIu64 ",\"queue_bytes\":%" PRIu64 "}",
		                  link.rate_bps, link.delay_us, link.queue_bytes);
	}
	return err | buf_printf(out, "],");
}

/* What a page's objects would take alone is no figure for it as a whole. */
static int put_bound(const struct scenario_load *load,
                     const struct result_limit *limit, struct buf *out)
{
	if (load->kind == SCENARIO_PAGE || limit->bound_us <= 0)
		return buf_printf(out, ",\"bound_ms\":null");
	return buf_printf(out, ",\"bound_ms\":%.3f", limit->bound_us / MS);
}

static int put_loads(const struct scenario *s, const struct result_limit *limits,
                     struct buf *out)
{
	int err = buf_printf(out, "\"loads\":[");

	for (unsigned i = 0; i < s->load_count; i++) {
		err |= buf_printf(out, "%s{\"name\":\"%s\",\"kind\":\"%s\","
		                  "\"count\":%zu", i ? "," : "",
		                  s->loads[i].name,
		                  scenario_kind_name(s->loads[i].kind),
		                  plan_count(&s->loads[i]));
		err |= put_bound(&s->loads[i], &limits[i], out);
		err |= buf_put(out, "}", 1);
	}
	return err | buf_printf(out, "],");
}

static int put_streams(const struct scenario *s, const struct trace_run *t,
                       struct buf *out)
{
	int err = buf_printf(out, "\"streams\":[");

	for (unsigned i = 0; i < t->stream_count; i++) {
		const struct stream_info *info = &t->streams[i];
		err |= buf_printf(out, "%s{\"name\":\"%s", i ? "," : "",
		                  s->loads[info->load].name); /* needs no escapes */
		if (!info->alone)
			err |= buf_printf(out, " %u", info->nth);
		err |= buf_printf(out, "\",\"load\":%u,\"size\":%" PRIu64
		                  ",\"start_us\":%" PRIu64 ",\"end_us\":",
		                  info->load, info->size_bytes, info->start_us);
		err |= info->end_us ? buf_printf(out, "%" PRIu64, info->end_us)
		                    : buf_printf(out, "null");
		err |= buf_printf(out, ",\"bound_us\":%" PRIu64 "}",
		                  info->bound_us);
	}
	return err | buf_printf(out, "],");
}

static int put_frame(const struct trace_run *t, const struct frame *frame,
                     unsigned paths, struct buf *out)
{
	int err = buf_printf(out, "[[");

	for (unsigned i = 0; i < frame->count; i++) {
		const struct sample *s = &frame->samples[i];
		uint64_t size = t->streams[s->stream].size_bytes;
		uint64_t left = size > s->read_bytes ? size - s->read_bytes : 0;
		err |= buf_printf(out, "%s[%u,%" PRIu64 ",%" PRIu64 "]",
		                  i ? "," : "", s->stream, left,
		                  s->in_flight_bytes);
	}
	err |= buf_printf(out, "],[");
	for (unsigned i = 0; i < paths; i++)
		err |= buf_printf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
		                  i ? "," : "", frame->paths[i].queue_bytes,
		                  frame->paths[i].pipe_bytes,
		                  frame->paths[i].rate_bps);
	return err | buf_printf(out, "]]");
}

static int put_figure(struct buf *out, const char *key, bool known, double value)
{
	return known ? buf_printf(out, "\"%s\":%.3f,", key, value)
	             : buf_printf(out, "\"%s\":null,", key);
}

static int put_stats(const struct scenario_load *args,
                     const struct result_load *load, struct buf *out)
{
	bool times = load->time_us.count && args->kind != SCENARIO_BULK;
	bool video = args->kind == SCENARIO_VIDEO;
	size_t all = load->time_us.count + load->undone;
	int err = buf_put(out, "{", 1);

	err |= put_figure(out, "mean_ms", times, load->time_us.mean / MS);
	err |= put_figure(out, "p50_ms", times, load->time_us.p50 / MS);
	err |= put_figure(out, "p95_ms", times, load->time_us.p95 / MS);
	err |= put_figure(out, "p99_ms", times, load->time_us.p99 / MS);
	err |= put_figure(out, "slowdown", times, load->slowdown_mean);
	err |= put_figure(out, "late_percent", args->deadline_us && all,
	                  all ? (double)(load->late + load->undone) * 100 /
	                        (double)all : 0);
	err |= put_figure(out, "stall_ms", video, load->stalled_us / MS);
	err |= put_figure(out, "quality_percent", video, load->quality * 100);
	err |= put_figure(out, "silence_ms", isfinite(load->silent_us),
	                  load->silent_us / MS);
	err |= put_figure(out, "worst_half_mbit", isfinite(load->worst_half_bps),
	                  load->worst_half_bps * 8 / 1e6);
	return err | buf_printf(out, "\"goodput_mbit\":%.3f}",
	                        load->goodput_bps * 8 / 1e6);
}

static int put_all_stats(const struct scenario *s, const struct result *result,
                         struct buf *out)
{
	int err = buf_printf(out, "\"stats\":[");

	for (unsigned i = 0; i < s->load_count; i++) {
		if (i)
			err |= buf_put(out, ",", 1);
		err |= put_stats(&s->loads[i], &result->loads[i], out);
	}
	return err | buf_printf(out, "],");
}

/* A run goes on after its last object only where another never comes. */
static int put_frames(const struct scenario *s, const struct trace_run *t,
                      uint64_t end_us, uint64_t step_us, struct buf *out)
{
	unsigned stride = (unsigned)(step_us / t->step_us);
	int err = buf_printf(out, "\"frames\":[");

	for (unsigned i = 0; !err && i < t->frame_count; i += stride) {
		if (t->whole && i * t->step_us >= end_us + step_us)
			break;
		if (i)
			err |= buf_put(out, ",", 1);
		err |= put_frame(t, &t->frames[i], s->path_count, out);
	}
	return err | buf_put(out, "]", 1);
}

static int put_run(const struct scenario *s, const struct trace_shown *run,
                   uint64_t step_us, struct buf *out)
{
	const struct trace_run *t = run->trace;
	const struct result *r = run->result;
	int err = buf_put(out, "{", 1);

	err |= put_key(out, "scheduler", r->scheduler->name);
	err |= put_key(out, "order", r->policy.order->name);
	err |= put_key(out, "reinjection", reinject_name(r->policy.reinjection));
	err |= t->whole ? buf_printf(out, "\"end_us\":%" PRIu64 ",", r->end_us)
	                : buf_printf(out, "\"end_us\":null,");
	err |= buf_printf(out, "\"twice_percent\":%.3f,", r->twice * 100);
	err |= put_all_stats(s, r, out);
	err |= put_streams(s, t, out);
	err |= put_frames(s, t, r->end_us, step_us, out);
	return err | buf_put(out, "}", 1);
}

int trace_write(const struct scenario *s, const struct result_limit *limits,
                const struct trace_shown *runs, unsigned count, struct buf *out)
{
	uint64_t step_us = TRACE_STEP_US;
	int err = buf_printf(out, "{\"version\":1,");

	for (unsigned i = 0; i < count; i++)
		if (runs[i].trace->step_us > step_us)
			step_us = runs[i].trace->step_us;
	err |= put_key(out, "title", s->main.title);
	err |= put_key(out, "note", s->main.note);
	err |= buf_printf(out, "\"seed\":%u,\"repeat\":%u,\"step_us\":%" PRIu64
	                  ",", s->main.seed, s->main.repeat, step_us);
	err |= put_paths(s, out);
	err |= put_loads(s, limits, out);
	err |= buf_printf(out, "\"runs\":[");
	for (unsigned i = 0; !err && i < count; i++) {
		if (i)
			err |= buf_put(out, ",", 1);
		err |= put_run(s, &runs[i], step_us, out);
	}
	return err | buf_printf(out, "]}\n");
}
