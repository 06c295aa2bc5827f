/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see gateway_history.h.
 */
#include "agg/role/gateway_history.h"

#include "agg/base/log.h"
#include "agg/history/history_show.h"
#include "agg/kernel/neighbor.h"
#include "agg/kernel/netcount.h"
#include "agg/role/cap.h"
#include "agg/role/gateway_impl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define S_US 1000000u
#define ASKS_MAX 4u /* whose card it is, a second */

/* Uplinks --------------------------------------------------------------------- */

/* One that fell began anew. */
static uint64_t grown(uint64_t from, uint64_t to)
{
	return to < from ? to : to - from;
}

static void count_device(struct gateway *g, unsigned i, const struct buf *text,
                         struct ring_sample *out)
{
	struct gateway_counted *was = &g->trace.counted[i];
	const char *name = uplink_device(g->uplinks[i]);
	const struct netdev *dev = netmon_find(g->role.netmon, name);
	uint64_t rx, tx;

	if (!dev || !netcount_find(text, name, &rx, &tx))
		return;
	/* What it counted before we came is of before. One that came anew meanwhile
	 * has counted from 0. */
	bool anew = was->ifindex && was->ifindex != dev->ifindex;
	if (was->ifindex) {
		out->down_bytes = anew ? rx : grown(was->rx_bytes, rx);
		out->up_bytes = anew ? tx : grown(was->tx_bytes, tx);
	}
	was->ifindex = dev->ifindex;
	was->rx_bytes = rx;
	was->tx_bytes = tx;
}

struct quality {
	unsigned path;
	uint64_t rtt_us, sent_bytes, again_bytes;
};

static void add_lane(void *ctx, const struct lane_stats *lane)
{
	struct quality *q = ctx;

	if (lane->path != q->path)
		return;
	if (lane->info.srtt_us && (!q->rtt_us || lane->info.srtt_us < q->rtt_us))
		q->rtt_us = lane->info.srtt_us;
	q->sent_bytes += lane->info.sent_bytes;
	q->again_bytes += lane->info.retrans_bytes;
}

/* A subflow that ended takes its counts away: then this second has none. */
static void measure_quality(struct gateway *g, unsigned i, struct ring_sample *out)
{
	struct gateway_counted *was = &g->trace.counted[i];
	struct quality q = { .path = i };

	session_each_lane(g->home.session, add_lane, &q);
	out->rtt_us = (uint32_t)q.rtt_us;
	if (q.sent_bytes >= was->sent_bytes && q.again_bytes >= was->again_bytes) {
		out->sent_bytes = q.sent_bytes - was->sent_bytes;
		out->again_bytes = q.again_bytes - was->again_bytes;
	}
	was->sent_bytes = q.sent_bytes;
	was->again_bytes = q.again_bytes;
}

static struct history_subject *subject_of(struct gateway *g, unsigned path)
{
	return history_find(&g->trace.history, HISTORY_UPLINK,
	                    uplink_name(g->uplinks[path]));
}

static void count_month(struct gateway *g, struct history_subject *s, unsigned day,
                        uint64_t bytes)
{
	uint64_t now_s = g->trace.history.clock.now_s;

	if (now_s)
		history_count_month(s, clock_month(now_s, day), bytes);
}

static const char *const cost_words[] = {
	[CONF_COST_NORMAL] = "normal", [CONF_COST_METERED] = "metered",
	[CONF_COST_BACKUP] = "backup",
};

void gateway_history_see_cap(struct gateway *g, unsigned path)
{
	const struct conf_uplink *conf =
		conf_find_uplink(g->role.conf, uplink_name(g->uplinks[path]));
	struct history_subject *s = subject_of(g, path);
	char why[CAP_WORDS_MAX + 1] = "";

	if (!s)
		return;
	count_month(g, s, conf->cap_day, 0);
	s->cap_bytes = conf->cap_bytes;
	enum conf_cost cost = cap_cost(conf->cost, s->cap_bytes, s->month_bytes);
	if (cost != conf->cost)
		cap_words(s->cap_bytes, s->month_bytes, conf->cap_day,
		          g->trace.history.clock.now_s, why);
	if (cost != uplink_cost(g->uplinks[path]))
		log_info("uplink %s: %s from now on%s%s", conf->name, cost_words[cost],
		         *why ? ": " : "", why);
	gateway_uplinks_set_cost(g, path, cost, why);
}

static void measure_uplink(struct gateway *g, unsigned i, const struct buf *text)
{
	struct history_subject *s = subject_of(g, i);
	struct ring_sample sample = { 0 };

	if (!s)
		return;
	count_device(g, i, text, &sample);
	measure_quality(g, i, &sample);
	history_add(&g->trace.history, s, &sample);
	const struct conf_uplink *conf =
		conf_find_uplink(g->role.conf, uplink_name(g->uplinks[i]));
	count_month(g, s, conf->cap_day, sample.down_bytes + sample.up_bytes);
	gateway_history_see_cap(g, i);
}

void gateway_history_report(struct gateway *g, unsigned path, struct report_uplink *out)
{
	const struct history_subject *s = subject_of(g, path);

	if (!s || !s->cap_bytes)
		return;
	out->cap_bytes = s->cap_bytes;
	out->month_bytes = s->month_bytes;
}

void gateway_history_forget(struct gateway *g, unsigned path)
{
	memset(&g->trace.counted[path], 0, sizeof(g->trace.counted[path]));
}

/* Devices --------------------------------------------------------------------- */

static void name_host(struct usage_host *host)
{
	uint8_t mac[NEIGHBOR_MAC_BYTES];

	if (neighbor_mac(&host->address, mac) == 0)
		snprintf(host->name, sizeof(host->name), "%02x:%02x:%02x:%02x:%02x:%02x",
		         mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	else
		addr_format_ip(&host->address, host->name);
}

static void add_host(void *ctx, struct usage_host *host)
{
	struct gateway *g = ctx;
	struct history *h = &g->trace.history;
	bool known = *host->name || g->trace.asks < ASKS_MAX;
	const struct ring_sample sample = { .down_bytes = host->down_bytes,
	                                    .up_bytes = host->up_bytes };

	if (!*host->name && known) {
		g->trace.asks++;
		name_host(host);
	}
	struct history_subject *s = known ?
		history_find(h, HISTORY_DEVICE, host->name) :
		history_find(h, HISTORY_OTHERS_KIND, HISTORY_OTHERS);
	if (!s)
		return;
	if (s->kind == HISTORY_DEVICE)
		addr_format_ip(&host->address, s->address);
	history_add(h, s, &sample);
}

static void measure_devices(struct gateway *g)
{
	struct usage *u = &g->trace.usage;
	const struct ring_sample rest = { .down_bytes = u->down_bytes,
	                                  .up_bytes = u->up_bytes };

	g->trace.asks = 0;
	usage_each(u, add_host, g);
	if (!rest.down_bytes && !rest.up_bytes)
		return;
	u->down_bytes = u->up_bytes = 0;
	struct history_subject *s = history_find(&g->trace.history, HISTORY_OTHERS_KIND,
	                                         HISTORY_OTHERS);
	if (s)
		history_add(&g->trace.history, s, &rest);
}

void gateway_history_report_devices(const struct gateway *g, struct report *out)
{
	const struct history_subject *s;
	struct report_device *d;

	for (s = g->trace.history.subjects; s; s = s->next) {
		if (s->kind == HISTORY_UPLINK || !(d = report_add_device(out)))
			continue;
		snprintf(d->name, sizeof(d->name), "%s", s->name);
		snprintf(d->address, sizeof(d->address), "%s", s->address);
		d->down_bytes = s->down_bytes;
		d->up_bytes = s->up_bytes;
	}
}

/* ------------------------------------------------------------------------------ */

void gateway_history_measure(struct gateway *g)
{
	struct buf text;

	history_step(&g->trace.history, (uint64_t)time(NULL),
	             loop_now_us(g->role.loop) / S_US);
	buf_init(&text, NETCOUNT_TEXT_MAX);
	netcount_read(&text);
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++)
		if (g->uplinks[i])
			measure_uplink(g, i, &text);
	buf_finish(&text);
	clients_tell_usage(g->clients);
	measure_devices(g);
	writer_step(&g->trace.writer);
}

int gateway_history(struct role *role, int argc, const char *const *argv,
                    struct buf *out)
{
	const struct gateway *g = (const struct gateway *)role;

	return history_show(&g->trace.history, g->trace.writer.why, argc, argv, out);
}

void gateway_history_init(struct gateway *g)
{
	history_init(&g->trace.history);
	writer_init(&g->trace.writer, g->role.loop, &g->trace.history,
	            g->role.conf->main.state);
}

void gateway_history_write(struct gateway *g)
{
	writer_finish(&g->trace.writer);
}

void gateway_history_finish(struct gateway *g)
{
	if (!g->rests)
		writer_finish(&g->trace.writer);
	history_finish(&g->trace.history);
	usage_finish(&g->trace.usage);
}
