/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load_modes.c - what the load tool's client can measure: bulk transfers
 * for a time, objects over new connections, a small echo, many streams at
 * once (load_page.c has pages). Each mode owns its connections and prints one
 * JSON object.
 */
#include "tests/lab/load.h"
#include "tests/lab/load_stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_S 1e6
#define US_PER_MS 1000u
#define BITS 8
#define UP_GRACE_US 1000000 /* for the server's last reports of an upload */
#define OBJECT_TIMEOUT_S 60
#define STREAM_ERRORS_MAX 8 /* printed */

static const char *direction_name(enum load_kind kind)
{
	return kind == LOAD_PUT ? "up" : "down";
}

void load_print_error(const char *error)
{
	if (error)
		printf("\"error\":\"%s\"", error);
	else
		printf("\"error\":null");
}

struct load_conn *load_conns_create(unsigned count)
{
	struct load_conn *conns = calloc(count ? count : 1, sizeof(*conns));

	for (unsigned i = 0; conns && i < count; i++) {
		conns[i].fd = -1;
		conns[i].state = LOAD_DONE;
	}
	return conns;
}

static void conn_start(struct load_conn *c, struct load_loop *loop,
                       const struct load_target *target,
                       const struct load_events *events)
{
	c->target = target;
	c->events = events;
	load_conn_start(c, loop);
}

/* ---- bulk: endless transfers, counted in intervals */

struct bulk {
	struct load_loop loop;
	const struct load_options *o;
	struct load_conn *conns;
	uint64_t *samples;       /* bytes of all connections, an interval each */
	uint64_t *counted;       /* bytes of a connection after skip_s */
	unsigned interval_count;
	unsigned open;
	uint64_t *last_us, *gap_us; /* of a connection, after skip_s */
	uint64_t start_us;
};

static void bulk_note_gap(struct bulk *b, unsigned i, uint64_t at_us)
{
	if (at_us > b->last_us[i] + b->gap_us[i])
		b->gap_us[i] = at_us - b->last_us[i];
	b->last_us[i] = at_us;
}

static void bulk_on_bytes(struct load_conn *c, uint64_t at_us, uint64_t n)
{
	struct bulk *b = c->ctx;
	uint64_t since_us = at_us > b->start_us ? at_us - b->start_us : 0;
	uint64_t interval = since_us / (b->o->interval_ms * US_PER_MS);

	if (interval >= b->interval_count)
		return;
	b->samples[interval] += n;
	if ((double)since_us < b->o->skip_s * US_PER_S)
		return;
	b->counted[c->index] += n;
	bulk_note_gap(b, c->index, at_us);
}

static void bulk_on_done(struct load_conn *c, const char *error)
{
	struct bulk *b = c->ctx;

	if (--b->open == 0)
		b->loop.stop = true;
}

static void bulk_on_tick(void *ctx, uint64_t now_us)
{
	((struct bulk *)ctx)->loop.stop = true;
}

static void bulk_print(const struct bulk *b)
{
	const struct load_options *o = b->o;
	double counted_us = (o->seconds - o->skip_s) * US_PER_S, sum = 0;

	printf("{\"mode\":\"bulk\",\"direction\":\"%s\",\"seconds\":%g,\"skip\":%g,"
	       "\"start_us\":%" PRIu64 ",\"connections\":[",
	       direction_name(o->direction), o->seconds, o->skip_s, b->start_us);
	for (unsigned i = 0; i < o->count; i++) {
		double mbps = (double)b->counted[i] * BITS / counted_us;

		printf("%s{\"bytes\":%" PRIu64 ",\"mbps\":%.3f,\"longest_gap_ms\":%.1f,",
		       i ? "," : "", b->conns[i].moved, mbps,
		       (double)b->gap_us[i] / US_PER_MS);
		load_print_error(b->conns[i].error);
		printf("}");
		sum += mbps;
	}
	printf("],\"total_mbps\":%.3f,\"interval_ms\":%u,\"samples\":[", sum, o->interval_ms);
	for (unsigned i = 0; i < b->interval_count; i++)
		printf("%s%" PRIu64, i ? "," : "", b->samples[i]);
	puts("]}");
}

static void bulk_run(struct bulk *b)
{
	static const struct load_events events = {
		.on_bytes = bulk_on_bytes, .on_done = bulk_on_done,
	};
	const struct load_options *o = b->o;

	b->start_us = load_now_us();
	b->open = o->count;
	b->loop.tick_us = b->start_us + (uint64_t)(o->seconds * US_PER_S);
	if (o->direction == LOAD_PUT)
		b->loop.tick_us += UP_GRACE_US;
	for (unsigned i = 0; i < o->count; i++) {
		b->conns[i].request = (struct load_request){
			.kind = o->direction, .size = LOAD_ENDLESS, .seed = o->seed + i,
			.report_ms = o->interval_ms };
		b->conns[i].ctx = b;
		b->conns[i].index = i;
		b->last_us[i] = b->start_us + (uint64_t)(o->skip_s * US_PER_S);
		conn_start(&b->conns[i], &b->loop, &o->target, &events);
	}
	load_loop_run(&b->loop);
	for (unsigned i = 0; i < o->count; i++)
		bulk_note_gap(b, i, b->start_us + (uint64_t)(o->seconds * US_PER_S));
}

int load_bulk(const struct load_options *o)
{
	struct bulk *b = calloc(1, sizeof(*b));
	unsigned failed = 0;

	if (!b || load_loop_init(&b->loop) < 0)
		return 1;
	b->o = o;
	b->loop.on_tick = bulk_on_tick;
	b->loop.ctx = b;
	b->interval_count = (unsigned)(o->seconds * 1000 / o->interval_ms);
	b->conns = load_conns_create(o->count);
	b->samples = calloc(b->interval_count + 1, sizeof(*b->samples));
	b->counted = calloc(o->count, sizeof(*b->counted));
	b->last_us = calloc(o->count, sizeof(*b->last_us));
	b->gap_us = calloc(o->count, sizeof(*b->gap_us));
	if (!b->conns || !b->samples || !b->counted || !b->last_us || !b->gap_us)
		return 1;
	bulk_run(b);
	bulk_print(b);
	for (unsigned i = 0; i < o->count; i++)
		failed += b->conns[i].error != NULL;
	load_loop_finish(&b->loop);
	free(b->conns);
	free(b->samples);
	free(b->counted);
	free(b->last_us);
	free(b->gap_us);
	free(b);
	return failed > 0;
}

/* ---- objects: one new connection after the other */

struct objects {
	struct load_loop loop;
	const struct load_options *o;
	struct load_conn *conns;
	unsigned next, failed;
	const char *error;
	struct stats ms;
};

static void objects_start_next(struct objects *ob)
{
	ob->loop.tick_us = 0; /* started by the tick, outside of any callback */
}

static void objects_on_done(struct load_conn *c, const char *error)
{
	struct objects *ob = c->ctx;

	if (error) {
		ob->error = error;
		ob->failed++;
	} else {
		stats_add(&ob->ms, (double)(c->done_us - c->started_us) / US_PER_MS);
	}
	objects_start_next(ob);
}

static void objects_on_tick(void *ctx, uint64_t now_us)
{
	static const struct load_events events = { .on_done = objects_on_done };
	struct objects *ob = ctx;
	struct load_conn *c = &ob->conns[ob->next];

	if (ob->next > 0 && ob->conns[ob->next - 1].state != LOAD_DONE) {
		load_conn_end(&ob->conns[ob->next - 1], "timed out");
		return;
	}
	if (ob->next == ob->o->count) {
		ob->loop.stop = true;
		return;
	}
	ob->loop.tick_us = now_us + (uint64_t)(OBJECT_TIMEOUT_S * US_PER_S);
	c->request = (struct load_request){
		.kind = ob->o->direction, .size = ob->o->size,
		.seed = ob->o->seed + ob->next, .half_close = ob->o->half_close };
	c->ctx = ob;
	ob->next++;
	conn_start(c, &ob->loop, &ob->o->target, &events);
}

int load_objects(const struct load_options *o)
{
	struct objects *ob = calloc(1, sizeof(*ob));
	unsigned failed;

	if (!ob || load_loop_init(&ob->loop) < 0)
		return 1;
	ob->o = o;
	ob->loop.on_tick = objects_on_tick;
	ob->loop.ctx = ob;
	ob->conns = load_conns_create(o->count);
	if (!ob->conns)
		return 1;
	objects_start_next(ob);
	load_loop_run(&ob->loop);
	printf("{\"mode\":\"objects\",\"direction\":\"%s\",\"size\":%" PRIu64
	       ",\"ok\":%zu,\"failed\":%u,", direction_name(o->direction), o->size,
	       ob->ms.count, ob->failed);
	load_print_error(ob->error);
	printf(",");
	stats_print_each(&ob->ms, "each_ms");
	printf(",");
	stats_print(&ob->ms, "ms");
	puts("}");
	failed = ob->failed;
	load_loop_finish(&ob->loop);
	stats_finish(&ob->ms);
	free(ob->conns);
	free(ob);
	return failed > 0;
}

/* ---- echo: a small message at an interval */

#define ECHO_BYTES_MAX 1024

struct echo {
	struct load_loop loop;
	const struct load_options *o;
	struct load_conn conn;
	uint64_t *sent_us;
	unsigned sent, received, room;
	uint64_t end_us;
	struct stats ms;
};

static void echo_on_open(struct load_conn *c)
{
	struct echo *e = c->ctx;

	e->loop.tick_us = load_now_us();
	e->end_us = e->loop.tick_us + (uint64_t)(e->o->seconds * US_PER_S);
}

static void echo_on_bytes(struct load_conn *c, uint64_t at_us, uint64_t n)
{
	struct echo *e = c->ctx;

	for (; e->received < e->sent && (e->received + 1) * e->o->size <= c->moved; e->received++)
		stats_add(&e->ms, (double)(at_us - e->sent_us[e->received]) / US_PER_MS);
	if (e->received == e->sent && at_us >= e->end_us)
		load_conn_end(c, NULL);
}

static void echo_on_done(struct load_conn *c, const char *error)
{
	((struct echo *)c->ctx)->loop.stop = true;
}

static void echo_on_tick(void *ctx, uint64_t now_us)
{
	uint8_t message[ECHO_BYTES_MAX] = { 0 };
	struct echo *e = ctx;

	if (now_us >= e->end_us) { /* wait for what is on its way */
		if (e->received == e->sent || e->loop.tick_us >= e->end_us + (uint64_t)US_PER_S)
			load_conn_end(&e->conn, NULL);
		e->loop.tick_us = e->end_us + (uint64_t)US_PER_S;
		return;
	}
	if (e->sent < e->room) {
		e->sent_us[e->sent++] = now_us;
		if (!load_conn_send(&e->conn, message, e->o->size))
			load_conn_end(&e->conn, "no room to send");
	}
	e->loop.tick_us += e->o->interval_ms * US_PER_MS;
}

int load_echo(const struct load_options *o)
{
	static const struct load_events events = {
		.on_open = echo_on_open, .on_bytes = echo_on_bytes, .on_done = echo_on_done,
	};
	struct echo *e = calloc(1, sizeof(*e));
	bool failed;

	if (!e || o->size > ECHO_BYTES_MAX || load_loop_init(&e->loop) < 0)
		return 1;
	e->o = o;
	e->loop.on_tick = echo_on_tick;
	e->loop.ctx = e;
	e->room = (unsigned)(o->seconds * 1000 / o->interval_ms) + 1;
	e->sent_us = calloc(e->room, sizeof(*e->sent_us));
	e->conn.request.kind = LOAD_ECHO;
	e->conn.ctx = e;
	if (!e->sent_us)
		return 1;
	conn_start(&e->conn, &e->loop, &o->target, &events);
	load_loop_run(&e->loop);
	printf("{\"mode\":\"echo\",\"sent\":%u,\"received\":%u,", e->sent, e->received);
	load_print_error(e->conn.error);
	printf(",");
	stats_print(&e->ms, "ms");
	puts("}");
	failed = e->conn.error || e->received < e->sent || !e->sent;
	load_loop_finish(&e->loop);
	stats_finish(&e->ms);
	free(e->sent_us);
	free(e);
	return failed;
}

/* ---- streams: many at once, each exact */

struct streams {
	struct load_loop loop;
	unsigned open, ok, bad;
	uint64_t bytes;
};

static void streams_on_done(struct load_conn *c, const char *error)
{
	struct streams *st = c->ctx;

	st->bytes += c->moved;
	if (!error)
		st->ok++;
	else if (strcmp(error, "wrong bytes") == 0)
		st->bad++;
	if (--st->open == 0)
		st->loop.stop = true;
}

static void streams_on_tick(void *ctx, uint64_t now_us)
{
	((struct streams *)ctx)->loop.stop = true;
}

static void streams_print(const struct load_options *o, const struct streams *st,
                          const struct load_conn *conns, double seconds)
{
	unsigned printed = 0;

	printf("{\"mode\":\"streams\",\"count\":%u,\"ok\":%u,\"bad\":%u,\"failed\":%u,"
	       "\"bytes\":%" PRIu64 ",\"seconds\":%.3f,\"errors\":[", o->count, st->ok,
	       st->bad, o->count - st->ok - st->bad, st->bytes, seconds);
	for (unsigned i = 0; i < o->count && printed < STREAM_ERRORS_MAX; i++) {
		const char *error = conns[i].state == LOAD_DONE ? conns[i].error : "timed out";

		if (error)
			printf("%s\"%u after %" PRIu64 " of %" PRIu64 ": %s\"",
			       printed++ ? "," : "", i, conns[i].moved, conns[i].request.size,
			       error);
	}
	puts("]}");
}

int load_streams(const struct load_options *o)
{
	static const struct load_events events = { .on_done = streams_on_done };
	struct streams *st = calloc(1, sizeof(*st));
	struct load_conn *conns = load_conns_create(o->count);
	uint64_t start_us;
	bool failed;

	if (!st || !conns || load_loop_init(&st->loop) < 0)
		return 1;
	start_us = load_now_us();
	st->open = o->count;
	st->loop.tick_us = start_us + (uint64_t)(o->seconds * US_PER_S);
	st->loop.on_tick = streams_on_tick;
	st->loop.ctx = st;
	for (unsigned i = 0; i < o->count; i++) {
		conns[i].request = (struct load_request){
			.kind = o->both ? i % 2 : o->direction,
			.size = body_size(o->seed, i, o->size_min, o->size),
			.seed = o->seed + i, .half_close = o->half_close };
		conns[i].ctx = st;
		conns[i].index = i;
		conn_start(&conns[i], &st->loop, &o->target, &events);
	}
	load_loop_run(&st->loop);
	streams_print(o, st, conns, (double)(load_now_us() - start_us) / US_PER_S);
	failed = st->ok != o->count;
	load_loop_finish(&st->loop);
	free(conns);
	free(st);
	return failed;
}
