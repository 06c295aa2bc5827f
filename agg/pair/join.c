/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see join.h.
 */
#include "agg/pair/join.h"

#include "agg/base/columns.h"
#include "agg/base/file.h"
#include "agg/pair/service.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STATE_DIR "/etc/aggd"
#define CONTROL "/run/aggd.sock"
#define MODE 0640
#define TEXT_MAX 32

static int stop(struct join *j, enum join_end end, int err)
{
	j->end = end;
	return err;
}

/* What is here --------------------------------------------------------------- */

static int on_bad_config(struct join *j, const struct conf_error *error,
                         struct buf *out)
{
	buf_printf(out, "%s\n", error->text);
	buf_printf(out, "mend that, or move the file away: then a new one is "
	           "written\n");
	return stop(j, JOIN_HOST, -EINVAL);
}

/* Beside it another is made, which takes its place; a directory that is not there
 * is made, too. */
static bool may_write(const char *path)
{
	char dir[CONF_PATH_MAX + 1];
	const char *slash = strrchr(path, '/');

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1,
	         slash ? path : ".");
	return !access(dir, W_OK) || errno == ENOENT;
}

/* The file that there is says where the keys are. */
static int read_config(struct join *j, struct buf *out)
{
	const struct join_args *args = &j->args;
	struct conf_error error = { "" };
	struct conf_main main = { .role = CONF_ROLE_GATEWAY };

	int err = file_read(args->config, &j->text);
	j->is_new = err == -ENOENT || (!err && !j->text.len);
	if (err && err != -ENOENT) {
		buf_printf(out, "%s: %s\n", args->config, strerror(-err));
		return stop(j, JOIN_HOST, err);
	}
	if (!j->is_new && conf_load_main(args->config, &main, &error) < 0)
		return on_bad_config(j, &error, out);
	if (!may_write(args->config)) {
		buf_printf(out, "%s cannot be written: %s; 'sudo aggctl join' can\n",
		           args->config, strerror(errno));
		return stop(j, JOIN_HOST, -EACCES);
	}
	if (main.role != CONF_ROLE_GATEWAY) {
		buf_printf(out, "%s is a concentrator's; a gateway's configuration "
		           "is named by -c FILE\n", args->config);
		return stop(j, JOIN_HOST, -EINVAL);
	}
	snprintf(j->state, sizeof(j->state), "%s", args->state ? args->state :
	         j->is_new ? STATE_DIR : main.state);
	snprintf(j->control, sizeof(j->control), "%s", !j->is_new ? main.control :
	         args->control ? args->control : CONTROL);
	return 0;
}

/* What a person says is no longer than a name can be. */
static int check_names(struct join *j, struct buf *out)
{
	const struct join_args *args = &j->args;
	const char *bad = args->lan && strlen(args->lan) >= IFNAMSIZ ? args->lan
	                                                             : NULL;

	for (unsigned i = 0; i < args->uplink_count; i++)
		if (strlen(args->uplinks[i]) >= IFNAMSIZ)
			bad = args->uplinks[i];
	if (!bad)
		return 0;
	buf_printf(out, "'%s' is no device; a name has %u letters at most\n", bad,
	           IFNAMSIZ - 1);
	return stop(j, JOIN_HOST, -ENODEV);
}

static const struct found_device *find(const struct found *found,
                                       const char *name)
{
	for (unsigned i = 0; i < found->uplink_count; i++)
		if (!strcmp(found->uplinks[i].name, name))
			return &found->uplinks[i];
	return NULL;
}

static void choose(struct join *j, const char *name)
{
	const struct found_device *is = find(&j->found, name);
	struct found_device *d = &j->uplinks[j->uplink_count++];

	if (is)
		*d = *is;
	else
		snprintf(d->name, sizeof(d->name), "%s", name);
}

/* Those that a person names, now or in his file, need no route yet. */
static int choose_uplinks(struct join *j, struct buf *out)
{
	const struct join_args *args = &j->args;
	char devices[CONF_UPLINKS_MAX][IFNAMSIZ];
	unsigned count = args->uplink_count ? 0 : gwconf_uplinks(&j->text, devices);

	for (unsigned i = 0; i < args->uplink_count; i++)
		choose(j, args->uplinks[i]);
	for (unsigned i = 0; i < count; i++)
		choose(j, devices[i]);
	j->uplinks_said = args->uplink_count || count;
	if (!j->uplinks_said) {
		j->uplink_count = j->found.uplink_count;
		memcpy(j->uplinks, j->found.uplinks, sizeof(j->uplinks));
	}
	if (j->uplink_count)
		return 0;
	buf_printf(out, "no device has an address and a default route: there is no "
	           "Internet access here; --uplink DEVICE names one\n");
	return stop(j, JOIN_HOST, -ENODEV);
}

static void choose_lan(struct join *j)
{
	const char *lan = j->args.lan ? j->args.lan :
	                  j->found.lan_count ? j->found.lans[0].name : "";

	snprintf(j->plan.lan, sizeof(j->plan.lan), "%s", lan);
}

static int make_keys(struct join *j, struct buf *out)
{
	int err = file_make_dirs(j->state, 0700);

	if (!err)
		err = tls_identity_generate(j->state);
	if (err == -EEXIST)
		err = 0;
	if (!err) {
		j->tls = tls_context_create(TLS_CLIENT, j->state);
		err = j->tls ? 0 : -errno;
	}
	if (!err)
		return 0;
	buf_printf(out, "the keys in %s: %s%s\n", j->state, strerror(-err),
	           err == -EACCES ? "; it takes root: try again with sudo" : "");
	return stop(j, JOIN_HOST, err);
}

/* The concentrator -------------------------------------------------------------- */

static void add_address(struct join *j, const struct addr *a)
{
	for (unsigned i = 0; i < j->address_count; i++)
		if (addr_equal(&j->addresses[i], a))
			return;
	if (j->address_count < JOIN_ADDRESSES_MAX)
		j->addresses[j->address_count++] = *a;
}

/* false: it has none. */
static bool resolve(struct join *j, const struct conf_endpoint *e)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	struct addr a;

	if (!*e->host) {
		add_address(j, &e->addr);
		return true;
	}
	if (getaddrinfo(e->host, NULL, &hints, &list))
		return false;
	for (struct addrinfo *i = list; i; i = i->ai_next)
		if (addr_from_sockaddr(&a, i->ai_addr)) {
			a.port = e->addr.port;
			add_address(j, &a);
		}
	freeaddrinfo(list);
	return true;
}

static int resolve_all(struct join *j, struct buf *out)
{
	const struct token *t = &j->token;

	for (unsigned i = 0; i < t->endpoint_count; i++)
		if (!resolve(j, &t->endpoints[i]))
			buf_printf(out, "the name %s has no address here; see that "
			           "names are resolved (/etc/resolv.conf)\n",
			           t->endpoints[i].host);
	return j->address_count ? 0 : stop(j, JOIN_UNREACHABLE, -ENXIO);
}

/* A device without an address of a family goes no such way; where a person named
 * it, and it has none at all, it is tried and found to lead nowhere. */
static bool may_go(const struct found_device *d, const struct addr *to)
{
	if (!d->has_v4 && !d->has_v6)
		return true;
	return to->family == AF_INET ? d->has_v4 : d->has_v6;
}

static void plan_ways(struct join *j)
{
	for (unsigned i = 0; i < j->uplink_count; i++)
		for (unsigned k = 0; k < j->address_count; k++)
			if (j->way_count < REACH_MAX &&
			    may_go(&j->uplinks[i], &j->addresses[k]))
				j->ways[j->way_count++] = (struct reach){
					.device = j->uplinks[i].name,
					.to = j->addresses[k],
				};
}

static bool reaches(const struct join *j, const char *device)
{
	for (unsigned i = 0; i < j->way_count; i++)
		if (!strcmp(j->ways[i].device, device) &&
		    j->ways[i].state == REACH_OK)
			return true;
	return false;
}

/* By which way each failed: a line an uplink. */
static void say_ways(const struct join *j, struct buf *out)
{
	char at[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < j->uplink_count; i++) {
		const char *device = j->uplinks[i].name;
		unsigned said = 0;
		buf_printf(out, "  by %s:", device);
		for (unsigned k = 0; k < j->way_count; k++) {
			const struct reach *way = &j->ways[k];
			if (strcmp(way->device, device))
				continue;
			buf_printf(out, "%s %s: %s", said++ ? ";" : "",
			           addr_format(&way->to, at), reach_text(way));
		}
		buf_printf(out, "%s\n", said ? "" : " no address of its kind");
	}
}

static int on_unreachable(struct join *j, struct buf *out)
{
	bool wrong = false;

	for (unsigned i = 0; i < j->way_count; i++)
		wrong |= j->ways[i].state == REACH_WRONG_PIN;
	if (wrong) {
		buf_printf(out, "what answers there has another key than the "
		           "invitation says: it is not that concentrator, or was "
		           "set up anew since; nothing was said to it\n");
		say_ways(j, out);
		return stop(j, JOIN_WRONG_PIN, -EKEYREJECTED);
	}
	buf_printf(out, "the concentrator is unreachable by every uplink:\n");
	say_ways(j, out);
	buf_printf(out, "see that aggd runs there, and that its firewall, and its "
	           "provider's, let TCP and UDP port %u in\n",
	           j->addresses[0].port);
	return stop(j, JOIN_UNREACHABLE, -EHOSTUNREACH);
}

static int try_ways(struct join *j, struct buf *out)
{
	bool any = false;

	plan_ways(j);
	int err = reach_try(j->tls, &j->token.pin, j->ways, j->way_count);
	if (err)
		return stop(j, JOIN_HOST, err);
	for (unsigned i = 0; i < j->uplink_count; i++) {
		const char *name = j->uplinks[i].name;
		any |= reaches(j, name);
		if (j->uplinks_said || reaches(j, name))
			memcpy(j->plan.uplinks[j->plan.uplink_count++], name,
			       IFNAMSIZ);
	}
	return any ? 0 : on_unreachable(j, out);
}

/* The configuration -------------------------------------------------------------- */

/* As it shall be, and that it is good: before anything is asked for. */
static int write_draft(struct join *j, struct buf *out)
{
	struct conf_error error = { "" };
	struct conf *conf = NULL;

	j->plan.control = j->control;
	j->plan.state = j->is_new ? j->state : j->args.state;
	j->plan.endpoints = j->token.endpoints;
	j->plan.endpoint_count = j->token.endpoint_count;
	j->plan.pin = j->token.pin;
	int err = gwconf_gateway(&j->text, &j->plan);
	if (err) {
		buf_printf(out, "%s: %s\n", j->args.config, strerror(-err));
		return stop(j, JOIN_HOST, err);
	}
	if (conf_parse(j->args.config, (const char *)buf_head(&j->text),
	               j->text.len, NULL, &conf, &error) < 0)
		return on_bad_config(j, &error, out);
	conf_free(conf);
	return 0;
}

int join_look(struct join *j, const struct join_args *args, const char *token,
              struct buf *out)
{
	const char *why = "";

	*j = (struct join){ .args = *args };
	buf_init(&j->text, UCI_FILE_MAX);
	if (token_decode(&j->token, token, &why) < 0) {
		buf_printf(out, "this is no invitation: %s\n", why);
		return stop(j, JOIN_MALFORMED, -EINVAL);
	}
	int err = check_names(j, out);
	if (!err)
		err = read_config(j, out);
	if (!err && (err = found_read(&j->found)) < 0) {
		buf_printf(out, "the devices of this host: %s\n", strerror(-err));
		return stop(j, JOIN_HOST, err);
	}
	if (!err)
		err = choose_uplinks(j, out);
	if (!err)
		err = make_keys(j, out);
	if (!err)
		err = resolve_all(j, out);
	if (!err)
		err = try_ways(j, out);
	choose_lan(j);
	return err ? err : write_draft(j, out);
}

void join_finish(struct join *j)
{
	tls_context_destroy(j->tls);
	buf_finish(&j->text);
	explicit_bzero(&j->token, sizeof(j->token));
}

/* For a person -------------------------------------------------------------------- */

/* The best of the family: "21 ms", or what is in the way. */
static void way_text(const struct join *j, const char *device,
                     sa_family_t family, char out[64])
{
	const struct reach *best = NULL;

	for (unsigned i = 0; i < j->way_count; i++) {
		const struct reach *way = &j->ways[i];
		if (strcmp(way->device, device) || way->to.family != family)
			continue;
		if (!best || (way->state == REACH_OK && best->state != REACH_OK))
			best = way;
	}
	if (best && best->state == REACH_OK)
		snprintf(out, 64, "%u.%u ms", best->took_us / 1000,
		         best->took_us / 100 % 10);
	else
		snprintf(out, 64, "%.63s", best ? reach_text(best) : "-");
}

static void add_rows(const struct join *j, struct columns *c)
{
	char text[ADDR_TEXT_MAX], way[64];

	columns_add(c, "uplink");
	columns_add(c, "address");
	columns_add(c, "by IPv4");
	columns_add(c, "by IPv6");
	columns_add(c, "note");
	for (unsigned i = 0; i < j->uplink_count; i++) {
		const struct found_device *d = &j->uplinks[i];
		const struct addr *a = d->v4.family ? &d->v4 : &d->v6;
		bool used = reaches(j, d->name);
		columns_add(c, d->name);
		columns_add(c, a->family ? addr_format_ip(a, text) : "-");
		way_text(j, d->name, AF_INET, way);
		columns_add(c, way);
		way_text(j, d->name, AF_INET6, way);
		columns_add(c, way);
		columns_add(c, used ? "" : j->uplinks_said ?
		            "as you say" : "left out");
	}
}

static int show_lan(const struct join *j, unsigned columns, struct buf *out)
{
	char text[256];
	size_t n;

	if (!*j->plan.lan) {
		return columns_wrap("LAN: no device with a private address and "
		                    "without a default route was found; --lan DEVICE "
		                    "names one", 0, columns, out);
	}
	n = (size_t)snprintf(text, sizeof(text), "LAN: %s, whose connections are "
	                     "taken", j->plan.lan);
	for (unsigned i = 1; !j->args.lan && i < j->found.lan_count; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %s",
		                      i == 1 ? "; not" : ",",
		                      j->found.lans[i].name);
	return columns_wrap(text, 0, columns, out);
}

int join_show(const struct join *j, unsigned columns, struct buf *out)
{
	char text[CONF_PATH_MAX * 2 + 128], at[CONF_VALUE_TEXT_MAX];
	struct columns c;

	int err = buf_printf(out, "site '%s' of the concentrator", j->token.site);
	for (unsigned i = 0; !err && i < j->token.endpoint_count; i++)
		err = buf_printf(out, "%s %s", i ? "," : " at",
		                 conf_endpoint_format(&j->token.endpoints[i], at));
	if (!err)
		err = buf_printf(out, "\n\n");
	columns_init(&c, "lllln");
	add_rows(j, &c);
	if (!err)
		err = columns_print(&c, columns, out);
	columns_finish(&c);
	if (!err)
		err = buf_printf(out, "\n");
	if (!err)
		err = show_lan(j, columns, out);
	snprintf(text, sizeof(text), "%s: %s, with the keys in %s",
	         j->args.config, j->is_new ? "is written" :
	         "is changed, and what you wrote there stays", j->state);
	return err ? err : columns_wrap(text, 0, columns, out);
}

/* The invitation -------------------------------------------------------------------- */

static const char *time_text(uint64_t at_s, char text[TEXT_MAX])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (!gmtime_r(&at, &tm) ||
	    !strftime(text, TEXT_MAX, "%Y-%m-%d %H:%M UTC", &tm))
		snprintf(text, TEXT_MAX, "-");
	return text;
}

void join_compare_clocks(uint64_t here_s, uint64_t there_s, struct buf *out)
{
	uint64_t off = here_s > there_s ? here_s - there_s : there_s - here_s;
	char here[TEXT_MAX], there[TEXT_MAX];

	if (off > JOIN_CLOCK_S)
		buf_printf(out, "the clock of this machine is wrong, or the "
		           "concentrator's: it is %s here, and %s there\n",
		           time_text(here_s, here), time_text(there_s, there));
}

static int on_refused(struct join *j, uint64_t now_s, struct buf *out)
{
	const struct wire_redeemed *a = &j->answer;
	const char *site = j->token.site;
	char at[TEXT_MAX];

	switch ((enum wire_redeem)a->result) {
	case WIRE_REDEEM_UNKNOWN:
		buf_printf(out, "the invitation is wrong: the concentrator knows "
		           "none like it");
		break;
	case WIRE_REDEEM_USED:
		buf_printf(out, "the invitation was used already; each is good "
		           "once");
		break;
	case WIRE_REDEEM_EXPIRED:
		buf_printf(out, "the invitation has expired, %s",
		           time_text(j->token.until_s, at));
		break;
	case WIRE_REDEEM_REVOKED:
		buf_printf(out, "the invitation was revoked on the concentrator");
		break;
	case WIRE_REDEEM_OTHER:
		buf_printf(out, "this machine is site '%s' there already; 'aggctl "
		           "rename %s %s' there gives it the other name\n",
		           a->site, a->site, site);
		return stop(j, JOIN_REFUSED, -EEXIST);
	case WIRE_REDEEM_JOINED:
	case WIRE_REDEEM_FAILED:
	case WIRE_REDEEM_COUNT:
		buf_printf(out, "the concentrator could not do it: %s\n", a->why);
		return stop(j, JOIN_REFUSED, -EIO);
	}
	buf_printf(out, "; 'aggctl invite %s' on the concentrator makes another\n",
	           site);
	join_compare_clocks(now_s, j->answer.now_s, out);
	return stop(j, JOIN_REFUSED, -EACCES);
}

/* By the first way that answers; an answer that was lost is given again. */
static int ask(struct join *j, struct buf *out)
{
	for (unsigned i = 0; i < j->way_count; i++) {
		struct reach *way = &j->ways[i];
		if (way->state == REACH_OK &&
		    !reach_redeem(j->tls, &j->token.pin, way, j->token.secret,
		                  &j->answer))
			return 0;
	}
	return on_unreachable(j, out);
}

static int put_config(struct join *j, struct buf *out)
{
	int err = file_write(j->args.config, &j->text, MODE);

	if (err == -ENOENT) {
		char dir[CONF_PATH_MAX + 1];
		const char *slash = strrchr(j->args.config, '/');
		snprintf(dir, sizeof(dir), "%.*s",
		         slash ? (int)(slash - j->args.config) : 0,
		         j->args.config);
		err = *dir ? file_make_dirs(dir, 0755) : err;
		if (!err)
			err = file_write(j->args.config, &j->text, MODE);
	}
	if (!err)
		err = j->is_new ? service_give_file(j->args.config) : 0;
	if (!err)
		return service_give_directory(j->state);
	buf_printf(out, "%s: %s; the site is made: join again, with the same "
	           "invitation, once it can be written\n", j->args.config,
	           strerror(-err));
	return stop(j, JOIN_HOST, err);
}

int join_redeem(struct join *j, uint64_t now_s, struct buf *out)
{
	int err = ask(j, out);

	if (err)
		return err;
	if (j->answer.result != WIRE_REDEEM_JOINED)
		return on_refused(j, now_s, out);
	join_compare_clocks(now_s, j->answer.now_s, out);
	return put_config(j, out);
}
