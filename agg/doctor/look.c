/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see look.h.
 */
#include "agg/doctor/look.h"

#include "agg/base/loop.h"
#include "agg/doctor/probe.h"
#include "agg/kernel/host.h"
#include "agg/kernel/netmon.h"
#include "agg/kernel/sysctl.h"
#include "agg/role/warnings.h"
#include "agg/transport/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#define SETTLED_US 10000000 /* a session's first datagrams are under way before */
#define RULESET_MAX (1u << 20) /* bytes of another's rules that are read */
#define COPY(field, text) snprintf(field, sizeof(field), "%s", text)

/* The configuration, and this host -------------------------------------------------- */

static void on_warning(void *ctx, const char *text)
{
	struct doctor_facts *f = ctx;

	if (f->warning_count < DOCTOR_WARNINGS_MAX)
		snprintf(f->warnings[f->warning_count++], DOCTOR_TEXT_MAX + 1, "%s",
		         text);
}

static void look_for_warnings(struct doctor_facts *f)
{
	struct host *host = malloc(sizeof(*host));
	struct warnings_facts facts = { .host = host };

	if (host && !host_read(f->conf->main.congestion, host)) {
		facts.identity_err = tls_identity_pin(f->conf->main.state,
		                                      &facts.own);
		warnings_find(f->conf, f->file, &facts, on_warning, f);
	}
	free(host);
}

static void on_netdev(void *ctx, const struct netdev *dev)
{
}

/* What the daemon would say of its device. */
static void look_at_device(struct netmon *mon, struct doctor_uplink *u)
{
	const struct netdev none = { .present = false };
	const struct netdev *dev = netmon_find(mon, u->device);
	const char *why = netdev_obstacle(dev ? dev : &none);

	if (why)
		snprintf(u->why, sizeof(u->why), "%s", why);
}

static bool has_ipv6(struct netmon *mon, const struct conf_lan *lan)
{
	for (unsigned i = 0; i < lan->device_count; i++) {
		const struct netdev *dev = netmon_find(mon, lan->device[i].name);
		if (dev && dev->v6.sources_count)
			return true;
	}
	return false;
}

/* What others' rules are; who is not root is told nothing. */
static void look_at_firewall(struct doctor_facts *f)
{
	const struct conf *conf = f->conf;
	bool is_gateway = conf->main.role == CONF_ROLE_GATEWAY;
	char *text = malloc(RULESET_MAX + 1);
	FILE *nft = text ? popen("exec nft list ruleset 2>/dev/null", "r") : NULL;

	if (nft) {
		text[fread(text, 1, RULESET_MAX, nft)] = 0;
		pclose(nft);
		if (is_gateway ? conf->lan.tunnel : conf->main.tunnel)
			firewall_drops(text, is_gateway ? "agg-tun" : "agg-", f->firewall);
	}
	free(text);
	f->keeps_ipv6 = !sysctl_number(SYSCTL_FOLDER, "net/ipv6/conf/all/forwarding", 1);
}

/* Who answers, where no daemon tries it ---------------------------------------- */

struct probing {
	struct probe probes[PROBES_MAX];
	unsigned uplink[PROBES_MAX]; /* whose it is */
	unsigned count;
};

static void add_probe(struct probing *p, unsigned uplink, const char *device,
                      const struct netdev *dev, const struct addr *to)
{
	const struct netdev_ip *ip = netdev_ip(dev, to->family);

	if (!netdev_is_ready(dev, to->family) || p->count == PROBES_MAX)
		return;
	p->uplink[p->count] = uplink;
	p->probes[p->count++] = (struct probe){ .device = device, .to = *to,
	                                        .source = ip->sources[0], .fd = -1 };
}

/* As the words of the daemon are (subflow.c). */
static const char *words_of(int err)
{
	return err == -ECONNREFUSED ? "connection refused; aggd may not run on the "
	       "concentrator, at that port" :
	       err == -ETIMEDOUT ? "no answer; the concentrator's port may be closed, or "
	       "this uplink's access broken" : strerror(-err);
}

/* What of an uplink's all failed is its obstacle; what of some, a part. */
static void take_probes(struct doctor_facts *f, const struct probing *p)
{
	bool good[CONF_UPLINKS_MAX] = { false };
	char to[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < p->count; i++)
		good[p->uplink[i]] |= !p->probes[i].err;
	for (unsigned i = 0; i < p->count; i++) {
		struct doctor_uplink *u = &f->uplinks[p->uplink[i]];
		const struct probe *one = &p->probes[i];
		if (!one->err || one->err == -ENETUNREACH) /* a table of its own */
			continue;
		addr_format(&one->to, to);
		COPY(u->endpoint, to);
		if (good[p->uplink[i]])
			snprintf(u->part, sizeof(u->part), "%s: %.120s", to,
			         words_of(one->err));
		else
			COPY(u->why, words_of(one->err));
	}
}

/* Of names the daemon alone knows what they are for each uplink. */
static void probe(struct doctor_facts *f, struct netmon *mon)
{
	const struct conf_concentrator *c = &f->conf->concentrator;
	struct probing *p = calloc(1, sizeof(*p));

	for (unsigned i = 0; p && i < f->uplink_count; i++) {
		const struct doctor_uplink *u = &f->uplinks[i];
		const struct netdev *dev = netmon_find(mon, u->device);
		if (u->disabled || *u->why || !dev)
			continue;
		for (unsigned e = 0; e < c->endpoint_count; e++)
			if (!*c->endpoint[e].host)
				add_probe(p, i, u->device, dev,
				          &c->endpoint[e].addr);
	}
	if (p) {
		probe_all(p->probes, p->count);
		take_probes(f, p);
	}
	free(p);
}

static void look_at_devices(struct doctor_facts *f, bool alone)
{
	struct loop *loop = loop_create();
	struct netmon *mon = loop ? netmon_create(loop, 0, on_netdev, NULL) : NULL;

	f->lan_has_ipv6 = mon && has_ipv6(mon, &f->conf->lan);
	for (unsigned i = 0; i < f->conf->uplink_count; i++) {
		const struct conf_uplink *c = &f->conf->uplinks[i];
		struct doctor_uplink *u = &f->uplinks[f->uplink_count++];
		snprintf(u->name, sizeof(u->name), "%.*s", REPORT_NAME_MAX, c->name);
		snprintf(u->device, sizeof(u->device), "%.*s", REPORT_NAME_MAX,
		         c->device.name);
		u->disabled = !c->enabled;
		if (mon && !u->disabled)
			look_at_device(mon, u);
	}
	if (mon && alone)
		probe(f, mon);
	netmon_destroy(mon);
	loop_destroy(loop);
}

/* The daemon's word ---------------------------------------------------------------- */

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *value;
	const char *text = NULL;

	if (o && json_object_object_get_ex(o, key, &value) && value)
		text = json_object_get_string(value);
	return text ? text : "";
}

static struct json_object *part_of(struct json_object *o, const char *key)
{
	struct json_object *value = NULL;

	if (o)
		json_object_object_get_ex(o, key, &value);
	return value;
}

static struct json_object *item_of(struct json_object *list, size_t i)
{
	return json_object_is_type(list, json_type_array) &&
	       i < json_object_array_length(list) ?
		json_object_array_get_idx(list, i) : NULL;
}

static struct doctor_uplink *find_uplink(struct doctor_facts *f, const char *name)
{
	for (unsigned i = 0; i < f->uplink_count; i++)
		if (!strcmp(f->uplinks[i].name, name))
			return &f->uplinks[i];
	return NULL; /* another configuration is in force */
}

static void take_uplink(struct doctor_facts *f, struct json_object *o)
{
	const char *state = text_of(o, "state");
	struct doctor_uplink *u = find_uplink(f, text_of(o, "name"));

	if (!u)
		return;
	u->disabled = !strcmp(state, "disabled");
	COPY(u->why, text_of(o, "why"));
	u->connecting = strcmp(state, "up") != 0;
	COPY(u->endpoint, text_of(o, "endpoint"));
	if (*text_of(o, "endpoint_name")) {
		const char *port = strrchr(u->endpoint, ':');
		char with[sizeof(u->endpoint)];
		snprintf(with, sizeof(with), "%.*s%s", REPORT_DEST_MAX - 8,
		         text_of(o, "endpoint_name"), port ? port : "");
		COPY(u->endpoint, with);
	}
	COPY(u->mptcp, text_of(part_of(o, "mptcp"), "state"));
	COPY(u->address, text_of(o, "address"));
	COPY(u->seen, text_of(o, "seen_as"));
	u->keeps_port = json_object_get_boolean(part_of(o, "keeps_port"));
}

/* After the uplinks. */
static void take_tunnel(struct doctor_facts *f, struct json_object *session)
{
	struct json_object *tunnel = part_of(session, "tunnel"), *one;
	struct doctor_uplink *u;

	if (!tunnel || !f->session_up ||
	    json_object_get_int64(part_of(session, "age_us")) < SETTLED_US)
		return;
	if (!strcmp(text_of(tunnel, "state"), "down"))
		COPY(f->tunnel, text_of(tunnel, "why"));
	else
		COPY(f->device_offload, text_of(tunnel, "device_offload"));
	f->segments = json_object_get_boolean(part_of(tunnel, "segments"));
	for (size_t i = 0; (one = item_of(part_of(tunnel, "paths"), i)); i++) {
		bool works = json_object_get_boolean(part_of(one, "works"));
		f->datagrams_pass |= works;
		if ((u = find_uplink(f, text_of(one, "uplink")))) {
			u->deaf = !works;
			u->hears = works;
		}
	}
}

static void take_session(struct doctor_facts *f, struct json_object *o)
{
	struct json_object *interception = part_of(o, "interception"), *ipv6;

	f->session_up = !strcmp(text_of(o, "state"), "up");
	if (!strcmp(text_of(interception, "state"), "broken"))
		COPY(f->interception, text_of(interception, "why"));
	COPY(f->carrier_why, text_of(o, "carrier_why"));
	ipv6 = part_of(o, "peer_ipv6");
	f->peer_lacks_ipv6 = ipv6 && !json_object_get_boolean(ipv6);
}

static void take_status(struct doctor_facts *f, const char *status)
{
	struct json_object *root = json_tokener_parse(status), *one;

	if (!root)
		return;
	COPY(f->waits_for, text_of(root, "waits_for"));
	f->descriptors_used =
		(unsigned)json_object_get_int(part_of(root, "descriptors_used"));
	f->descriptors_max =
		(unsigned)json_object_get_int(part_of(root, "descriptors_max"));
	if (!strcmp(text_of(root, "role"), "gateway")) {
		take_session(f, item_of(part_of(root, "sessions"), 0));
		for (size_t i = 0; (one = item_of(part_of(root, "uplinks"), i)); i++)
			take_uplink(f, one);
		take_tunnel(f, item_of(part_of(root, "sessions"), 0));
	}
	json_object_put(root);
}

void look_at_all(const char *file, const char *status, const char *no_daemon,
                 struct conf **conf, struct doctor_facts *facts)
{
	struct conf_error error = { "" };

	*facts = (struct doctor_facts){ .file = file,
	                                .now_s = (uint64_t)time(NULL) };
	if (conf_load(file, NULL, conf, &error) < 0)
		COPY(facts->conf_error, error.text);
	facts->conf = *conf;
	if (*conf)
		look_for_warnings(facts);
	if (*conf)
		look_at_firewall(facts);
	if (*conf && (*conf)->main.role == CONF_ROLE_GATEWAY)
		look_at_devices(facts, !status);
	if (status)
		take_status(facts, status);
	else
		COPY(facts->no_daemon, no_daemon);
}
