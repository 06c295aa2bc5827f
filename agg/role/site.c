/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see site.h. Owns a site's session and its members.
 *
 *     member -> session -> on_stream -> outlet -> dial -> relay
 */
#include "agg/role/site.h"

#include "agg/base/log.h"
#include "agg/history/history.h"
#include "agg/role/role.h"
#include "agg/role/site_tunnel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <utlist.h>

#define GIVE_UP_US 15000000u /* a suspect subflow that the gateway keeps */
#define UNKNOWN_WISH_MAX 4096 /* of a log line */

/* Sessions ------------------------------------------------------------------ */

static void changed(const struct sites *sites)
{
	if (sites->on_change)
		sites->on_change(sites->ctx);
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct addr *client,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct site *site = ctx;

	if (site->sites->flags & WIRE_DRAINING)
		return STREAM_END_NET_UNREACH;
	if (testbytes_are_asked(dest))
		return testbytes_take(&site->test, site->sites->loop, stream, dest,
		                      events, stream_ctx);
	return outlet_take(site->sites->outlet, site->share, stream, dest, events,
	                   stream_ctx);
}

/* What holds. */
static void decide(void *ctx, const struct policy_names *person,
                   struct policy_names *holds)
{
	const struct site *site = ctx;

	policy_of_site(site->sites->conf, &site->conf, &site->wish, person,
	               holds);
}

static void log_unknown_wish(const struct site *site)
{
	struct buf what;

	buf_init(&what, UNKNOWN_WISH_MAX);
	policy_unknown(&site->wish, &what);
	if (what.len)
		log_peer("site %s: its gateway wishes what is not known here, and "
		         "passed over: %.*s", site->conf.name, (int)what.len,
		         (const char *)buf_head(&what));
	buf_finish(&what);
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
	struct site *site = ctx;

	if (settings->flags & WIRE_LEAVES) {
		site_leave(site);
		return;
	}
	site_tunnel_note_paths(site); /* one may cost something else */
	if (!memcmp(&site->wish, &settings->wish, sizeof(site->wish)))
		return;
	site->wish = settings->wish;
	log_unknown_wish(site);
	home_decide(&site->home);
	changed(site->sites);
}

static void on_tunnel(void *ctx, const struct wire_frame *frame)
{
	site_tunnel_frame(ctx, frame);
}

static void on_suspect(void *ctx)
{
	struct site *site = ctx;

	site_tunnel_note_paths(site);
	changed(site->sites);
}

static void forget_session(struct site *site)
{
	site_tunnel_end(site);
	site->tunnel_epoch = 0;
	site->tunnel_refused = false;
}

static void on_ended(void *ctx)
{
	struct site *site = ctx;

	forget_session(site);
	site->since_us = loop_now_us(site->sites->loop);
	changed(site->sites);
}

static void on_over(void *ctx, const char *why)
{
	const struct site *site = ctx;

	log_peer("site %s: session over: %s", site->conf.name, why);
}

static const struct home_events home_events = {
	.decide = decide, .on_stream = on_stream, .on_settings = on_settings,
	.on_tunnel = on_tunnel,
	.on_suspect = on_suspect, .on_over = on_over, .on_ended = on_ended,
};

void site_leave(struct site *site)
{
	struct left *left = left_take(&site->lefts, &site->home, site->rivals.current,
	                              site->incarnation);
	struct member *m, *tmp;

	if (!left)
		return;
	DL_FOREACH_SAFE(site->members, m, tmp) {
		DL_DELETE(site->members, m);
		left_adopt(left, m->sf, m->path, m->bundle);
		free(m);
	}
	left_say(left, WIRE_LEAVES);
	forget_session(site);
	log_info("site %s: an update: the session before goes on with %u streams",
	         site->conf.name, left_streams(&site->lefts));
	changed(site->sites);
}

/* A gateway that knows of nothing better goes on here for as long as who drains. */
void site_step_left(struct site *site)
{
	const struct sites *sites = site->sites;

	left_step(&site->lefts);
	if (sites->leaves_us && site->home.session && !home_is_over(&site->home) &&
	    !(site->home.peer_flags & WIRE_KEEPS) &&
	    loop_now_us(sites->loop) - sites->leaves_us >= DRAIN_US)
		session_close(site->home.session, "the concentrator starts anew");
}

unsigned site_streams(const struct site *site)
{
	unsigned n = home_streams(&site->home);

	if (site->sites->leaves_us && site->home.session && site->members && !n)
		n = 1;
	return n + left_streams(&site->lefts);
}

size_t site_memory(const struct sites *sites, const struct conf *conf)
{
	unsigned workers = sites->workers > 1 ? sites->workers : 1;
	uint64_t ours = sites->memory ? sites->memory->max : UINT64_MAX / workers;
	uint64_t most = home_memory(conf->main.memory_bytes, ours * workers);
	uint64_t parts = 1;

	while (parts < conf->site_count)
		parts *= 2;
	uint64_t share = ours / parts;
	if (share < most / workers)
		share *= workers; /* their number counts the others' too */
	if (share < SESSION_MEMORY_MIN)
		share = SESSION_MEMORY_MIN;
	return share < most ? share : most;
}

static int start_session(struct site *site)
{
	const struct conf *conf = site->sites->conf;
	int err;

	if (getrandom(&site->incarnation, sizeof(site->incarnation), 0) < 0)
		return -errno;
	/* 0 is "unknown" */
	site->incarnation = site->incarnation << 32 | site->sites->process | 1;
	err = home_start(&site->home, site_memory(site->sites, conf),
	                 conf->main.linger_us);
	if (!err)
		site->since_us = loop_now_us(site->sites->loop);
	return err;
}

/* Joining ------------------------------------------------------------------- */

/* The same path and bundle again: the gateway gave the old one up. */
static void replace_member(struct site *site, const struct wire_hello *hello)
{
	struct member *m, *tmp;

	DL_FOREACH_SAFE(site->members, m, tmp) {
		if (m->path != hello->path || m->bundle != hello->bundle)
			continue;
		DL_DELETE(site->members, m);
		subflow_destroy(m->sf);
		free(m);
	}
}

/* As rivals_hello() wants it. */
static uint64_t away_since(const struct site *site)
{
	return !site->home.session ? UINT64_MAX : site->members ? 0 : site->alone_us;
}

static void begin_anew(struct site *site)
{
	unsigned times;

	if (!site->home.session)
		return;
	if (rivals_may_log(&site->rivals, &times, loop_now_us(site->sites->loop)))
		log_info("site %s: began anew%s", site->conf.name,
		         times > 1 ? ", again and again" : "");
	home_end(&site->home);
	on_ended(site);
}

static const char *refuse_rival(struct site *site, const struct addr *from,
                                bool first)
{
	char holder[ADDR_TEXT_MAX] = "away";

	addr_format_ip(from, site->rival);
	if (first && site->members)
		addr_format_ip(subflow_peer(site->members->sf), holder);
	if (first)
		log_user("site %s: two gateways with one key: one at %s is served, "
		         "one at %s is refused; give each an identity and a "
		         "config site of its own", site->conf.name, holder,
		         site->rival);
	return "another gateway with the same key is connected; each needs an "
	       "identity of its own";
}

/* May a subflow with that HELLO join? NULL: yes, and the session that it speaks
 * of is there. Else why not, in words for the gateway. */
static const char *admit(struct site *site, const struct wire_hello *hello,
                         const struct addr *from)
{
	uint64_t now = loop_now_us(site->sites->loop);

	if (site->sites->flags & WIRE_DRAINING)
		return "the concentrator is going down";
	if (hello->incarnation &&
	    (!site->home.session || hello->incarnation != site->incarnation))
		return "that session is over";
	enum rivals_answer answer = rivals_hello(&site->rivals,
	                                         hello->session_id,
	                                         away_since(site), now);
	switch (answer) {
	case RIVALS_LATE:
		return "this gateway has begun anew since";
	case RIVALS_REFUSED:
	case RIVALS_CONTENDED:
		return refuse_rival(site, from, answer == RIVALS_CONTENDED);
	case RIVALS_ANEW:
		begin_anew(site);
		break;
	case RIVALS_JOINS:
		break;
	}
	if (!site->home.session && start_session(site) < 0)
		return "out of memory";
	return NULL;
}

void site_note(const struct site *site, char out[REPORT_WORDS_MAX + 1])
{
	unsigned before = left_streams(&site->lefts);

	*out = 0;
	quota_words(&site->quota, &site->conf, out);
	if (rivals_contend(&site->rivals, loop_now_us(site->sites->loop)))
		snprintf(out, REPORT_WORDS_MAX + 1, "another gateway with the same "
		         "key, at %s, is refused", site->rival);
	if (site_tunnel_guesses(site) && !*out)
		snprintf(out, REPORT_WORDS_MAX + 1, "beside MPTCP packets' share is guessed: "
		         "addresses do not tell which uplinks it takes");
	if (before && !*out)
		snprintf(out, REPORT_WORDS_MAX + 1, "%u streams of before an update "
		         "go on", before);
}

static void lose(struct member *m, const char *why)
{
	struct site *site = m->site;

	log_debug("site %s: subflow %u: %s", site->conf.name,
	          (unsigned)subflow_id(m->sf), why);
	DL_DELETE(site->members, m);
	if (!site->members)
		site->alone_us = loop_now_us(site->sites->loop);
	changed(site->sites);
}

static void forget_refused(struct member *m)
{
	DL_DELETE(m->sites->refused, m);
	m->sites->refused_count--;
}

static void on_subflow_end(void *ctx, struct subflow *sf, bool joined,
                           const char *why)
{
	struct member *m = ctx;

	if (m->site)
		lose(m, why);
	else
		forget_refused(m);
	free(m);
}

static void on_lost_end(void *ctx, struct subflow *sf, bool joined,
                        const char *why)
{
}

static const struct subflow_events member_events = { .on_end = on_subflow_end };
static const struct subflow_events lost_events = { .on_end = on_lost_end };

static void take(struct site *site, struct member *m,
                 const struct wire_hello *hello)
{
	char text[ADDR_TEXT_MAX];

	replace_member(site, hello);
	m->site = site;
	snprintf(m->uplink, sizeof(m->uplink), "%.*s", REPORT_NAME_MAX,
	         hello->name);
	m->path = hello->path;
	m->bundle = hello->bundle;
	DL_APPEND(site->members, m);
	log_debug("site %s: %s, bundle %u, from %s", site->conf.name,
	          hello->name, hello->bundle,
	          addr_format(subflow_peer(m->sf), text));
	subflow_join(m->sf, site->home.session, site->incarnation);
	site_tunnel_note_paths(site);
	changed(site->sites);
}

/* Whoever comes in a crowd to be refused does not keep what others need. */
static void make_room(struct sites *sites)
{
	struct member *oldest = sites->refused;

	if (sites->refused_count < SITES_REFUSED_MAX)
		return;
	forget_refused(oldest);
	subflow_destroy(oldest->sf);
	free(oldest);
}

static void refuse(struct member *m, const struct site *site, const char *why)
{
	char text[ADDR_TEXT_MAX];

	if (site)
		log_debug("site %s: a subflow from %s is refused: %s",
		          site->conf.name,
		          addr_format(subflow_peer(m->sf), text), why);
	make_room(m->sites);
	DL_APPEND(m->sites->refused, m);
	m->sites->refused_count++;
	subflow_fail(m->sf, why);
}

void site_adopt(struct sites *sites, struct site *site, struct subflow *sf,
                const struct wire_hello *hello)
{
	if (site && left_join(&site->lefts, sf, hello))
		return;
	struct member *m = calloc(1, sizeof(*m));
	if (!m) {
		subflow_hand_over(sf, &lost_events, NULL);
		subflow_fail(sf, "out of memory");
		return;
	}
	*m = (struct member){ .sites = sites, .sf = sf };
	subflow_hand_over(sf, &member_events, m);
	const char *why = site ? admit(site, hello, subflow_peer(sf))
	                       : "unknown pin; it was revoked, or never joined";
	if (why)
		refuse(m, site, why);
	else
		take(site, m, hello);
}

/* How fast it may be ---------------------------------------------------------- */

/* What it used before the daemon began. */
static void remember_quota(struct site *site)
{
	const struct history_subject *s = site->sites->used ?
		history_named(site->sites->used, site->conf.name) : NULL;

	if (s && s->kind == HISTORY_SITE)
		site->quota = (struct quota){ s->month_s, s->month_bytes, 0 };
}

void site_measure_quota(struct site *site, uint64_t now_s)
{
	struct throttle *t = share_throttle(site->share);
	char words[QUOTA_WORDS_MAX + 1];

	quota_count(&site->quota, t->taken[THROTTLE_DOWN] + t->taken[THROTTLE_UP], now_s);
	throttle_set(t, quota_rate_bps(&site->quota, &site->conf),
	             loop_now_us(site->sites->loop));
	quota_words(&site->quota, &site->conf, words);
	if (!*words == !site->used_up)
		return;
	site->used_up = *words;
	log_info("site %s: %s", site->conf.name,
	         *words ? words : "there is something left of its quota");
	changed(site->sites);
}

/* Before its first byte. */
static void begin_quota(struct site *site)
{
	remember_quota(site);
	site_measure_quota(site, (uint64_t)time(NULL));
}

/* Beginning, change and end -------------------------------------------------- */

void site_part(struct site *site, const char *why)
{
	left_part(&site->lefts, why);
	home_part(&site->home, why);
}

bool site_has_subflows(const struct site *site)
{
	return site->members || left_has_flows(&site->lefts);
}

void site_destroy(struct site *site, const char *why)
{
	struct member *m, *tmp;

	site_part(site, why);
	left_finish(&site->lefts, why);
	DL_FOREACH_SAFE(site->members, m, tmp) {
		subflow_destroy(m->sf);
		free(m);
	}
	site_tunnel_end(site);
	home_finish(&site->home);
	testbytes_finish(&site->test);
	share_destroy(site->share);
	free(site);
}

struct site *site_create(struct sites *sites,
                                const struct conf_site *conf)
{
	char whose[CONF_NAME_MAX + 8];
	struct site *site = calloc(1, sizeof(*site));
	const struct home_args home = {
		.loop = sites->loop, .memory = sites->memory,
		.give_up_us = GIVE_UP_US, .events = &home_events, .ctx = site,
	};

	if (!site)
		return NULL;
	snprintf(whose, sizeof(whose), "site %s", conf->name);
	site->sites = sites;
	site->conf = *conf;
	site->share = share_create(sites->pool, whose);
	if (site->share)
		begin_quota(site);
	if (home_init(&site->home, &home) == 0 && site->share)
		return site;
	site_destroy(site, "");
	return NULL;
}

bool site_is(const struct site *site, const struct conf_site *conf)
{
	return !strcmp(site->conf.name, conf->name) &&
	       !memcmp(site->conf.pin.sha256, conf->pin.sha256,
	               sizeof(conf->pin.sha256));
}

/* What the person chose lasts, but where the file's own choice changed. */
static void change_policy(struct site *site, const struct conf_site *is,
                          const struct conf *old)
{
	const struct policy_names nobody = { 0 };
	struct policy_names before;

	site->conf = *is;
	policy_of_site(old, conf_find_site(old, is->name), &site->wish, &nobody,
	               &before);
	home_reload(&site->home, &before);
}

static bool sends_alike(const struct conf_site *a, const struct conf_site *b)
{
	return !strcmp(a->scheduler, b->scheduler) &&
	       !strcmp(a->order, b->order) &&
	       !strcmp(a->reinjection, b->reinjection);
}

void site_change(struct site *site, const struct conf_site *is,
                        const struct conf *old, const struct site_common *common)
{
	if (common->policy || !sends_alike(&site->conf, is))
		change_policy(site, is, old);
	site->conf = *is;
	site_measure_quota(site, (uint64_t)time(NULL));
	site_tunnel_change(site);
	if (common->limits)
		home_set_limits(&site->home, common->memory,
		                site->sites->conf->main.linger_us);
}
