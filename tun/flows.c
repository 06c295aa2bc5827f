/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see flows.h. Which flow is next, and what becomes of its packets. A flow with
 * packets is in a list of its tier: with the new ones, or with the old ones of its host; or, when
 * it was passed over in this turn, beside them. A flow that has become empty leaves when
 * its turn comes, so that nobody is new again by sending little and often.
 *
 * Algorithms: fq_codel of RFC 8290; that hosts are equal is CAKE's idea (Høiland-
 * Jørgensen et al., LANMAN 2018), which divides each flow's quantum; a second round
 * robin costs the same however many flows a host has.
 */
#include "tun/flows_impl.h"

#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#define REALTIME_BURST 65536 /* bytes, before others while they wait */
#define BULK_PART 8          /* times as much others have while bulk waits */
#define DEBT_QUANTA 4        /* that a host may owe for its new flows */

static bool is_behind(uint32_t a, uint32_t b) /* is the number a after b? */
{
	return (int32_t)(a - b) > 0;
}

struct flows *flows_create(const struct flows_args *args)
{
	uint32_t table = args->table ? args->table : FLOWS_TABLE_DEFAULT;
	struct flows *fs;

	assert(table >= FLOWS_TABLE_MIN && table <= FLOWS_TABLE_MAX &&
	       !(table & (table - 1)) && args->quantum);
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return NULL;
	fs->args = *args;
	fs->args.table = table;
	fs->turn = 1;
	fs->realtime_credit = REALTIME_BURST;
	return fs;
}

/* ---- Lists ---- */

static unsigned tier_number(const struct flow *f)
{
	if (f->traffic >= TRAFFIC_REALTIME)
		return TIER_REALTIME;
	return f->traffic == TRAFFIC_BULK ? TIER_BULK : TIER_NORMAL;
}

static struct flow_tier *tier_of(struct flows *fs, const struct flow *f)
{
	return &fs->tiers[tier_number(f)];
}

static struct flow_group *group_of(const struct flow *f)
{
	return &f->host->groups[tier_number(f)];
}

static void take_up(struct flow **list, struct flow **passed)
{
	DL_CONCAT(*passed, *list);
	*list = *passed;
	*passed = NULL;
}

/* What was passed over in a turn that is over has its place again. */
static void refresh(const struct flows *fs, struct flow_group *g)
{
	if (g->passed && g->passed_turn != fs->turn)
		take_up(&g->flows, &g->passed);
}

static struct flow **list_of(struct flows *fs, const struct flow *f)
{
	bool passed = f->passed_turn == fs->turn;
	struct flow_tier *t = tier_of(fs, f);
	struct flow_group *g = group_of(f);

	if (f->state == FLOW_NEW)
		return passed ? &t->passed_fresh : &t->fresh;
	refresh(fs, g);
	return passed ? &g->passed : &g->flows;
}

static void list_group(struct flow_tier *t, struct flow_group *g)
{
	if (!g->flows && !g->passed)
		DL_APPEND(t->groups, g);
}

static void unlist_group(struct flows *fs, struct flow_tier *t, struct flow_group *g)
{
	if (g->flows || g->passed)
		return;
	if (g->out_turn == fs->turn)
		DL_DELETE(t->passed_groups, g);
	else
		DL_DELETE(t->groups, g);
	*g = (struct flow_group){ 0 };
}

static void unlist(struct flows *fs, struct flow *f)
{
	struct flow **list = list_of(fs, f);

	DL_DELETE(*list, f);
	if (f->state == FLOW_OLD)
		unlist_group(fs, tier_of(fs, f), group_of(f));
	f->state = FLOW_IDLE;
	f->passed_turn = 0;
}

static void list(struct flows *fs, struct flow *f, enum flow_state state)
{
	struct flow **list;

	f->state = state;
	if (state == FLOW_OLD)
		list_group(tier_of(fs, f), group_of(f));
	list = list_of(fs, f);
	DL_APPEND(*list, f);
}

/* To the end of the old ones of its host. */
static void move_back(struct flows *fs, struct flow *f)
{
	unlist(fs, f);
	list(fs, f, FLOW_OLD);
}

static void wake(struct flows *fs, struct flow *f)
{
	f->host = flow_table_host(fs, f);
	f->host->listed++;
	f->deficit = (int32_t)fs->args.quantum;
	fs->stats.busy++;
	list(fs, f, FLOW_NEW);
}

static void rest(struct flows *fs, struct flow *f)
{
	unlist(fs, f);
	f->host->listed--;
	f->host = NULL;
	fs->stats.busy--;
}

/* It is in another tier from now on, at the end of the same list. */
static void set_traffic(struct flows *fs, struct flow *f)
{
	enum traffic traffic = f->told;
	enum flow_state state = f->state;

	if (f->form.is_realtime && traffic < TRAFFIC_REALTIME)
		traffic = TRAFFIC_REALTIME;
	if (traffic == f->traffic)
		return;
	if (state != FLOW_IDLE) {
		tier_of(fs, f)->packets -= f->packets;
		unlist(fs, f);
	}
	f->traffic = traffic;
	if (state != FLOW_IDLE) {
		tier_of(fs, f)->packets += f->packets;
		list(fs, f, state);
	}
}

/* ---- The packets of a flow ---- */

static void append(struct flows *fs, struct flow *f, struct packet *p)
{
	for (uint32_t rest = f->cursors; rest; rest &= rest - 1) {
		struct flow_cursor *c = &f->cursor[__builtin_ctz(rest)];
		if (!c->at)
			c->at = p;
	}
	DL_APPEND(f->head, p);
	f->packets++;
	f->bytes += p->len;
	f->host->packets++;
	tier_of(fs, f)->packets++;
	fs->stats.queued++;
	fs->stats.queued_bytes += p->len;
}

static void move_cursors(struct flow *f, const struct packet *p)
{
	for (uint32_t rest = f->cursors; rest; rest &= rest - 1) {
		unsigned path = (unsigned)__builtin_ctz(rest);
		struct flow_cursor *c = &f->cursor[path];
		if (c->at == p)
			c->at = p->next;
		else if (is_behind(c->seq, p->flow_seq))
			c->before -= p->len;
	}
}

/* A path whose next packet is the head, or none, has no order to keep. */
static void drop_cursors(struct flow *f)
{
	for (uint32_t rest = f->cursors; rest; rest &= rest - 1) {
		unsigned path = (unsigned)__builtin_ctz(rest);
		if (f->cursor[path].at == f->head)
			f->cursors &= ~(1u << path);
	}
}

static void detach(struct flows *fs, struct flow *f, struct packet *p)
{
	move_cursors(f, p);
	DL_DELETE(f->head, p);
	p->next = p->prev = NULL;
	f->packets--;
	f->bytes -= p->len;
	f->host->packets--;
	tier_of(fs, f)->packets--;
	fs->stats.queued--;
	fs->stats.queued_bytes -= p->len;
	drop_cursors(f);
	if (f->head)
		return;
	f->busy_since_us = 0;
	codel_emptied(&f->codel);
}

static void drop_head(struct flows *fs, struct flow *f, enum flows_drop why)
{
	const struct flows_ops *ops = fs->args.ops;
	struct packet *p = f->head;

	detach(fs, f, p);
	f->dropped_run = f->dropped_end == p->flow_seq ? f->dropped_run + 1 : 1;
	f->dropped_end = p->flow_seq + 1;
	fs->stats.dropped[why]++;
	if (ops && ops->on_drop)
		ops->on_drop(fs->args.ctx, f, p, why);
	packet_put(p);
}

static void drop_longest(struct flows *fs)
{
	struct flow *f = flow_table_longest(fs);
	uint32_t n = f->packets / 2;

	n = n ? n : 1;
	n = n < FLOWS_DROP_BATCH ? n : FLOWS_DROP_BATCH;
	codel_overflowed(&f->codel, n);
	while (n--)
		drop_head(fs, f, FLOWS_DROP_OVERFLOW);
}

void flows_put(struct flows *fs, struct packet *p, const struct inspection *in,
               uint64_t now_us)
{
	struct flow *f = flow_table_get(fs, &in->key, now_us);

	fs->put_us = now_us;
	fs->stats.put++;
	fs->stats.put_bytes += p->len;
	p->since_us = now_us;
	p->flow_seq = f->seq_next++;
	f->last_us = now_us;
	f->told = p->traffic ? p->traffic : inspect_traffic(in);
	if (in->protocol == IPPROTO_UDP)
		flow_form_note(&f->form, p->len, now_us);
	set_traffic(fs, f);
	if (f->state == FLOW_IDLE)
		wake(fs, f);
	if (!f->packets)
		f->busy_since_us = now_us;
	append(fs, f, p);
	while (fs->stats.queued * PACKET_SIZE > fs->args.bytes_max)
		drop_longest(fs);
}

void flows_heard(struct flows *fs, const struct inspection *in, uint64_t now_us)
{
	struct inspect_key key;
	struct flow *f;

	if (in->protocol != IPPROTO_UDP)
		return;
	inspect_turn(&key, &in->key);
	f = flow_table_find(fs, &key);
	if (f)
		flow_form_heard(&f->form, now_us);
}

/* ---- Whose turn it is ---- */

static bool is_too_old(const struct flow *f, const struct packet *p, uint64_t now_us)
{
	uint64_t age_us = f->tuning.age_us ? f->tuning.age_us : FLOWS_AGE_US;

	if (f->traffic >= TRAFFIC_REALTIME)
		age_us = FLOWS_AGE_REALTIME_US;

	return now_us - p->since_us > age_us;
}

static void drop_old(struct flows *fs, struct flow *f, uint64_t now_us)
{
	while (f->head && is_too_old(f, f->head, now_us))
		drop_head(fs, f, FLOWS_DROP_AGE);
}

/* The next of the new ones; NULL: there is none. */
static struct flow *next_fresh(struct flows *fs, struct flow_tier *t, uint64_t now_us)
{
	struct flow *f;

	while ((f = t->fresh)) {
		if (f->deficit <= 0) {
			f->deficit += (int32_t)fs->args.quantum;
			move_back(fs, f);
			continue;
		}
		drop_old(fs, f, now_us);
		if (f->head)
			return f;
		if (t->groups)
			move_back(fs, f);
		else
			rest(fs, f);
	}
	return NULL;
}

/* The next of a host's old ones. NULL: its turn is over, and it may be gone. */
static struct flow *next_in(struct flows *fs, struct flow_tier *t, struct flow_group *g,
                            uint64_t now_us)
{
	struct flow *f;

	refresh(fs, g);
	if (!g->flows) {
		DL_DELETE(t->groups, g);
		DL_APPEND(t->passed_groups, g);
		g->out_turn = fs->turn;
		return NULL;
	}
	if (g->deficit <= 0) {
		g->deficit += (int32_t)fs->args.quantum;
		DL_DELETE(t->groups, g);
		DL_APPEND(t->groups, g);
		return NULL;
	}
	while ((f = g->flows) && f->deficit <= 0) {
		f->deficit += (int32_t)fs->args.quantum;
		DL_DELETE(g->flows, f);
		DL_APPEND(g->flows, f);
	}
	drop_old(fs, f, now_us);
	if (f->head)
		return f;
	rest(fs, f);
	return NULL;
}

static struct flow *next_of(struct flows *fs, unsigned tier, uint64_t now_us)
{
	struct flow_tier *t = &fs->tiers[tier];
	struct flow *f = next_fresh(fs, t, now_us);

	while (!f && t->groups)
		f = next_in(fs, t, t->groups, now_us);
	return f;
}

struct flow *flows_next(struct flows *fs, enum traffic least, uint64_t now_us)
{
	unsigned order[TIERS] = { TIER_REALTIME, TIER_NORMAL, TIER_BULK };
	struct flow *f = NULL;

	if (least >= TRAFFIC_REALTIME)
		return next_of(fs, TIER_REALTIME, now_us);
	if (fs->realtime_credit <= 0) {
		order[0] = TIER_NORMAL;
		order[1] = TIER_BULK;
		order[2] = TIER_REALTIME;
	}
	if (fs->bulk_credit >= BULK_PART * (int32_t)fs->args.quantum) {
		unsigned normal = order[0] == TIER_NORMAL ? 0 : 1;
		order[normal] = TIER_BULK;
		order[normal + 1] = TIER_NORMAL;
	}
	for (unsigned i = 0; !f && i < TIERS; i++)
		f = next_of(fs, order[i], now_us);
	return f;
}

void flows_pass(struct flows *fs, struct flow *f)
{
	struct flow **from, **to;

	if (f->state == FLOW_IDLE || f->passed_turn == fs->turn)
		return;
	from = list_of(fs, f);
	f->passed_turn = fs->turn;
	if (f->state == FLOW_OLD)
		group_of(f)->passed_turn = fs->turn;
	to = list_of(fs, f);
	DL_DELETE(*from, f);
	DL_APPEND(*to, f);
}

void flows_begin(struct flows *fs)
{
	for (unsigned i = 0; i < TIERS; i++) {
		struct flow_tier *t = &fs->tiers[i];
		take_up(&t->fresh, &t->passed_fresh);
		DL_CONCAT(t->passed_groups, t->groups);
		t->groups = t->passed_groups;
		t->passed_groups = NULL;
	}
	fs->turn++;
}

/* ---- Which packet ---- */

/* May another path that the flow uses have the head, without turning back? */
static bool is_others(const struct flow *f, unsigned path)
{
	uint32_t others = f->tuning.paths & ((1u << FLOWS_PATHS_MAX) - 1) & ~(1u << path);

	if (others & ~f->cursors)
		return true;
	for (uint32_t rest = others; rest; rest &= rest - 1)
		if (!is_behind(f->cursor[__builtin_ctz(rest)].seq, f->head->flow_seq))
			return true;
	return false;
}

/* The packet in which the byte lies that is so far behind the head, and where
 * that is; none that lies before what the path took. */
static struct packet *find(const struct flow *f, unsigned path, uint64_t depth_bytes,
                           uint32_t *before)
{
	struct packet *p = f->head;

	bool has_order = f->cursors & 1u << path;

	*before = 0;
	if (!p || ((depth_bytes || has_order) && !is_others(f, path)))
		return p;
	if (has_order) {
		p = f->cursor[path].at;
		*before = f->cursor[path].before;
	}
	if (f->bytes <= depth_bytes)
		return NULL;
	while (p && *before + p->len <= depth_bytes) {
		*before += p->len;
		p = p->next;
	}
	return p;
}

/* Of the head: may it go? Else it is dropped. */
static bool may_go(struct flows *fs, struct flow *f, uint64_t now_us)
{
	struct codel_rule rule = { f->tuning.target_us, f->tuning.interval_us,
	                           fs->args.quantum };
	struct packet *p = f->head;

	if (!codel_hits(&f->codel, &rule, now_us - p->since_us, f->bytes - p->len, now_us))
		return true;
	if (inspect_mark(packet_data(p), p->len)) {
		codel_marked(&f->codel, &rule);
		fs->stats.marked++;
		return true;
	}
	codel_dropped(&f->codel);
	drop_head(fs, f, FLOWS_DROP_CODEL);
	return false;
}

/* From now on the path takes what is behind p. */
static void advance(struct flow *f, unsigned path, const struct packet *p, uint32_t before)
{
	if (f->cursors & 1u << path && is_behind(f->cursor[path].seq, p->flow_seq))
		return; /* p was stuck; its order was broken for it */
	f->cursors |= 1u << path;
	f->cursor[path] = (struct flow_cursor){ p->next, p->flow_seq + 1,
	                                        before + p->len };
}

static bool are_others_waiting(const struct flows *fs)
{
	return fs->tiers[TIER_NORMAL].packets || fs->tiers[TIER_BULK].packets;
}

bool flows_realtime_is_greedy(const struct flows *fs)
{
	return fs->realtime_credit <= 0 && are_others_waiting(fs);
}

static int32_t within(int32_t x, int32_t least, int32_t most)
{
	return x < least ? least : x > most ? most : x;
}

static void charge(struct flows *fs, struct flow *f, int32_t bytes)
{
	const int32_t quantum = (int32_t)fs->args.quantum;
	unsigned tier = tier_number(f);
	struct flow_group *g = group_of(f);
	int32_t realtime = fs->realtime_credit, bulk = fs->bulk_credit;

	f->deficit -= bytes;
	if (g->flows || g->passed) /* who has old ones pays for his new ones, too */
		g->deficit = within(g->deficit - bytes, -DEBT_QUANTA * quantum, quantum);
	if (tier != TIER_REALTIME)
		realtime += bytes;
	else if (are_others_waiting(fs))
		realtime -= bytes;
	if (tier == TIER_BULK)
		bulk -= BULK_PART * bytes;
	else if (tier == TIER_NORMAL)
		bulk = fs->tiers[TIER_BULK].packets ? bulk + bytes : 0;
	fs->realtime_credit = within(realtime, -quantum, REALTIME_BURST);
	fs->bulk_credit = within(bulk, 0, 2 * BULK_PART * quantum);
}

static uint8_t skipped_before(const struct flow *f, uint32_t seq)
{
	if (f->dropped_end != seq)
		return 0;
	return f->dropped_run < UINT8_MAX ? (uint8_t)f->dropped_run : UINT8_MAX;
}

struct packet *flows_take(struct flows *fs, struct flow *f, unsigned path,
                          uint64_t depth_bytes, uint64_t now_us)
{
	uint32_t before;
	struct packet *p;

	assert(path < FLOWS_PATHS_MAX);
	do {
		p = find(f, path, depth_bytes, &before);
		if (!p)
			return NULL;
	} while (p == f->head && !may_go(fs, f, now_us));
	advance(f, path, p, before);
	p->skip = skipped_before(f, p->flow_seq);
	detach(fs, f, p);
	charge(fs, f, p->len);
	fs->stats.taken++;
	fs->stats.taken_bytes += p->len;
	return p;
}

/* ---- All of them ---- */

static void flush_flow(struct flows *fs, struct flow *f)
{
	while (f->head)
		drop_head(fs, f, FLOWS_DROP_FLUSH);
	rest(fs, f);
}

void flows_flush(struct flows *fs)
{
	flows_begin(fs); /* none is passed over */
	for (unsigned i = 0; i < TIERS; i++) {
		struct flow_tier *t = &fs->tiers[i];
		while (t->fresh)
			flush_flow(fs, t->fresh);
		while (t->groups) {
			refresh(fs, t->groups);
			flush_flow(fs, t->groups->flows);
		}
	}
}

void flows_rest(struct flows *fs, uint64_t now_us)
{
	if (fs->stats.queued || now_us - fs->put_us < FLOWS_REST_US)
		return;
	flows_flush(fs);
	flow_table_finish(fs);
}

void flows_destroy(struct flows *fs)
{
	if (!fs)
		return;
	flows_flush(fs);
	flow_table_finish(fs);
	free(fs);
}

void flows_stats(const struct flows *fs, struct flows_stats *out)
{
	*out = fs->stats;
}

bool flows_are_waiting(const struct flows *fs, enum traffic least)
{
	return fs->tiers[TIER_REALTIME].packets ||
	       (least < TRAFFIC_REALTIME && fs->stats.queued);
}

uint64_t flows_backlog_bytes(const struct flows *fs)
{
	return fs->stats.queued_bytes;
}

/* ---- A flow ---- */

void flow_tune(struct flow *f, const struct flow_tuning *tuning)
{
	f->tuning = *tuning;
}

uint64_t flow_backlog_bytes(const struct flow *f)
{
	return f->bytes;
}

uint32_t flow_backlog_packets(const struct flow *f)
{
	return f->packets;
}

const struct packet *flow_head(const struct flow *f)
{
	return f->head;
}

uint64_t flow_busy_since_us(const struct flow *f)
{
	return f->busy_since_us;
}

bool flow_is_sparse(const struct flow *f)
{
	return f->state != FLOW_OLD;
}

enum traffic flow_traffic(const struct flow *f)
{
	return f->traffic;
}

uint32_t flow_seq_next(const struct flow *f)
{
	return f->seq_next;
}

const struct inspect_key *flow_key(const struct flow *f)
{
	return &f->key;
}

void *flow_scope(struct flow *f)
{
	return f->scope;
}
