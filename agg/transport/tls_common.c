/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the part of tls.h that is the same by every library. After the handshake
 * the records are seal.h's; or the library's, with the copies that this takes.
 *
 * The library is asked to read only when a whole record is in the queue: a record
 * on its way needs no buffer besides the queue, and an idle connection none.
 */
#include "agg/transport/tls_common.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* RFC 5246, 6.2.3: 2048 more than the payload; RFC 8446, 5.2: 256. */
#define RECORD_BODY_MAX (TLS_RECORD_PAYLOAD_MAX + 2048)

static struct tls_common *common(struct tls *tls)
{
	return (struct tls_common *)tls;
}

static const struct tls_common *seen(const struct tls *tls)
{
	return (const struct tls_common *)tls;
}

/* Its life. */

void tls_common_init(struct tls_common *c, struct buf *in, struct buf *out)
{
	c->in = in;
	c->out = out;
	buf_init(&c->plain, TLS_RECORD_PAYLOAD_MAX);
	buf_init(&c->opened, SIZE_MAX / 4); /* as long as `in` is */
}

void tls_common_finish(struct tls_common *c)
{
	seal_destroy(c->seal);
	buf_finish(&c->plain);
	buf_finish(&c->opened);
	explicit_bzero(c, sizeof(*c));
}

void tls_common_blame(struct tls_common *c, const char *text)
{
	if (!c->error[0])
		snprintf(c->error, sizeof(c->error), "%s", text);
}

/* The peer. */

void tls_expect_pin(struct tls *tls, const struct tls_pin *pin)
{
	struct tls_common *c = common(tls);

	c->expects = true;
	c->expected = *pin;
}

const char *tls_common_objection(struct tls_common *c, bool has_alpn,
                                 unsigned certificates, bool is_p256)
{
	if (!has_alpn)
		return TLS_NO_ALPN;
	if (certificates != 1)
		return "peer's certificate is not alone";
	if (!is_p256)
		return "peer's certificate is not P-256";
	c->wrong_pin = c->expects && !tls_pin_equal(&c->peer, &c->expected);
	return c->wrong_pin ? "wrong pin" : NULL;
}

void tls_peer_pin(const struct tls *tls, struct tls_pin *out)
{
	*out = seen(tls)->peer;
}

const char *tls_cipher(const struct tls *tls)
{
	return seen(tls)->cipher;
}

/* The suites. */

#define TRY_BYTES 8192
#define TRIES 16 /* in turn, and the best counts: others have the processor, too */

/* Nanoseconds that a record takes; UINT64_MAX: it cannot be sealed. */
static uint64_t cost_of(struct aead *aead)
{
	uint8_t record[TRY_BYTES + AEAD_TAG_BYTES] = { 0 };
	struct aead_text text = { .p = record, .n = TRY_BYTES, .ad = record };
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	if (aead_seal(aead, &text) < 0)
		return UINT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &to);
	return (uint64_t)(to.tv_sec - from.tv_sec) * 1000000000u +
	       (uint64_t)to.tv_nsec - (uint64_t)from.tv_nsec;
}

bool tls_common_aes_is_faster(void)
{
	static const enum aead_suite suites[] = { AEAD_AES_128_GCM_SHA256,
	                                          AEAD_CHACHA20_POLY1305_SHA256 };
	static const uint8_t key[AEAD_KEY_BYTES_MAX];
	struct aead *aead[2];
	uint64_t best[2] = { UINT64_MAX, UINT64_MAX };

	for (int i = 0; i < 2; i++)
		aead[i] = aead_create(suites[i], AEAD_SEAL);
	for (int i = 0; i < 2 * TRIES; i++) {
		int it = i & 1;
		bool ok = aead[it] && (i > 1 || !aead_set_key(aead[it], key));
		uint64_t cost = ok ? cost_of(aead[it]) : UINT64_MAX;
		best[it] = cost < best[it] ? cost : best[it];
	}
	for (int i = 0; i < 2; i++)
		aead_destroy(aead[i]);
	return best[0] <= best[1];
}

/* RFC 8446, B.4. False: none that seal.h knows. */
static bool suite_of(uint16_t id, enum aead_suite *suite)
{
	switch (id) {
	case 0x1301:
		*suite = AEAD_AES_128_GCM_SHA256;
		return true;
	case 0x1302:
		*suite = AEAD_AES_256_GCM_SHA384;
		return true;
	case 0x1303:
		*suite = AEAD_CHACHA20_POLY1305_SHA256;
		return true;
	}
	return false;
}

int tls_common_take_over(struct tls_common *c, enum tls_side us,
                         uint16_t suite)
{
	struct seal_args args = { .in = c->in, .out = c->out };
	bool can = suite_of(suite, &args.suite) &&
	           c->secrets[TLS_CLIENT].n == seal_hash_bytes(args.suite) &&
	           c->secrets[TLS_SERVER].n == seal_hash_bytes(args.suite);

	if (can) {
		args.send_secret = c->secrets[us].bytes;
		args.receive_secret = c->secrets[!us].bytes;
		c->seal = seal_create(&args);
	}
	explicit_bzero(c->secrets, sizeof(c->secrets));
	if (!can)
		return 0;
	if (c->seal)
		return 1;
	tls_common_blame(c, "no memory for the keys");
	return -EPROTO;
}

/* The library's records. */

/* What n bytes take of `out`, in full records. */
static size_t room(const struct tls *tls, size_t n)
{
	size_t records = (n + TLS_RECORD_PAYLOAD_MAX - 1) / TLS_RECORD_PAYLOAD_MAX;

	return n + records * tls_lib_overhead(tls);
}

static int records_flush(struct tls *tls)
{
	struct tls_common *c = common(tls);
	size_t n = c->plain.len;

	if (!n)
		return 0;
	if (c->records_sealed > SEAL_RECORDS_PER_KEY) {
		if (!tls_lib_renew_key(tls)) {
			tls_common_blame(c, "the key is used up");
			return -EPROTO;
		}
		c->records_sealed = 0;
	}
	c->records_sealed++;
	int err = tls_lib_write(tls, buf_head(&c->plain), n);
	buf_take(&c->plain, n);
	return err;
}

static uint8_t *records_reserve(struct tls *tls, size_t n)
{
	struct tls_common *c = common(tls);

	if (n > buf_space(&c->plain) && records_flush(tls) < 0)
		return NULL;
	if (!c->plain.len &&
	    !buf_reserve(c->out, room(tls, TLS_RECORD_PAYLOAD_MAX)))
		return NULL;
	return buf_reserve(&c->plain, n);
}

/* With no part of a record inside the library: is the next one whole? One that
 * is too long is left to the library to refuse. */
static bool record_is_whole(const struct buf *in)
{
	if (in->len < SEAL_HEADER_BYTES)
		return false;
	const uint8_t *header = buf_head(in);
	size_t body = (size_t)header[3] << 8 | header[4];
	return body > RECORD_BODY_MAX || in->len >= SEAL_HEADER_BYTES + body;
}

/* Of what was opened the bytes may not move: so room for all that can be, once. */
static uint8_t *room_to_open(struct tls_common *c)
{
	if (c->opened.len)
		return buf_reserve(&c->opened, TLS_RECORD_PAYLOAD_MAX);
	return buf_reserve(&c->opened, c->in->len + 2 * RECORD_BODY_MAX);
}

static ssize_t records_open(struct tls *tls, uint8_t **p)
{
	struct tls_common *c = common(tls);

	if (!c->starved && !tls_lib_has_pending(tls) && !record_is_whole(c->in))
		return 0;
	*p = room_to_open(c);
	if (!*p) {
		tls_common_blame(c, "no memory to open a record");
		return -EPROTO;
	}
	ssize_t n = tls_lib_read(tls, *p);
	c->starved = n <= 0;
	if (n > 0)
		buf_added(&c->opened, (size_t)n);
	return n;
}

/* Records: seal.h's, or the library's. */

uint8_t *tls_reserve(struct tls *tls, size_t n)
{
	struct seal *seal = common(tls)->seal;

	return seal ? seal_reserve(seal, n) : records_reserve(tls, n);
}

void tls_commit(struct tls *tls, size_t n)
{
	struct tls_common *c = common(tls);

	if (c->seal)
		seal_commit(c->seal, n);
	else
		buf_added(&c->plain, n);
}

size_t tls_begun(const struct tls *tls)
{
	const struct tls_common *c = seen(tls);

	return c->seal ? seal_begun(c->seal) : c->plain.len;
}

int tls_flush(struct tls *tls)
{
	struct seal *seal = common(tls)->seal;

	return seal ? seal_flush(seal) : records_flush(tls);
}

static bool has_room(struct tls *tls, size_t n)
{
	/* A record is begun only where a full one would fit. */
	size_t records = (n + TLS_RECORD_PAYLOAD_MAX - 1) / TLS_RECORD_PAYLOAD_MAX;
	size_t full = records * TLS_RECORD_PAYLOAD_MAX;
	struct tls_common *c = common(tls);

	return buf_reserve(c->out, c->seal ? seal_room(c->seal, full)
	                                   : room(tls, full));
}

int tls_write(struct tls *tls, const uint8_t *p, size_t n)
{
	int err = tls_flush(tls);

	if (!err && n && !has_room(tls, n))
		return -ENOBUFS;
	while (!err && n) {
		size_t part = n < TLS_RECORD_PAYLOAD_MAX ? n
		                                         : TLS_RECORD_PAYLOAD_MAX;
		uint8_t *to = tls_reserve(tls, part);
		if (!to)
			return -EPROTO; /* there is room */
		memcpy(to, p, part);
		tls_commit(tls, part);
		err = tls_flush(tls);
		p += part;
		n -= part;
	}
	return err;
}

ssize_t tls_open(struct tls *tls, uint8_t **p)
{
	struct seal *seal = common(tls)->seal;

	return seal ? seal_open(seal, p) : records_open(tls, p);
}

void tls_taken(struct tls *tls)
{
	struct tls_common *c = common(tls);

	if (c->seal)
		seal_taken(c->seal);
	else
		buf_take(&c->opened, c->opened.len);
}

void tls_close(struct tls *tls)
{
	struct seal *seal = common(tls)->seal;

	if (seal) {
		seal_close(seal);
		return;
	}
	(void)records_flush(tls);
	tls_lib_close(tls);
}

const char *tls_error(const struct tls *tls)
{
	const struct tls_common *c = seen(tls);

	if (c->error[0])
		return c->error;
	return c->seal && seal_error(c->seal)[0] ? seal_error(c->seal)
	                                         : "no error";
}
