/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a session, its peer, its owners and its subflows all at the mercy of
 * the input (tests/unit/transport/puppet.h plays them and checks manners).
 * The first byte says which side the session is (bit 0: it opens) and how many
 * lanes begin (bits 1, 2); then come steps, see STEPS: a letter, and what it
 * needs. Whatever they are, the session ends without a leak, and each owner
 * was told once.
 */
#include "tests/unit/transport/puppet.h"

#include <assert.h>
#include <string.h>

#define LANES 4
#define STREAM_UNIT 256u /* bytes that an argument counts */
#define MEMORY_SLACK (1u << 20) /* what must be taken is, over the limit */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct script {
	const uint8_t *p;
	size_t left;
};

/* What hooked owners do, by bit, inside of callbacks. */
enum { MOOD_RESET = 1, MOOD_FINISH = 2, MOOD_PULL = 4, MOOD_WRITE = 8 };

static struct puppet puppet;
static struct puppet_args args;
static uint8_t mood;
static uint32_t subflows;

/* 0 at the end of the input. */
static uint8_t next(struct script *s)
{
	if (!s->left)
		return 0;
	s->left--;
	return *s->p++;
}

static const uint8_t *next_bytes(struct script *s, size_t *n)
{
	const uint8_t *at = s->p;

	if (*n > s->left)
		*n = s->left;
	s->p += *n;
	s->left -= *n;
	return at;
}

static void on_hook(struct reader *r)
{
	uint8_t now = mood;

	mood = 0; /* once: what it does may call here again */
	if (now & MOOD_WRITE)
		puppet_write(r, STREAM_UNIT, false);
	if ((now & MOOD_PULL) && r->stream)
		stream_pull(r->stream);
	if ((now & MOOD_FINISH) && r->stream)
		stream_finish(r->stream);
	if ((now & MOOD_RESET) && r->stream)
		stream_reset(r->stream, STREAM_END_RESET);
}

static struct puppet_lane *lane_of(uint8_t arg)
{
	return &puppet.lane[arg % LANES];
}

/* A reader whose stream lives, or NULL. */
static struct reader *reader_of(uint8_t arg)
{
	struct reader *r = puppet.reader_count ?
		&puppet.reader[arg % puppet.reader_count] : NULL;

	return r && r->stream ? r : NULL;
}

/* Steps: the peer -------------------------------------------------------- */

static void say(struct puppet_lane *l, const uint8_t *p, size_t n)
{
	while (l->lane && n) {
		ssize_t used = puppet_say_bytes(l, p, n);
		if (used <= 0)
			break;
		assert((size_t)used <= n);
		p += used;
		n -= (size_t)used;
	}
}

static void step_bytes(struct script *s)
{
	struct puppet_lane *l = lane_of(next(s));
	size_t n = next(s);
	const uint8_t *p = next_bytes(s, &n);

	say(l, p, n);
}

/* A frame whose length is true. */
static void step_frame(struct script *s)
{
	struct puppet_lane *l = lane_of(next(s));
	uint8_t frame[WIRE_HEADER_BYTES + UINT8_MAX] = { next(s) };
	size_t n = next(s);
	const uint8_t *p = next_bytes(s, &n);

	frame[3] = (uint8_t)n;
	if (n)
		memcpy(frame + WIRE_HEADER_BYTES, p, n);
	say(l, frame, WIRE_HEADER_BYTES + n);
}

/* DATA for a stream, at a multiple of STREAM_UNIT. */
static void step_data(struct script *s)
{
	static const uint8_t zeroes[STREAM_UNIT * UINT8_MAX];
	struct puppet_lane *l = lane_of(next(s));
	uint32_t stream = 2u * next(s) + 1;
	uint64_t offset = (uint64_t)next(s) * STREAM_UNIT;
	uint32_t len = next(s) % 64 * STREAM_UNIT;
	bool fin = next(s) & 1;

	if (l->lane && len <= WIRE_PIECE_BYTES_MAX)
		puppet_say_data(l, stream, offset, zeroes, len, fin);
}

static void step_ack(struct script *s)
{
	struct puppet_lane *by = lane_of(next(s)), *of = lane_of(next(s));

	if (by->lane && of->lane)
		puppet_say_ack(by, of);
}

/* Steps: the owners ------------------------------------------------------ */

static void step_open(struct script *s)
{
	if (args.opens)
		puppet_open(&puppet);
}

static void step_write(struct script *s)
{
	struct reader *r = reader_of(next(s));
	uint64_t n = (uint64_t)next(s) * STREAM_UNIT;
	bool fin = next(s) & 1;

	if (r && !r->then_finish)
		puppet_write(r, n, fin);
}

static void step_pull(struct script *s)
{
	struct reader *r = reader_of(next(s));
	size_t appetite = (size_t)next(s) * STREAM_UNIT;

	if (r)
		puppet_feed(r, appetite);
}

static void step_reset(struct script *s)
{
	struct reader *r = reader_of(next(s));
	uint8_t end = next(s) % (STREAM_END_COUNT - 1) + 1;

	if (r)
		stream_reset(r->stream, (enum stream_end)end);
}

static void step_accept(struct script *s)
{
	struct addr bound = { .family = AF_INET, .port = 1 };
	struct reader *r = reader_of(next(s));

	if (r && !args.opens)
		stream_accept(r->stream, &bound);
}

static void step_mood(struct script *s)
{
	mood = next(s);
	puppet.accept = next(s) % 4 ? STREAM_END_FINISHED : STREAM_END_REFUSED;
}

/* Steps: the subflows and the role --------------------------------------- */

/* Two paths, two bundles. */
static void attach(unsigned i)
{
	struct wire_hello hello = {
		.version = WIRE_VERSION, .subflow_id = ++subflows,
		.path = (uint8_t)(i / 2), .bundle = (uint8_t)(i % 2),
	};

	puppet_attach_as(&puppet, i, &hello);
}

static void step_attach(struct script *s)
{
	unsigned i = next(s) % LANES;

	if (puppet.lane[i].lane)
		puppet_detach(&puppet.lane[i]);
	else
		attach(i);
}

static void step_stall(struct script *s)
{
	struct puppet_lane *l = lane_of(next(s));

	l->stalled = !l->stalled;
}

static void step_fill(struct script *s)
{
	struct puppet_lane *l = lane_of(next(s));

	l->full = !l->full;
	if (!l->full && l->lane)
		session_writable(l->lane);
}

static void step_time(struct script *s)
{
	static const uint64_t us[] = { 1000, 21000, 250000, 6000000, 61000000 };

	puppet_pass(&puppet, us[next(s) % (sizeof(us) / sizeof(us[0]))]);
}

static void step_policy(struct script *s)
{
	uint8_t what = next(s), arg = next(s);
	struct session_policy policy;

	switch (what % 4) {
	case 0:
		session_policy_init(&policy, sched_all[arg % sched_count]);
		policy.order = order_all[arg / 8 % order_count];
		policy.reinjection = arg / 32 % REINJECT_COUNT;
		session_set_policy(puppet.session, &policy);
		break;
	case 1:
		session_set_limits(puppet.session, SESSION_MEMORY_MIN,
		                   SESSION_LINGER_DEFAULT_US);
		break;
	case 2:
		session_set_settings(puppet.session, arg,
		                     &(struct wire_wish){ .scheduler = "ecf" });
		break;
	case 3:
		if (arg == 0xff && !puppet.over)
			session_close(puppet.session, "enough");
		break;
	}
}

static const struct {
	char letter;
	void (*run)(struct script *s);
} STEPS[] = {
	{ 'b', step_bytes }, { 'f', step_frame }, { 'd', step_data },
	{ 'k', step_ack }, { 'o', step_open }, { 'w', step_write },
	{ 'p', step_pull }, { 'r', step_reset }, { 'a', step_accept },
	{ 'm', step_mood }, { 'l', step_attach }, { 's', step_stall },
	{ 'u', step_fill }, { 't', step_time }, { 'y', step_policy },
};
#define STEP_COUNT (sizeof(STEPS) / sizeof(STEPS[0]))

static void run_step(struct script *s)
{
	uint8_t letter = next(s);

	for (size_t i = 0; i < STEP_COUNT; i++)
		if (STEPS[i].letter == (char)letter) {
			STEPS[i].run(s);
			return;
		}
}

static void count_stream(void *ctx, const struct stream_stats *stats)
{
	unsigned *count = ctx;

	(*count)++;
	assert(stats->buffered_bytes <= SESSION_MEMORY_MIN);
}

static void check(void)
{
	struct session_stats stats;
	unsigned count = 0;

	session_stats(puppet.session, &stats);
	session_each_stream(puppet.session, count_stream, &count);
	assert(count == stats.streams);
	assert(stats.memory_bytes <= stats.memory_max + MEMORY_SLACK);
	for (int i = 0; i < LANES; i++)
		buf_take(&puppet.lane[i].out, puppet.lane[i].out.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s = { data, size };
	uint8_t head = next(&s);

	args = (struct puppet_args){ .opens = head & 1 };
	mood = 0;
	subflows = 0;
	puppet_init(&puppet, &args);
	puppet.hook = on_hook;
	for (unsigned i = 0; i < (head >> 1) % LANES; i++)
		attach(i);
	while (s.left && !puppet.over) {
		run_step(&s);
		check();
	}
	puppet_finish(&puppet); /* aborts where an owner was not told */
	return 0;
}
