/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the datagram's bytes. SAMPLES has each type, so that the wire cannot change by
 * accident; each is encoded, decoded and cut short everywhere, in memory of its very
 * size, where a sanitizer sees a read past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/datagram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FEEDBACK { .path = 1, .epoch = 2, .largest = 0x03040506, .held_us = 0x0708, \
                   .packets = 0x090a0b0c, .bytes = 0x0d0e0f10, .delay_min = 0x1112, \
                   .delay_p90 = 0x1314, .ce = 0x1516, .before = 0x1718191a1b1c1d1e, \
                   .now_us = 0x1f202122 }
#define FEEDBACK_HEX "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e" \
                     "1f202122"

struct sample {
	struct datagram d;
	const char *fields, *body;
};

static const struct sample samples[] = {
	{ { .type = DATAGRAM_PLAIN, .sent = 0x0102 }, "01" "0102", "450000" },
	{ { .type = DATAGRAM_PLAIN, .sent = 0xffff }, "01" "ffff", "" },
	{ { .type = DATAGRAM_ORDERED, .sent = 5,
	    .ordered = { .slot = 0x0102, .sequence = 0x0304, .skip = 5, .paths = 0x83 } },
	  "02" "0005" "0102" "0304" "05" "83", "60" },
	{ { .type = DATAGRAM_SPLIT, .sent = 5, .split = { .part = 1, .id = 0xabcd } },
	  "03" "0005" "01" "abcd", "1234" },
	{ { .type = DATAGRAM_FEEDBACK, .sent = 5, .has_feedback = true,
	    .feedback = FEEDBACK }, "04" "0005" FEEDBACK_HEX, "" },
	{ { .type = DATAGRAM_PLAIN, .sent = 5, .has_feedback = true,
	    .feedback = FEEDBACK }, "04" "0005" FEEDBACK_HEX "01", "45" },
	{ { .type = DATAGRAM_ORDERED, .sent = 5, .has_feedback = true,
	    .feedback = FEEDBACK, .ordered = { .slot = 1, .sequence = 2, .paths = 1 } },
	  "04" "0005" FEEDBACK_HEX "02" "0001" "0002" "00" "01", "45" },
	{ { .type = DATAGRAM_PROBE, .sent = 9, .probe = { 0x0102030405060708 } },
	  "05" "0009" "0102030405060708", "000000" },
	{ { .type = DATAGRAM_PROBE_ECHO, .sent = 9, .probe = { UINT64_MAX } },
	  "06" "0009" "ffffffffffffffff", "" },
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static size_t unhex(uint8_t *to, const char *hex)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++) {
		char byte[3] = { hex[2 * i], hex[2 * i + 1], 0 };
		to[i] = (uint8_t)strtoul(byte, NULL, 16);
	}
	return n;
}

/* Decodes what lies in memory of its very size, and gives its body in `body`. */
static int decode(struct datagram *out, const uint8_t *p, size_t n, uint8_t *body)
{
	uint8_t *exact = malloc(n ? n : 1);

	assert_non_null(exact);
	memcpy(exact, p, n);
	int err = datagram_decode(out, exact, n);
	if (!err) {
		assert_true(out->body >= exact && out->body + out->body_len == exact + n);
		memcpy(body, out->body, out->body_len);
	}
	free(exact);
	return err;
}

static void header_is_golden(void **state)
{
	struct datagram_header h = { .path = 7, .index = 0x01020304,
	                             .counter = 0x05060708 }, again;
	uint8_t bytes[DATAGRAM_BYTES_MIN] = { 0 }, want[DATAGRAM_HEADER_BYTES];

	datagram_write_header(bytes, &h);
	assert_int_equal(unhex(want, "10" "07" "01020304" "05060708"), sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
	assert_int_equal(datagram_read_header(&again, bytes, sizeof(bytes)), 0);
	assert_int_equal(again.path, 7);
	assert_int_equal(again.index, h.index);
	assert_int_equal(again.counter, h.counter);
}

static int read_header(uint8_t first, uint8_t path, size_t n)
{
	struct datagram_header h;
	uint8_t *bytes = calloc(1, n + 2);

	assert_non_null(bytes);
	bytes[0] = first;
	bytes[1] = path;
	int err = datagram_read_header(&h, bytes, n);
	free(bytes);
	return err;
}

static void what_is_not_ours_is_refused(void **state)
{
	assert_int_equal(DATAGRAM_BYTES_MIN, 29);
	assert_int_equal(read_header(0x10, 0, 29), 0);
	assert_int_equal(read_header(0x10, 7, DATAGRAM_BYTES_MAX), 0);
	assert_int_equal(read_header(0x10, 0, 28), -EBADMSG);
	assert_int_equal(read_header(0x10, 0, 0), -EBADMSG);
	assert_int_equal(read_header(0x10, 0, DATAGRAM_BYTES_MAX + 1), -EBADMSG);
	assert_int_equal(read_header(0x10, 8, 29), -EBADMSG);
	for (int first = 0; first < 256; first++)
		assert_int_equal(read_header((uint8_t)first, 0, 29),
		                 first == 0x10 ? 0 : -EBADMSG);
}

static void plaintexts_are_golden(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t want[256], got[256];
		size_t n = unhex(want, samples[i].fields);
		assert_int_equal(datagram_fields_bytes(&samples[i].d), n);
		assert_int_equal(datagram_encode(got, &samples[i].d), n);
		assert_memory_equal(got, want, n);
	}
}

static void assert_same(const struct datagram *a, const struct datagram *b)
{
	uint8_t x[128], y[128];
	size_t n = datagram_encode(x, a);

	assert_int_equal(datagram_encode(y, b), n);
	assert_memory_equal(x, y, n);
}

static void they_come_back(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t bytes[256], body[256], want[256];
		struct datagram out;
		size_t fields = unhex(bytes, samples[i].fields);
		size_t n = fields + unhex(bytes + fields, samples[i].body);
		memset(&out, 0xa5, sizeof(out));
		assert_int_equal(decode(&out, bytes, n, body), 0);
		assert_int_equal(out.type, samples[i].d.type);
		assert_same(&out, &samples[i].d);
		assert_int_equal(out.body_len, n - fields);
		unhex(want, samples[i].body);
		assert_memory_equal(body, want, out.body_len);
		for (size_t cut = 0; cut < fields; cut++)
			if (cut != DATAGRAM_PLAIN_BYTES + DATAGRAM_FEEDBACK_FIELDS ||
			    !samples[i].d.has_feedback) /* that is feedback alone */
				assert_int_equal(decode(&out, bytes, cut, body), -EBADMSG);
	}
}

static int decode_hex(const char *hex)
{
	uint8_t bytes[256], body[256];
	struct datagram out;

	return decode(&out, bytes, unhex(bytes, hex), body);
}

static void what_is_not_allowed_is_refused(void **state)
{
	assert_int_equal(decode_hex("00" "0000" "45"), -EBADMSG); /* no such type */
	assert_int_equal(decode_hex("07" "0000" "0000000000000000"), -EBADMSG);
	assert_int_equal(decode_hex("03" "0000" "02" "0000"), -EBADMSG); /* part 2 */
	/* Feedback twice; of a path that there cannot be; a probe after it is fine. */
	assert_int_equal(decode_hex("04" "0000" FEEDBACK_HEX "04" FEEDBACK_HEX), -EBADMSG);
	assert_int_equal(decode_hex("04" "0000" "08" "02030405060708090a0b0c0d0e0f10"
		"1112131415161718191a1b1c1d1e" "1f202122"), -EBADMSG);
	assert_int_equal(decode_hex("04" "0000" FEEDBACK_HEX "05" "0102030405060708"), 0);
}

static void overhead_is_as_said(void **state)
{
	assert_int_equal(DATAGRAM_SEAL_BYTES + DATAGRAM_PLAIN_BYTES, 29);
	assert_int_equal(DATAGRAM_SEAL_BYTES + DATAGRAM_ORDERED_BYTES, 35);
}

static void time_wraps(void **state)
{
	assert_int_equal(datagram_time(0), 0);
	assert_int_equal(datagram_time(64), 1);
	assert_int_equal(datagram_time(64 * 65535 + 63), 65535);
	assert_int_equal(datagram_time(64 * 65536), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_golden),
		cmocka_unit_test(what_is_not_ours_is_refused),
		cmocka_unit_test(plaintexts_are_golden),
		cmocka_unit_test(they_come_back),
		cmocka_unit_test(what_is_not_allowed_is_refused),
		cmocka_unit_test(overhead_is_as_said),
		cmocka_unit_test(time_wraps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
