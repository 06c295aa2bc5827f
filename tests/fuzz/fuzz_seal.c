/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: seal.h against a peer that knows the keys. The input is what it says:
 *
 *     suite (1 byte), then again and again: kind (1 byte), length (2 bytes), so
 *     many bytes. Kind 's': sealed as one record's inside; 'r': raw, as they are;
 *     'u': sealed, and the forger takes its next key
 *
 * Whatever it says, what is given out is a beginning of the data that was sealed;
 * all of it, where nothing but data and true KeyUpdates was said; and who was
 * refused once stays refused.
 */
#include "tests/unit/transport/forger.h"

#include <assert.h>
#include <string.h>

#define HEAD_BYTES 3
#define QUEUE_MAX (1u << 20)
#define IDLE_MAX 16 /* below what is refused */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct talk {
	struct forger forger;
	struct buf in, out, said, heard;
	struct seal *seal;
	bool fair;     /* nothing that is to be refused was said */
	unsigned idle; /* records without data */
	ssize_t over;
};

static const uint8_t secret[AEAD_HASH_BYTES_MAX] = "both";
static const uint8_t update[] = { 24, 0, 0, 1 };

static void listen(struct talk *t)
{
	uint8_t *p;
	ssize_t n;

	while ((n = seal_open(t->seal, &p)) > 0) {
		assert(!t->over);
		assert(buf_put(&t->heard, p, (size_t)n) == 0);
	}
	assert(!t->over || n == t->over);
	t->over = n;
	seal_taken(t->seal);
}

static bool is_update(const uint8_t *p, size_t n)
{
	return n == 6 && !memcmp(p, update, sizeof(update)) && p[4] < 2 &&
	       p[5] == 22;
}

static void say_sealed(struct talk *t, char kind, const uint8_t *p, size_t n)
{
	size_t len = n;

	forger_say(&t->forger, &t->in, p, n);
	if (kind == 'u')
		forger_update(&t->forger);
	while (len && !p[len - 1])
		len--;
	bool is_data = len && p[len - 1] == 23 && n <= SEAL_PAYLOAD_MAX + 1;
	if (is_data)
		assert(buf_put(&t->said, p, len - 1) == 0);
	t->idle += !is_data || len == 1;
	t->fair &= t->idle < IDLE_MAX &&
	           (kind == 'u' ? is_update(p, n) : is_data);
}

static void say(struct talk *t, char kind, const uint8_t *p, size_t n)
{
	if (kind == 's' || kind == 'u') {
		say_sealed(t, kind, p, n);
	} else if (n) {
		assert(buf_put(&t->in, p, n) == 0);
		t->fair = false;
	}
	listen(t);
}

static void say_all(struct talk *t, const uint8_t *data, size_t size)
{
	while (size >= HEAD_BYTES) {
		char kind = (char)data[0];
		size_t n = (size_t)data[1] << 8 | data[2];
		data += HEAD_BYTES;
		size -= HEAD_BYTES;
		if (n > size)
			n = size;
		if (n > UINT16_MAX - AEAD_TAG_BYTES) /* it would not fit a record */
			n = UINT16_MAX - AEAD_TAG_BYTES;
		say(t, kind, data, n);
		data += n;
		size -= n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct talk t = { .fair = true };
	enum aead_suite suite = size ? (enum aead_suite)(data[0] % 3) : 0;
	struct seal_args args = { .suite = suite, .send_secret = secret,
	                          .receive_secret = secret, .in = &t.in,
	                          .out = &t.out };

	buf_init(&t.in, QUEUE_MAX);
	buf_init(&t.out, QUEUE_MAX);
	buf_init(&t.said, QUEUE_MAX);
	buf_init(&t.heard, QUEUE_MAX);
	forger_init(&t.forger, suite, secret);
	t.seal = seal_create(&args);
	assert(t.seal);
	if (size)
		say_all(&t, data + 1, size - 1);
	assert(t.heard.len <= t.said.len);
	assert(!t.heard.len || !memcmp(buf_head(&t.heard), buf_head(&t.said),
	                               t.heard.len));
	assert(!t.fair || (t.heard.len == t.said.len && !t.over));
	seal_destroy(t.seal);
	forger_finish(&t.forger);
	buf_finish(&t.in);
	buf_finish(&t.out);
	buf_finish(&t.said);
	buf_finish(&t.heard);
	return 0;
}
