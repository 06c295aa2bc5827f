/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see speedtest.h. Of each part there are two loads, down and then up, each
 * with a quiet phase before it. What is counted of up is what left, as hardly
 * anything waits below the session.
 */
#include "agg/role/speedtest.h"

#include "agg/base/columns.h"
#include "agg/report/human.h"
#include "agg/role/testbytes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ALL_PATHS ((1u << WIRE_PATHS_MAX) - 1)
#define PORT 1 /* a destination has one */

static uint64_t now(const struct speedtest *t)
{
	return loop_now_us(t->home->args.loop);
}

static struct speedtest_part *part_of(struct speedtest *t)
{
	return &t->parts[t->at];
}

/* The stream ------------------------------------------------------------------ */

/* The owner sees it in a second; here the session may be on its way out. */
static void fail(struct speedtest *t, const char *why)
{
	snprintf(t->why, sizeof(t->why), "%s", why);
	t->runs = false;
	t->done = true;
}

/* Bytes are nobody's: what was reserved is cleared. */
static void fill(struct speedtest *t)
{
	uint8_t *to;
	size_t n;

	while (t->stream && t->up && (n = stream_space(t->stream)) &&
	       (to = stream_reserve(t->stream, &n))) {
		memset(to, 0, n);
		stream_commit(t->stream, n);
	}
}

static void on_opened(void *ctx, const struct addr *bound)
{
	fill(ctx);
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct speedtest *t = ctx;
	size_t n = stream_parts_bytes(parts, count);

	t->got_bytes += n;
	return n;
}

static void on_writable(void *ctx)
{
	fill(ctx);
}

static void on_finished(void *ctx)
{
}

static const char *why_closed(enum stream_end end)
{
	if (end == STREAM_END_NAME_NOT_FOUND)
		return "the concentrator knows no speed test: it is of another version";
	if (end == STREAM_END_LIMIT)
		return "the concentrator allows no more of them now: one at a time, "
		       "and 200 s in ten minutes";
	return stream_end_text(end);
}

/* Of one that we end ourselves, t->stream is NULL already. */
static void on_closed(void *ctx, enum stream_end end)
{
	struct speedtest *t = ctx;

	if (!t->stream)
		return;
	t->stream = NULL;
	if (t->runs)
		fail(t, why_closed(end));
}

static const struct stream_events test_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

static void open_stream(struct speedtest *t)
{
	struct dest dest = { .addr.port = PORT };
	const struct addr nobody = { .family = AF_UNSPEC };

	snprintf(dest.name, sizeof(dest.name), "%s",
	         t->up ? TESTBYTES_UP : TESTBYTES_DOWN);
	t->got_bytes = 0;
	t->stream = t->home->session ?
		session_open(t->home->session, &dest, &nobody, &test_events, t) :
		NULL;
	if (t->stream)
		stream_set_class(t->stream, STREAM_BULK);
	else
		fail(t, "there is no session, or it has no room");
}

static void close_stream(struct speedtest *t)
{
	struct stream *stream = t->stream;

	t->stream = NULL;
	if (stream)
		stream_reset(stream, STREAM_END_LIMIT); /* drops what waits */
}

/* Measuring -------------------------------------------------------------------- */

static uint64_t moved(const struct speedtest *t)
{
	struct session_stats stats;
	uint64_t sum = 0;

	if (!t->up)
		return t->got_bytes;
	session_stats(t->home->session, &stats);
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		sum += stats.path_tx_bytes[p];
	return sum;
}

static void enter(struct speedtest *t, bool load)
{
	struct session_stats stats;

	session_stats(t->home->session, &stats);
	t->load = load;
	t->phase_us = now(t);
	t->echo_us = stats.echo_us;
	t->echoes = stats.echoes;
	t->from_us = 0;
	if (load)
		open_stream(t);
}

static uint64_t mean_echo_us(const struct speedtest *t)
{
	struct session_stats stats;

	session_stats(t->home->session, &stats);
	return stats.echoes > t->echoes ?
		(stats.echo_us - t->echo_us) / (stats.echoes - t->echoes) : 0;
}

static void end_load(struct speedtest *t)
{
	struct speedtest_part *p = part_of(t);
	uint64_t us = now(t) - t->from_us, bytes = moved(t) - t->from_bytes;
	uint64_t bps = us ? bytes * 1000000 / us : 0;

	*(t->up ? &p->up_bps : &p->down_bps) = bps;
	*(t->up ? &p->up_us : &p->down_us) = mean_echo_us(t);
	close_stream(t);
	if (t->up && ++t->at == t->count) {
		t->runs = false;
		t->done = true;
	}
	t->up = !t->up;
	t->on_reserve(t->ctx);
	if (t->runs)
		enter(t, false);
}

static void step(struct speedtest *t)
{
	uint64_t in_us = now(t) - t->phase_us;

	if (!t->load && in_us >= SPEEDTEST_QUIET_US) {
		if (!t->up)
			part_of(t)->idle_us = mean_echo_us(t);
		enter(t, true);
	} else if (t->load && !t->from_us && in_us >= SPEEDTEST_RISE_US) {
		t->from_us = now(t);
		t->from_bytes = moved(t);
	} else if (t->load && in_us >= SPEEDTEST_LOAD_US) {
		end_load(t);
	}
}

static void on_tick(void *ctx)
{
	struct speedtest *t = ctx;

	if (t->runs && now(t) - t->asked_us > SPEEDTEST_ALONE_US) {
		close_stream(t);
		fail(t, "nobody asked for it any more");
	}
	if (t->runs && !t->home->session)
		fail(t, "the session is over");
	if (!t->runs)
		return;
	session_probe(t->home->session);
	step(t);
	loop_timer_arm(t->tick, now(t) + SPEEDTEST_ECHO_US);
}

/* For others ----------------------------------------------------------------------- */

int speedtest_init(struct speedtest *t, struct home *home,
                   void (*on_reserve)(void *ctx), void *ctx)
{
	*t = (struct speedtest){ .home = home, .on_reserve = on_reserve,
	                         .ctx = ctx };
	t->tick = loop_timer_create(home->args.loop, on_tick, t);
	return t->tick ? 0 : -ENOMEM;
}

void speedtest_finish(struct speedtest *t)
{
	t->runs = false;
	loop_timer_destroy(t->tick);
	t->tick = NULL;
}

void speedtest_clear(struct speedtest *t)
{
	t->count = t->at = 0;
	t->done = t->up = false;
	*t->why = 0;
}

static void add(struct speedtest *t, unsigned reserve, const char *name)
{
	struct speedtest_part *p = &t->parts[t->count++];

	*p = (struct speedtest_part){ .reserve = reserve };
	snprintf(p->name, sizeof(p->name), "%s", name);
}

void speedtest_add(struct speedtest *t, unsigned path, const char *name)
{
	if (t->count < SPEEDTEST_PARTS_MAX - 1)
		add(t, ALL_PATHS & ~(1u << path), name);
}

void speedtest_begin(struct speedtest *t)
{
	if (t->count > 1)
		add(t, 0, "all together");
	t->runs = true;
	t->asked_us = now(t);
	t->on_reserve(t->ctx);
	enter(t, false);
	loop_timer_arm(t->tick, now(t));
}

bool speedtest_runs(const struct speedtest *t)
{
	return t->runs;
}

unsigned speedtest_reserve(const struct speedtest *t)
{
	return t->parts[t->at].reserve;
}

/* Telling ------------------------------------------------------------------------------ */

static void add_rate(struct columns *c, uint64_t bps)
{
	char text[HUMAN_MAX];

	columns_add(c, human_rate(bps, text));
}

static void add_ms(struct columns *c, uint64_t us)
{
	char text[HUMAN_MAX];

	columns_add(c, us ? human_ms(us, text) : "-");
}

static int tell_table(const struct speedtest *t, unsigned line_max,
                      struct buf *out)
{
	static const char *const heading[] = { "uplink", "down Mbit/s", "up Mbit/s",
		"echo: idle", "down", "up", NULL };
	struct columns c;

	columns_init(&c, "lrrrrr");
	for (size_t i = 0; heading[i]; i++)
		columns_add(&c, heading[i]);
	for (unsigned i = 0; i < t->count; i++) {
		const struct speedtest_part *p = &t->parts[i];
		columns_add(&c, p->name);
		add_rate(&c, p->down_bps);
		add_rate(&c, p->up_bps);
		add_ms(&c, p->idle_us);
		add_ms(&c, p->down_us);
		add_ms(&c, p->up_us);
	}
	int err = columns_print(&c, line_max, out);
	columns_finish(&c);
	return err;
}

/* Names are of letters, digits, blanks and '_'. */
static int tell_json(const struct speedtest *t, struct buf *out)
{
	int err = buf_printf(out, "{\"schema_version\":%d,\"results\":[",
	                     REPORT_SCHEMA_VERSION);

	for (unsigned i = 0; !err && i < t->count; i++) {
		const struct speedtest_part *p = &t->parts[i];
		err = buf_printf(out, "%s{\"uplink\":\"%s\",\"down_bytes_per_s\":%"
		                 PRIu64 ",\"up_bytes_per_s\":%" PRIu64
		                 ",\"idle_echo_us\":%" PRIu64 ",\"down_echo_us\":%"
		                 PRIu64 ",\"up_echo_us\":%" PRIu64 "}",
		                 i ? "," : "", p->name, p->down_bps, p->up_bps,
		                 p->idle_us, p->down_us, p->up_us);
	}
	return err ? err : buf_printf(out, "]}\n");
}

int speedtest_tell(struct speedtest *t, bool json, unsigned line_max,
                   struct buf *out)
{
	t->asked_us = now(t);
	if (t->runs) {
		buf_printf(out, "%s, %s (%u of %u)\n", t->parts[t->at].name,
		           t->up ? "up" : "down", 2 * t->at + t->up + 1,
		           2 * t->count);
		return 1;
	}
	if (!t->done)
		buf_printf(out, "there was no speed test yet\n");
	else if (*t->why)
		buf_printf(out, "the speed test ended: %s\n", t->why);
	if (!t->done || *t->why)
		return -ECANCELED;
	return json ? tell_json(t, out) : tell_table(t, line_max, out);
}
