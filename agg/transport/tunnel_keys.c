/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_keys.h. A new key is announced when there is none, or the newest was
 * used for long; an old one is kept for some time after the next one is used, for what
 * was overtaken. While there is no place for a new one, the newest goes on: it has
 * room enough.
 */
#include "agg/transport/tunnel_keys.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define RETRY_US 1000000u /* no index, or no memory for a key */

static struct datagram_key *make(const struct tunnel *t, const struct wire_tunnel_key *key,
                                 enum aead_use use)
{
	struct datagram_key_args args = {
		.key = *key,
		.use = use,
		/* The key that we announce is of what the other one sends. */
		.from_gateway = t->args.is_gateway == (use == AEAD_SEAL),
	};

	memcpy(args.session_id, t->args.session_id, sizeof(args.session_id));
	struct datagram_key *made = datagram_key_create(&args);
	explicit_bzero(&args, sizeof(args));
	return made;
}

static uint64_t renew_packets(const struct tunnel *t)
{
	return t->args.renew_packets ? t->args.renew_packets : DATAGRAM_KEY_RENEW_PACKETS;
}

static uint64_t kept_us(const struct tunnel *t)
{
	return t->args.epoch_kept_us ? t->args.epoch_kept_us : TUNNEL_EPOCH_KEPT_US;
}

static void drop(struct tunnel *t, struct tunnel_epoch *epoch)
{
	if (!epoch->key)
		return;
	t->args.ops->drop_index(t->args.ctx, epoch->key->index);
	datagram_key_destroy(epoch->key);
	*epoch = (struct tunnel_epoch){ 0 };
}

/* When the i-th is over; UINT64_MAX: none that is newer is used yet. */
static uint64_t over_us(const struct tunnel *t, unsigned i)
{
	uint64_t used_us = UINT64_MAX;

	for (unsigned newer = 0; newer < i && t->in[i].key; newer++)
		if (t->in[newer].used_us && t->in[newer].used_us < used_us)
			used_us = t->in[newer].used_us;
	return used_us < UINT64_MAX ? used_us + kept_us(t) : UINT64_MAX;
}

static bool is_worn(const struct tunnel *t)
{
	const struct datagram_key *key = t->in[0].key;

	return t->in[0].suite != t->args.suite || key->packets >= renew_packets(t) ||
	       key->forged >= DATAGRAM_KEY_FORGED_MAX ||
	       (key->packets && t->now_us - t->in[0].announced_us >= DATAGRAM_KEY_RENEW_US);
}

/* Counters that are expected next go on from those of the epoch before. */
static void go_on(struct datagram_key *key, const struct datagram_key *before)
{
	for (unsigned p = 0; before && p < DATAGRAM_PATHS_MAX; p++)
		key->seen[p].next = before->seen[p].next;
}

static int announce(struct tunnel *t)
{
	struct wire_frame frame = { .type = WIRE_TUNNEL_KEY, .tunnel_key = {
		.epoch = t->epoch + 1, .suite = (uint8_t)t->args.suite } };
	struct wire_tunnel_key *key = &frame.tunnel_key;

	int err = t->args.ops->take_index(t->args.ctx, &key->index);
	if (err)
		return err;
	t->args.ops->random(t->args.ctx, key->random, sizeof(key->random));
	struct datagram_key *made = make(t, key, AEAD_OPEN);
	if (made) {
		go_on(made, t->in[0].key);
		memmove(t->in + 1, t->in, (TUNNEL_EPOCHS_MAX - 1) * sizeof(t->in[0]));
		t->in[0] = (struct tunnel_epoch){ .key = made, .suite = t->args.suite,
		                                  .announced_us = t->now_us };
		t->epoch++;
		t->args.ops->say(t->args.ctx, &frame);
	} else {
		t->args.ops->drop_index(t->args.ctx, key->index);
	}
	explicit_bzero(&frame, sizeof(frame));
	return made ? 0 : -ENOMEM;
}

void tunnel_keys_turn(struct tunnel *t)
{
	for (unsigned i = 1; i < TUNNEL_EPOCHS_MAX; i++)
		if (over_us(t, i) <= t->now_us)
			drop(t, &t->in[i]);
	if (t->in[TUNNEL_EPOCHS_MAX - 1].key || t->now_us < t->announce_us ||
	    (t->in[0].key && !is_worn(t)))
		return;
	t->announce_us = announce(t) < 0 ? t->now_us + RETRY_US : 0;
}

uint64_t tunnel_keys_deadline(const struct tunnel *t)
{
	uint64_t at = t->announce_us > t->now_us ? t->announce_us : UINT64_MAX;

	for (unsigned i = 1; i < TUNNEL_EPOCHS_MAX; i++)
		if (over_us(t, i) < at)
			at = over_us(t, i);
	return at;
}

/* Ours go on from the epoch before, so that they rise whatever is renewed. */
int tunnel_keys_take(struct tunnel *t, const struct wire_tunnel_key *key)
{
	if (t->out && key->epoch <= t->out->epoch)
		return 0; /* a double, or overtaken */
	struct datagram_key *made = make(t, key, AEAD_SEAL);
	if (!made)
		return errno == EINVAL ? -EOPNOTSUPP : -errno;
	if (t->out)
		memcpy(made->next, t->out->next, sizeof(made->next));
	datagram_key_destroy(t->out);
	t->out = made;
	/* Who asks for it has no AES in its processor, and is the slower one by far. */
	if (key->suite == AEAD_CHACHA20_POLY1305_SHA256)
		t->args.suite = AEAD_CHACHA20_POLY1305_SHA256;
	return 0;
}

struct tunnel_epoch *tunnel_keys_find(struct tunnel *t, uint32_t index)
{
	for (unsigned i = 0; i < TUNNEL_EPOCHS_MAX; i++)
		if (t->in[i].key && t->in[i].key->index == index)
			return &t->in[i];
	return NULL;
}

void tunnel_keys_used(struct tunnel *t, struct tunnel_epoch *epoch)
{
	if (!epoch->used_us)
		epoch->used_us = t->now_us;
	if (epoch == t->in && is_worn(t))
		tunnel_note(t);
}

void tunnel_keys_finish(struct tunnel *t)
{
	for (unsigned i = 0; i < TUNNEL_EPOCHS_MAX; i++)
		drop(t, &t->in[i]);
	datagram_key_destroy(t->out);
	t->out = NULL;
}
