/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load_page.c - pages as a browser fetches them: a list of objects, each
 * on a new connection, so many connections at once. Every page is the same
 * list, drawn once from the seed. Owns its connections.
 *
 * An object's time is from connect() to its last byte, a page's from its
 * first connect() to the last byte of its last object. A page with a failed
 * object has no time.
 */
#include "tests/lab/load.h"
#include "tests/lab/load_stats.h"

#include <inttypes.h>
#include <stdlib.h>

#define US_PER_S 1e6
#define US_PER_MS 1000u
#define PAGE_TIMEOUT_S 60

struct object {
	double ms; /* the sum of */
	unsigned ok;
};

struct page {
	struct load_loop loop;
	const struct load_options *o;
	struct load_conn *conns;  /* an object each; used again by the next page */
	struct object *objects;   /* over all pages */
	unsigned next, open;      /* of this page */
	unsigned pages, failed;   /* pages begun; objects failed */
	bool broken;              /* this page has a failed object */
	uint64_t begin_us;        /* of this page */
	uint64_t last_us;         /* no page begins later */
	uint64_t timeout_us;      /* of this page */
	const char *error;
	struct stats ms, page_ms;
};

static uint64_t size_of(const struct load_options *o, unsigned index)
{
	return body_size(o->seed, index, o->size_min, o->size);
}

static bool page_is_over(const struct page *p)
{
	return p->next == p->o->count && p->open == 0;
}

static void object_on_done(struct load_conn *c, const char *error)
{
	struct page *p = c->ctx;
	double ms = (double)(c->done_us - c->started_us) / US_PER_MS;

	p->open--;
	if (error) {
		p->error = error;
		p->failed++;
		p->broken = true;
	} else {
		stats_add(&p->ms, ms);
		p->objects[c->index].ms += ms;
		p->objects[c->index].ok++;
	}
	p->loop.tick_us = 0; /* the next is started outside of any callback */
	if (!page_is_over(p))
		return;
	if (!p->broken)
		stats_add(&p->page_ms, (double)(c->done_us - p->begin_us) / US_PER_MS);
	p->loop.tick_us = c->done_us + p->o->interval_ms * US_PER_MS;
}

static void begin(struct page *p, uint64_t now_us)
{
	p->pages++;
	p->next = 0;
	p->broken = false;
	p->begin_us = now_us;
	p->timeout_us = now_us + (uint64_t)(PAGE_TIMEOUT_S * US_PER_S);
}

static void start_next(struct page *p)
{
	static const struct load_events events = { .on_done = object_on_done };
	struct load_conn *c = &p->conns[p->next];

	*c = (struct load_conn){ .fd = -1 };
	c->request = (struct load_request){
		.kind = LOAD_GET, .size = size_of(p->o, p->next),
		.seed = p->o->seed + p->pages * p->o->count + p->next };
	c->ctx = p;
	c->index = p->next++;
	c->target = &p->o->target;
	c->events = &events;
	p->open++;
	load_conn_start(c, &p->loop);
}

static void time_out(struct page *p)
{
	for (unsigned i = 0; i < p->next; i++)
		if (p->conns[i].state != LOAD_DONE)
			load_conn_end(&p->conns[i], "timed out");
}

static void page_on_tick(void *ctx, uint64_t now_us)
{
	struct page *p = ctx;

	if (page_is_over(p)) {
		if (p->pages == p->o->pages || now_us >= p->last_us) {
			p->loop.stop = true;
			return;
		}
		begin(p, now_us);
	}
	p->loop.tick_us = p->timeout_us;
	if (now_us >= p->timeout_us)
		time_out(p);
	while (p->open < p->o->at_once && p->next < p->o->count)
		start_next(p);
}

static void page_print(struct page *p)
{
	const struct load_options *o = p->o;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < o->count; i++)
		bytes += size_of(o, i);
	printf("{\"mode\":\"page\",\"objects\":%u,\"at_once\":%u,\"bytes\":%" PRIu64
	       ",\"pages\":%u,\"ok\":%zu,\"failed\":%u,", o->count, o->at_once, bytes,
	       p->pages, p->ms.count, p->failed);
	load_print_error(p->error);
	printf(",\"list\":[");
	for (unsigned i = 0; i < o->count; i++) {
		const struct object *ob = &p->objects[i];

		printf("%s{\"size\":%" PRIu64 ",\"ok\":%u,\"sum_ms\":%.3f}", i ? "," : "",
		       size_of(o, i), ob->ok, ob->ms);
	}
	printf("],");
	stats_print(&p->ms, "ms");
	printf(",");
	stats_print(&p->page_ms, "page_ms");
	puts("}");
}

int load_page(const struct load_options *o)
{
	struct page *p = calloc(1, sizeof(*p));
	unsigned failed;

	if (!p || load_loop_init(&p->loop) < 0)
		return 1;
	p->o = o;
	p->next = o->count; /* "over": the first tick begins the first page */
	p->conns = load_conns_create(o->count);
	p->objects = calloc(o->count, sizeof(*p->objects));
	if (!p->conns || !p->objects)
		return 1;
	p->loop.on_tick = page_on_tick;
	p->loop.ctx = p;
	p->loop.tick_us = 0;
	p->last_us = load_now_us() + (uint64_t)(o->seconds * US_PER_S);
	load_loop_run(&p->loop);
	page_print(p);
	failed = p->failed;
	load_loop_finish(&p->loop);
	stats_finish(&p->ms);
	stats_finish(&p->page_ms);
	free(p->objects);
	free(p->conns);
	free(p);
	return failed > 0;
}
