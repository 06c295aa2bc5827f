/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the kinds of loads. Each has a begin, and what follows when one of its
 * items is done. What opens a stream does so in an event of its own, not in a
 * callback of the session.
 */
#include "scheduler/sim/load.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define WARM_PAUSE_US 200000u  /* between the warmup's end and the loads */
#define CALL_SETUP_US 1000000u /* a call's streams, before the first frame */
#define SAFE_SHARE 0.9         /* of what a player saw, it counts on */

static void note_end(struct loads *all);

static uint64_t now_us(const struct load *load)
{
	return world_now_us(load->all->world);
}

/* Items ----------------------------------------------------------------- */

static bool is_up(const struct load *load, const struct conn_item *item)
{
	return item->mode == CONN_PUSH_UP ||
	       (item->mode == CONN_EXCHANGE &&
	        load->args->direction == SCENARIO_UP);
}

int load_reader(const struct load *load, const struct conn_item *item)
{
	return is_up(load, item) ? WORLD_CONCENTRATOR : WORLD_GATEWAY;
}

static void size_item(struct load *load, struct conn_item *item, uint64_t bytes)
{
	bool up = load->args->direction == SCENARIO_UP;

	item->mode = CONN_EXCHANGE;
	item->up_bytes = up ? bytes : load->args->request_bytes;
	item->down_bytes = up ? load->args->request_bytes : bytes;
}

static void on_done(void *ctx, struct conn_item *item)
{
	struct load *load = ctx;

	load->done++;
	if (load->ops->on_done)
		load->ops->on_done(load, item);
	if (load->done == load->count)
		note_end(load->all);
}

/* Side is the reader's. */
static void on_read(void *ctx, const struct conn *conn, int side, size_t n)
{
	struct load *load = ctx;
	const struct conn_item *item = conn->answered;

	if (load->all->on_read && load == load->all->load && item &&
	    load_reader(load, item) == side)
		load->all->on_read(load->all->read_ctx,
		                   now_us(load) - item->start_us, n);

	for (unsigned i = 0; load->steady && i < load->conn_count; i++) {
		if (load->conns[i] != conn ||
		    load_reader(load, &load->items[i]) != side)
			continue;
		steady_read(&load->steady[i], now_us(load), n);
		steady_read(&load->steady[load->count], now_us(load), n);
	}
}

static const struct conn_owner owner = { .on_done = on_done,
                                         .on_read = on_read };

static struct conn *open_conn(struct load *load)
{
	return conn_open(&load->all->conns, &owner, load);
}

/* The next item of the plan, on a conn or on a new one of its own. */
static void begin_next(struct load *load, struct conn *conn, bool last)
{
	size_t at = load->begun++;

	if (!conn)
		conn = open_conn(load);
	if (!conn)
		return;
	size_item(load, &load->items[at], load->plan[at].size_bytes);
	conn_add(conn, &load->items[at], last);
}

static void begin_alone(void *ctx)
{
	struct load *load = ctx;

	if (load->begun < load->count)
		begin_next(load, NULL, true);
}

static void later(struct load *load, uint64_t at_us, void (*fn)(void *))
{
	world_at(load->all->world, at_us, fn, load);
}

/* Kept conns are opened at once. */
static bool open_conns(struct load *load, unsigned count)
{
	load->conns = calloc(count, sizeof(struct conn *));
	if (!load->conns) {
		conns_fail(&load->all->conns, "no memory");
		return false;
	}
	for (unsigned i = 0; i < count; i++) {
		load->conns[i] = open_conn(load);
		if (!load->conns[i])
			return false;
		load->conn_count++;
	}
	return true;
}

/* batch, objects -------------------------------------------------------- */

static void batch_begin(struct load *load)
{
	while (load->begun < load->count)
		begin_next(load, NULL, true);
}

static const struct load_ops batch = { .begin = batch_begin };

static void objects_begin(struct load *load)
{
	begin_next(load, NULL, true);
}

static void objects_done(struct load *load, struct conn_item *item)
{
	if (load->begun < load->count)
		later(load, now_us(load) + load->args->interval_us, begin_alone);
}

static const struct load_ops objects = { .begin = objects_begin,
                                         .on_done = objects_done };

/* poisson --------------------------------------------------------------- */

/* Plans begin at the load's start, which is now. */
static uint64_t plan_time(const struct load *load, size_t at)
{
	return load->begin_us + load->plan[at].at_us - load->args->start_us;
}

static void poisson_next(void *ctx)
{
	struct load *load = ctx;

	begin_next(load, NULL, true);
	if (load->begun < load->count)
		later(load, plan_time(load, load->begun), poisson_next);
}

static void poisson_begin(struct load *load)
{
	later(load, plan_time(load, 0), poisson_next);
}

static const struct load_ops poisson = { .begin = poisson_begin };

/* page ------------------------------------------------------------------ */

static void page_begin(struct load *load)
{
	unsigned most = load->args->parallel;
	unsigned count = load->count < most ? (unsigned)load->count : most;

	if (!load->args->kept) {
		for (unsigned i = 0; i < count; i++)
			begin_next(load, NULL, true);
		return;
	}
	if (!open_conns(load, count))
		return;
	for (unsigned i = 0; i < count; i++)
		begin_next(load, load->conns[i], false);
}

static void page_done(struct load *load, struct conn_item *item)
{
	bool more = load->begun < load->count;

	if (!load->args->kept && more)
		later(load, now_us(load), begin_alone);
	else if (load->args->kept && more)
		begin_next(load, item->conn, false);
	else if (load->args->kept)
		conn_close(item->conn);
}

static const struct load_ops page = { .begin = page_begin,
                                      .on_done = page_done };

/* requests -------------------------------------------------------------- */

static void requests_next(void *ctx)
{
	struct load *load = ctx;
	bool last = load->begun + 1 == load->count;

	begin_next(load, load->conns[0], last);
	if (!last)
		later(load, plan_time(load, load->begun), requests_next);
}

static void requests_begin(struct load *load)
{
	if (open_conns(load, 1))
		requests_next(load);
}

static const struct load_ops requests = { .begin = requests_begin };

/* call ------------------------------------------------------------------ */

static void call_next(void *ctx)
{
	struct load *load = ctx;

	for (int way = 0; way < 2; way++) {
		size_t at = load->begun++;
		struct conn_item *item = &load->items[at];
		*item = (struct conn_item){
			.mode = way ? CONN_PUSH_UP : CONN_PUSH_DOWN };
		if (way)
			item->up_bytes = load->plan[at].size_bytes;
		else
			item->down_bytes = load->plan[at].size_bytes;
		conn_add(load->conns[way], item, load->begun + 1 >= load->count);
	}
	if (load->begun < load->count)
		later(load, plan_time(load, load->begun), call_next);
}

static void call_begin(struct load *load)
{
	if (!open_conns(load, 2))
		return;
	load->begin_us += CALL_SETUP_US;
	later(load, plan_time(load, 0), call_next);
}

static const struct load_ops call = { .begin = call_begin };

/* bulk ------------------------------------------------------------------ */

static uint64_t bulk_read(const struct load *load)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < load->conn_count; i++)
		bytes += load->conns[i]->got[load_reader(load, &load->items[i])];
	return bytes;
}

static void bulk_count(void *ctx)
{
	struct load *load = ctx;

	load->counted_from_us = now_us(load);
	load->counted_bytes = bulk_read(load);
	for (size_t i = 0; i <= load->count; i++)
		steady_begin(&load->steady[i], now_us(load));
}

static void bulk_cut(void *ctx)
{
	struct load *load = ctx;

	if (load->cut)
		return;
	load->cut = true;
	if (load->counted_from_us) {
		load->counted_until_us = now_us(load);
		load->counted_bytes = bulk_read(load) - load->counted_bytes;
	}
	for (size_t i = 0; i <= load->count; i++)
		steady_end(&load->steady[i], now_us(load));
	for (unsigned i = 0; i < load->conn_count; i++)
		conn_cut(load->conns[i], &load->items[i]);
	if (!load->begun) { /* its start would have been later */
		load->done = load->count;
		note_end(load->all);
	}
}

static void bulk_begin(struct load *load)
{
	if (load->cut || !open_conns(load, (unsigned)load->count))
		return;
	for (unsigned i = 0; i < load->conn_count; i++) {
		load->begun++;
		size_item(load, &load->items[i], CONN_ENDLESS);
		conn_add(load->conns[i], &load->items[i], false);
	}
	later(load, load->begin_us + load->args->skip_us, bulk_count);
	if (load->args->duration_us)
		later(load, load->begin_us + load->args->duration_us, bulk_cut);
}

static const struct load_ops bulk = { .begin = bulk_begin };

/* video ----------------------------------------------------------------- */

/* What has played since is no longer buffered; what was not there stalled. */
static void video_play(struct load *load)
{
	struct load_video *v = &load->video;
	uint64_t passed_us = now_us(load) - v->noted_us;

	v->noted_us = now_us(load);
	if (!v->plays)
		return;
	if (passed_us > v->buffered_us) {
		v->stalled_us += passed_us - v->buffered_us;
		v->buffered_us = 0;
	} else {
		v->buffered_us -= passed_us;
	}
}

/* The harmonic mean of the last chunks' rates, Mbit/s; 0: none yet. */
static double video_rate(const struct load_video *v)
{
	double sum = 0;
	unsigned n = 0;

	for (; n < 3 && v->rates[n] > 0; n++)
		sum += 1 / v->rates[n];
	return n ? n / sum : 0;
}

static void video_next(void *ctx)
{
	struct load *load = ctx;
	const struct scenario_load *args = load->args;
	struct load_video *v = &load->video;
	double safe_bits = video_rate(v) * 1e6 * SAFE_SHARE;

	video_play(load);
	v->level = 0;
	while (v->level + 1 < args->level_count &&
	       (double)args->level_bits[v->level + 1] <= safe_bits)
		v->level++;
	v->level_bits_sum += args->level_bits[v->level];
	load->plan[load->begun].size_bytes = (uint64_t)(
		(double)args->level_bits[v->level] * (double)args->chunk_us / 8e6);
	begin_next(load, load->conns[0], load->begun + 1 == load->count);
}

static void video_begin(struct load *load)
{
	load->video.noted_us = now_us(load);
	if (open_conns(load, 1))
		video_next(load);
}

static void video_done(struct load *load, struct conn_item *item)
{
	struct load_video *v = &load->video;
	uint64_t took_us = item->end_us - item->start_us, wait_us = 0;

	video_play(load);
	v->plays = true;
	v->buffered_us += load->args->chunk_us;
	v->rates[2] = v->rates[1];
	v->rates[1] = v->rates[0];
	v->rates[0] = (double)item->down_bytes * 8 /
	              (double)(took_us ? took_us : 1);
	if (load->begun == load->count)
		return;
	if (v->buffered_us + load->args->chunk_us > load->args->buffer_us)
		wait_us = v->buffered_us + load->args->chunk_us -
		          load->args->buffer_us;
	later(load, now_us(load) + wait_us, video_next);
}

static const struct load_ops video = { .begin = video_begin,
                                       .on_done = video_done };

static const struct load_ops *ops_of(enum scenario_kind kind)
{
	switch (kind) {
	case SCENARIO_BATCH: return &batch;
	case SCENARIO_POISSON: return &poisson;
	case SCENARIO_OBJECTS: return &objects;
	case SCENARIO_PAGE: return &page;
	case SCENARIO_VIDEO: return &video;
	case SCENARIO_CALL: return &call;
	case SCENARIO_BULK: return &bulk;
	case SCENARIO_REQUESTS: return &requests;
	}
	return NULL;
}

/* All of them ----------------------------------------------------------- */

static void begin_load(void *ctx)
{
	struct load *load = ctx;

	load->begin_us = now_us(load);
	load->ops->begin(load);
}

static void begin_all(void *ctx)
{
	struct loads *all = ctx;

	all->zero_us = world_now_us(all->world);
	all->on_zero(all->ctx);
	for (unsigned i = 0; i < all->scenario->load_count; i++)
		later(&all->load[i], all->zero_us + all->load[i].args->start_us,
		      begin_load);
}

/* What runs as long as the others is over with them. */
static void cut_rest(void *ctx)
{
	struct loads *all = ctx;

	for (unsigned i = 0; i < all->scenario->load_count; i++)
		if (all->load[i].args->kind == SCENARIO_BULK)
			bulk_cut(&all->load[i]);
}

static void note_end(struct loads *all)
{
	bool others = true, every = true;

	if (!all->zero_us || all->done)
		return;
	for (unsigned i = 0; i < all->scenario->load_count; i++) {
		const struct load *load = &all->load[i];
		bool is_done = load->done == load->count;
		every &= is_done;
		others &= is_done || (load->args->kind == SCENARIO_BULK &&
		                      !load->args->duration_us);
	}
	all->done = every;
	if (every && !all->conns.open)
		world_stop(all->world);
	if (others && !every)
		world_at(all->world, world_now_us(all->world), cut_rest, all);
}

/* The last open stream has ended. */
static void on_idle(void *ctx)
{
	struct loads *all = ctx;

	if (all->done)
		world_stop(all->world);
	else if (!all->zero_us)
		world_at(all->world, world_now_us(all->world) + WARM_PAUSE_US,
		         begin_all, all);
}

static int init_load(struct load *load, struct loads *all,
                     const struct scenario_load *args)
{
	*load = (struct load){ .all = all, .args = args, .count = plan_count(args),
	                       .ops = ops_of(args->kind) };
	load->plan = calloc(load->count, sizeof(*load->plan));
	load->items = calloc(load->count, sizeof(*load->items));
	if (args->kind == SCENARIO_BULK)
		load->steady = calloc(load->count + 1, sizeof(*load->steady));
	return load->plan && load->items &&
	       (load->steady || args->kind != SCENARIO_BULK) ? 0 : -ENOMEM;
}

static int init_warmup(struct loads *all)
{
	all->warmup_args = (struct scenario_load){
		.kind = SCENARIO_BULK, .count = 1, .request_bytes = 1,
		.direction = all->scenario->main.direction,
		.duration_us = all->scenario->main.warmup_us,
	};
	return init_load(&all->warmup, all, &all->warmup_args);
}

int loads_init(struct loads *all, const struct scenario *scenario, uint64_t seed)
{
	*all = (struct loads){ .scenario = scenario };
	int err = conns_init(&all->conns, on_idle, all);

	if (!err && scenario->main.warmup_us)
		err = init_warmup(all);
	for (unsigned i = 0; !err && i < scenario->load_count; i++) {
		err = init_load(&all->load[i], all, &scenario->loads[i]);
		if (!err)
			plan_load(&scenario->loads[i], i, seed, all->load[i].plan);
	}
	if (err)
		loads_finish(all);
	return err;
}

static void finish_load(struct load *load)
{
	free(load->plan);
	free(load->items);
	free(load->conns);
	free(load->steady);
}

void loads_finish(struct loads *all)
{
	for (unsigned i = 0; i < all->scenario->load_count; i++)
		finish_load(&all->load[i]);
	finish_load(&all->warmup);
	conns_finish(&all->conns);
}

void loads_begin(struct loads *all, void (*on_zero)(void *ctx), void *ctx)
{
	all->on_zero = on_zero;
	all->ctx = ctx;
	if (all->warmup.count)
		begin_load(&all->warmup);
	else
		begin_all(all);
}
