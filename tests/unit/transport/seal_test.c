/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: records between two ends of ours, of the trace in RFC 8448, and of a
 * forger that knows the keys. Against a library's records: tests/contract.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/budget.h"
#include "tests/unit/transport/forger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_MAX (1u << 20)

static const enum aead_suite suites[] = {
	AEAD_AES_128_GCM_SHA256, AEAD_AES_256_GCM_SHA384,
	AEAD_CHACHA20_POLY1305_SHA256,
};
#define SUITES (sizeof(suites) / sizeof(suites[0]))

static const uint8_t secret_a[AEAD_HASH_BYTES_MAX] = "the one that one end sends by";
static const uint8_t secret_b[AEAD_HASH_BYTES_MAX] = "and what it receives with ....";

/* One end; and what it has still to say, in `out`. */
struct one {
	struct buf in, out;
	struct seal *seal;
};

static bool library_fails;

int __real_aead_set_key(struct aead *aead, const uint8_t *key);
int __wrap_aead_set_key(struct aead *aead, const uint8_t *key);

int __wrap_aead_set_key(struct aead *aead, const uint8_t *key)
{
	return library_fails ? -EIO : __real_aead_set_key(aead, key);
}

static void one_init(struct one *one, struct seal_args args)
{
	buf_init(&one->in, QUEUE_MAX);
	buf_init(&one->out, QUEUE_MAX);
	args.in = &one->in;
	args.out = &one->out;
	one->seal = seal_create(&args);
	assert_non_null(one->seal);
}

static void one_finish(struct one *one)
{
	seal_destroy(one->seal);
	buf_finish(&one->in);
	buf_finish(&one->out);
}

static void say(struct one *from, const void *p, size_t n)
{
	uint8_t *to = seal_reserve(from->seal, n);

	assert_non_null(to);
	memcpy(to, p, n);
	seal_commit(from->seal, n);
}

static void carry(struct one *from, struct one *to)
{
	assert_int_equal(buf_put(&to->in, buf_head(&from->out), from->out.len), 0);
	buf_take(&from->out, from->out.len);
}

static ssize_t hear(struct one *one, uint8_t *to)
{
	uint8_t *p;
	ssize_t n = seal_open(one->seal, &p);

	if (n > 0)
		memcpy(to, p, (size_t)n);
	seal_taken(one->seal);
	return n;
}

struct pair {
	struct one a, b;
};

static void pair_init(struct pair *pair, enum aead_suite suite, uint64_t per_key)
{
	struct seal_args args = { .suite = suite, .send_secret = secret_a,
	                          .receive_secret = secret_b,
	                          .records_per_key = per_key };

	one_init(&pair->a, args);
	args.send_secret = secret_b;
	args.receive_secret = secret_a;
	one_init(&pair->b, args);
}

static void pair_finish(struct pair *pair)
{
	one_finish(&pair->a);
	one_finish(&pair->b);
}

/* RFC 8448, 3: from the secrets to the last alert. */

static size_t unhex(uint8_t *to, const char *hex)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2) {
		char byte[3] = { hex[0], hex[1], 0 };
		to[n++] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

static const char client_secret[] =
	"9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
static const char server_secret[] =
	"a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
static const char client_data[] =
	"1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f"
	"2b9819a8a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae6"
	"3aeebb21694915e4";
static const char server_data[] =
	"17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36"
	"e30efaf97d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf33254"
	"0dd032e167c2955d";
static const char client_close[] =
	"1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";
static const char server_close[] =
	"1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9";

static void assert_expands(const char *hex_secret, const char *label,
                           const char *hex)
{
	uint8_t secret[AEAD_HASH_BYTES_MAX], want[32], got[32];
	size_t n = unhex(want, hex);

	unhex(secret, hex_secret);
	assert_int_equal(seal_expand(AEAD_AES_128_GCM_SHA256, secret, label, got,
	                             n), 0);
	assert_memory_equal(got, want, n);
}

static void test_keys_of_the_trace(void **state)
{
	assert_expands(client_secret, "key", "17422dda596ed5d9acd890e3c63f5051");
	assert_expands(client_secret, "iv", "5b78923dee08579033e523d9");
	assert_expands(server_secret, "key", "9f02283b6c9c07efc26bb9f2ac92e356");
	assert_expands(server_secret, "iv", "cf782b88dd83549aadf1e984");
}

/* What it says is, to the byte, what the trace has. */
static void assert_says(struct one *one, const char *data, const char *close)
{
	uint8_t payload[50], want[128];
	size_t n = unhex(want, data);

	for (uint8_t i = 0; i < sizeof(payload); i++)
		payload[i] = i;
	n += unhex(want + n, close);
	say(one, payload, sizeof(payload));
	seal_close(one->seal);
	assert_int_equal(one->out.len, n);
	assert_memory_equal(buf_head(&one->out), want, n);
}

static void assert_hears_trace(struct one *one, const char *data,
                               const char *close)
{
	uint8_t bytes[128], got[SEAL_PAYLOAD_MAX];
	size_t n = unhex(bytes, data);

	n += unhex(bytes + n, close);
	assert_int_equal(buf_put(&one->in, bytes, n), 0);
	assert_int_equal(hear(one, got), 50);
	for (uint8_t i = 0; i < 50; i++)
		assert_int_equal(got[i], i);
	assert_int_equal(hear(one, got), -EPIPE);
	assert_string_equal(seal_error(one->seal), "the peer closed");
}

/* The server's record 0 is a ticket there. */
static void test_records_of_the_trace(void **state)
{
	uint8_t client[32], server[32];
	struct one c, s;

	unhex(client, client_secret);
	unhex(server, server_secret);
	one_init(&c, (struct seal_args){ .send_secret = client,
	                                 .receive_secret = server,
	                                 .receive_sequence = 1 });
	one_init(&s, (struct seal_args){ .send_secret = server,
	                                 .receive_secret = client,
	                                 .send_sequence = 1 });
	assert_says(&c, client_data, client_close);
	assert_says(&s, server_data, server_close);
	assert_hears_trace(&c, server_data, server_close);
	assert_hears_trace(&s, client_data, client_close);
	one_finish(&c);
	one_finish(&s);
}

/* Data. */

static void test_any_size_by_every_suite(void **state)
{
	static const size_t sizes[] = { 1, 2, 1400, SEAL_PAYLOAD_MAX - 1,
	                                SEAL_PAYLOAD_MAX };
	static uint8_t p[SEAL_PAYLOAD_MAX], got[SEAL_PAYLOAD_MAX];

	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t suite = 0; suite < SUITES; suite++) {
		struct pair pair;
		pair_init(&pair, suites[suite], 0);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			say(&pair.a, p, sizes[i]);
			assert_int_equal(seal_begun(pair.a.seal), sizes[i]);
			assert_int_equal(seal_flush(pair.a.seal), 0);
			assert_int_equal(pair.a.out.len, sizes[i] + SEAL_OVERHEAD);
			assert_int_equal(pair.a.out.len,
			                 seal_room(pair.a.seal, sizes[i]));
			carry(&pair.a, &pair.b);
			assert_int_equal(hear(&pair.b, got), sizes[i]);
			assert_memory_equal(got, p, sizes[i]);
			assert_int_equal(hear(&pair.b, got), 0);
		}
		pair_finish(&pair);
	}
}

/* Pieces share a record while they fit; what does not begins the next. */
static void test_pieces_fill_records(void **state)
{
	static uint8_t p[10000], got[SEAL_PAYLOAD_MAX];
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	assert_int_equal(seal_flush(pair.a.seal), 0);
	assert_int_equal(pair.a.out.len, 0);
	for (unsigned i = 0; i < 4; i++) {
		memset(p, (int)i, sizeof(p));
		say(&pair.a, p, 6000);
	}
	assert_int_equal(pair.a.out.len, 12000 + SEAL_OVERHEAD);
	assert_null(seal_reserve(pair.a.seal, SEAL_PAYLOAD_MAX + 1));
	assert_int_equal(seal_flush(pair.a.seal), 0);
	carry(&pair.a, &pair.b);
	assert_int_equal(hear(&pair.b, got), 12000);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[11999], 1);
	assert_int_equal(hear(&pair.b, got), 12000);
	assert_int_equal(got[6000], 3);
	pair_finish(&pair);
}

/* Nothing is copied: the record's place is given out, and keeps it. */
static void test_all_is_in_place(void **state)
{
	struct pair pair;
	uint8_t *first, *second, *p, *q;

	pair_init(&pair, suites[0], 0);
	first = seal_reserve(pair.a.seal, 10);
	memcpy(first, "first ten.", 10);
	seal_commit(pair.a.seal, 10);
	second = seal_reserve(pair.a.seal, 16000);
	assert_ptr_equal(second, first + 10);
	assert_ptr_equal(first, pair.a.out.data + SEAL_HEADER_BYTES);
	assert_int_equal(seal_flush(pair.a.seal), 0);
	say(&pair.a, "second", 6);
	assert_int_equal(seal_flush(pair.a.seal), 0);
	carry(&pair.a, &pair.b);
	assert_int_equal(seal_open(pair.b.seal, &p), 10);
	assert_int_equal(seal_open(pair.b.seal, &q), 6);
	assert_ptr_equal(p, pair.b.in.data + SEAL_HEADER_BYTES);
	assert_ptr_equal(q, p + 10 + SEAL_OVERHEAD);
	assert_memory_equal(p, "first ten.", 10); /* both until they are taken */
	assert_memory_equal(q, "second", 6);
	assert_int_equal(pair.b.in.len, 16 + 2 * SEAL_OVERHEAD);
	seal_taken(pair.b.seal);
	assert_int_equal(pair.b.in.len, 0);
	pair_finish(&pair);
}

static void test_a_full_queue_begins_nothing(void **state)
{
	struct budget none;
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	pair.a.out.max = SEAL_PAYLOAD_MAX + SEAL_OVERHEAD - 1;
	assert_null(seal_reserve(pair.a.seal, 1));
	pair.a.out.max++;
	say(&pair.a, "x", 1);
	assert_int_equal(seal_flush(pair.a.seal), 0);
	assert_null(seal_reserve(pair.a.seal, 1));
	assert_int_equal(pair.a.out.len, 1 + SEAL_OVERHEAD);
	assert_string_equal(seal_error(pair.a.seal), "");
	budget_init(&none, 0, NULL);
	buf_set_budget(&pair.b.out, &none);
	assert_null(seal_reserve(pair.b.seal, 1)); /* no memory of its share */
	buf_set_budget(&pair.b.out, NULL);
	say(&pair.b, "y", 1);
	pair_finish(&pair);
}

static void test_a_record_in_pieces_waits(void **state)
{
	struct pair pair;
	uint8_t got[SEAL_PAYLOAD_MAX];

	pair_init(&pair, suites[0], 0);
	say(&pair.a, "slow", 4);
	assert_int_equal(seal_flush(pair.a.seal), 0);
	while (pair.a.out.len) {
		assert_int_equal(hear(&pair.b, got), 0);
		assert_int_equal(buf_put(&pair.b.in, buf_head(&pair.a.out), 1), 0);
		buf_take(&pair.a.out, 1);
	}
	assert_int_equal(hear(&pair.b, got), 4);
	assert_memory_equal(got, "slow", 4);
	pair_finish(&pair);
}

/* Keys. */

/* A new one each four records, by either side; the data does not notice. */
static void test_keys_are_renewed(void **state)
{
	uint8_t got[SEAL_PAYLOAD_MAX];

	for (size_t suite = 0; suite < SUITES; suite++) {
		struct pair pair;
		size_t updates = 0;
		pair_init(&pair, suites[suite], 4);
		for (uint8_t i = 0; i < 100; i++) {
			struct one *from = i & 1 ? &pair.a : &pair.b;
			struct one *to = i & 1 ? &pair.b : &pair.a;
			say(from, &i, 1);
			assert_int_equal(seal_flush(from->seal), 0);
			updates += from->out.len == 1 + SEAL_OVERHEAD +
			                            SEAL_UPDATE_BYTES;
			carry(from, to);
			assert_int_equal(hear(to, got), 1);
			assert_int_equal(got[0], i);
		}
		/* 50 records a side; of a key's four one is the KeyUpdate, but
		 * of the first. */
		assert_in_range(updates, 2 * 50 / 4 - 2, 2 * 50 / 3);
		pair_finish(&pair);
	}
}

/* The same by a peer that asks for one of ours, too. */
static void test_an_update_is_answered_when_asked_for(void **state)
{
	static const uint8_t asks[] = { 24, 0, 0, 1, 1, 22 };
	static const uint8_t tells[] = { 24, 0, 0, 1, 0, 22 };
	uint8_t got[SEAL_PAYLOAD_MAX];
	struct forger forger;
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	forger_init(&forger, suites[0], secret_a);
	forger_say(&forger, &pair.b.in, tells, sizeof(tells));
	forger_update(&forger);
	forger_say(&forger, &pair.b.in, "data\x17", 5);
	assert_int_equal(hear(&pair.b, got), 4);
	say(&pair.b, "no answer is due", 16);
	assert_int_equal(seal_flush(pair.b.seal), 0);
	assert_int_equal(pair.b.out.len, 16 + SEAL_OVERHEAD);
	forger_say(&forger, &pair.b.in, asks, sizeof(asks));
	forger_update(&forger);
	forger_say(&forger, &pair.b.in, asks, sizeof(asks)); /* one does for both */
	forger_update(&forger);
	forger_say(&forger, &pair.b.in, "more\x17", 5);
	assert_int_equal(hear(&pair.b, got), 4);
	say(&pair.b, "behind one", 10);
	assert_int_equal(seal_flush(pair.b.seal), 0);
	assert_int_equal(pair.b.out.len, 26 + 2 * SEAL_OVERHEAD +
	                 SEAL_UPDATE_BYTES);
	carry(&pair.b, &pair.a);
	assert_int_equal(hear(&pair.a, got), 16);
	assert_int_equal(hear(&pair.a, got), 10);
	assert_memory_equal(got, "behind one", 10);
	forger_finish(&forger);
	pair_finish(&pair);
}

static void test_numbers_never_wrap(void **state)
{
	struct seal_args args = { .suite = suites[0], .send_secret = secret_a,
	                          .receive_secret = secret_b,
	                          .receive_sequence = UINT64_MAX,
	                          .send_sequence = UINT64_MAX - 1 };
	struct forger forger;
	struct one one;
	uint8_t got[SEAL_PAYLOAD_MAX];

	one_init(&one, args);
	say(&one, "a new key comes first", 21);
	assert_int_equal(seal_flush(one.seal), 0);
	assert_int_equal(one.out.len, 21 + SEAL_OVERHEAD + SEAL_UPDATE_BYTES);
	forger_init(&forger, suites[0], secret_b);
	forger.sequence = UINT64_MAX;
	forger_say(&forger, &one.in, "late\x17", 5);
	assert_int_equal(hear(&one, got), -EPROTO);
	assert_string_equal(seal_error(one.seal), "too many records of one key");
	forger_finish(&forger);
	one_finish(&one);
}

/* The end. */

static void test_close_comes_last(void **state)
{
	uint8_t got[SEAL_PAYLOAD_MAX];
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	say(&pair.a, "last words", 10);
	seal_close(pair.a.seal);
	assert_int_equal(pair.a.out.len, 10 + SEAL_OVERHEAD + SEAL_ALERT_BYTES);
	seal_close(pair.a.seal);
	assert_null(seal_reserve(pair.a.seal, 1));
	assert_int_equal(pair.a.out.len, 10 + SEAL_OVERHEAD + SEAL_ALERT_BYTES);
	carry(&pair.a, &pair.b);
	assert_int_equal(buf_put(&pair.b.in, "ignored", 7), 0);
	assert_int_equal(hear(&pair.b, got), 10);
	assert_int_equal(hear(&pair.b, got), -EPIPE);
	assert_int_equal(hear(&pair.b, got), -EPIPE);
	say(&pair.b, "the other way is open", 21); /* RFC 8446, 6.1 */
	assert_int_equal(seal_flush(pair.b.seal), 0);
	carry(&pair.b, &pair.a);
	assert_int_equal(hear(&pair.a, got), 21);
	pair_finish(&pair);
}

static void test_close_without_room(void **state)
{
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	pair.a.out.max = SEAL_ALERT_BYTES - 1;
	seal_close(pair.a.seal);
	assert_int_equal(pair.a.out.len, 0);
	pair_finish(&pair);
}

/* Refusals: what the forger says, what is said of it, and the alert. */

#define FORGED(text) text, sizeof(text) - 1

static const struct refusal {
	const char *inner;
	size_t n;
	const char *error;
	uint8_t alert;
} refusals[] = {
	{ FORGED(""), "a record too short", 50 },
	{ FORGED("\x00"), "a record of unknown content", 10 },
	{ FORGED("\x00\x00\x00\x00"), "a record of unknown content", 10 },
	{ FORGED("data\x14"), "a record of unknown content", 10 },
	{ FORGED("data\x18"), "a record of unknown content", 10 },
	{ FORGED("\x01\x16"), "a handshake message after the handshake", 10 },
	{ FORGED("\x16"), "a handshake message after the handshake", 10 },
	/* NewSessionTicket, CertificateRequest */
	{ FORGED("\x04\x00\x00\x01\x00\x16"),
	  "a handshake message after the handshake", 10 },
	{ FORGED("\x0d\x00\x00\x01\x00\x16"),
	  "a handshake message after the handshake", 10 },
	/* a fragment; one that shares its record; a wrong length; a request
	 * that is none */
	{ FORGED("\x18\x00\x00\x01\x16"),
	  "a handshake message after the handshake", 10 },
	{ FORGED("\x18\x00\x00\x01\x00\x18\x00\x00\x01\x00\x16"),
	  "a handshake message after the handshake", 10 },
	{ FORGED("\x18\x00\x00\x02\x01\x16"),
	  "a handshake message after the handshake", 10 },
	{ FORGED("\x18\x00\x00\x01\x02\x16"),
	  "a KeyUpdate with an unknown request", 47 },
	{ FORGED("\x15"), "an alert of a wrong length", 50 },
	{ FORGED("\x02\x15"), "an alert of a wrong length", 50 },
	{ FORGED("\x01\x00\x00\x15"), "an alert of a wrong length", 50 },
};

/* That b has refused, for good, and told a so. */
static void assert_refused(struct pair *pair, const char *error, uint8_t alert)
{
	uint8_t got[SEAL_PAYLOAD_MAX];
	char text[64];

	assert_int_equal(hear(&pair->b, got), -EPROTO);
	assert_string_equal(seal_error(pair->b.seal), error);
	assert_null(seal_reserve(pair->b.seal, 1));
	assert_int_equal(hear(&pair->b, got), -EPROTO);
	assert_int_equal(pair->b.out.len, SEAL_ALERT_BYTES);
	carry(&pair->b, &pair->a);
	assert_int_equal(hear(&pair->a, got), -EPROTO);
	snprintf(text, sizeof(text), "%s", seal_error(pair->a.seal));
	assert_memory_equal(text, "the peer's alert: ", 18);
	switch (alert) {
	case 10:
		assert_string_equal(text + 18, "unexpected_message");
		break;
	case 20:
		assert_string_equal(text + 18, "bad_record_mac");
		break;
	case 22:
		assert_string_equal(text + 18, "record_overflow");
		break;
	case 47:
		assert_string_equal(text + 18, "illegal_parameter");
		break;
	case 50:
		assert_string_equal(text + 18, "decode_error");
		break;
	case 70:
		assert_string_equal(text + 18, "protocol_version");
		break;
	default:
		fail();
	}
}

static void test_what_is_not_allowed_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct forger forger;
		struct pair pair;
		pair_init(&pair, suites[i % SUITES], 0);
		forger_init(&forger, suites[i % SUITES], secret_a);
		forger_say(&forger, &pair.b.in, refusals[i].inner, refusals[i].n);
		assert_refused(&pair, refusals[i].error, refusals[i].alert);
		forger_finish(&forger);
		pair_finish(&pair);
	}
}

/* Refused as soon as the header is there. */
static const struct {
	uint8_t header[SEAL_HEADER_BYTES];
	const char *error;
	uint8_t alert;
} headers[] = {
	{ { 22, 3, 3, 0, 40 }, "a record of a wrong type", 10 },
	{ { 21, 3, 3, 0, 2 }, "a record of a wrong type", 10 },
	{ { 20, 3, 3, 0, 1 }, "a record of a wrong type", 10 },
	{ { 0, 0, 0, 0, 0 }, "a record of a wrong type", 10 },
	{ { 23, 3, 1, 0, 40 }, "a record of a wrong version", 70 },
	{ { 23, 2, 3, 0, 40 }, "a record of a wrong version", 70 },
	{ { 23, 3, 3, 0x41, 0x01 }, "a record too long", 22 },
	{ { 23, 3, 3, 0xff, 0xff }, "a record too long", 22 },
	{ { 23, 3, 3, 0, 16 }, "a record too short", 50 },
	{ { 23, 3, 3, 0, 0 }, "a record too short", 50 },
};

static void test_wrong_headers_are_refused(void **state)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct pair pair;
		pair_init(&pair, suites[0], 0);
		assert_int_equal(buf_put(&pair.b.in, headers[i].header,
		                         SEAL_HEADER_BYTES), 0);
		assert_refused(&pair, headers[i].error, headers[i].alert);
		pair_finish(&pair);
	}
}

/* The longest that may be, and one byte more. */
static void test_length_limits(void **state)
{
	static uint8_t inner[SEAL_PAYLOAD_MAX + 2], got[SEAL_PAYLOAD_MAX];
	struct forger forger;
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	forger_init(&forger, suites[0], secret_a);
	memset(inner, 'x', SEAL_PAYLOAD_MAX);
	inner[SEAL_PAYLOAD_MAX] = 23;
	forger_say(&forger, &pair.b.in, inner, SEAL_PAYLOAD_MAX + 1);
	assert_int_equal(hear(&pair.b, got), SEAL_PAYLOAD_MAX);
	forger_say(&forger, &pair.b.in, inner, SEAL_PAYLOAD_MAX + 2);
	assert_refused(&pair, "a record with too much in it", 22);
	forger_finish(&forger);
	pair_finish(&pair);
}

static void test_zeros_behind_the_type_are_passed_over(void **state)
{
	static uint8_t inner[SEAL_PAYLOAD_MAX + 1] = "padded\x17";
	uint8_t got[SEAL_PAYLOAD_MAX];
	struct forger forger;
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	forger_init(&forger, suites[0], secret_a);
	forger_say(&forger, &pair.b.in, inner, sizeof(inner));
	forger_say(&forger, &pair.b.in, "zeros\0\0\x17\0", 9);
	assert_int_equal(hear(&pair.b, got), 6);
	assert_memory_equal(got, "padded", 6);
	assert_int_equal(hear(&pair.b, got), 7);
	assert_memory_equal(got, "zeros\0\0", 7);
	forger_finish(&forger);
	pair_finish(&pair);
}

/* Some are allowed (RFC 8446, 5.1), many in a row are an attack. */
static void test_records_of_nothing_are_counted(void **state)
{
	static const char *const nothing[] = { "\x17", "\x18\0\0\1\0\x16" };
	static const size_t sizes[] = { 1, 6 };

	for (unsigned kind = 0; kind < 2; kind++) {
		uint8_t got[SEAL_PAYLOAD_MAX];
		struct forger forger;
		struct pair pair;
		pair_init(&pair, suites[0], 0);
		forger_init(&forger, suites[0], secret_a);
		for (unsigned i = 0; i < 2 * SEAL_EMPTY_MAX + 1; i++) {
			if (i == SEAL_EMPTY_MAX)
				forger_say(&forger, &pair.b.in, "data\x17", 5);
			forger_say(&forger, &pair.b.in, nothing[kind],
			           sizes[kind]);
			if (kind)
				forger_update(&forger);
			if (i == SEAL_EMPTY_MAX)
				assert_int_equal(hear(&pair.b, got), 4);
			if (i < 2 * SEAL_EMPTY_MAX)
				assert_int_equal(hear(&pair.b, got), 0);
		}
		assert_refused(&pair, "too many records of nothing", 10);
		forger_finish(&forger);
		pair_finish(&pair);
	}
}

static void test_alerts_have_names(void **state)
{
	static const struct {
		char inner[4];
		const char *error;
	} alerts[] = {
		{ "\x02\x14\x15", "the peer's alert: bad_record_mac" },
		{ "\x01\x50\x15", "the peer's alert: internal_error" },
		{ "\x02\x2a\x15", "the peer rejects our certificate" },
		{ "\x02\x74\x15", "the peer's alert: certificate_required" },
		{ "\x02\xfe\x15", "the peer's alert: of no known name" },
	};

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		uint8_t got[SEAL_PAYLOAD_MAX];
		struct forger forger;
		struct pair pair;
		pair_init(&pair, suites[0], 0);
		forger_init(&forger, suites[0], secret_a);
		forger_say(&forger, &pair.b.in, alerts[i].inner, 3);
		assert_int_equal(hear(&pair.b, got), -EPROTO);
		assert_string_equal(seal_error(pair.b.seal), alerts[i].error);
		assert_int_equal(pair.b.out.len, 0); /* it is not answered */
		forger_finish(&forger);
		pair_finish(&pair);
	}
}

/* A bit of a record is wrong: nothing of it, nor of what follows, is given out,
 * and its plaintext is not left about. */
static void test_a_forged_record_is_wiped(void **state)
{
	static const uint8_t zeros[101];

	for (size_t at = SEAL_HEADER_BYTES; at < 100 + SEAL_OVERHEAD; at++) {
		uint8_t p[100];
		struct pair pair;
		pair_init(&pair, suites[at % SUITES], 0);
		memset(p, 'p', sizeof(p));
		say(&pair.a, p, sizeof(p));
		assert_int_equal(seal_flush(pair.a.seal), 0);
		say(&pair.a, p, sizeof(p));
		assert_int_equal(seal_flush(pair.a.seal), 0);
		carry(&pair.a, &pair.b);
		uint8_t *record = buf_head(&pair.b.in);
		record[at] ^= (uint8_t)(1 << at % 8);
		uint8_t *to;
		assert_int_equal(seal_open(pair.b.seal, &to), -EPROTO);
		assert_memory_equal(record + SEAL_HEADER_BYTES, zeros, 101);
		assert_refused(&pair, "a forged record", 20);
		pair_finish(&pair);
	}
}

/* What was at hand when the peer broke the rules still goes, before the alert. */
static void test_a_record_at_hand_goes_before_the_alert(void **state)
{
	uint8_t got[SEAL_PAYLOAD_MAX];
	struct pair pair;

	pair_init(&pair, suites[0], 0);
	say(&pair.b, "at hand", 7);
	assert_int_equal(buf_put(&pair.b.in, "\x16\x03\x03\0\0", 5), 0);
	assert_int_equal(hear(&pair.b, got), -EPROTO);
	assert_int_equal(seal_flush(pair.b.seal), -EPROTO);
	carry(&pair.b, &pair.a);
	assert_int_equal(hear(&pair.a, got), 7);
	assert_int_equal(hear(&pair.a, got), -EPROTO);
	pair_finish(&pair);
}

/* A key that could not be changed seals nothing more: its numbers were used. Not
 * even where the peer has ended its own half. */
static void test_no_key_is_used_again(void **state)
{
	uint8_t got[SEAL_PAYLOAD_MAX];
	struct pair pair;

	pair_init(&pair, suites[0], 1);
	seal_close(pair.b.seal);
	carry(&pair.b, &pair.a);
	assert_int_equal(hear(&pair.a, got), -EPIPE);
	say(&pair.a, "first", 5);
	assert_int_equal(seal_flush(pair.a.seal), 0);
	size_t said = pair.a.out.len;
	library_fails = true;
	assert_null(seal_reserve(pair.a.seal, 1)); /* a KeyUpdate is due */
	library_fails = false;
	assert_null(seal_reserve(pair.a.seal, 1));
	assert_int_equal(seal_flush(pair.a.seal), -EPROTO);
	assert_true(pair.a.out.len <= said + SEAL_UPDATE_BYTES);
	pair_finish(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_key_is_used_again),
		cmocka_unit_test(test_keys_of_the_trace),
		cmocka_unit_test(test_records_of_the_trace),
		cmocka_unit_test(test_any_size_by_every_suite),
		cmocka_unit_test(test_pieces_fill_records),
		cmocka_unit_test(test_all_is_in_place),
		cmocka_unit_test(test_a_full_queue_begins_nothing),
		cmocka_unit_test(test_a_record_in_pieces_waits),
		cmocka_unit_test(test_keys_are_renewed),
		cmocka_unit_test(test_an_update_is_answered_when_asked_for),
		cmocka_unit_test(test_numbers_never_wrap),
		cmocka_unit_test(test_close_comes_last),
		cmocka_unit_test(test_close_without_room),
		cmocka_unit_test(test_what_is_not_allowed_is_refused),
		cmocka_unit_test(test_wrong_headers_are_refused),
		cmocka_unit_test(test_length_limits),
		cmocka_unit_test(test_zeros_behind_the_type_are_passed_over),
		cmocka_unit_test(test_records_of_nothing_are_counted),
		cmocka_unit_test(test_alerts_have_names),
		cmocka_unit_test(test_a_forged_record_is_wiped),
		cmocka_unit_test(test_a_record_at_hand_goes_before_the_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
