/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what tls.h promises, asked of every library as a client against every
 * library as a server. Knows no library: wrong peers come from tls_stranger.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/wire.h"
#include "tests/contract/tls_pair.h"
#include "tests/contract/tls_stranger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG (1u << 20)
#define RECORD_HEADER 5
#define SMALL_SEGMENT 496 /* uplink.c: of 536, TCP's options beside it */
#define APPLICATION_DATA 23 /* RFC 8446, 5.1 */

static const struct tls_impl *const libraries[] = {
	&tls_impl_openssl, &tls_impl_openssl_records,
	&tls_impl_mbedtls, &tls_impl_mbedtls_records,
};
#define LIBRARIES (sizeof(libraries) / sizeof(libraries[0]))

/* A client may say so in the clear still, which mbedTLS 3 does not read. */
#define NOT_DECRYPTED "Verification of the message MAC failed"

struct fixture {
	const struct tls_impl *client, *server;
	struct tls_pair_home home;
};

static void open_pair(struct fixture *f, struct tls_pair *pair)
{
	tls_pair_init(pair, f->client, f->server, &f->home);
}

/* A pair with the handshake behind it and nothing in its queues. */
static void open_shaken(struct fixture *f, struct tls_pair *pair)
{
	struct rand r = { 1 };

	open_pair(f, pair);
	assert_true(tls_pair_shake(pair, TLS_PAIR_QUEUE_MAX, &r));
	tls_pair_turn(pair, TLS_PAIR_QUEUE_MAX);
	assert_int_equal(pair->client.in.len + pair->server.in.len, 0);
}

static uint8_t *noise(size_t n, uint64_t seed)
{
	struct rand r = { seed };
	uint8_t *p = malloc(n);

	assert_non_null(p);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rand_u64(&r);
	return p;
}

/* What a record takes beside its payload; it differs by version and suite. */
static size_t overhead(struct tls_pair *pair)
{
	struct tls_end *end = &pair->client;
	uint8_t *p;

	assert_int_equal(end->lib->write(end->tls, (const uint8_t *)"", 1), 0);
	size_t n = end->out.len - 1;
	assert_in_range(n, TLS_RECORD_OVERHEAD - 1, TLS_RECORD_OVERHEAD_MAX);
	tls_pair_move(&end->out, &pair->server.in, BIG);
	assert_int_equal(pair->server.lib->open(pair->server.tls, &p), 1);
	pair->server.lib->taken(pair->server.tls);
	return n;
}

static int end_write(struct tls_end *end, const void *p, size_t n)
{
	return end->lib->write(end->tls, p, n);
}

/* One record, of n bytes at most. */
static ssize_t end_read(struct tls_end *end, void *to, size_t n)
{
	uint8_t *p;
	ssize_t got = end->lib->open(end->tls, &p);

	assert_true(got <= (ssize_t)n);
	if (got > 0)
		memcpy(to, p, (size_t)got);
	end->lib->taken(end->tls);
	return got;
}

/* Handshake. */

static void test_handshake_at_once(void **state)
{
	struct tls_pair pair;

	open_shaken(*state, &pair);
	assert_non_null(pair.client.lib->cipher(pair.client.tls));
	assert_non_null(strchr(pair.server.lib->library(), ' '));
	if (pair.client.lib == pair.server.lib)
		assert_string_equal(pair.client.lib->cipher(pair.client.tls),
		                    pair.server.lib->cipher(pair.server.tls));
	tls_pair_finish(&pair);
}

static void test_handshake_byte_by_byte(void **state)
{
	struct tls_pair pair;
	struct rand r = { 2 };

	open_pair(*state, &pair);
	assert_true(tls_pair_shake(&pair, 1, &r));
	tls_pair_finish(&pair);
}

static void test_handshake_at_random_splits(void **state)
{
	for (uint64_t seed = 0; seed < 40; seed++) {
		struct tls_pair pair;
		struct rand r = { seed };
		open_pair(*state, &pair);
		assert_true(tls_pair_shake(&pair, 1 + rand_below(&r, 600), &r));
		tls_pair_finish(&pair);
	}
}

static void assert_peer_pins(struct fixture *f, struct tls_pair *pair)
{
	struct tls_pin client, server, seen;

	assert_int_equal(f->client->identity_pin(f->home.client, &client), 0);
	assert_int_equal(f->server->identity_pin(f->home.server, &server), 0);
	assert_false(tls_pin_equal(&client, &server));
	pair->server.lib->peer_pin(pair->server.tls, &seen);
	assert_true(tls_pin_equal(&seen, &client));
	pair->client.lib->peer_pin(pair->client.tls, &seen);
	assert_true(tls_pin_equal(&seen, &server));
}

static void test_pins_are_those_of_the_identities(void **state)
{
	struct tls_pair pair;

	open_shaken(*state, &pair);
	assert_peer_pins(*state, &pair);
	tls_pair_finish(&pair);
}

/* All of the handshake that can be, when the client expects that pin. */
static void shake_expecting(struct tls_pair *pair, const struct tls_pin *pin)
{
	pair->client.lib->expect_pin(pair->client.tls, pin);
	for (int turn = 0; turn < 6; turn++)
		tls_pair_turn(pair, BIG);
}

static void test_the_expected_pin(void **state)
{
	struct fixture *f = *state;
	struct tls_pair pair;
	struct tls_pin pin;

	open_pair(f, &pair);
	assert_int_equal(f->server->identity_pin(f->home.server, &pin), 0);
	shake_expecting(&pair, &pin);
	assert_int_equal(pair.client.shaken, 1);
	assert_int_equal(pair.server.shaken, 1);
	assert_peer_pins(f, &pair);
	tls_pair_finish(&pair);
}

/* The client says which it was, and to the server not even who it is. */
static void test_another_pin_than_expected(void **state)
{
	struct fixture *f = *state;
	struct tls_pin server, other, seen;
	static const struct tls_pin none;
	struct tls_pair pair;

	open_pair(f, &pair);
	assert_int_equal(f->server->identity_pin(f->home.server, &server), 0);
	other = server;
	other.sha256[31] ^= 1;
	shake_expecting(&pair, &other);
	assert_int_equal(pair.client.shaken, -EKEYREJECTED);
	assert_int_equal(pair.client.lib->handshake(pair.client.tls),
	                 -EKEYREJECTED);
	assert_string_equal(pair.client.lib->error(pair.client.tls),
	                    "wrong pin");
	pair.client.lib->peer_pin(pair.client.tls, &seen);
	assert_true(tls_pin_equal(&seen, &server));
	assert_int_equal(pair.server.shaken, -EPROTO);
	const char *error = pair.server.lib->error(pair.server.tls);
	if (!strstr(error, NOT_DECRYPTED))
		assert_string_equal(error, "the peer rejects our certificate");
	pair.server.lib->peer_pin(pair.server.tls, &seen);
	assert_true(tls_pin_equal(&seen, &none));
	tls_pair_finish(&pair);
}

/* A bit changed on the way: no handshake, or, where the bit means nothing
 * (a record's legacy version), one with the right peer. */
static void test_handshake_with_flipped_bits(void **state)
{
	struct rand r = { 3 };

	for (int i = 0; i < 80; i++) {
		struct tls_pair pair;
		open_pair(*state, &pair);
		tls_end_shake(&pair.client);
		bool to_server = rand_below(&r, 2);
		struct tls_end *from = to_server ? &pair.client : &pair.server;
		if (!to_server)
			tls_pair_move(&pair.client.out, &pair.server.in, BIG);
		tls_end_shake(&pair.server);
		buf_head(&from->out)[rand_below(&r, from->out.len)] ^=
			(uint8_t)(1 << rand_below(&r, 8));
		for (int turn = 0; turn < 6; turn++)
			tls_pair_turn(&pair, BIG);
		if (pair.client.shaken == 1 && pair.server.shaken == 1)
			assert_peer_pins(*state, &pair);
		tls_pair_finish(&pair);
	}
}

/* Data. */

static void pass(struct tls_end *from, struct tls_end *to, const uint8_t *p,
                 size_t n, size_t piece_max, struct rand *r)
{
	struct buf got;

	buf_init(&got, TLS_PAIR_QUEUE_MAX);
	assert_int_equal(end_write(from, p, n), 0);
	while (from->out.len) {
		tls_pair_move(&from->out, &to->in, 1 + rand_below(r, piece_max));
		assert_int_equal(tls_end_read(to, &got), 0);
	}
	assert_int_equal(got.len, n);
	assert_memory_equal(buf_head(&got), p, n);
	assert_int_equal(to->in.len, 0);
	buf_finish(&got);
}

static void test_data_of_any_size_both_ways(void **state)
{
	static const size_t sizes[] = { 1, 2, 1400, 16383, 16384, 16385, BIG };
	uint8_t *p = noise(BIG, 4);
	struct rand r = { 5 };
	struct tls_pair pair;

	open_shaken(*state, &pair);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pass(&pair.client, &pair.server, p, sizes[i], BIG, &r);
		pass(&pair.server, &pair.client, p, sizes[i], BIG, &r);
		pass(&pair.client, &pair.server, p, sizes[i], 9000, &r);
	}
	pass(&pair.server, &pair.client, p, 20000, 1, &r);
	tls_pair_finish(&pair);
	free(p);
}

static void test_nothing_to_write_writes_nothing(void **state)
{
	struct tls_pair pair;

	open_shaken(*state, &pair);
	assert_int_equal(end_write(&pair.client, "", 0), 0);
	assert_int_equal(pair.client.out.len, 0);
	tls_pair_finish(&pair);
}

/* What was opened is there, all at once, until it is taken. */
static void test_opened_records_stay_until_taken(void **state)
{
	static const size_t sizes[] = { 1, 1400, 16384, 7, 16384 };
	const size_t count = sizeof(sizes) / sizeof(sizes[0]);
	uint8_t *p = noise(BIG, 6), *at[sizeof(sizes) / sizeof(sizes[0])];
	struct tls_pair pair;

	open_shaken(*state, &pair);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < count; i++)
			assert_int_equal(end_write(&pair.client, p + i, sizes[i]), 0);
		tls_pair_move(&pair.client.out, &pair.server.in, BIG);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(pair.server.lib->open(pair.server.tls,
			                                       &at[i]), sizes[i]);
		uint8_t *none;
		assert_int_equal(pair.server.lib->open(pair.server.tls, &none), 0);
		for (size_t i = 0; i < count; i++)
			assert_memory_equal(at[i], p + i, sizes[i]);
		pair.server.lib->taken(pair.server.tls);
		assert_int_equal(pair.server.in.len, 0);
	}
	tls_pair_finish(&pair);
	free(p);
}

/* Pieces are written to the record at hand; one that does not fit is the first
 * of the next. */
static void test_pieces_share_a_record(void **state)
{
	static uint8_t got[TLS_RECORD_PAYLOAD_MAX];
	struct tls_pair pair;

	open_shaken(*state, &pair);
	const struct tls_impl *lib = pair.client.lib;
	struct tls *tls = pair.client.tls;
	assert_null(lib->reserve(tls, TLS_RECORD_PAYLOAD_MAX + 1));
	assert_int_equal(lib->flush(tls), 0);
	for (size_t i = 0; i < 5; i++) {
		uint8_t *to = lib->reserve(tls, 5000);
		assert_non_null(to);
		memset(to, (int)i, 5000);
		lib->commit(tls, 5000);
		assert_int_equal(lib->begun(tls), i < 3 ? 5000 * (i + 1)
		                                        : 5000 * (i - 2));
	}
	assert_int_equal(lib->flush(tls), 0);
	assert_int_equal(lib->begun(tls), 0);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), 15000);
	assert_int_equal(got[14999], 2);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), 10000);
	assert_int_equal(got[0], 3);
	tls_pair_finish(&pair);
}

/* Without what only the handshake needed all goes on. */
static void test_settled_connections_go_on(void **state)
{
	struct tls_pair pair;
	struct rand r = { 14 };
	struct tls_pin pin;

	open_shaken(*state, &pair);
	pair.client.lib->settle(pair.client.tls);
	pair.server.lib->settle(pair.server.tls);
	pass(&pair.client, &pair.server, (const uint8_t *)"there", 5, BIG, &r);
	pass(&pair.server, &pair.client, (const uint8_t *)"back", 4, BIG, &r);
	assert_peer_pins(*state, &pair);
	pair.client.lib->peer_pin(pair.client.tls, &pin);
	assert_int_equal(strncmp(pair.client.lib->cipher(pair.client.tls), "TLS_", 4),
	                 0);
	pair.client.lib->close(pair.client.tls);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	uint8_t got[1];
	assert_int_equal(end_read(&pair.server, got, 1), -EPIPE);
	assert_string_equal(pair.server.lib->error(pair.server.tls),
	                    "the peer closed");
	tls_pair_finish(&pair);
}

/* The client may speak at once; the server finds it behind the handshake. */
static void test_data_right_behind_the_handshake(void **state)
{
	struct tls_pair pair;
	char got[16];

	open_pair(*state, &pair);
	for (int turn = 0; turn < 4 && !pair.client.shaken; turn++) {
		tls_pair_turn(&pair, BIG);
		tls_end_shake(&pair.client);
	}
	assert_int_equal(pair.client.shaken, 1);
	assert_int_equal(end_write(&pair.client, "early bird", 10), 0);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	tls_end_shake(&pair.server);
	assert_int_equal(pair.server.shaken, 1);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), 10);
	assert_memory_equal(got, "early bird", 10);
	tls_pair_finish(&pair);
}

static size_t record_body(const uint8_t *header)
{
	return (size_t)header[3] << 8 | header[4];
}

static void test_records_are_full(void **state)
{
	static const size_t sizes[] = { 1, 16384, 16385, 100000 };
	uint8_t *p = noise(BIG, 7);
	struct tls_pair pair;

	open_shaken(*state, &pair);
	size_t more = overhead(&pair);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t left = sizes[i], at = 0;
		struct buf *out = &pair.client.out;
		assert_int_equal(end_write(&pair.client, p, left), 0);
		for (; left; at += RECORD_HEADER + record_body(buf_head(out) + at)) {
			const uint8_t *header = buf_head(out) + at;
			size_t payload = left < TLS_RECORD_PAYLOAD_MAX
				? left : TLS_RECORD_PAYLOAD_MAX;
			assert_int_equal(header[0], APPLICATION_DATA);
			assert_int_equal(RECORD_HEADER + record_body(header),
			                 payload + more);
			left -= payload;
		}
		assert_int_equal(at, out->len);
		buf_take(out, out->len);
	}
	tls_pair_finish(&pair);
	free(p);
}

static void test_a_full_queue_seals_nothing(void **state)
{
	size_t n = 3 * TLS_RECORD_PAYLOAD_MAX;
	uint8_t *p = noise(n, 8);
	struct rand r = { 9 };
	struct tls_pair pair;

	open_shaken(*state, &pair);
	size_t more = overhead(&pair), room = n + 3 * more;
	pair.client.out.max = room - 1;
	assert_int_equal(end_write(&pair.client, p, n), -ENOBUFS);
	assert_int_equal(pair.client.out.len, 0);
	pair.client.out.max = room;
	pass(&pair.client, &pair.server, p, n, BIG, &r);
	assert_int_equal(end_write(&pair.client, p, 1), 0);
	assert_int_equal(end_write(&pair.client, p, n), -ENOBUFS);
	assert_int_equal(pair.client.out.len, 1 + more);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	assert_int_equal(end_read(&pair.server, p, n), 1);
	pass(&pair.client, &pair.server, p, n, BIG, &r);
	tls_pair_finish(&pair);
	free(p);
}

static void test_close_comes_behind_the_data(void **state)
{
	struct tls_pair pair;
	char got[16];

	open_shaken(*state, &pair);
	assert_int_equal(end_write(&pair.client, "last", 4), 0);
	pair.client.lib->close(pair.client.tls);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), 4);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), -EPIPE);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), -EPIPE);
	tls_pair_finish(&pair);
}

static void test_close_in_the_handshake_is_harmless(void **state)
{
	struct tls_pair pair;
	struct rand r = { 10 };

	open_pair(*state, &pair);
	tls_pair_turn(&pair, BIG);
	pair.server.lib->close(pair.server.tls);
	tls_pair_finish(&pair);
	open_pair(*state, &pair); /* no error of the first is left about */
	assert_true(tls_pair_shake(&pair, BIG, &r));
	tls_pair_finish(&pair);
}

/* Forgeries. */

static void assert_broken(struct tls_end *end)
{
	uint8_t got[64];

	assert_int_equal(end_read(end, got, sizeof(got)), -EPROTO);
	assert_string_not_equal(end->lib->error(end->tls), "");
	assert_string_not_equal(end->lib->error(end->tls), "no error");
	assert_int_equal(end_read(end, got, sizeof(got)), -EPROTO);
}

static void test_a_cut_record_waits(void **state)
{
	uint8_t *p = noise(100, 11), got[100];
	struct tls_pair pair;

	open_shaken(*state, &pair);
	size_t more = overhead(&pair);
	for (size_t cut = 0; cut < 100 + more; cut++) {
		assert_int_equal(end_write(&pair.client, p, 100), 0);
		tls_pair_move(&pair.client.out, &pair.server.in, cut);
		assert_int_equal(end_read(&pair.server, got, 100), 0);
		assert_int_equal(end_read(&pair.server, got, 100), 0);
		tls_pair_move(&pair.client.out, &pair.server.in, BIG);
		assert_int_equal(end_read(&pair.server, got, 100), 100);
		assert_memory_equal(got, p, 100);
	}
	tls_pair_finish(&pair);
	free(p);
}

/* Two records; one bit of the first is wrong. False: it is not so long. */
static bool flip_and_read(struct fixture *f, size_t at, unsigned bit)
{
	struct tls_pair pair;
	uint8_t p[100] = { 0 }, got[200];

	open_shaken(f, &pair);
	bool is_in = at < sizeof(p) + overhead(&pair);
	assert_int_equal(end_write(&pair.client, p, sizeof(p)), 0);
	assert_int_equal(end_write(&pair.client, p, sizeof(p)), 0);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	buf_head(&pair.server.in)[at] ^= (uint8_t)(1 << bit);
	ssize_t n = is_in ? end_read(&pair.server, got, sizeof(got)) : 0;
	if (is_in && at != 3 && at != 4) /* a longer record waits for its end */
		assert_int_equal(n, -EPROTO);
	assert_true(n == -EPROTO || n == 0);
	if (n < 0)
		assert_broken(&pair.server);
	tls_pair_finish(&pair);
	return is_in;
}

static void test_a_flipped_bit_is_never_data(void **state)
{
	struct rand r = { 12 };
	size_t at = 0;

	for (; at < RECORD_HEADER; at++)
		for (unsigned bit = 0; bit < 8; bit++)
			assert_true(flip_and_read(*state, at, bit));
	while (flip_and_read(*state, at, (unsigned)rand_below(&r, 8)))
		at++;
	assert_in_range(at, 100 + TLS_RECORD_OVERHEAD - 1, 100 + TLS_RECORD_OVERHEAD_MAX);
}

static void test_a_repeated_record_is_refused(void **state)
{
	struct tls_pair pair;
	uint8_t record[4 + TLS_RECORD_OVERHEAD_MAX], got[64];

	open_shaken(*state, &pair);
	size_t n = 4 + overhead(&pair);
	assert_int_equal(end_write(&pair.client, "once", 4), 0);
	memcpy(record, buf_head(&pair.client.out), n);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	assert_int_equal(buf_put(&pair.server.in, record, n), 0);
	assert_int_equal(end_read(&pair.server, got, sizeof(got)), 4);
	assert_broken(&pair.server);
	tls_pair_finish(&pair);
}

static void test_a_missing_record_is_noticed(void **state)
{
	struct tls_pair pair;

	open_shaken(*state, &pair);
	assert_int_equal(end_write(&pair.client, "gone", 4), 0);
	buf_take(&pair.client.out, pair.client.out.len);
	assert_int_equal(end_write(&pair.client, "next", 4), 0);
	tls_pair_move(&pair.client.out, &pair.server.in, BIG);
	assert_broken(&pair.server);
	tls_pair_finish(&pair);
}

static void test_noise_instead_of_a_handshake(void **state)
{
	for (uint64_t seed = 0; seed < 100; seed++) {
		struct tls_pair pair;
		uint8_t *p = noise(1000, seed);
		open_pair(*state, &pair);
		tls_end_shake(&pair.client);
		assert_int_equal(buf_put(&pair.client.in, p, 1000), 0);
		assert_int_equal(buf_put(&pair.server.in, p, 1000), 0);
		tls_end_shake(&pair.client);
		tls_end_shake(&pair.server);
		assert_int_equal(pair.client.shaken, -EPROTO);
		assert_int_equal(pair.server.shaken, -EPROTO);
		tls_pair_finish(&pair);
		free(p);
	}
}

/* Strangers. */

/* In TLS 1.2 a server names the kinds of keys that it takes: who has none of these
 * shows nothing. mbedTLS's words. */
#define NOTHING_SHOWN "No client certification received from the client"
/* And a server that has no key for the suites that a client offers ends it. */
#define ALERT_RECEIVED "A fatal alert message was received from our peer"

static const char ours[] = "aggd/1";
static const char no_alpn[] = "no shared ALPN";
static const char not_p256[] = "peer's certificate is not P-256";
static const char not_alone[] = "peer's certificate is not alone";

static const struct stranger_case {
	const char *what;
	struct tls_stranger_args args; /* side: set by the test */
	/* Of our server and of our client; NULL: the library's own words. */
	const char *server_error, *client_error;
} strangers[] = {
	{ "another ALPN", { .alpn = "h2" }, no_alpn, NULL },
	{ "no ALPN", { .alpn = NULL }, no_alpn, no_alpn },
	{ "TLS 1.1", { .alpn = ours, .version = 0x0302 }, NULL, NULL },
	{ "TLS 1.2 and no AEAD", { .alpn = ours, .version = 0x0303,
	                           .suites = "ECDHE-ECDSA-AES128-SHA256" },
	  NULL, NULL },
	{ "no certificate", { .alpn = ours, .key = STRANGER_NO_CERTIFICATE },
	  NULL, NULL },
	{ "RSA", { .alpn = ours, .key = STRANGER_RSA }, not_p256, not_p256 },
	{ "P-384", { .alpn = ours, .key = STRANGER_P384 }, not_p256, not_p256 },
	{ "Ed25519", { .alpn = ours, .key = STRANGER_ED25519 },
	  not_p256, not_p256 },
	{ "a chain", { .alpn = ours, .key = STRANGER_CHAIN },
	  not_alone, not_alone },
};

/* Ours against a stranger until all is said; the last answer of ours. */
static int meet(struct tls_end *end, struct tls_stranger *stranger,
                struct buf *to_stranger)
{
	for (int turn = 0; turn < 8; turn++) {
		tls_end_shake(end);
		tls_pair_move(&end->out, to_stranger, BIG);
		tls_stranger_shake(stranger);
	}
	return end->shaken;
}

static void meet_case(struct fixture *f, const struct stranger_case *c,
                      enum tls_side stranger_side)
{
	struct tls_stranger_args args = c->args;
	struct buf to_stranger;
	struct tls_end end;

	buf_init(&to_stranger, BIG);
	args.side = stranger_side;
	if (stranger_side == TLS_CLIENT)
		tls_end_init(&end, f->server, TLS_SERVER, f->home.server);
	else
		tls_end_init(&end, f->client, TLS_CLIENT, f->home.client);
	struct tls_stranger *stranger =
		tls_stranger_create(&args, &to_stranger, &end.in);
	int rc = meet(&end, stranger, &to_stranger);
	const char *error = end.lib->error(end.tls);
	if (rc != -EPROTO)
		print_error("accepted: %s\n", c->what);
	assert_int_equal(rc, -EPROTO);
	assert_string_not_equal(error, "no error");
	const char *wanted = stranger_side == TLS_CLIENT ? c->server_error
	                                                 : c->client_error;
	if (wanted && !strstr(error, NOTHING_SHOWN) && !strstr(error, ALERT_RECEIVED))
		assert_string_equal(error, wanted);
	tls_stranger_destroy(stranger);
	tls_end_finish(&end);
	buf_finish(&to_stranger);
}

static void test_strange_clients_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		meet_case(*state, &strangers[i], TLS_CLIENT);
}

static void test_strange_servers_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		meet_case(*state, &strangers[i], TLS_SERVER);
}

static bool has_bytes(const uint8_t *in, size_t n, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i + len <= n; i++)
		if (!memcmp(in + i, text, len))
			return true;
	return false;
}

/* The server of that folder shows it after a right knock only, and then there
 * is nothing in it that tells whose it is. */
static void assert_certificate_is_mute(struct fixture *f, const char *dir)
{
	struct tls_stranger_args args = { .side = TLS_CLIENT, .alpn = ours };
	struct buf to_stranger;
	struct tls_end end;
	uint8_t der[4096];

	buf_init(&to_stranger, BIG);
	tls_end_init(&end, f->server, TLS_SERVER, dir);
	struct tls_stranger *stranger =
		tls_stranger_create(&args, &to_stranger, &end.in);
	assert_int_equal(meet(&end, stranger, &to_stranger), 1);
	size_t n = tls_stranger_certificate(stranger, der, sizeof(der));
	assert_true(has_bytes(der, n, "localhost"));
	assert_false(has_bytes(der, n, "aggd"));
	tls_stranger_destroy(stranger);
	tls_end_finish(&end);
	buf_finish(&to_stranger);
}

static void test_a_certificate_says_nothing(void **state)
{
	struct fixture *f = *state;

	assert_certificate_is_mute(f, f->home.server);
}

/* Who does not offer the ALPN gets an alert in the clear, and no more. */
static void test_port_tells_nothing(void **state)
{
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, 120 };
	static const char *const offers[] = { NULL, "h2" };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
		struct tls_stranger_args args = { .side = TLS_CLIENT,
		                                  .alpn = offers[i] };
		struct buf nowhere;
		struct tls_end end;
		buf_init(&nowhere, BIG);
		tls_end_init(&end, f->server, TLS_SERVER, f->home.server);
		struct tls_stranger *stranger =
			tls_stranger_create(&args, &nowhere, &end.in);
		tls_stranger_shake(stranger);
		tls_end_shake(&end);
		assert_int_equal(end.shaken, -EPROTO);
		assert_int_equal(end.out.len, sizeof(alert));
		assert_memory_equal(buf_head(&end.out), alert, sizeof(alert));
		tls_stranger_destroy(stranger);
		tls_end_finish(&end);
		buf_finish(&nowhere);
	}
}

/* Whose it is, is read from a ClientHello as it is; it fits a small segment, and any
 * server shakes hands with it as with another. */
static void test_an_offer_is_in_clear(void **state)
{
	char name[WIRE_OFFER_MAX + 1];
	struct tls_pair pair;
	struct rand r = { 3 };

	open_pair(*state, &pair);
	tls_end_shake(&pair.client);
	assert_int_equal(wire_offered(buf_head(&pair.client.out), pair.client.out.len), 0);
	wire_offer(0x0102030489abcdef, name);
	pair.client.lib->context_offer(pair.client.ctx, name);
	tls_end_renew(&pair.client);
	tls_end_shake(&pair.client);
	assert_in_range(pair.client.out.len, 1, SMALL_SEGMENT);
	assert_int_equal(wire_offered(buf_head(&pair.client.out), pair.client.out.len),
	                 0x89abcdef);
	assert_true(tls_pair_shake(&pair, BIG, &r));
	tls_pair_finish(&pair);
}

/* A stranger that does all right is none: the refusals above are for what
 * they name. It asks for new keys, too, and gets ours. */
static void test_a_right_peer_by_other_hands(void **state)
{
	struct fixture *f = *state;

	for (int side = TLS_CLIENT; side <= TLS_SERVER; side++) {
		struct tls_stranger_args args = {
			.side = (enum tls_side)side, .alpn = ours };
		struct buf to_stranger;
		struct tls_end end;
		char got[16];
		buf_init(&to_stranger, BIG);
		if (side == TLS_CLIENT)
			tls_end_init(&end, f->server, TLS_SERVER, f->home.server);
		else
			tls_end_init(&end, f->client, TLS_CLIENT, f->home.client);
		struct tls_stranger *stranger =
			tls_stranger_create(&args, &to_stranger, &end.in);
		assert_int_equal(meet(&end, stranger, &to_stranger), 1);
		for (int round = 0; round < 5; round++) {
			tls_stranger_rekey(stranger);
			tls_stranger_write(stranger, (const uint8_t *)"ping", 4);
			assert_int_equal(end_read(&end, got, sizeof(got)), 4);
			assert_int_equal(end_read(&end, got, sizeof(got)), 0);
			assert_int_equal(end_write(&end, "pong", 4), 0);
			tls_pair_move(&end.out, &to_stranger, BIG);
			assert_int_equal(tls_stranger_read(
				stranger, (uint8_t *)got, sizeof(got)), 4);
			assert_memory_equal(got, "pong", 4);
		}
		tls_stranger_destroy(stranger);
		tls_end_finish(&end);
		buf_finish(&to_stranger);
	}
}

/* No server of ours sends tickets: they are refused, or not looked at where the
 * records are the library's. */
static void test_tickets_are_never_data(void **state)
{
	struct tls_stranger_args args = { .side = TLS_SERVER, .alpn = ours,
	                                  .tickets = 2 };
	struct fixture *f = *state;
	struct buf to_stranger;
	struct tls_end end;
	char got[16];

	buf_init(&to_stranger, BIG);
	tls_end_init(&end, f->client, TLS_CLIENT, f->home.client);
	struct tls_stranger *stranger =
		tls_stranger_create(&args, &to_stranger, &end.in);
	assert_int_equal(meet(&end, stranger, &to_stranger), 1);
	ssize_t n = end_read(&end, got, sizeof(got));
	assert_true(n == 0 || n == -EPROTO);
	if (n < 0)
		assert_string_equal(end.lib->error(end.tls),
		                    "a handshake message after the handshake");
	tls_stranger_destroy(stranger);
	tls_end_finish(&end);
	buf_finish(&to_stranger);
}

/* A session drops its subflows at the end of the turn in which their context
 * is destroyed. */
static void test_connections_outlive_their_context(void **state)
{
	struct tls_pair pair;
	struct rand r = { 13 };

	open_shaken(*state, &pair);
	pair.client.lib->context_destroy(pair.client.ctx);
	pair.server.lib->context_destroy(pair.server.ctx);
	pair.client.ctx = pair.server.ctx = NULL;
	pass(&pair.client, &pair.server, (const uint8_t *)"late", 4, BIG, &r);
	pass(&pair.server, &pair.client, (const uint8_t *)"too", 3, BIG, &r);
	tls_pair_finish(&pair);
	open_pair(*state, &pair); /* in the handshake, too */
	tls_pair_turn(&pair, 100);
	pair.client.lib->context_destroy(pair.client.ctx);
	pair.server.lib->context_destroy(pair.server.ctx);
	pair.client.ctx = pair.server.ctx = NULL;
	assert_true(tls_pair_shake(&pair, BIG, &r));
	tls_pair_finish(&pair);
}

/* The identity. */

static void test_identity_is_never_overwritten(void **state)
{
	struct fixture *f = *state;
	struct tls_pin before, after;

	assert_int_equal(f->client->identity_pin(f->home.client, &before), 0);
	assert_int_equal(f->client->identity_generate(f->home.client), -EEXIST);
	assert_int_equal(f->client->identity_pin(f->home.client, &after), 0);
	assert_true(tls_pin_equal(&before, &after));
}

static unsigned mode_of(const char *dir, const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", dir, name);
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_identity_is_private(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct tls_pin pin;

	assert_int_equal(mode_of(f->home.client, ""), 0700);
	assert_int_equal(mode_of(f->home.client, "/identity.pem"), 0600);
	snprintf(path, sizeof(path), "%s/identity.pem", f->home.client);
	static const mode_t open_modes[] = { 0640, 0604, 0620, 0601 };
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		assert_int_equal(chmod(path, open_modes[i]), 0);
		assert_int_equal(f->client->identity_pin(f->home.client, &pin),
		                 -EPERM);
		errno = 0;
		assert_null(f->client->context_create(TLS_CLIENT,
		                                      f->home.client));
		assert_int_equal(errno, EPERM);
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(f->client->identity_pin(f->home.client, &pin), 0);
}

/* Puts text where an identity should be and asks for its pin. */
static int pin_of_text(struct fixture *f, const char *text, size_t n)
{
	char path[128];
	struct tls_pin pin;

	snprintf(path, sizeof(path), "%s/identity.pem", f->home.root);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, n, file), n);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
	int rc = f->client->identity_pin(f->home.root, &pin);
	assert_int_equal(unlink(path), 0);
	return rc;
}

static const char old_identity[] =
	"-----BEGIN PRIVATE KEY-----\n"
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfweESTU0/rJ4XkqY\n"
	"7UdeYpvmmdAxV65D1LliEh0uQxChRANCAARE0zT7moKOO4WjzlYwR5gc9y7Cl0lx\n"
	"VV1gHM0WGkJsoGplwgYBnHJXIl7sgqiDfKWXHZK4m98/oRYjTn3afS+2\n"
	"-----END PRIVATE KEY-----\n"
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBdDCCARugAwIBAgIUG8E4ZsiFoLVdp64KdGueKSnH728wCgYIKoZIzj0EAwIw\n"
	"DzENMAsGA1UEAwwEYWdnZDAgFw0yNjExMjgxMzA1MDVaGA8yMTI2MTEwNDEzMDUw\n"
	"NVowDzENMAsGA1UEAwwEYWdnZDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABETT\n"
	"NPuago47haPOVjBHmBz3LsKXSXFVXWAczRYaQmygamXCBgGcclciXuyCqIN8pZcd\n"
	"krib3z+hFiNOfdp9L7ajUzBRMB0GA1UdDgQWBBSEJemO/2kJdROuxp4TCNOS+d/T\n"
	"OzAfBgNVHSMEGDAWgBSEJemO/2kJdROuxp4TCNOS+d/TOzAPBgNVHRMBAf8EBTAD\n"
	"AQH/MAoGCCqGSM49BAMCA0cAMEQCICWv12J6VW2JAlmvatJYnDnN5SXoGp/iDgYB\n"
	"1t4T3gzIAiBCT1pysgztJLjhoaifUlOOgE9QKq8ozLkUX6TV/GAfVg==\n"
	"-----END CERTIFICATE-----\n";

/* As versions before made it, with a certificate that says "aggd": the pin is
 * the same, and the certificate is not shown. */
static void test_identity_of_an_earlier_version(void **state)
{
	static const char text[] =
		"sha256:gNwKz7yCrCKT7Ed6F-MRzzoh2nLt8L1fAESrqNsCB4w";
	struct fixture *f = *state;
	char path[128], buf[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;

	snprintf(path, sizeof(path), "%s/identity.pem", f->home.root);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_true(fputs(old_identity, file) >= 0);
	fclose(file);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(f->server->identity_pin(f->home.root, &pin), 0);
	assert_string_equal(tls_pin_format(&pin, buf), text);
	assert_certificate_is_mute(f, f->home.root);
	assert_int_equal(unlink(path), 0);
}

static void test_identity_of_garbage(void **state)
{
	struct fixture *f = *state;
	char path[128], text[4096];
	static const char zeroes[100000];

	assert_int_equal(pin_of_text(f, "", 0), -EBADMSG);
	assert_int_equal(pin_of_text(f, "garbage\n", 8), -EBADMSG);
	assert_int_equal(pin_of_text(f, zeroes, sizeof(zeroes)), -EBADMSG);
	snprintf(path, sizeof(path), "%s/identity.pem", f->home.client);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	size_t n = fread(text, 1, sizeof(text), file);
	fclose(file);
	assert_int_equal(pin_of_text(f, text, n), 0);
	assert_int_equal(pin_of_text(f, text, n / 2), -EBADMSG);
	assert_int_equal(pin_of_text(f, text + n / 2, n - n / 2), -EBADMSG);
}

static void test_identity_where_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct tls_pin pin;
	char path[128];

	assert_int_equal(f->client->identity_pin(f->home.root, &pin), -ENOENT);
	errno = 0;
	assert_null(f->server->context_create(TLS_SERVER, f->home.root));
	assert_int_equal(errno, ENOENT);
	snprintf(path, sizeof(path), "%s/identity.pem", f->home.root);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(f->client->identity_pin(f->home.root, &pin), -EBADMSG);
	assert_int_equal(f->client->identity_generate(f->home.root), -EEXIST);
	assert_int_equal(rmdir(path), 0);
}

/* Root may write anywhere: so a place where nobody can. */
static void test_identity_where_none_can_be(void **state)
{
	struct fixture *f = *state;
	char path[128];

	assert_true(f->client->identity_generate("/proc/aggd") < 0);
	snprintf(path, sizeof(path), "%s/no/such", f->home.root);
	assert_int_equal(f->client->identity_generate(path), -ENOENT);
	snprintf(path, sizeof(path), "%s/identity.pem/x", f->home.client);
	assert_int_equal(f->client->identity_generate(path), -ENOTDIR);
}

static void test_identities_differ(void **state)
{
	struct fixture *f = *state;
	struct tls_pin client, server;

	assert_int_equal(f->client->identity_pin(f->home.client, &client), 0);
	assert_int_equal(f->client->identity_pin(f->home.server, &server), 0);
	assert_false(tls_pin_equal(&client, &server));
}

static int run_pair(struct fixture *f)
{
#define ROW(fn) cmocka_unit_test_prestate(fn, f)
	const struct CMUnitTest tests[] = {
		ROW(test_handshake_at_once),
		ROW(test_handshake_byte_by_byte),
		ROW(test_handshake_at_random_splits),
		ROW(test_pins_are_those_of_the_identities),
		ROW(test_the_expected_pin),
		ROW(test_another_pin_than_expected),
		ROW(test_handshake_with_flipped_bits),
		ROW(test_data_of_any_size_both_ways),
		ROW(test_nothing_to_write_writes_nothing),
		ROW(test_opened_records_stay_until_taken),
		ROW(test_pieces_share_a_record),
		ROW(test_settled_connections_go_on),
		ROW(test_data_right_behind_the_handshake),
		ROW(test_records_are_full),
		ROW(test_a_full_queue_seals_nothing),
		ROW(test_close_comes_behind_the_data),
		ROW(test_close_in_the_handshake_is_harmless),
		ROW(test_a_cut_record_waits),
		ROW(test_a_flipped_bit_is_never_data),
		ROW(test_a_repeated_record_is_refused),
		ROW(test_a_missing_record_is_noticed),
		ROW(test_noise_instead_of_a_handshake),
		ROW(test_strange_clients_are_refused),
		ROW(test_strange_servers_are_refused),
		ROW(test_a_certificate_says_nothing),
		ROW(test_port_tells_nothing),
		ROW(test_an_offer_is_in_clear),
		ROW(test_a_right_peer_by_other_hands),
		ROW(test_tickets_are_never_data),
		ROW(test_connections_outlive_their_context),
		ROW(test_identity_is_never_overwritten),
		ROW(test_identity_is_private),
		ROW(test_identity_of_an_earlier_version),
		ROW(test_identity_of_garbage),
		ROW(test_identity_where_there_is_none),
		ROW(test_identity_where_none_can_be),
		ROW(test_identities_differ),
	};
#undef ROW
	char name[64];

	snprintf(name, sizeof(name), "%s to %s", f->client->name,
	         f->server->name);
	return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

/* mbedTLS before 3 has TLS 1.2 only: its records are the same in both rows. */
static bool is_said_twice(const struct tls_impl *lib)
{
	return lib == &tls_impl_mbedtls_records && strstr(lib->library(), "TLS 2.");
}

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < LIBRARIES * LIBRARIES; i++) {
		struct fixture f = { .client = libraries[i / LIBRARIES],
		                     .server = libraries[i % LIBRARIES] };
		if (is_said_twice(f.client) || is_said_twice(f.server))
			continue;
		tls_pair_home_init(&f.home, f.client);
		failed += run_pair(&f);
		tls_pair_home_finish(&f.home);
	}
	return failed != 0;
}
