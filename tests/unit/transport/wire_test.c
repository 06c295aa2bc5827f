/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: frames. SAMPLES has each type with its bytes, so that the wire cannot
 * change by accident: both ends of a running aggregate would have to change
 * at once. Every sample is encoded, decoded, cut short everywhere and made
 * longer; each input lies in memory of its very size, where a sanitizer sees
 * a read past the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/wire.h"
#include "scheduler/scheduler.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_BYTES_MAX (WIRE_HEADER_BYTES + WIRE_PAYLOAD_BYTES_MAX)
#define NAME_32 "abcdefghijklmnopqrstuvwxyz012345"
#define NAME_32_HEX "6162636465666768696a6b6c6d6e6f707172737475767778797a" \
                    "303132333435"
#define V4_ADDR(p) { .family = AF_INET, .port = (p), .ip = { 192, 0, 2, 1 } }
#define V6_ADDR(p) { .family = AF_INET6, .port = (p), \
                     .ip = { 0x20, 1, 0xd, 0xb8, [15] = 1 } }
#define V6_HEX "0620010db8000000000000000000000001"
#define NO_TRAFFIC_HEX "00" "0000000000000000" "0000000000000000" "00"
#define NO_TRAFFIC_BYTES 18
#define CLASSES_BYTES 4 /* of SETTINGS */

struct sample {
	struct wire_frame frame;
	const char *hex;
	bool open_ended; /* a later version may say more behind its fields */
	size_t added;    /* so many bytes at its end an earlier one does not say */
};

static const struct sample samples[] = {
	{ { .type = WIRE_HELLO,
	    .hello = { 1, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
	               0x01020304, 7, 6, SCHED_CLASS_BACKUP, "dsl" } },
	  "01" "000025" "0001" "000102030405060708090a0b0c0d0e0f" "01020304"
	  "070602" "0364736c" "0000000000000000", true, 8 },
	{ { .type = WIRE_HELLO,
	    .hello = { 0xffff, { 0xff }, UINT32_MAX, 0, 0, 0, NAME_32 } },
	  "01" "000042" "ffff" "ff000000000000000000000000000000" "ffffffff"
	  "000000" "20" NAME_32_HEX "0000000000000000", true, 8 },
	{ { .type = WIRE_HELLO,
	    .hello = { 1, { 1 }, 2, 3, 4, 0, "lte", 0x0102030405060708 } },
	  "01" "000025" "0001" "01000000000000000000000000000000" "00000002"
	  "030400" "036c7465" "0102030405060708", true, 8 },
	{ { .type = WIRE_WELCOME, .welcome = { 1, 0x0102030405060708 } },
	  "02" "00000d" "0001" "0102030405060708" "000000", true, 3 },
	{ { .type = WIRE_WELCOME, .welcome = { 1, 9, V4_ADDR(443) } },
	  "02" "000011" "0001" "0000000000000009" "04c000020101bb", true, 7 },
	{ { .type = WIRE_CLOSE, .close = { "why" } },
	  "03" "000004" "03776879", false },
	{ { .type = WIRE_CLOSE }, "03" "000001" "00", false },
	{ { .type = WIRE_SETTINGS,
	    .settings = { 1, WIRE_HAS_IPV6 | WIRE_DRAINING, 131072, 0x0107,
	                  { "ecf" }, 0x00030109 } },
	  "04" "000019" "00000001" "00000003" "00020000" "0107" "03656366"
	  "000000" "00030109",
	  true, CLASSES_BYTES },
	{ { .type = WIRE_SETTINGS,
	    .settings = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT16_MAX,
	                  { NAME_32, "eat", "srpt", "tail" } } },
	  "04" "000041" "ffffffff" "ffffffff" "ffffffff" "ffff" "20" NAME_32_HEX
	  "03656174" "0473727074" "047461696c" "00000000", true,
	  CLASSES_BYTES },
	{ { .type = WIRE_CLASS, .class = { 7, STREAM_BULK } },
	  "81" "000005" "00000007" "01", false },
	{ { .type = WIRE_LIMITS, .limits = { 1000, 2, 3,
	    { 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000 }, WIRE_HOLE } },
	  "88" "00001b" "03e8" "0002" "0003" "0001" "0002" "0003" "0004" "0005"
	  "0006" "0007" "0008" "0009" "03e8" "02", true },
	{ { .type = WIRE_PING, .ping = { 0x1122334455667788 } },
	  "05" "000008" "1122334455667788", false },
	{ { .type = WIRE_PONG, .ping = { UINT64_MAX } },
	  "06" "000008" "ffffffffffffffff", false },
	{ { .type = WIRE_ACK, .ack = { 5, UINT64_MAX } },
	  "07" "00000c" "00000005" "ffffffffffffffff", false },
	{ { .type = WIRE_OPEN,
	    .open = { 1, 65536, { V4_ADDR(443), "" }, V4_ADDR(50000) } },
	  "08" "000017" "00000001" "00010000" "04c000020101bb" "00"
	  "04c0000201c350", false },
	{ { .type = WIRE_OPEN,
	    .open = { 3, 0, { V6_ADDR(80), "" }, V6_ADDR(65535) } },
	  "08" "00002f" "00000003" "00000000" V6_HEX "0050" "00"
	  V6_HEX "ffff", false },
	{ { .type = WIRE_OPEN,
	    .open = { UINT32_MAX, UINT32_MAX, { { .port = 22 }, "a.example" },
	              { 0 } } },
	  "08" "000018" "ffffffff" "ffffffff" "000016"
	  "09612e6578616d706c65" "000000", false },
	{ { .type = WIRE_ACCEPT, .accept = { 9, V4_ADDR(1) } },
	  "09" "00000b" "00000009" "04c00002010001", false },
	{ { .type = WIRE_ACCEPT, .accept = { 9, V6_ADDR(1) } },
	  "09" "000017" "00000009" V6_HEX "0001", false },
	{ { .type = WIRE_ACCEPT, .accept = { 9, { 0 } } },
	  "09" "000007" "00000009" "000000", false },
	{ { .type = WIRE_CREDIT, .credit = { 7, WIRE_OFFSET_MAX } },
	  "0c" "00000c" "00000007" "4000000000000000", false },
	{ { .type = WIRE_INVITE,
	    .invite = { 1, { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 } } },
	  "18" "000012" "0001" "000102030405060708090a0b0c0d0e0f", true },
	{ { .type = WIRE_REDEEMED,
	    .redeemed = { 1, WIRE_REDEEM_JOINED, 0x0102030405060708, V4_ADDR(443),
	                  V4_ADDR(0), V6_ADDR(0), "home", "" } },
	  "19" "000032" "0001" "00" "0102030405060708" "04c000020101bb"
	  "04c00002010000" V6_HEX "0000" "04686f6d65" "00", true },
	{ { .type = WIRE_REDEEMED,
	    .redeemed = { 1, WIRE_REDEEM_FAILED, UINT64_MAX, V6_ADDR(1), { 0 },
	                  { 0 }, NAME_32, "disk full" } },
	  "19" "00004f" "0001" "06" "ffffffffffffffff" V6_HEX "0001"
	  "000000" "000000" "20" NAME_32_HEX "096469736b2066756c6c", true },
	{ { .type = WIRE_RESET, .reset = { 7, STREAM_END_REFUSED, 0x1234 } },
	  "0d" "00000d" "00000007" "02" "0000000000001234", false },
	{ { .type = WIRE_RESET,
	    .reset = { UINT32_MAX, STREAM_END_SESSION_LOST, WIRE_OFFSET_MAX } },
	  "0d" "00000d" "ffffffff" "09" "4000000000000000", false },
	{ { .type = WIRE_TUNNEL_KEY,
	    .tunnel_key = { 1, 0x01020304, 2, { 0xaa, [31] = 0xbb } } },
	  "83" "000029" "00000001" "01020304" "02" "aa" "000000000000000000000000"
	  "000000000000000000000000000000000000" "bb", true },
	{ { .type = WIRE_TUNNEL_NET }, "84" "000019" "00" "000000" "0000" "00"
	  NO_TRAFFIC_HEX, true, NO_TRAFFIC_BYTES },
	{ { .type = WIRE_TUNNEL_NET,
	    .tunnel_net = { .flags = WIRE_TUNNEL_ON | WIRE_TUNNEL_UDP,
	                    .inner4 = { .family = AF_INET, .ip = { 100, 64, 0, 1 } },
	                    .inner6 = { .family = AF_INET6, .length = 64,
	                                .ip = { 0x20, 1, 0xd, 0xb8 } } } },
	  "84" "00002d" "03" "04644000010000"
	  "064020010db8000000000000000000000000" "00"
	  NO_TRAFFIC_HEX, true, NO_TRAFFIC_BYTES },
	{ { .type = WIRE_TUNNEL_NET,
	    .tunnel_net = { .flags = WIRE_TUNNEL_ON, .lan_count = 2,
	                    .lan = { { AF_INET, 25, { 192, 168, 1, 128 } },
	                             { AF_INET6, 128, { [15] = 1 } } } } },
	  "84" "000031" "01" "000000" "0000" "02" "0419c0a80180"
	  "068000000000000000000000000000000001" NO_TRAFFIC_HEX, true, NO_TRAFFIC_BYTES },
	{ { .type = WIRE_TUNNEL_NET,
	    .tunnel_net = { .traffic = { .redundant = 1, .port_count = 1,
	                                 .port = { { 3, 17, 10000, 20000 } },
	                                 .realtime_dscps = UINT64_C(1) << 46,
	                                 .bulk_dscps = 2 } } },
	  "84" "00001f" "00" "000000" "0000" "00" "01" "0000400000000000"
	  "0000000000000002" "01" "0311" "2710" "4e20", true,
	  NO_TRAFFIC_BYTES + 6 },
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Bytes of a text of hexadecimal digits; how many. */
static size_t unhex(uint8_t *to, const char *hex)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return n;
}

/* Decodes what lies in memory of its very size. */
static ssize_t decode(struct wire_frame *out, const uint8_t *p, size_t n)
{
	const char *why = NULL;
	uint8_t *exact = malloc(n ? n : 1);

	assert_non_null(exact);
	memcpy(exact, p, n);
	ssize_t len = wire_decode(out, exact, n, &why);
	assert_true(len >= 0 || (len == -EPROTO && why && why[0]));
	free(exact);
	return len;
}

static void set_length(uint8_t *p, size_t payload)
{
	p[1] = (uint8_t)(payload >> 16);
	p[2] = (uint8_t)(payload >> 8);
	p[3] = (uint8_t)payload;
}

/* A frame of that type and payload. */
static ssize_t decode_frame(struct wire_frame *out, uint8_t type,
                            const void *payload, size_t n)
{
	uint8_t bytes[WIRE_HEADER_BYTES + 1024];

	assert_true(n <= sizeof(bytes) - WIRE_HEADER_BYTES);
	bytes[0] = type;
	set_length(bytes, n);
	memcpy(bytes + WIRE_HEADER_BYTES, payload, n);
	return decode(out, bytes, WIRE_HEADER_BYTES + n);
}

static void test_golden(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t want[FRAME_BYTES_MAX], got[WIRE_CONTROL_BYTES_MAX];
		size_t n = unhex(want, samples[i].hex);
		assert_int_equal(wire_encode(got, &samples[i].frame), n);
		assert_memory_equal(got, want, n);
	}
}

static void test_round_trip(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t bytes[FRAME_BYTES_MAX];
		struct wire_frame frame;
		size_t n = unhex(bytes, samples[i].hex);
		memset(&frame, 0xa5, sizeof(frame));
		assert_int_equal(decode(&frame, bytes, n), n);
		assert_memory_equal(&frame, &samples[i].frame, sizeof(frame));
		/* What follows belongs to the next frame. */
		bytes[n] = 0xff;
		assert_int_equal(decode(&frame, bytes, n + 1), n);
	}
}

static void test_needs_more(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t bytes[FRAME_BYTES_MAX];
		struct wire_frame frame;
		size_t n = unhex(bytes, samples[i].hex);
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(decode(&frame, bytes, cut), 0);
	}
}

/* The header tells the truth about a payload that lacks its last bytes. */
static void test_short_payload(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t bytes[FRAME_BYTES_MAX];
		struct wire_frame frame;
		size_t n = unhex(bytes, samples[i].hex);
		for (size_t cut = WIRE_HEADER_BYTES; cut < n; cut++) {
			bool whole = samples[i].added && cut == n - samples[i].added;
			set_length(bytes, cut - WIRE_HEADER_BYTES);
			assert_int_equal(decode(&frame, bytes, cut),
			                 whole ? (ssize_t)cut : -EPROTO);
		}
	}
}

static void test_long_payload(void **state)
{
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		uint8_t bytes[FRAME_BYTES_MAX];
		struct wire_frame frame;
		size_t n = unhex(bytes, samples[i].hex);
		bytes[n++] = 0;
		set_length(bytes, n - WIRE_HEADER_BYTES);
		ssize_t want = samples[i].open_ended ? (ssize_t)n : -EPROTO;
		assert_int_equal(decode(&frame, bytes, n), want);
	}
}

/* The longest of all: OPEN to a name of 255 characters, over IPv6. */
static void test_longest(void **state)
{
	struct wire_frame open = { .type = WIRE_OPEN,
	                           .open = { 1, 1, .client = V6_ADDR(1) } };
	struct wire_frame close = { .type = WIRE_CLOSE }, out;
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	size_t n;

	memset(open.open.dest.name, 'n', DEST_NAME_MAX);
	n = wire_encode(bytes, &open);
	assert_true(n <= WIRE_CONTROL_BYTES_MAX);
	assert_int_equal(decode(&out, bytes, n), n);
	assert_string_equal(out.open.dest.name, open.open.dest.name);
	assert_true(addr_equal(&out.open.client, &open.open.client));

	memset(close.close.reason, 'r', sizeof(close.close.reason) - 1);
	n = wire_encode(bytes, &close);
	assert_int_equal(decode(&out, bytes, n), n);
	assert_string_equal(out.close.reason, close.close.reason);
}

static void test_data(void **state)
{
	static uint8_t bytes[WIRE_DATA_HEADER_BYTES + WIRE_PIECE_BYTES_MAX];
	struct wire_frame out;
	uint8_t want[64];
	const char *why;

	wire_encode_data_header(bytes, false, 5, 0x0102030405060708, 3);
	assert_int_equal(unhex(want, "0a" "00000f" "00000005" "0102030405060708"),
	                 WIRE_DATA_HEADER_BYTES);
	assert_memory_equal(bytes, want, WIRE_DATA_HEADER_BYTES);
	memcpy(bytes + WIRE_DATA_HEADER_BYTES, "abc", 3);
	assert_int_equal(wire_decode(&out, bytes, sizeof(bytes), &why),
	                 WIRE_DATA_HEADER_BYTES + 3);
	assert_int_equal(out.type, WIRE_DATA);
	assert_int_equal(out.data.stream, 5);
	assert_int_equal(out.data.offset, 0x0102030405060708);
	assert_int_equal(out.data.len, 3);
	assert_ptr_equal(out.data.bytes, bytes + WIRE_DATA_HEADER_BYTES);
}

static void test_data_sizes(void **state)
{
	static uint8_t bytes[WIRE_DATA_HEADER_BYTES + WIRE_PIECE_BYTES_MAX];
	struct wire_frame out;

	for (uint32_t len = 0; len <= WIRE_PIECE_BYTES_MAX;
	     len += len < 8 ? 1 : WIRE_PIECE_BYTES_MAX - 8) {
		for (int fin = 0; fin < 2; fin++) {
			size_t n = WIRE_DATA_HEADER_BYTES + len;
			wire_encode_data_header(bytes, fin, 1, WIRE_OFFSET_MAX, len);
			for (size_t cut = 0; cut < n; cut += cut < 32 ? 1 : 4001)
				assert_int_equal(decode(&out, bytes, cut), 0);
			if (!len && !fin) {
				assert_int_equal(decode(&out, bytes, n), -EPROTO);
				continue;
			}
			assert_int_equal(decode(&out, bytes, n), n);
			assert_int_equal(out.type, fin ? WIRE_DATA_FIN : WIRE_DATA);
			assert_int_equal(out.data.len, len);
		}
	}
	/* The largest piece is the largest frame, and one TLS record. */
	assert_int_equal(sizeof(bytes), FRAME_BYTES_MAX);
	assert_int_equal(sizeof(bytes), 16384);
}

static void test_data_short(void **state)
{
	uint8_t bytes[WIRE_DATA_HEADER_BYTES];
	struct wire_frame out;

	wire_encode_data_header(bytes, true, 1, 0, 0);
	for (size_t n = WIRE_HEADER_BYTES; n < sizeof(bytes); n++) {
		set_length(bytes, n - WIRE_HEADER_BYTES);
		assert_int_equal(decode(&out, bytes, n), -EPROTO);
	}
}

/* Refused as soon as the header is there: nobody waits for so much. */
static void test_too_long(void **state)
{
	struct wire_frame out;

	for (unsigned type = 0; type < 256; type++) {
		uint8_t bytes[WIRE_HEADER_BYTES] = { (uint8_t)type };
		set_length(bytes, WIRE_PAYLOAD_BYTES_MAX + 1);
		assert_int_equal(decode(&out, bytes, sizeof(bytes)), -EPROTO);
		set_length(bytes, 0xffffff);
		assert_int_equal(decode(&out, bytes, sizeof(bytes)), -EPROTO);
		set_length(bytes, WIRE_PAYLOAD_BYTES_MAX);
		assert_int_equal(decode(&out, bytes, sizeof(bytes)), 0);
	}
}

static void test_unknown(void **state)
{
	static uint8_t bytes[FRAME_BYTES_MAX];
	struct wire_frame out;

	for (unsigned type = 0; type < 256; type++) {
		if ((type >= WIRE_HELLO && type <= WIRE_RESET) ||
		    type == WIRE_CLASS || type == WIRE_TUNNEL_KEY ||
		    type == WIRE_TUNNEL_NET || type == WIRE_LIMITS ||
		    type == WIRE_DATAGRAM)
			continue;
		bytes[0] = (uint8_t)type;
		set_length(bytes, 0);
		ssize_t want = type & WIRE_IGNORABLE ? WIRE_HEADER_BYTES : -EPROTO;
		assert_int_equal(decode(&out, bytes, WIRE_HEADER_BYTES), want);
		if (want > 0)
			assert_int_equal(out.type, 0);
	}
	bytes[0] = WIRE_IGNORABLE;
	set_length(bytes, WIRE_PAYLOAD_BYTES_MAX);
	assert_int_equal(decode(&out, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(out.type, 0);
}

static ssize_t decode_net(const char *hex)
{
	uint8_t payload[512];
	struct wire_frame out;
	size_t n = unhex(payload, hex);

	return decode_frame(&out, WIRE_TUNNEL_NET, payload, n);
}

static void test_tunnel_net(void **state)
{
	struct wire_frame most = { .type = WIRE_TUNNEL_NET,
	                           .tunnel_net = { .inner4 = V4_ADDR(0),
	                                           .lan_count = WIRE_LAN_PREFIXES_MAX,
	                                           .traffic.port_count =
	                                               WIRE_TRAFFIC_PORTS_MAX,
	                                           .traffic.host_count =
	                                               WIRE_TRAFFIC_HOSTS_MAX } };
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	struct wire_frame out;

	for (int i = 0; i < WIRE_LAN_PREFIXES_MAX; i++)
		most.tunnel_net.lan[i] = (struct prefix){ AF_INET6, 128, { 1, [15] = 1 } };
	for (int i = 0; i < WIRE_TRAFFIC_HOSTS_MAX; i++)
		most.tunnel_net.traffic.host[i] = (struct wire_traffic_host){
			1, { AF_INET6, 128, { 2, [15] = (uint8_t)i } } };
	size_t n = wire_encode(bytes, &most);
	assert_true(n <= sizeof(bytes));
	assert_int_equal(decode(&out, bytes, n), n);
	assert_memory_equal(&out, &most, sizeof(out));

	assert_true(decode_net("00" "000000" "0000" "01" "0419c0a80180"
	                       NO_TRAFFIC_HEX) > 0);
	/* Host bits; bits that the family has not; no such family; too many. */
	assert_int_equal(decode_net("00" "000000" "0000" "01" "0418c0a80180"
	                            NO_TRAFFIC_HEX), -EPROTO);
	assert_int_equal(decode_net("00" "000000" "0000" "01" "0421c0a80180"
	                            NO_TRAFFIC_HEX), -EPROTO);
	assert_int_equal(decode_net("00" "000000" "0001" "00" NO_TRAFFIC_HEX), -EPROTO);
	assert_int_equal(decode_net("00" "000000" "0500" "00" NO_TRAFFIC_HEX), -EPROTO);
	assert_int_equal(decode_net("00" "000000" "0000" "11"), -EPROTO);
	/* A port that is cut short; too many. */
	assert_int_equal(decode_net("00" "000000" "0000" "00" "01" "0000000000000000"
	                            "0000000000000000" "01" "0311" "27"), -EPROTO);
	assert_int_equal(decode_net("00" "000000" "0000" "00" "01" "0000000000000000"
	                            "0000000000000000" "19"), -EPROTO);
	/* A host that is cut short; too many; none. */
	assert_int_equal(decode_net("00" "000000" "0000" "00" NO_TRAFFIC_HEX
	                            "01" "01" "0420c0a801"), -EPROTO);
	assert_int_equal(decode_net("00" "000000" "0000" "00" NO_TRAFFIC_HEX "21"), -EPROTO);
	assert_true(decode_net("00" "000000" "0000" "00" NO_TRAFFIC_HEX "00") > 0);
	assert_true(decode_net("00" "000000" "0000" "00" NO_TRAFFIC_HEX
	                       "01" "01" "0420c0a80107") > 0);
}

static void test_datagram(void **state)
{
	static uint8_t bytes[WIRE_HEADER_BYTES + WIRE_DATAGRAM_BYTES_MAX + 1];
	struct wire_frame out;
	const char *why;

	wire_encode_datagram_header(bytes, 0x0102);
	assert_memory_equal(bytes, ((uint8_t[]){ 0x89, 0, 1, 2 }), 4);
	assert_int_equal(wire_decode(&out, bytes, sizeof(bytes), &why), 4 + 0x0102);
	assert_int_equal(out.type, WIRE_DATAGRAM);
	assert_ptr_equal(out.datagram.bytes, bytes + WIRE_HEADER_BYTES);
	assert_int_equal(out.datagram.len, 0x0102);
	for (uint32_t len = WIRE_DATAGRAM_BYTES_MAX; len <= WIRE_DATAGRAM_BYTES_MAX + 1;
	     len++) {
		wire_encode_datagram_header(bytes, len);
		assert_int_equal(decode(&out, bytes, WIRE_HEADER_BYTES + len),
		                 len > WIRE_DATAGRAM_BYTES_MAX ? -EPROTO :
		                 (ssize_t)(WIRE_HEADER_BYTES + len));
	}
}

static void test_tunnel_key_has_an_epoch(void **state)
{
	uint8_t payload[41] = { 0 };
	struct wire_frame out;

	assert_int_equal(decode_frame(&out, WIRE_TUNNEL_KEY, payload, 41), -EPROTO);
	payload[3] = 1;
	assert_true(decode_frame(&out, WIRE_TUNNEL_KEY, payload, 41) > 0);
}

/* A known type with the ignorable bit is another, unknown type. */
static void test_known_is_not_ignorable(void **state)
{
	struct wire_frame out;

	assert_int_equal(decode_frame(&out, WIRE_PING | WIRE_IGNORABLE, "", 0), 4);
	assert_int_equal(out.type, 0);
}

static void test_offers(void **state)
{
	uint8_t hello[64] = { 22, 3, 1, 0, 60 };
	char name[WIRE_OFFER_MAX + 1];

	wire_offer(0xffffffff00abcdef, name);
	assert_string_equal(name, "aggd/1-00abcdef");
	assert_int_equal(wire_offered(hello, sizeof(hello)), 0);
	assert_int_equal(wire_offered(hello, 0), 0);
	memcpy(hello + 20, "\x06" WIRE_ALPN "\x0f", 8);
	memcpy(hello + 28, name, strlen(name));
	assert_int_equal(wire_offered(hello, sizeof(hello)), 0xabcdef);
	assert_int_equal(wire_offered(hello, 28 + strlen(name)), 0xabcdef);
	for (size_t n = 0; n < 28 + strlen(name); n++) /* cut short: not yet */
		assert_int_equal(wire_offered(hello, n), 0);
	hello[27] = 14; /* another name that begins so */
	assert_int_equal(wire_offered(hello, sizeof(hello)), 0);
}

static ssize_t decode_hello(uint8_t path, uint8_t bundle, uint8_t path_class)
{
	struct wire_frame frame = { .type = WIRE_HELLO, .hello = { .version = 1,
		.path = path, .bundle = bundle, .path_class = path_class } };
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	return decode(&frame, bytes, wire_encode(bytes, &frame));
}

static void test_hello_ranges(void **state)
{
	assert_true(decode_hello(WIRE_PATHS_MAX - 1, WIRE_BUNDLES_MAX - 1,
	                         SCHED_CLASS_BACKUP) > 0);
	assert_int_equal(decode_hello(WIRE_PATHS_MAX, 0, 0), -EPROTO);
	assert_int_equal(decode_hello(0, WIRE_BUNDLES_MAX, 0), -EPROTO);
	assert_int_equal(decode_hello(0, 0, SCHED_CLASS_BACKUP + 1), -EPROTO);
	assert_int_equal(decode_hello(255, 255, 255), -EPROTO);
}

/* Lengths that lie, and a NUL that would end a name early. */
static void test_texts(void **state)
{
	uint8_t close[256] = { 127 };
	uint8_t settings[64] = { [14] = WIRE_NAME_MAX + 1 };
	struct wire_frame out;

	memset(close + 1, 'x', sizeof(close) - 1);
	assert_int_equal(decode_frame(&out, WIRE_CLOSE, close, 128), 4 + 128);
	close[0] = 128;
	assert_int_equal(decode_frame(&out, WIRE_CLOSE, close, 129), -EPROTO);
	close[0] = 255;
	assert_int_equal(decode_frame(&out, WIRE_CLOSE, close, 256), -EPROTO);
	close[0] = 3;
	close[2] = 0;
	assert_int_equal(decode_frame(&out, WIRE_CLOSE, close, 4), -EPROTO);
	memset(settings + 15, 'x', sizeof(settings) - 15);
	assert_int_equal(decode_frame(&out, WIRE_SETTINGS, settings, 64), -EPROTO);
}

static void test_open_destination(void **state)
{
	struct wire_frame both = { .type = WIRE_OPEN,
		.open = { 1, 1, { V4_ADDR(1), "name" }, { 0 } } };
	struct wire_frame none = { .type = WIRE_OPEN };
	struct wire_frame out;
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	assert_int_equal(decode(&out, bytes, wire_encode(bytes, &both)), -EPROTO);
	assert_int_equal(decode(&out, bytes, wire_encode(bytes, &none)), -EPROTO);
}

static void test_families(void **state)
{
	uint8_t accept[32] = { 0, 0, 0, 1 };
	struct wire_frame out;

	for (unsigned family = 0; family < 256; family++) {
		size_t ip = family == 4 ? 4 : family == 6 ? 16 : 0;
		accept[4] = (uint8_t)family;
		ssize_t got = decode_frame(&out, WIRE_ACCEPT, accept, 7 + ip);
		if (family == 0 || ip)
			assert_int_equal(got, 4 + 7 + ip);
		else
			assert_int_equal(got, -EPROTO);
	}
}

static ssize_t decode_offset(uint8_t type, uint64_t offset)
{
	struct wire_frame frame = { .type = type }, out;
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];

	if (type == WIRE_DATA_FIN) {
		wire_encode_data_header(bytes, true, 1, offset, 0);
		return decode(&out, bytes, WIRE_DATA_HEADER_BYTES);
	}
	if (type == WIRE_CREDIT)
		frame.credit.offset_max = offset;
	else
		frame.reset.offset = offset;
	return decode(&out, bytes, wire_encode(bytes, &frame));
}

static void test_offsets(void **state)
{
	static const uint8_t types[] = { WIRE_DATA_FIN, WIRE_CREDIT, WIRE_RESET };

	for (size_t i = 0; i < sizeof(types); i++) {
		assert_true(decode_offset(types[i], WIRE_OFFSET_MAX) > 0);
		assert_int_equal(decode_offset(types[i], WIRE_OFFSET_MAX + 1),
		                 -EPROTO);
		assert_int_equal(decode_offset(types[i], UINT64_MAX), -EPROTO);
	}
}

/* A reason of a later version, and "finished", which no reset is. */
static void test_reset_reasons(void **state)
{
	uint8_t reset[13] = { 0 };
	struct wire_frame out;

	for (unsigned end = 0; end < 256; end++) {
		bool known = end != STREAM_END_FINISHED && end < STREAM_END_COUNT;
		reset[4] = (uint8_t)end;
		assert_true(decode_frame(&out, WIRE_RESET, reset, 13) > 0);
		assert_int_equal(out.reset.end, known ? end : STREAM_END_RESET);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_needs_more),
		cmocka_unit_test(test_short_payload),
		cmocka_unit_test(test_long_payload),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_data_sizes),
		cmocka_unit_test(test_data_short),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tunnel_net),
		cmocka_unit_test(test_datagram),
		cmocka_unit_test(test_tunnel_key_has_an_epoch),
		cmocka_unit_test(test_known_is_not_ignorable),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_hello_ranges),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_open_destination),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_reset_reasons),
	};

	return cmocka_run_group_tests_name("transport/wire", tests, NULL, NULL);
}
