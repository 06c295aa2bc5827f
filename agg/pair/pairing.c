/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pairing.h. An invitation is marked as used before its site is
 * written: what a power cut leaves is one too few, never one too many.
 */
#include "agg/pair/pairing.h"

#include "agg/kernel/public.h"
#include "agg/pair/invitations.h"
#include "agg/pair/sitefile.h"
#include "agg/pair/token.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PER_FAMILY 2 /* addresses of the host in an invitation */
#define PORT_AGGD 443
#define TIME_TEXT_MAX 32

/* What is wished for. */
struct wish {
	const char *site;
	uint64_t for_s;
	struct conf_endpoint endpoints[TOKEN_ENDPOINTS_MAX];
	unsigned count;
};

static const char *time_text(uint64_t at_s, char text[TIME_TEXT_MAX])
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (!gmtime_r(&at, &tm) ||
	    !strftime(text, TIME_TEXT_MAX, "%Y-%m-%d %H:%M UTC", &tm))
		snprintf(text, TIME_TEXT_MAX, "-");
	return text;
}

static int refuse(struct buf *out, const struct conf_error *error)
{
	buf_printf(out, "%s\n", error->text);
	return -EINVAL;
}

/* Words ------------------------------------------------------------------------ */

static bool is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t n = strspn(text, letters);

	return n && !text[n] && n <= CONF_NAME_MAX;
}

static int check_name(const char *text, struct buf *out)
{
	if (is_name(text))
		return 0;
	buf_printf(out, "'%s' is no name of a site; allowed: letters, digits and "
	           "'_', up to %u of them\n", text, CONF_NAME_MAX);
	return -EINVAL;
}

/* 0: it is none. */
static uint64_t read_duration(const char *text)
{
	static const struct { const char *unit; uint64_t seconds; } units[] = {
		{ "m", 60 }, { "h", 3600 }, { "d", 86400 }, { "min", 60 },
	};
	char *unit;
	unsigned long n = strtoul(text, &unit, 10);

	if (*text < '0' || *text > '9' || n > PAIRING_FOR_S_MAX)
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].unit)) {
			uint64_t s = n * units[i].seconds;
			return s < PAIRING_FOR_S_MIN || s > PAIRING_FOR_S_MAX ? 0
			                                                      : s;
		}
	return 0;
}

static int take_endpoint(struct wish *wish, const char *text, int port,
                         struct buf *out)
{
	if (wish->count == TOKEN_ENDPOINTS_MAX) {
		buf_printf(out, "too many endpoints; allowed: %u\n",
		           TOKEN_ENDPOINTS_MAX);
		return -EINVAL;
	}
	if (!conf_endpoint_read(text, port, &wish->endpoints[wish->count])) {
		wish->count++;
		return 0;
	}
	buf_printf(out, "'%s' is no endpoint; allowed: an address or a name, and "
	           "a port: 203.0.113.10:443, [2001:db8::1]:443, "
	           "vps.example.net\n", text);
	return -EINVAL;
}

static int take_words(const struct conf *conf, int argc,
                      const char *const *argv, struct wish *wish,
                      struct buf *out)
{
	int port = conf->main.listen_count ? conf->main.listen[0].port
	                                   : PORT_AGGD;
	int err = 0;

	*wish = (struct wish){ .for_s = PAIRING_FOR_S };
	for (int i = 1; !err && i < argc; i++) {
		bool more = i + 1 < argc;
		if (!strcmp(argv[i], "--for") && more) {
			wish->for_s = read_duration(argv[++i]);
			if (wish->for_s)
				continue;
			buf_printf(out, "--for '%s'; allowed: 1m to 30d, in "
			           "minutes, hours or days, as 30m, 1h, 1d\n",
			           argv[i]);
			err = -EINVAL;
		} else if (!strcmp(argv[i], "--endpoint") && more) {
			err = take_endpoint(wish, argv[++i], port, out);
		} else if (*argv[i] == '-' || wish->site) {
			buf_printf(out, "invite takes SITE [--for 1h] "
			           "[--endpoint HOST[:PORT]]..., not '%s'\n",
			           argv[i]);
			err = -EINVAL;
		} else {
			wish->site = argv[i];
			err = check_name(argv[i], out);
		}
	}
	return err;
}

/* Inviting ---------------------------------------------------------------------- */

static void add_endpoint(struct wish *wish, const struct addr *a, uint16_t port)
{
	struct conf_endpoint *next = &wish->endpoints[wish->count];

	if (wish->count == TOKEN_ENDPOINTS_MAX)
		return;
	*next = (struct conf_endpoint){ .addr = *a };
	next->addr.port = port;
	next->addr.scope_id = 0;
	wish->count++;
}

/* Where it listens: at an address, or at all of the host. */
static void find_endpoints(const struct conf *conf, struct wish *wish)
{
	struct addr here[2 * PER_FAMILY];
	unsigned n = public_read(PER_FAMILY, here);

	for (unsigned i = 0; i < conf->main.listen_count; i++) {
		const struct addr *at = &conf->main.listen[i];
		if (!addr_is_any(at)) {
			if (public_is(at))
				add_endpoint(wish, at, at->port);
			continue;
		}
		for (unsigned k = 0; k < n; k++) /* [::] is both */
			if (at->family == AF_INET6 ||
			    here[k].family == AF_INET)
				add_endpoint(wish, &here[k], at->port);
	}
}

static int check_wish(const struct pairing *p, const struct conf *conf,
                      struct wish *wish, struct buf *out)
{
	struct conf_error error = { "" };

	if (!wish->count)
		find_endpoints(conf, wish);
	if (!wish->count) {
		buf_printf(out, "no device of this host has a public address, so say "
		           "where gateways reach it: invite %s --endpoint "
		           "ADDRESS-OR-NAME\n", wish->site);
		return -EADDRNOTAVAIL;
	}
	if (!conf_find_site(conf, wish->site) &&
	    conf->site_count >= CONF_SITES_MAX) {
		buf_printf(out, "there are %u sites already, and no more are "
		           "allowed\n", CONF_SITES_MAX);
		return -ENOSPC;
	}
	if (sitefile_may_put(conf, p->config, wish->site, &error) < 0)
		return refuse(out, &error);
	return 0;
}

static int on_bad_store(const struct conf *conf, int err, struct buf *out)
{
	if (err == -EBADMSG)
		buf_printf(out, "%s/invitations is broken; remove it: what was "
		           "invited and has not joined is to be invited again\n",
		           conf->main.state);
	else
		buf_printf(out, "%s/invitations: %s\n", conf->main.state,
		           strerror(-err));
	return err;
}

/* Notes the invitation; of its secret only the hash. */
static int note(const struct conf *conf, const struct token *token,
                uint64_t now_s, struct buf *out)
{
	struct invitations *all = malloc(sizeof(*all));
	uint8_t hash[INVITATION_HASH_BYTES];
	int err = all ? invitations_load(all, conf->main.state) : -ENOMEM;

	if (!err)
		err = invitation_hash(token->secret, hash);
	if (!err)
		err = invitations_add(all, hash, token->site, token->until_s,
		                      now_s);
	if (err == -ENOSPC)
		buf_printf(out, "%u invitations are open, and no more are allowed; "
		           "'aggctl revoke SITE' takes one back\n",
		           INVITATIONS_MAX);
	else if (!err)
		err = invitations_store(all, conf->main.state);
	free(all);
	return err && err != -ENOSPC ? on_bad_store(conf, err, out) : err;
}

static int make_token(const struct conf *conf, const struct wish *wish,
                      uint64_t now_s, struct token *token, struct buf *out)
{
	*token = (struct token){ .until_s = now_s + wish->for_s,
	                         .endpoint_count = wish->count };
	snprintf(token->site, sizeof(token->site), "%s", wish->site);
	memcpy(token->endpoints, wish->endpoints, sizeof(token->endpoints));
	int err = tls_identity_pin(conf->main.state, &token->pin);
	if (err) {
		buf_printf(out, "identity in %s: %s; 'aggctl setup' makes one\n",
		           conf->main.state, strerror(-err));
		return err;
	}
	ssize_t n = getrandom(token->secret, sizeof(token->secret), 0);
	return n == (ssize_t)sizeof(token->secret) ? 0 : -EIO;
}

static void say_invitation(const struct conf *conf, const struct token *token,
                           const char *text, struct buf *out)
{
	char until[TIME_TEXT_MAX], one[CONF_VALUE_TEXT_MAX];

	buf_printf(out, "%s\n", text);
	buf_printf(out, "good once, until %s, for site '%s', at",
	           time_text(token->until_s, until), token->site);
	for (unsigned i = 0; i < token->endpoint_count; i++)
		buf_printf(out, "%s %s", i ? "," : "",
		           conf_endpoint_format(&token->endpoints[i], one));
	buf_printf(out, "\n");
	if (conf_find_site(conf, token->site))
		buf_printf(out, "site '%s' is there already: the gateway that joins "
		           "takes its place\n", token->site);
}

static int list(const struct conf *conf, uint64_t now_s, struct buf *out)
{
	struct invitations *all = malloc(sizeof(*all));
	int err = all ? invitations_load(all, conf->main.state) : -ENOMEM;
	unsigned open = 0;
	char text[TIME_TEXT_MAX];

	for (unsigned i = 0; !err && i < all->count; i++) {
		const struct invitation *one = &all->list[i];
		if (!invitation_is_open(one, now_s))
			continue;
		open++;
		buf_printf(out, "%s: invited until %s\n", one->site,
		           time_text(one->until_s, text));
	}
	free(all);
	if (err)
		return on_bad_store(conf, err, out);
	if (!open)
		buf_printf(out, "no invitation is open; 'aggctl invite SITE' makes "
		           "one\n");
	return 0;
}

int pairing_invite(const struct pairing *p, const struct conf *conf,
                   uint64_t now_s, int argc, const char *const *argv,
                   struct buf *out)
{
	char text[TOKEN_TEXT_MAX];
	struct token token;
	struct wish wish;
	int err = take_words(conf, argc, argv, &wish, out);

	if (err)
		return err;
	if (!wish.site)
		return list(conf, now_s, out);
	err = check_wish(p, conf, &wish, out);
	if (!err)
		err = make_token(conf, &wish, now_s, &token, out);
	if (!err)
		err = token_encode(&token, text);
	if (err == -E2BIG)
		buf_printf(out, "the endpoints are too long for an invitation; name "
		           "fewer\n");
	if (!err)
		err = note(conf, &token, now_s, out);
	if (!err)
		say_invitation(conf, &token, text, out);
	explicit_bzero(&token, sizeof(token));
	explicit_bzero(text, sizeof(text));
	return err;
}

/* No more, and by another name --------------------------------------------------- */

/* What stands in the files is to hold, or they are as before. */
static int apply(const struct pairing *p, struct sitefile_undo *undo,
                 struct conf_error *error)
{
	int err = p->reload ? p->reload(p->ctx, error) : 0;

	if (err)
		sitefile_take_back(undo);
	else
		sitefile_keep(undo);
	return err;
}

static int remove_site(const struct pairing *p, const struct conf *conf,
                       const char *site, struct buf *out)
{
	struct conf_error error = { "" };
	struct sitefile_undo undo;
	int err = sitefile_remove(conf, p->config, site, &undo, &error);

	if (!err)
		err = apply(p, &undo, &error);
	if (err)
		return refuse(out, &error);
	return buf_printf(out, "site '%s' is revoked: its gateway is cut off, and "
	                  "told\n", site);
}

int pairing_revoke(const struct pairing *p, const struct conf *conf,
                   uint64_t now_s, int argc, const char *const *argv,
                   struct buf *out)
{
	if (argc != 2) {
		buf_printf(out, "revoke takes one word: SITE\n");
		return -EINVAL;
	}
	const char *site = argv[1];
	bool is_there = conf_find_site(conf, site);
	struct invitations *all = malloc(sizeof(*all));
	int err = all ? invitations_load(all, conf->main.state) : -ENOMEM;
	unsigned open = err ? 0 : invitations_revoke(all, site, now_s);
	if (open)
		err = invitations_store(all, conf->main.state);
	free(all);
	if (err)
		return on_bad_store(conf, err, out);
	if (open)
		buf_printf(out, "the invitation of '%s' is revoked\n", site);
	if (is_there)
		return remove_site(p, conf, site, out);
	if (open)
		return 0;
	buf_printf(out, "there is no site '%s', nor an invitation; 'aggctl sites' "
	           "and 'aggctl invite' list what there is\n", site);
	return -ENOENT;
}

/* A section that names the site would lead to nobody. */
static int is_named(unsigned line, const char *by, const char *site, struct buf *out)
{
	buf_printf(out, "line %u of the configuration has %s '%s': change that first\n",
	           line, by, site);
	return -EBUSY;
}

static int check_rename(const struct conf *conf, const char *site,
                        const char *name, struct buf *out)
{
	if (check_name(name, out) < 0)
		return -EINVAL;
	if (!conf_find_site(conf, site)) {
		buf_printf(out, "there is no site '%s'\n", site);
		return -ENOENT;
	}
	if (conf_find_site(conf, name)) {
		buf_printf(out, "there is a site '%s' already\n", name);
		return -EEXIST;
	}
	for (unsigned i = 0; i < conf->forward_count; i++)
		if (!strcmp(conf->forwards[i].site, site))
			return is_named(conf->forwards[i].line, "a forward to", site, out);
	for (unsigned i = 0; i < conf->address_count; i++)
		if (!strcmp(conf->addresses[i].site, site))
			return is_named(conf->addresses[i].line, "an address of", site, out);
	return 0;
}

static int rename_invitations(const struct conf *conf, const char *site,
                              const char *name)
{
	struct invitations *all = malloc(sizeof(*all));
	int err = all ? invitations_load(all, conf->main.state) : -ENOMEM;

	if (!err && all->count) {
		invitations_rename(all, site, name);
		err = invitations_store(all, conf->main.state);
	}
	free(all);
	return err;
}

int pairing_rename(const struct pairing *p, const struct conf *conf,
                   int argc, const char *const *argv, struct buf *out)
{
	struct conf_error error = { "" };
	struct sitefile_undo undo;

	if (argc != 3) {
		buf_printf(out, "rename takes two words: SITE NEW\n");
		return -EINVAL;
	}
	int err = check_rename(conf, argv[1], argv[2], out);
	if (err)
		return err;
	err = rename_invitations(conf, argv[1], argv[2]);
	if (err)
		return on_bad_store(conf, err, out);
	err = sitefile_rename(conf, p->config, argv[1], argv[2], &undo, &error);
	if (!err)
		err = apply(p, &undo, &error);
	if (err)
		return refuse(out, &error);
	return buf_printf(out, "site '%s' is '%s' now\n", argv[1], argv[2]);
}

/* Redeeming ----------------------------------------------------------------------- */

static void fail(struct wire_redeemed *answer, const char *why)
{
	answer->result = WIRE_REDEEM_FAILED;
	snprintf(answer->why, sizeof(answer->why), "%s", why);
}

static const struct conf_site *find_key(const struct conf *conf,
                                        const struct tls_pin *pin)
{
	for (unsigned i = 0; i < conf->site_count; i++)
		if (!memcmp(conf->sites[i].pin.sha256, pin->sha256,
		            sizeof(pin->sha256)))
			return &conf->sites[i];
	return NULL;
}

/* The site's files, and what holds. */
static int join(const struct pairing *p, const struct conf *conf,
                const char *site, const struct tls_pin *pin, uint64_t now_s,
                struct wire_redeemed *answer)
{
	struct conf_error error = { "" };
	struct sitefile_undo undo;
	char comment[64], at[TIME_TEXT_MAX];

	snprintf(comment, sizeof(comment), "It joined by invitation, %s.",
	         time_text(now_s, at));
	int err = sitefile_put(conf, p->config, site, pin, comment, &undo, &error);
	if (!err)
		err = apply(p, &undo, &error);
	if (err)
		fail(answer, error.text);
	return err;
}

static void use(const struct pairing *p, const struct conf *conf,
                struct invitations *all, struct invitation *one,
                const struct tls_pin *pin, uint64_t now_s,
                struct wire_redeemed *answer)
{
	char state[CONF_PATH_MAX + 1];
	const struct invitation before = *one;

	strcpy(state, conf->main.state); /* conf may go */
	one->state = INVITATION_USED;
	one->by = *pin;
	int err = invitations_store(all, state);
	if (err) {
		fail(answer, strerror(-err));
		return;
	}
	if (join(p, conf, one->site, pin, now_s, answer) < 0) {
		*one = before;
		invitations_store(all, state);
	}
}

static void judge(const struct pairing *p, const struct conf *conf,
                  struct invitations *all, struct invitation *one,
                  const struct tls_pin *pin, uint64_t now_s,
                  struct wire_redeemed *answer)
{
	enum wire_redeem result = invitation_judge(one, pin, now_s);
	const struct conf_site *is = find_key(conf, pin);

	if (result == WIRE_REDEEM_JOINED && is && strcmp(is->name, one->site)) {
		snprintf(answer->site, sizeof(answer->site), "%s", is->name);
		answer->result = WIRE_REDEEM_OTHER;
		return;
	}
	/* Who was revoked since does not come back by what he once used. */
	if (result == WIRE_REDEEM_JOINED && one->state == INVITATION_USED && !is)
		result = WIRE_REDEEM_REVOKED;
	answer->result = (uint8_t)result;
	if (one)
		snprintf(answer->site, sizeof(answer->site), "%s", one->site);
	if (result == WIRE_REDEEM_JOINED && one->state == INVITATION_OPEN)
		use(p, conf, all, one, pin, now_s, answer);
}

/* As the Internet will see who leaves here. */
static void tell_egress(struct wire_redeemed *answer)
{
	struct addr here[2];
	unsigned n = public_read(1, here);

	for (unsigned i = 0; i < n; i++)
		if (here[i].family == AF_INET)
			answer->egress4 = here[i];
		else
			answer->egress6 = here[i];
}

void pairing_redeem(const struct pairing *p, const struct conf *conf,
                    uint64_t now_s, const struct tls_pin *pin,
                    const struct wire_invite *invite,
                    struct wire_redeemed *answer)
{
	struct invitations *all = malloc(sizeof(*all));
	uint8_t hash[INVITATION_HASH_BYTES];

	*answer = (struct wire_redeemed){
		.version = wire_agree(WIRE_VERSIONS, invite->version),
		.now_s = now_s,
	};
	int err = all ? invitations_load(all, conf->main.state) : -ENOMEM;
	if (!err)
		err = invitation_hash(invite->secret, hash);
	if (err)
		fail(answer, strerror(-err));
	else
		judge(p, conf, all, invitations_find(all, hash), pin, now_s,
		      answer);
	if (answer->result == WIRE_REDEEM_JOINED)
		tell_egress(answer);
	free(all);
}
