/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the concentrator. Owns the listeners, the strangers that shake hands,
 * and the sites with their sessions; the way out is the outlet's.
 *
 *     accept -> guard -> subflow (TLS, HELLO) -> pin -> site -> session
 *     session -> on_stream -> outlet -> dial -> relay
 *
 * A site has one session: a HELLO with another session id is a gateway that
 * began anew, and ends the one before. Of a path and bundle the latest
 * subflow counts. A session without subflows is kept for linger.
 */
#include "agg/base/log.h"
#include "agg/base/rand.h"
#include "agg/kernel/sockopt.h"
#include "agg/role/guard.h"
#include "agg/role/mptcp_host.h"
#include "agg/role/policy.h"
#include "agg/role/role.h"
#include "agg/role/snapshot.h"
#include "agg/transport/subflow.h"
#include "proxy/listener.h"
#include "proxy/outlet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <utlist.h>

#define GIVE_UP_US 15000000u /* a suspect subflow that the gateway keeps */
#define UNKNOWN_WISH_MAX 4096 /* of a log line */

struct concentrator;

/* A subflow that was accepted. */
struct member {
	struct concentrator *c; /* borrowed */
	struct site *site;      /* borrowed; NULL: still a stranger */
	struct subflow *sf;
	uint8_t path, bundle;
	char uplink[REPORT_NAME_MAX + 1]; /* of the gateway's */
	struct member *prev, *next; /* site.members, or concentrator.strangers */
};

struct site {
	struct concentrator *c; /* borrowed */
	struct conf_site conf;
	struct session *session; /* NULL: not connected */
	uint8_t session_id[WIRE_SESSION_ID_BYTES];
	uint64_t incarnation;
	struct loop_timer *timer;
	struct member *members;
	struct snapshot_meter meter;
	uint64_t since_us;      /* connected, or gone; 0: never was */
	struct wire_wish wish;  /* how the gateway sends, and asks us to */
	struct wire_wish told;  /* how it is sent, as the gateway was told */
	struct policy_names person; /* what aggctl scheduler said */
	struct site *prev, *next; /* concentrator.sites */
};

struct concentrator {
	struct role role;
	struct tls_context *tls;
	struct guard guard;
	struct rand rand;
	char congestion[CONF_CONGESTION_MAX + 1]; /* subflows borrow it */
	struct listener *listeners[2 * CONF_LISTENS_MAX]; /* [::] is two */
	unsigned listener_count;
	struct member *strangers;
	struct site *sites;
	struct loop_timer *second;
	struct relays *relays;
	struct resolver *resolver;
	struct egress egress;
	struct outlet *outlet;
	struct mptcp_host mptcp_host;
	bool draining, ipv6;
	bool mptcp;             /* the listeners take it */
};

/* Sessions ------------------------------------------------------------------ */

static uint64_t now_us(void *ctx)
{
	struct site *site = ctx;

	return loop_now_us(site->c->role.loop);
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct site *site = ctx;

	if (at_us == UINT64_MAX)
		loop_timer_disarm(site->timer);
	else
		loop_timer_arm(site->timer, at_us);
}

static void on_site_timer(void *ctx)
{
	struct site *site = ctx;

	if (site->session)
		session_tick(site->session);
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct addr *client,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct site *site = ctx;

	if (site->c->draining)
		return STREAM_END_NET_UNREACH;
	outlet_take(site->c->outlet, stream, dest, events, stream_ctx);
	return STREAM_END_FINISHED;
}

static void tell_settings(struct site *site)
{
	struct concentrator *c = site->c;

	if (site->session)
		session_set_settings(site->session,
		                     (c->ipv6 ? WIRE_HAS_IPV6 : 0) |
		                     (c->mptcp ? WIRE_HAS_MPTCP : 0) |
		                     (c->draining ? WIRE_DRAINING : 0),
		                     &site->told);
}

/* What holds now, in the gateway's words too. */
static void decide_policy(struct site *site, struct session_policy *policy)
{
	struct policy_names holds;

	policy_of_site(site->c->role.conf, &site->conf, &site->wish,
	               &site->person, &holds);
	policy_resolve(&holds, policy);
	policy_told(policy, &site->told);
}

static void apply_policy(struct site *site)
{
	struct session_policy policy;
	struct wire_wish before = site->told;

	decide_policy(site, &policy);
	if (!site->session)
		return;
	session_set_policy(site->session, &policy);
	if (memcmp(&before, &site->told, sizeof(before)))
		tell_settings(site);
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

	if (!memcmp(&site->wish, &settings->wish, sizeof(site->wish)))
		return;
	site->wish = settings->wish;
	log_unknown_wish(site);
	apply_policy(site);
}

static void end_session(void *ctx)
{
	struct site *site = ctx;
	struct session *session = site->session;

	site->session = NULL;
	site->since_us = loop_now_us(site->c->role.loop);
	loop_timer_disarm(site->timer);
	session_destroy(session);
}

static void on_over(void *ctx, const char *why)
{
	struct site *site = ctx;

	log_peer("site %s: session over: %s", site->conf.name, why);
	loop_defer(site->c->role.loop, end_session, site);
}

static void on_suspect(void *ctx, const struct lane *lane)
{
	snapshot_log_suspect("site's uplink ", lane);
}

static const struct session_events session_events = {
	.now_us = now_us, .on_deadline = on_deadline, .on_stream = on_stream,
	.on_settings = on_settings, .on_suspect = on_suspect, .on_over = on_over,
};

static int start_session(struct site *site, const struct wire_hello *hello)
{
	const struct conf_main *main = &site->c->role.conf->main;
	struct session_args args = {
		.memory_max = main->memory_bytes,
		.linger_us = main->linger_us, .give_up_us = GIVE_UP_US,
		.events = &session_events, .ctx = site,
	};

	if (getrandom(&site->incarnation, sizeof(site->incarnation), 0) < 0)
		return -errno;
	decide_policy(site, &args.policy);
	site->incarnation |= 1; /* 0 is "unknown" */
	site->session = session_create(&args);
	if (!site->session)
		return -errno;
	memcpy(site->session_id, hello->session_id, sizeof(site->session_id));
	memset(&site->meter, 0, sizeof(site->meter));
	site->since_us = loop_now_us(site->c->role.loop);
	tell_settings(site);
	return 0;
}

/* Joining ------------------------------------------------------------------- */

static struct site *find_site(struct concentrator *c, const struct tls_pin *pin)
{
	struct site *site;

	DL_FOREACH(c->sites, site)
		if (!memcmp(site->conf.pin.sha256, pin->sha256,
		            sizeof(pin->sha256)))
			return site;
	return NULL;
}

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

static void become_member(struct member *m, struct site *site,
                          const struct wire_hello *hello)
{
	struct concentrator *c = m->c;

	guard_leave(&c->guard, subflow_peer(m->sf), true,
	            loop_now_us(c->role.loop));
	DL_DELETE(c->strangers, m);
	replace_member(site, hello);
	m->site = site;
	snprintf(m->uplink, sizeof(m->uplink), "%.*s", REPORT_NAME_MAX,
	         hello->name);
	m->path = hello->path;
	m->bundle = hello->bundle;
	DL_APPEND(site->members, m);
}

static const char *admit(struct member *m, struct site *site,
                         const struct wire_hello *hello)
{
	if (m->c->draining)
		return "the concentrator is going down";
	if (site->session && memcmp(site->session_id, hello->session_id,
	                            sizeof(site->session_id))) {
		log_info("site %s: began anew", site->conf.name);
		loop_undefer(m->c->role.loop, end_session, site);
		end_session(site);
	}
	if (!site->session && start_session(site, hello) < 0)
		return "out of memory";
	return NULL;
}

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct member *m = ctx;
	struct site *site = find_site(m->c, pin);
	char text[ADDR_TEXT_MAX], pin_text[TLS_PIN_TEXT_LEN + 1];

	if (!site) {
		log_peer("stranger %s: unknown pin %s",
		         addr_format(subflow_peer(sf), text),
		         tls_pin_format(pin, pin_text));
		subflow_fail(sf, "unknown pin");
		return;
	}
	const char *why = admit(m, site, hello);
	if (why) {
		subflow_fail(sf, why);
		return;
	}
	become_member(m, site, hello);
	log_debug("site %s: %s, bundle %u, from %s", site->conf.name,
	          hello->name, hello->bundle,
	          addr_format(subflow_peer(sf), text));
	subflow_join(sf, site->session, site->incarnation);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct member *m = ctx;
	struct concentrator *c = m->c;
	char text[ADDR_TEXT_MAX];

	if (m->site) {
		log_debug("site %s: subflow %u: %s", m->site->conf.name,
		          (unsigned)subflow_id(sf), why);
		DL_DELETE(m->site->members, m);
	} else {
		log_peer("stranger %s: %s",
		         addr_format(subflow_peer(sf), text), why);
		guard_leave(&c->guard, subflow_peer(sf), false,
		            loop_now_us(c->role.loop));
		DL_DELETE(c->strangers, m);
	}
	free(m);
}

static const struct subflow_events subflow_events = { on_ready, on_end };

/* All places are taken: lots decide who goes for a newcomer. So a crowd that
 * comes faster than its handshakes time out keeps nobody out for long, and
 * each who goes has failed, which its source pays for. */
static void make_room(struct concentrator *c, uint64_t now_us)
{
	uint64_t lot = rand_below(&c->rand, c->guard.under_way);
	struct member *m = c->strangers;
	char text[ADDR_TEXT_MAX];

	while (lot-- > 0 && m->next)
		m = m->next;
	log_peer("stranger %s: made room for another",
	         addr_format(subflow_peer(m->sf), text));
	guard_leave(&c->guard, subflow_peer(m->sf), false, now_us);
	DL_DELETE(c->strangers, m);
	subflow_destroy(m->sf);
	free(m);
}

static void take(void *ctx, int fd, const struct addr *from)
{
	struct concentrator *c = ctx;
	struct subflow_args args = {
		.loop = c->role.loop, .tls = c->tls,
		.congestion = c->congestion,
		.events = &subflow_events,
	};
	uint64_t now = loop_now_us(c->role.loop);

	if (guard_is_full(&c->guard) && guard_welcomes(&c->guard, from, now))
		make_room(c, now);
	if (!guard_enter(&c->guard, from, now)) {
		sockopt_abort(fd);
		return;
	}
	struct member *m = calloc(1, sizeof(*m));
	args.ctx = m;
	struct subflow *sf = m ? subflow_accept(&args, fd, from) : NULL;
	if (!sf) {
		if (!m)
			close(fd);
		free(m);
		guard_leave(&c->guard, from, false, now);
		return;
	}
	*m = (struct member){ .c = c, .sf = sf };
	DL_APPEND(c->strangers, m);
}

static int listen_at(struct concentrator *c, const struct addr *at)
{
	char text[ADDR_TEXT_MAX];
	int fd = -ENOPROTOOPT;
	struct listener *l = NULL;

	if (c->mptcp)
		fd = sockopt_mptcp_listen(at, NULL);
	if (fd == -ENOPROTOOPT || fd == -EPROTONOSUPPORT) { /* or none of it */
		c->mptcp = false;
		fd = sockopt_tcp_listen(at, NULL);
	}
	if (fd >= 0)
		l = listener_create(c->role.loop, fd, take, c);
	if (!l) {
		log_sys("listen %s: %s", addr_format(at, text),
		        strerror(fd < 0 ? -fd : errno));
		return -1;
	}
	c->listeners[c->listener_count++] = l;
	return 0;
}

static bool listens_at(const struct concentrator *c, const struct addr *at)
{
	struct addr own;

	for (unsigned i = 0; i < c->listener_count; i++) {
		listener_address(c->listeners[i], &own);
		if (addr_equal(&own, at))
			return true;
	}
	return false;
}

static int open_listeners(struct concentrator *c, const struct conf_main *main)
{
	static const uint8_t any[16] = { 0 };

	c->mptcp = c->mptcp_host.pm && main->carrier != CONF_CARRIER_SUBFLOWS;
	for (unsigned i = 0; i < main->listen_count; i++) {
		const struct addr *at = &main->listen[i];
		struct addr v4 = { .family = AF_INET, .port = at->port };
		if (!listens_at(c, at) && listen_at(c, at) < 0)
			return -1;
		/* '[::]:443' is everywhere: IPv4 has a listener of its own. */
		if (at->family == AF_INET6 && !memcmp(at->ip, any, 16) &&
		    !listens_at(c, &v4) && listen_at(c, &v4) < 0)
			return -1;
	}
	return 0;
}

static void close_listeners(struct concentrator *c)
{
	while (c->listener_count)
		listener_destroy(c->listeners[--c->listener_count]);
}

/* Sites ---------------------------------------------------------------------- */

static void add_site(struct concentrator *c, const struct conf_site *conf)
{
	struct site *site = calloc(1, sizeof(*site));
	if (!site)
		return;
	site->c = c;
	site->conf = *conf;
	site->timer = loop_timer_create(c->role.loop, on_site_timer, site);
	if (!site->timer) {
		free(site);
		return;
	}
	DL_APPEND(c->sites, site);
}

static void remove_site(struct site *site)
{
	struct concentrator *c = site->c;
	struct member *m, *tmp;

	loop_undefer(c->role.loop, end_session, site);
	if (site->session)
		session_close(site->session, "the site was removed");
	DL_FOREACH_SAFE(site->members, m, tmp) {
		subflow_destroy(m->sf);
		free(m);
	}
	loop_undefer(c->role.loop, end_session, site);
	session_destroy(site->session);
	loop_timer_destroy(site->timer);
	DL_DELETE(c->sites, site);
	free(site);
}

/* What the person chose lasts, but where the file's own choice changed. */
static void reload_policy(struct site *site, const struct conf *old,
                          const struct conf_site *was)
{
	const struct policy_names nobody = { 0 };
	struct policy_names before, after;

	policy_of_site(old, was, &site->wish, &nobody, &before);
	policy_of_site(site->c->role.conf, &site->conf, &site->wish, &nobody,
	               &after);
	policy_forget(&site->person, &before, &after);
	apply_policy(site);
}

static void reload_sites(struct concentrator *c, const struct conf *old)
{
	const struct conf *conf = c->role.conf;
	struct site *site, *tmp;

	DL_FOREACH_SAFE(c->sites, site, tmp) {
		const struct conf_site *is = conf_find_site(conf, site->conf.name);
		if (!is || memcmp(is->pin.sha256, site->conf.pin.sha256,
		                  sizeof(is->pin.sha256))) {
			remove_site(site);
			continue;
		}
		site->conf = *is;
		reload_policy(site, old, conf_find_site(old, is->name));
		if (!site->session)
			continue;
		session_set_limits(site->session, conf->main.memory_bytes,
		                   conf->main.linger_us);
	}
	for (unsigned i = 0; i < conf->site_count; i++) {
		bool known = false;
		DL_FOREACH(c->sites, site)
			known |= !strcmp(site->conf.name, conf->sites[i].name);
		if (!known)
			add_site(c, &conf->sites[i]);
	}
}

/* The role ------------------------------------------------------------------- */

static bool is_local(void *ctx, const struct addr *a)
{
	struct concentrator *c = ctx;

	return netmon_is_local(c->role.netmon, a);
}

static void note_ipv6(struct concentrator *c)
{
	const struct netdev *dev;
	struct site *site;
	bool ipv6 = false;

	for (unsigned i = 0; (dev = netmon_at(c->role.netmon, i)); i++)
		ipv6 |= netdev_is_ready(dev, AF_INET6);
	if (ipv6 == c->ipv6)
		return;
	c->ipv6 = ipv6;
	log_info("egress: %s", ipv6 ? "IPv4 and IPv6" : "no IPv6");
	DL_FOREACH(c->sites, site)
		tell_settings(site);
}

static void concentrator_on_netdev(struct role *role, const struct netdev *dev)
{
	note_ipv6((struct concentrator *)role);
}

static void on_second(void *ctx)
{
	struct concentrator *c = ctx;
	uint64_t now = loop_now_us(c->role.loop);
	struct site *site;

	DL_FOREACH(c->sites, site)
		if (site->session)
			snapshot_measure(&site->meter, site->session, NULL, now);
	loop_timer_arm(c->second, now + SNAPSHOT_RATE_US);
}

/* What others borrow of the configuration. */
static void take_conf(struct concentrator *c)
{
	snprintf(c->congestion, sizeof(c->congestion), "%s",
	         c->role.conf->main.congestion);
	c->egress = (struct egress){
		.allow = c->role.conf->egress.allow,
		.allow_count = c->role.conf->egress.allow_count,
		.is_local = is_local, .ctx = c,
	};
}

static int concentrator_reload(struct role *role, const struct conf *conf,
                               struct conf_error *error)
{
	struct concentrator *c = (struct concentrator *)role;
	const struct conf *old = role->conf;
	struct site *site;

	role->conf = conf;
	take_conf(c);
	resolver_reload(c->resolver);
	reload_sites(c, old);
	mptcp_host_set_scheduler(&c->mptcp_host, &conf->main);
	if (old->main.listen_count != conf->main.listen_count ||
	    old->main.carrier != conf->main.carrier ||
	    memcmp(old->main.listen, conf->main.listen,
	           sizeof(conf->main.listen))) {
		close_listeners(c);
		open_listeners(c, &conf->main);
		DL_FOREACH(c->sites, site)
			tell_settings(site);
	}
	return 0;
}

static void concentrator_drain(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;
	struct site *site;

	c->draining = true;
	close_listeners(c);
	DL_FOREACH(c->sites, site)
		tell_settings(site);
}

static unsigned concentrator_streams(const struct role *role)
{
	const struct concentrator *c = (const struct concentrator *)role;
	struct session_stats stats;
	const struct site *site;
	unsigned n = 0;

	DL_FOREACH(c->sites, site) {
		if (!site->session)
			continue;
		session_stats(site->session, &stats);
		n += stats.streams;
	}
	return n;
}

static void report_paths(const struct site *site, struct snapshot *snap,
                         struct report *out, struct report_site *rs)
{
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		const struct member *m, *found = NULL;
		struct report_uplink *ru;
		struct addr local;

		snap->uplink_of_path[p] = -1;
		DL_FOREACH(site->members, m)
			if (m->path == p)
				found = m;
		if (!found || !(ru = report_add_uplink(out)))
			continue;
		snprintf(ru->site, sizeof(ru->site), "%.*s", REPORT_NAME_MAX,
		         site->conf.name);
		ru->state = REPORT_PATH_UP;
		addr_format(subflow_peer(found->sf), ru->address);
		subflow_local(found->sf, &local);
		addr_format(&local, ru->endpoint);
		snapshot_path(snap, p, ru);
		ru->subflows_total = ru->subflows_alive;
		snap->uplink_of_path[p] = (int)out->uplink_count - 1;
		rs->uplinks++;
	}
}

/* The uplink that has a subflow of ours from the same address; "" */
static const char *uplink_from(const struct site *site, const struct addr *from)
{
	const struct member *m;

	DL_FOREACH(site->members, m)
		if (m->path < WIRE_UPLINKS_MAX &&
		    addr_equal_ip(subflow_peer(m->sf), from))
			return m->uplink;
	return "";
}

static void report_mptcp(const struct site *site, const struct snapshot *snap,
                         struct report_session *session, struct report *out)
{
	const struct member *m;
	struct mptcpinfo info;

	if (site->c->mptcp)
		mptcp_host_report(&site->c->mptcp_host, session);
	DL_FOREACH(site->members, m) {
		if (m->path < WIRE_UPLINKS_MAX || subflow_mptcp(m->sf, &info) < 0)
			continue;
		for (unsigned i = 0; i < info.count; i++) {
			struct report_subflow *rs = report_add_subflow(out);
			if (!rs)
				return;
			snapshot_mptcp(snap, &info, i, rs);
			rs->bundle = m->bundle;
			snprintf(rs->uplink, sizeof(rs->uplink), "%s",
			         uplink_from(site, &info.subflows[i].remote));
			snprintf(rs->site, sizeof(rs->site), "%.*s",
			         REPORT_NAME_MAX, site->conf.name);
		}
	}
}

static void report_one(struct site *site, struct report *out)
{
	struct snapshot snap = {
		.session = site->session, .meter = &site->meter,
		.now_us = loop_now_us(site->c->role.loop),
	};
	struct report_site *rs = report_add_site(out);
	struct report_session *session;
	struct wire_wish wish;

	if (!rs)
		return;
	snprintf(rs->name, sizeof(rs->name), "%.*s", REPORT_NAME_MAX,
	         site->conf.name);
	rs->since_us = site->since_us ? snap.now_us - site->since_us : 0;
	rs->connected = site->members != NULL;
	if (!site->session || !(session = report_add_session(out)))
		return;
	snapshot_session(&snap, session);
	wish = site->wish;
	policy_spell_out(&wish);
	snapshot_sending(&wish, &session->up);
	snprintf(session->site, sizeof(session->site), "%s", rs->name);
	session->state = rs->connected ? REPORT_SESSION_UP
	                               : REPORT_SESSION_OUTAGE;
	session->age_us = rs->since_us;
	snprintf(session->library, sizeof(session->library), "%s", tls_library());
	if (site->members)
		snprintf(session->cipher, sizeof(session->cipher), "%s",
		         subflow_cipher(site->members->sf));
	rs->streams = session->streams;
	rs->down_bytes = session->down_bytes;
	rs->up_bytes = session->up_bytes;
	report_paths(site, &snap, out, rs);
	report_mptcp(site, &snap, session, out);
	snapshot_streams(&snap, rs->name, out);
}

static void concentrator_report(struct role *role, struct report *out)
{
	struct concentrator *c = (struct concentrator *)role;
	struct site *site;

	DL_FOREACH(c->sites, site)
		report_one(site, out);
}

/* The site that a person means; NULL: out says which there are. */
static struct site *choose_site(struct concentrator *c, const char *name,
                                struct buf *out)
{
	struct site *site;

	if (!name && c->sites && !c->sites->next)
		return c->sites;
	DL_FOREACH(c->sites, site)
		if (name && !strcmp(site->conf.name, name))
			return site;
	if (!c->sites)
		buf_printf(out, "there is no site in the configuration");
	else if (name)
		buf_printf(out, "there is no site '%s'; allowed:", name);
	else
		buf_printf(out, "there are several sites, name one of them:");
	DL_FOREACH(c->sites, site)
		buf_printf(out, "%s %s", site == c->sites ? "" : ",",
		           site->conf.name);
	buf_printf(out, "\n");
	return NULL;
}

static int concentrator_choose(struct role *role, const struct choice *choice,
                               struct buf *out)
{
	struct concentrator *c = (struct concentrator *)role;
	struct site *site = choose_site(c, choice->site, out);
	char section[CONF_NAME_MAX + 32], direction[CONF_NAME_MAX + 32];

	if (!site)
		return -EINVAL;
	choice_apply(choice, &site->person);
	apply_policy(site);
	snprintf(section, sizeof(section), "config site '%s'", site->conf.name);
	snprintf(direction, sizeof(direction), "down to %s", site->conf.name);
	choice_tell_sending(direction, &site->told, out);
	choice_tell(choice, role->conf, section, out);
	return 0;
}

static void concentrator_destroy(struct role *role)
{
	struct concentrator *c = (struct concentrator *)role;
	struct member *m, *tmp;

	close_listeners(c);
	DL_FOREACH_SAFE(c->strangers, m, tmp) {
		subflow_destroy(m->sf);
		free(m);
	}
	while (c->sites)
		remove_site(c->sites);
	outlet_destroy(c->outlet);
	resolver_destroy(c->resolver);
	relays_destroy(c->relays);
	loop_timer_destroy(c->second);
	tls_context_destroy(c->tls);
	mptcp_host_close(&c->mptcp_host);
	free(c);
}

/* Gateways may join as many subflows as the kernel has room for, and are not
 * followed to addresses that they announce. */
static void open_mptcp(struct concentrator *c)
{
	struct mptcp_host *host = &c->mptcp_host;
	struct kerr err = { "" };

	mptcp_host_open(host, c->role.loop, &c->role.conf->main, NULL, NULL);
	if (!host->pm) {
		log_info("no MPTCP for gateways: %s", host->obstacle);
		return;
	}
	mptcp_host_set_scheduler(host, &c->role.conf->main);
	if (mptcp_pm_raise_limits(host->pm, MPTCP_PM_SUBFLOWS_MAX, &err) < 0 ||
	    mptcp_pm_set_accepted_addresses(host->pm, 0, &err) < 0)
		log_sys("mptcp: %s", err.text);
}

static int make_parts(struct concentrator *c)
{
	struct loop *loop = c->role.loop;
	const char *state = c->role.conf->main.state;
	struct resolver_args resolver = { .loop = loop };

	c->second = loop_timer_create(loop, on_second, c);
	c->tls = tls_context_create(TLS_SERVER, state);
	if (!c->tls)
		log_user("identity in %s: %s; aggctl keygen %s makes one", state,
		         strerror(errno), state);
	c->relays = relays_create(loop);
	c->resolver = resolver_create(&resolver);
	if (!c->second || !c->tls || !c->relays || !c->resolver)
		return -1;
	struct outlet_args outlet = { loop, &c->egress, c->resolver, c->relays };
	c->outlet = outlet_create(&outlet);
	return c->outlet ? 0 : -1;
}

static struct role *concentrator_create(struct loop *loop,
                                        const struct conf *conf,
                                        struct netmon *netmon)
{
	struct concentrator *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->role = (struct role){ &role_concentrator, loop, conf, netmon };
	c->rand.state = loop_now_us(loop);
	take_conf(c);
	open_mptcp(c);
	if (make_parts(c) < 0 || open_listeners(c, &conf->main) < 0) {
		concentrator_destroy(&c->role);
		return NULL;
	}
	note_ipv6(c);
	reload_sites(c, conf); /* all are new */
	on_second(c);
	return &c->role;
}

const struct role_ops role_concentrator = {
	.name = "concentrator",
	.create = concentrator_create,
	.reload = concentrator_reload,
	.on_netdev = concentrator_on_netdev,
	.drain = concentrator_drain,
	.streams = concentrator_streams,
	.report = concentrator_report,
	.choose = concentrator_choose,
	.destroy = concentrator_destroy,
};
