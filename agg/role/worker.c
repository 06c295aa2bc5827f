/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see worker.h. Owns the sites, and the way out that they share; its loop
 * and thread, where it has one.
 */
#include "agg/role/worker.h"

#include "agg/base/descriptors.h"
#include "agg/base/heap.h"
#include "agg/base/log.h"
#include "agg/role/ipv6.h"
#include "agg/role/role.h"
#include "agg/role/sites.h"
#include "proxy/outlet.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENDS "the concentrator ends" /* to gateways */

struct worker {
	struct worker_args args;
	struct loop *loop;      /* its own, or args.loop */
	pthread_t thread;
	bool runs;              /* the thread does */
	bool ended;             /* it did */
	struct budget memory;
	unsigned calm_s;        /* see role_is_calm */
	struct worker_facts facts; /* conf NULL: none yet */
	const struct conf *prepared; /* to be the next conf; NULL: none */
	struct site *fresh;     /* its sites that are new */
	struct sites sites;
	struct relays *relays;
	struct resolver *resolver;
	struct egress egress;
	struct outlet *outlet;
	struct share_pool pool;
	struct dgram *dgram;
	struct tunnel_kit kit;
	struct dgram_socket *listeners[WORKER_LISTENERS_MAX];
	unsigned listener_count;
	struct ipv6 ipv6;
	struct loop_timer *second;
	bool draining, leaving;
};

static void tell_flags(struct worker *w)
{
	sites_set_flags(&w->sites, (ipv6_works(&w->ipv6) ? WIRE_HAS_IPV6 : 0) |
	                           (w->facts.takes_mptcp ? WIRE_HAS_MPTCP : 0) |
	                           (w->draining ? WIRE_DRAINING : 0) | WIRE_KEEPS |
	                           (w->facts.passes ? WIRE_PASSES : 0) |
	                           (w->leaving ? WIRE_LEAVES : 0));
}

static void on_change(void *ctx)
{
	const struct worker *w = ctx;

	w->args.on_change(w->args.ctx);
}

static void on_ipv6(void *ctx)
{
	tell_flags(ctx);
	on_change(ctx);
}

static void on_second(void *ctx)
{
	struct worker *w = ctx;

	sites_measure(&w->sites);
	tunnel_kit_rest(&w->kit);
	if (role_is_calm(&w->calm_s, sites_streams(&w->sites))) {
		loop_rest(w->loop);
		heap_trim();
	}
	heap_trim_fallen(&w->memory);
	loop_timer_arm(w->second, loop_now_us(w->loop) + SNAPSHOT_RATE_US);
}

/* Its thread ------------------------------------------------------------------ */

static bool has_thread(const struct worker *w)
{
	return w->loop != w->args.loop;
}

struct question {
	struct loop_post post;
	loop_fn *fn;
	void *ctx;
	sem_t answered;
};

static void on_question(void *ctx)
{
	struct question *q = ctx;

	q->fn(q->ctx);
	sem_post(&q->answered);
}

/* Calls fn(ctx) where the worker is, and waits for it. */
static void ask(struct worker *w, loop_fn *fn, void *ctx)
{
	struct question q = { .fn = fn, .ctx = ctx };

	if (!w->runs) {
		fn(ctx);
		return;
	}
	q.post = (struct loop_post){ .fn = on_question, .ctx = &q };
	sem_init(&q.answered, 0, 0);
	loop_post(w->loop, &q.post);
	while (sem_wait(&q.answered) < 0)
		; /* a signal */
	sem_destroy(&q.answered);
}

static void *run(void *ctx)
{
	struct worker *w = ctx;

	loop_run(w->loop);
	return NULL;
}

/* Signals are for the daemon's thread. */
int worker_start(struct worker *w)
{
	sigset_t all, before;

	if (!has_thread(w))
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	w->runs = !err;
	return -err;
}

static void on_stop(void *ctx)
{
	struct worker *w = ctx;

	loop_stop(w->loop);
}

static void stop(struct worker *w)
{
	if (w->runs) {
		ask(w, on_stop, w);
		pthread_join(w->thread, NULL);
	}
	w->runs = false;
	w->ended = true;
}

/* A subflow on its way here. */
struct arrival {
	struct worker *worker;  /* borrowed */
	struct subflow *sf;
	struct tls_pin pin;
	struct wire_hello hello;
	struct loop_task lift;  /* of the daemon's loop */
	struct loop_post post;  /* to the worker's */
};

static void on_landed(void *ctx)
{
	struct arrival *a = ctx;
	struct worker *w = a->worker;

	if (w->ended || subflow_land(a->sf, w->loop) < 0)
		subflow_destroy(a->sf);
	else
		sites_adopt(&w->sites, a->sf, &a->pin, &a->hello);
	free(a);
}

static void on_lift(void *ctx)
{
	struct arrival *a = ctx;

	if (!subflow_lift(a->sf))
		return; /* on_lost follows */
	a->post = (struct loop_post){ .fn = on_landed, .ctx = a };
	loop_post(a->worker->loop, &a->post);
}

static void on_lost(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	free(ctx);
}

static void on_vain(void *ctx, struct subflow *sf, bool joined, const char *why)
{
}

static const struct subflow_events arrival_events = { .on_end = on_lost };
static const struct subflow_events vain_events = { .on_end = on_vain };

static void send_over(struct worker *w, struct subflow *sf,
                      const struct tls_pin *pin, const struct wire_hello *hello)
{
	struct arrival *a = calloc(1, sizeof(*a));

	if (!a) {
		subflow_hand_over(sf, &vain_events, NULL);
		subflow_fail(sf, "out of memory");
		return;
	}
	*a = (struct arrival){ .worker = w, .sf = sf, .pin = *pin,
	                       .hello = *hello };
	subflow_hand_over(sf, &arrival_events, a);
	subflow_park(sf);
	loop_task_init(&a->lift, w->args.loop, on_lift, a);
	loop_task_post(&a->lift);
}

/* Messages ------------------------------------------------------------------- */

/* Makes what a configuration needs, and changes nothing. */
static int prepare(struct worker *w, const struct conf *conf)
{
	if (conf == w->facts.conf || conf == w->prepared)
		return 0;
	int err = sites_prepare(&w->sites, conf, &w->fresh);
	w->prepared = err < 0 ? NULL : conf;
	return err;
}

static void forget(struct worker *w)
{
	if (w->prepared)
		sites_forget(w->fresh);
	w->prepared = NULL;
}

/* The sites that the prepared configuration has. */
static void take_conf(struct worker *w)
{
	const struct conf *conf = w->prepared;
	const struct conf *old = w->facts.conf ? w->facts.conf : conf;
	int err = w->facts.conf ? resolver_reload(w->resolver) : 0;

	if (err < 0)
		log_sys("names: the servers of before stay: %s", strerror(-err));
	w->egress.allow = conf->egress.allow;
	w->egress.allow_count = conf->egress.allow_count;
	sites_apply(&w->sites, conf, old, w->fresh);
	w->prepared = NULL;
}

struct message {
	struct worker *worker;
	const struct worker_facts *facts;
	const struct conf_site *site;
	const struct choice *choice;
	struct buf *text;
	struct report *report;
	const int *fds;
	unsigned count;
	bool leaves, has_heard;
	int err;
	unsigned streams;
	void (*on_site)(void *ctx, const char *name, struct quota *q);
	void *ctx;
};

static void on_prepare(void *ctx)
{
	struct message *m = ctx;

	m->worker->sites.used = m->facts->used;
	m->err = prepare(m->worker, m->facts->conf);
	m->worker->sites.used = NULL;
}

static void on_forget(void *ctx)
{
	forget(ctx);
}

static void on_facts(void *ctx)
{
	struct message *m = ctx;
	struct worker *w = m->worker;
	const struct worker_facts *facts = m->facts;

	w->sites.used = facts->used;
	w->sites.process = facts->process;
	m->err = prepare(w, facts->conf);
	w->sites.used = NULL;
	if (m->err < 0)
		return;
	if (w->prepared)
		take_conf(w);
	w->facts = *facts;
	w->egress.is_local = facts->is_local;
	w->egress.ctx = facts->ctx;
	ipv6_set_ready(&w->ipv6, facts->ipv6_ready);
	tell_flags(w);
}

int worker_prepare(struct worker *w, const struct worker_facts *facts)
{
	struct message m = { .worker = w, .facts = facts };

	ask(w, on_prepare, &m);
	return m.err;
}

void worker_forget(struct worker *w)
{
	ask(w, on_forget, w);
}

int worker_facts(struct worker *w, const struct worker_facts *facts)
{
	struct message m = { .worker = w, .facts = facts };

	ask(w, on_facts, &m);
	return m.err;
}

void worker_adopt(struct worker *w, struct subflow *sf,
                  const struct tls_pin *pin, const struct wire_hello *hello)
{
	if (has_thread(w))
		send_over(w, sf, pin, hello);
	else
		sites_adopt(&w->sites, sf, pin, hello);
}

static void on_listen(void *ctx)
{
	struct message *m = ctx;
	struct worker *w = m->worker;

	while (w->listener_count)
		dgram_close(w->listeners[--w->listener_count]);
	for (unsigned i = 0; i < m->count; i++) {
		struct dgram_socket *s = dgram_adopt(w->dgram, m->fds[i]);
		if (s)
			w->listeners[w->listener_count++] = s;
	}
}

void worker_listen(struct worker *w, const int *fds, unsigned count)
{
	struct message m = { .worker = w, .fds = fds, .count = count };

	assert(count <= WORKER_LISTENERS_MAX);
	ask(w, on_listen, &m);
}

static void on_choice(void *ctx)
{
	struct message *m = ctx;

	m->err = sites_choose(&m->worker->sites, m->site, m->choice, m->text);
}

int worker_choose(struct worker *w, const struct conf_site *site,
                  const struct choice *choice, struct buf *out)
{
	struct message m = { .worker = w, .site = site, .choice = choice,
	                     .text = out };

	ask(w, on_choice, &m);
	return m.err;
}

static void on_drain(void *ctx)
{
	struct worker *w = ctx;

	w->draining = true;
	tell_flags(w);
}

void worker_drain(struct worker *w)
{
	ask(w, on_drain, w);
}

static void on_part(void *ctx)
{
	struct message *m = ctx;

	m->has_heard = sites_part(&m->worker->sites, ENDS);
}

bool worker_part(struct worker *w)
{
	struct message m = { .worker = w };

	ask(w, on_part, &m);
	return m.has_heard;
}

static void on_leave(void *ctx)
{
	struct message *m = ctx;
	struct worker *w = m->worker;

	if (!m->leaves)
		sites_leave(&w->sites);
	w->leaving = m->leaves;
	tell_flags(w);
}

void worker_leave(struct worker *w, bool leaves)
{
	struct message m = { .worker = w, .leaves = leaves };

	ask(w, on_leave, &m);
}

static void add_wait(struct report *out, const char *what)
{
	char *all = out->head.waits_for;
	size_t len = strlen(all);

	if (strstr(all, what)) /* another worker does, too */
		return;
	snprintf(all + len, sizeof(out->head.waits_for) - len, "%s%s",
	         len ? ", " : "", what);
}

static void on_report(void *ctx)
{
	struct message *m = ctx;
	struct worker *w = m->worker;
	struct report *out = m->report;
	const char *names = resolver_lacks(w->resolver);

	if (names)
		add_wait(out, names);
	if (ipv6_is_broken(&w->ipv6))
		add_wait(out, "an answer by IPv6");
	sites_report(&w->sites, out);
}

void worker_report(struct worker *w, struct report *out)
{
	struct message m = { .worker = w, .report = out };

	ask(w, on_report, &m);
}

static void on_streams(void *ctx)
{
	struct message *m = ctx;

	m->streams = sites_streams(&m->worker->sites);
}

unsigned worker_streams(struct worker *w)
{
	struct message m = { .worker = w };

	ask(w, on_streams, &m);
	return m.streams;
}

static void on_quotas(void *ctx)
{
	struct message *m = ctx;

	sites_quotas(&m->worker->sites, m->on_site, m->ctx);
}

void worker_quotas(struct worker *w,
                   void (*on_site)(void *ctx, const char *name, struct quota *q),
                   void *ctx)
{
	struct message m = { .worker = w, .on_site = on_site, .ctx = ctx };

	ask(w, on_quotas, &m);
}

/* Beginning and end ------------------------------------------------------------ */

unsigned worker_count(const struct conf_main *main)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (main->role == CONF_ROLE_GATEWAY)
		return 1;
	if (main->workers)
		return main->workers;
	return cores < 1 ? 1 : cores < CONF_WORKERS_MAX ? (unsigned)cores
	                                                : CONF_WORKERS_MAX;
}

unsigned worker_of(const struct tls_pin *pin, unsigned workers)
{
	return site_worker(pin->sha256, workers);
}

/* What its sites share, which is its part of what all do; a connection takes a
 * descriptor. */
static void make_pool(struct share_pool *pool, unsigned workers)
{
	*pool = (struct share_pool){ .max = {
		[SHARE_DIALS] = OUTLET_DIALS_MAX / workers,
		[SHARE_NAMES] = RESOLVE_QUERIES_MAX / workers,
		[SHARE_RELAYS] = descriptors_for_streams(RELAYS_MAX) / workers,
	} };
}

/* 0, or -errno. */
static int make_way_out(struct worker *w)
{
	struct loop *loop = w->loop;
	struct resolver_args resolver = { .loop = loop };

	w->relays = relays_create(loop);
	w->resolver = w->relays ? resolver_create(&resolver) : NULL;
	if (!w->resolver)
		return -errno;
	struct ipv6_args ipv6 = { loop, &w->egress, w->resolver, on_ipv6, w,
	                          .quiet = w->args.index > 0 };
	int err = ipv6_init(&w->ipv6, &ipv6);
	if (err < 0)
		return err;
	struct outlet_args outlet = { loop, &w->egress, w->resolver, w->relays,
	                              &w->ipv6.watch };
	w->outlet = outlet_create(&outlet);
	w->dgram = w->outlet ? dgram_create(loop, w->args.index, w->args.workers)
	                     : NULL;
	if (w->dgram && w->args.is_single)
		dgram_send_singly(w->dgram);
	w->kit.is_single = w->args.is_single;
	return w->dgram ? 0 : -errno;
}

struct worker *worker_create(const struct worker_args *args)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->args = *args;
	make_pool(&w->pool, args->workers);
	budget_init(&w->memory, args->memory_max, NULL);
	w->loop = args->workers > 1 ? loop_create() : args->loop;
	w->second = w->loop ? loop_timer_create(w->loop, on_second, w) : NULL;
	int err = w->second ? make_way_out(w) : -ENOMEM;
	if (err < 0) {
		worker_destroy(w);
		errno = -err;
		return NULL;
	}
	w->sites = (struct sites){
		.loop = w->loop, .memory = &w->memory, .pool = &w->pool,
		.worker = args->index, .workers = args->workers,
		.outlet = w->outlet, .mptcp_host = args->mptcp_host,
		.dgram = w->dgram, .kit = &w->kit, .egress = &w->egress,
		.on_change = on_change, .ctx = w,
	};
	on_second(w);
	return w;
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	stop(w);
	forget(w);
	sites_finish(&w->sites, ENDS);
	dgram_destroy(w->dgram);
	tunnel_kit_close(&w->kit);
	outlet_destroy(w->outlet);
	ipv6_finish(&w->ipv6);
	resolver_destroy(w->resolver);
	relays_destroy(w->relays);
	loop_timer_destroy(w->second);
	if (has_thread(w))
		loop_destroy(w->loop); /* and who was on his way here */
	free(w);
}
