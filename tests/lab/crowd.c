/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: many light gateways in one process: the shipped session and subflows,
 * with nothing around them. Each has an identity and a session of its own.
 *
 *     crowd make DIR SITES             identities, and sites.d/N.conf of them
 *     crowd run DIR CONCENTRATOR:PORT PIN SERVER:PORT SITES LANES STREAMS BYTES
 *
 * run connects all sites, says so by a line of JSON, and waits for SIGUSR1.
 * Then each site opens its streams to the load server (load.h), every other one
 * down and up, checks every byte, and says what came of them; again with each
 * SIGUSR1. Ends by SIGTERM.
 */
#include "agg/base/loop.h"
#include "agg/transport/subflow.h"
#include "scheduler/scheduler.h"
#include "tests/lab/load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define SHAKING_MAX 16u        /* handshakes at once: of one source, a door takes
                                * so many */
#define PATHS 2u
#define SESSION_BYTES (8u << 20)
#define PATH_MAX_BYTES 512

struct crowd;

struct flow {
	struct site *site;         /* borrowed */
	struct stream *stream;     /* borrowed; NULL: over */
	bool up;
	uint64_t seed, size, done; /* bytes of the body */
	char answer[LOAD_LINE_MAX];
	size_t answer_len;
	bool bad;
};

struct site {
	struct crowd *crowd;       /* borrowed */
	struct tls_context *tls;
	struct session *session;
	struct loop_timer *timer;
	struct loop_task turn;
	uint8_t id[16];
	unsigned lanes;            /* that are joined */
	struct flow *flows;
};

struct crowd {
	struct loop *loop;
	const char *dir;
	struct addr concentrator, server;
	struct tls_pin pin;
	unsigned count, lanes, streams;
	uint64_t bytes, started_us;
	struct site *sites;
	unsigned next, shaking, joined; /* lanes */
	unsigned open, ok, bad, failed; /* flows */
	struct loop_signal *go, *stop;
};

/* Flows -------------------------------------------------------------------------- */

static void put(struct flow *f)
{
	size_t n;
	uint8_t *p;

	while (f->done < f->size && (p = stream_reserve(f->stream, &n))) {
		if (n > f->size - f->done)
			n = (size_t)(f->size - f->done);
		body_fill(f->seed, f->done, p, n);
		stream_commit(f->stream, n);
		f->done += n;
	}
	if (f->done == f->size)
		stream_finish(f->stream);
}

static void on_opened(void *ctx, const struct addr *bound)
{
}

static void take(struct flow *f, const uint8_t *p, size_t n)
{
	size_t room = sizeof(f->answer) - 1 - f->answer_len;

	if (f->up) {
		memcpy(f->answer + f->answer_len, p, n < room ? n : room);
		f->answer_len += n < room ? n : room;
		return;
	}
	if (body_check(f->seed, f->done, p, n) != n || f->done + n > f->size)
		f->bad = true;
	f->done += n;
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	size_t n = 0;

	for (int i = 0; i < count; i++) {
		take(ctx, parts[i].iov_base, parts[i].iov_len);
		n += parts[i].iov_len;
	}
	return n;
}

static void on_finished(void *ctx)
{
	struct flow *f = ctx;

	if (!f->up)
		stream_finish(f->stream);
}

static void on_writable(void *ctx)
{
	struct flow *f = ctx;

	if (f->up)
		put(f);
}

static bool is_exact(const struct flow *f)
{
	char want[LOAD_LINE_MAX];

	snprintf(want, sizeof(want), "OK %llu\n", (unsigned long long)f->size);
	return !f->bad && f->done == f->size &&
	       (!f->up || !strcmp(f->answer, want));
}

static void report(struct crowd *c)
{
	double s = (double)(loop_now_us(c->loop) - c->started_us) / 1e6;

	printf("{\"ok\": %u, \"bad\": %u, \"failed\": %u, \"seconds\": %.3f}\n",
	       c->ok, c->bad, c->failed, s);
	fflush(stdout);
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct flow *f = ctx;
	struct crowd *c = f->site->crowd;

	f->stream = NULL;
	if (end != STREAM_END_FINISHED) {
		if (!c->failed++)
			fprintf(stderr, "a stream: %s\n", stream_end_text(end));
	} else if (is_exact(f)) {
		c->ok++;
	} else {
		c->bad++;
	}
	if (!--c->open)
		report(c);
}

static const struct stream_events stream_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

static void ask(struct flow *f)
{
	char line[LOAD_LINE_MAX];
	size_t n, len = (size_t)snprintf(line, sizeof(line), f->up ?
		"PUT %llu %llu 0\n" : "GET %llu %llu\n",
		(unsigned long long)f->size, (unsigned long long)f->seed);
	uint8_t *p = stream_reserve(f->stream, &n);

	if (!p || n < len) {
		stream_reset(f->stream, STREAM_END_LIMIT);
		return;
	}
	memcpy(p, line, len);
	stream_commit(f->stream, len);
	if (f->up)
		put(f);
}

static void open_flows(struct site *site)
{
	struct crowd *c = site->crowd;
	struct dest dest = { .addr = c->server };
	struct addr client = { .family = AF_UNSPEC };

	for (unsigned i = 0; i < c->streams; i++) {
		struct flow *f = &site->flows[i];
		uint64_t seed = (uint64_t)(site - c->sites) * c->streams + i + 1;
		*f = (struct flow){ .site = site, .up = i % 2, .seed = seed,
		                    .size = body_size(seed, i, 1, c->bytes) };
		f->stream = session_open(site->session, &dest, &client,
		                         &stream_events, f);
		if (f->stream)
			ask(f);
		else
			c->failed++;
		c->open += !!f->stream;
	}
}

static void on_go(void *ctx)
{
	struct crowd *c = ctx;

	c->started_us = loop_now_us(c->loop);
	c->ok = c->bad = c->failed = 0;
	for (unsigned i = 0; i < c->count; i++)
		open_flows(&c->sites[i]);
	if (!c->open)
		report(c);
}

/* Sessions ----------------------------------------------------------------------- */

static uint64_t now_us(void *ctx)
{
	struct site *site = ctx;

	return loop_now_us(site->crowd->loop);
}

static void on_work(void *ctx)
{
	struct site *site = ctx;

	loop_task_post(&site->turn);
}

static void on_turn(void *ctx) /* or the deadline */
{
	struct site *site = ctx;

	session_turn(site->session);
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct site *site = ctx;

	if (at_us == UINT64_MAX)
		loop_timer_disarm(site->timer);
	else
		loop_timer_arm(site->timer, at_us);
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
}

static void on_over(void *ctx, const char *why)
{
	struct site *site = ctx;

	fprintf(stderr, "site %u: over: %s\n",
	        (unsigned)(site - site->crowd->sites), why);
}

static const struct session_events session_events = {
	.now_us = now_us, .on_work = on_work, .on_deadline = on_deadline,
	.on_settings = on_settings, .on_over = on_over,
};

static int site_init(struct site *site, struct crowd *c, unsigned i)
{
	char dir[PATH_MAX_BYTES];
	struct session_args args = {
		.opens = true, .memory_max = SESSION_BYTES,
		.linger_us = SESSION_LINGER_DEFAULT_US,
		.give_up_us = SESSION_LINGER_DEFAULT_US,
		.events = &session_events, .ctx = site,
	};

	snprintf(dir, sizeof(dir), "%s/%u", c->dir, i);
	session_policy_init(&args.policy, sched_find("srpt_ecf"));
	site->crowd = c;
	loop_task_init(&site->turn, c->loop, on_turn, site);
	site->tls = tls_context_create(TLS_CLIENT, dir);
	site->timer = loop_timer_create(c->loop, on_turn, site);
	site->session = session_create(&args);
	site->flows = calloc(c->streams, sizeof(*site->flows));
	if (getrandom(site->id, sizeof(site->id), 0) < 0 || !site->tls ||
	    !site->timer || !site->session || !site->flows) {
		fprintf(stderr, "%s: %s\n", dir, strerror(errno));
		return -1;
	}
	return 0;
}

/* Lanes -------------------------------------------------------------------------- */

static void connect_more(struct crowd *c);

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct site *site = ctx;
	struct crowd *c = site->crowd;

	c->shaking--;
	if (subflow_join(sf, site->session, 0) < 0)
		return;
	c->joined++;
	if (c->joined == c->count * c->lanes) {
		printf("{\"joined\": %u, \"seconds\": %.3f}\n", c->joined,
		       (double)(loop_now_us(c->loop) - c->started_us) / 1e6);
		fflush(stdout);
	}
	connect_more(c);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct site *site = ctx;

	fprintf(stderr, "site %u: a lane: %s\n",
	        (unsigned)(site - site->crowd->sites), why);
	if (!joined)
		site->crowd->shaking--;
}

static const struct subflow_events subflow_events = { on_ready, on_end };

static void connect_one(struct site *site)
{
	struct crowd *c = site->crowd;
	struct subflow_args args = {
		.loop = c->loop, .tls = site->tls, .congestion = "auto",
		.events = &subflow_events, .ctx = site, .pin = &c->pin,
	};
	struct wire_hello hello = {
		.version = WIRE_VERSION, .subflow_id = ++site->lanes,
		.path = (uint8_t)((site->lanes - 1) % PATHS),
		.bundle = (uint8_t)((site->lanes - 1) / PATHS),
	};

	memcpy(hello.session_id, site->id, sizeof(hello.session_id));
	snprintf(hello.name, sizeof(hello.name), "up%u", hello.path);
	if (subflow_connect(&args, &c->concentrator, "", NULL, &hello))
		c->shaking++;
	else
		fprintf(stderr, "connect: %s\n", strerror(errno));
}

static void connect_more(struct crowd *c)
{
	while (c->shaking < SHAKING_MAX && c->next < c->count * c->lanes)
		connect_one(&c->sites[c->next++ / c->lanes]);
}

/* Commands ----------------------------------------------------------------------- */

static int make_site(const char *dir, unsigned i)
{
	char path[PATH_MAX_BYTES], pin_text[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%u", dir, i);
	int err = tls_identity_generate(path);
	if ((err && err != -EEXIST) || tls_identity_pin(path, &pin))
		return -1;
	snprintf(path, sizeof(path), "%s/sites.d/%u.conf", dir, i);
	f = fopen(path, "w");
	if (!f)
		return -1;
	fprintf(f, "config site 'crowd%u'\n\toption pin '%s'\n", i,
	        tls_pin_format(&pin, pin_text));
	return fclose(f);
}

static int make(const char *dir, unsigned count)
{
	char path[PATH_MAX_BYTES];

	snprintf(path, sizeof(path), "%s/sites.d", dir);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return 1;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return 1;
	for (unsigned i = 0; i < count; i++)
		if (make_site(dir, i) < 0)
			return 1;
	return 0;
}

static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void on_stop(void *ctx)
{
	struct crowd *c = ctx;

	loop_stop(c->loop);
}

static int run(struct crowd *c)
{
	raise_descriptors();
	c->loop = loop_create();
	c->sites = calloc(c->count, sizeof(*c->sites));
	if (!c->loop || !c->sites)
		return 1;
	c->go = loop_signal_create(c->loop, SIGUSR1, on_go, c);
	c->stop = loop_signal_create(c->loop, SIGTERM, on_stop, c);
	for (unsigned i = 0; i < c->count; i++)
		if (site_init(&c->sites[i], c, i) < 0)
			return 1;
	c->started_us = loop_now_us(c->loop);
	connect_more(c);
	loop_run(c->loop);
	return 0; /* whatever it had goes with the process */
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 10);
}

int main(int argc, char **argv)
{
	struct crowd c = { .count = 0 };

	if (argc == 4 && !strcmp(argv[1], "make"))
		return make(argv[2], number(argv[3]));
	if (argc != 10 || strcmp(argv[1], "run") ||
	    addr_parse(&c.concentrator, argv[3], -1) < 0 ||
	    tls_pin_parse(&c.pin, argv[4]) < 0 ||
	    addr_parse(&c.server, argv[5], -1) < 0) {
		fprintf(stderr, "crowd make DIR SITES\ncrowd run DIR "
		        "CONCENTRATOR:PORT PIN SERVER:PORT SITES LANES STREAMS "
		        "BYTES\n");
		return 2;
	}
	c.dir = argv[2];
	c.count = number(argv[6]);
	c.lanes = number(argv[7]);
	c.streams = number(argv[8]);
	c.bytes = number(argv[9]);
	return run(&c);
}
