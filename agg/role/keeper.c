/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see keeper.h. Owns the subflows until they end.
 */
#include "agg/role/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned index_of(const struct keeper_slot *slot)
{
	return (unsigned)(slot - slot->keeper->slots);
}

static void on_ready(void *ctx, struct subflow *sf, const struct tls_pin *pin,
                     const struct wire_hello *hello,
                     const struct wire_welcome *welcome)
{
	struct keeper_slot *slot = ctx;
	const struct keeper_args *args = &slot->keeper->args;

	args->events->on_welcome(args->ctx, index_of(slot), sf, welcome);
}

static void on_end(void *ctx, struct subflow *sf, bool joined, const char *why)
{
	struct keeper_slot *slot = ctx;
	const struct keeper_args *args = &slot->keeper->args;

	slot->sf = NULL;
	slot->joined = false;
	args->events->on_end(args->ctx, index_of(slot), joined, why,
	                     subflow_end_kind(sf));
}

static const struct subflow_events subflow_events = { on_ready, on_end };

/* Beginning ------------------------------------------------------------------ */

bool keeper_choose(struct keeper *k, unsigned uplink,
                   bool (*may_use)(const void *ctx, const struct addr *a),
                   const void *ctx, struct endpoint *out, unsigned *count)
{
	struct endpoint all[ENDPOINTS_MAX];

	*count = endpoints_of(k->args.endpoints, uplink, all);
	for (unsigned n = 0; n < *count; n++) {
		unsigned i = (k->turn + n) % *count;
		if (!may_use(ctx, &all[i].addr))
			continue;
		k->turn = i;
		*out = all[i];
		return true;
	}
	return false;
}

bool keeper_may_begin(const struct keeper *k, unsigned slot)
{
	return !k->slots[slot].sf && !k->retry.waiting && !k->args.session->over;
}

struct subflow *keeper_begin_guest(struct keeper *k, unsigned bundle,
                                   const struct keeper_way *way,
                                   const struct keeper_guest *guest)
{
	struct tls_pin pin;
	struct subflow_args args = {
		.loop = k->args.loop, .tls = guest->tls,
		.congestion = k->congestion, .mptcp = way->mptcp,
		.events = guest->events, .ctx = guest->ctx, .pin = &pin,
		.mss = way->mss,
	};
	struct wire_hello hello = {
		.version = WIRE_VERSION,
		.subflow_id = k->args.next_id(k->args.next_ctx),
		.path = way->path, .bundle = (uint8_t)bundle,
		.path_class = way->path_class,
		.incarnation = guest->session->incarnation,
	};

	memcpy(pin.sha256, k->args.conf->concentrator.pin.sha256,
	       sizeof(pin.sha256));
	memcpy(hello.session_id, guest->session->id, sizeof(hello.session_id));
	snprintf(hello.name, sizeof(hello.name), "%s", way->name);
	return subflow_connect(&args, &way->at.addr, way->device, way->source, &hello);
}

int keeper_begin(struct keeper *k, unsigned slot,
                 const struct keeper_way *way)
{
	struct keeper_slot *s = &k->slots[slot];
	const struct keeper_guest own = {
		.tls = k->args.tls, .session = k->args.session,
		.events = &subflow_events, .ctx = s,
	};

	s->at = way->at;
	s->uplink = way->uplink;
	s->sf = keeper_begin_guest(k, slot, way, &own);
	return s->sf ? 0 : -errno;
}

/* What happened to them ------------------------------------------------------- */

unsigned keeper_joined(const struct keeper *k)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEEPER_SLOTS_MAX; i++)
		n += k->slots[i].joined;
	return n;
}

void keeper_failed(struct keeper *k, enum subflow_end kind)
{
	if (!keeper_joined(k))
		k->turn++;
	if (subflow_end_is_verdict(kind))
		retry_refused(&k->retry);
	else
		retry_failed(&k->retry);
}

int keeper_on_join(struct keeper *k, struct subflow *sf)
{
	for (unsigned i = 0; i < KEEPER_SLOTS_MAX; i++) {
		if (k->slots[i].sf != sf)
			continue;
		k->slots[i].joined = true;
		retry_reset(&k->retry);
		return (int)i;
	}
	return -1;
}

void keeper_fail_from(struct keeper *k, unsigned slot, const char *why)
{
	for (; slot < KEEPER_SLOTS_MAX; slot++)
		if (k->slots[slot].sf)
			subflow_fail(k->slots[slot].sf, why);
}

void keeper_leave(struct keeper *k, keeper_take_fn *take, void *ctx)
{
	for (unsigned i = 0; i < KEEPER_SLOTS_MAX; i++) {
		struct keeper_slot *slot = &k->slots[i];
		if (!slot->joined)
			continue;
		take(ctx, slot->sf, slot->uplink, i);
		slot->sf = NULL;
		slot->joined = false;
	}
	keeper_end_all(k);
	retry_reset(&k->retry);
}

void keeper_end_all(struct keeper *k)
{
	for (unsigned i = 0; i < KEEPER_SLOTS_MAX; i++) {
		subflow_destroy(k->slots[i].sf);
		k->slots[i].sf = NULL;
		k->slots[i].joined = false;
	}
}

/* Its own beginning and end --------------------------------------------------- */

void keeper_set_conf(struct keeper *k, const struct conf *conf)
{
	k->args.conf = conf;
	snprintf(k->congestion, sizeof(k->congestion), "%s",
	         conf->main.congestion);
}

int keeper_init(struct keeper *k, const struct keeper_args *args)
{
	*k = (struct keeper){ .args = *args };
	keeper_set_conf(k, args->conf);
	for (unsigned i = 0; i < KEEPER_SLOTS_MAX; i++)
		k->slots[i].keeper = k;
	return retry_init(&k->retry, args->loop, args->rand,
	                  args->events->on_retry, args->ctx);
}

void keeper_finish(struct keeper *k)
{
	keeper_end_all(k);
	retry_finish(&k->retry);
}
