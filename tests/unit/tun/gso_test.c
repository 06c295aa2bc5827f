/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * Beside a second, plain way to cut: field by field, sums byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "made.h"
#include "tun/gso.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define VALID 2 /* a flag of the kernel's (VIRTIO_NET_HDR_F_DATA_VALID) */
#define LARGE_MAX 65535u
#define BURST 64u

static void put16(uint8_t *p, unsigned x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static unsigned upper_of(const uint8_t *p)
{
	return p[0] >> 4 == 4 ? 20 : 40;
}

static unsigned protocol_of(const uint8_t *p)
{
	return p[0] >> 4 == 4 ? p[9] : p[6];
}

static uint32_t pseudo(const uint8_t *p, size_t upper_bytes)
{
	uint32_t sum = p[0] >> 4 == 4 ? made_sum(p + 12, 8, 0) : made_sum(p + 8, 32, 0);

	return sum + protocol_of(p) + (uint32_t)upper_bytes;
}

/* Segment i of a large packet; its length, 0: there is none. */
static size_t plain_cut(const struct gso_header *h, const uint8_t *p, size_t n, unsigned i,
                        uint8_t *out)
{
	unsigned upper = upper_of(p), sum_at, sum;
	bool tcp = protocol_of(p) == IPPROTO_TCP;
	size_t headers = upper + (tcp ? (p[upper + 12] >> 4) * 4u : 8u);
	size_t at = headers + (size_t)i * h->size, size = h->size;

	if (at >= n)
		return 0;
	if (at + size > n)
		size = n - at;
	memcpy(out, p, headers);
	memcpy(out + headers, p + at, size);
	if (upper == 20) {
		put16(out + 2, (unsigned)(headers + size));
		put16(out + 4, get16(p + 4) + i);
		put16(out + 10, 0);
		put16(out + 10, made_sum(out, 20, 0) ^ 0xffffu);
	} else {
		put16(out + 4, (unsigned)(headers + size - 40));
	}
	if (tcp) {
		uint32_t seq = get32(p + upper + 4) + i * h->size;
		put16(out + upper + 4, seq >> 16);
		put16(out + upper + 6, seq & 0xffff);
		if (at + size < n)
			out[upper + 13] &= 0xf6; /* FIN, PSH */
		if (i && h->type & GSO_CWR_ONCE)
			out[upper + 13] &= 0x7f;
	} else {
		put16(out + upper + 4, (unsigned)(headers + size - upper));
	}
	sum_at = upper + (tcp ? 16 : 6);
	put16(out + sum_at, 0);
	size += headers - upper;
	sum = made_sum(out + upper, size, pseudo(out, size)) ^ 0xffffu;
	put16(out + sum_at, sum ? sum : 0xffff);
	return upper + size;
}

static struct made random_made(struct rand *r)
{
	struct made m = {
		.family = rand_below(r, 2) ? AF_INET : AF_INET6,
		.protocol = rand_below(r, 2) ? IPPROTO_TCP : IPPROTO_UDP,
		.host = (uint8_t)rand_u64(r), .peer = (uint8_t)rand_u64(r),
		.tos = (uint8_t)rand_u64(r), .sport = (uint16_t)rand_u64(r),
		.dport = (uint16_t)rand_u64(r), .tcp_flags = (uint8_t)(rand_u64(r) | 16),
		.tcp_options = (uint8_t)(4 * rand_below(r, 11)),
		.tcp_seq = (uint32_t)rand_u64(r), .id = (uint16_t)rand_u64(r),
	};

	return m;
}

/* As the kernel hands it over: the pseudo header's sum instead of the checksum. */
static struct gso_header make_large(struct rand *r, uint8_t *p, size_t *n)
{
	struct made m = random_made(r);
	bool tcp = m.protocol == IPPROTO_TCP;
	struct gso_header h = { .flags = GSO_NEEDS_SUM, .header_len = (uint16_t)rand_u64(r) };

	m.payload = (uint16_t)(1 + rand_below(r, rand_below(r, 2) ? 65000 : 4000));
	*n = made_write(&m, p);
	h.type = tcp ? (m.family == AF_INET ? GSO_TCP4 : GSO_TCP6) : GSO_UDP;
	if (tcp && rand_below(r, 2))
		h.type |= GSO_CWR_ONCE;
	h.size = (uint16_t)(1 + rand_below(r, 1400));
	if (rand_below(r, 2))
		h.size = (uint16_t)(1000 + rand_below(r, 400));
	h.sum_start = (uint16_t)upper_of(p);
	h.sum_offset = tcp ? 16 : 6;
	put16(p + h.sum_start + h.sum_offset,
	      made_sum(NULL, 0, pseudo(p, *n - h.sum_start)));
	return h;
}

static void a_cut_is_exact(void **state)
{
	uint8_t *p = malloc(LARGE_MAX), ours[2048], plain[2048];
	struct rand r = { 1 };
	unsigned packets = 0;

	while (packets < 100000) {
		struct gso_cut cut;
		size_t n, len;
		struct gso_header h = make_large(&r, p, &n);

		if (n > LARGE_MAX)
			continue;
		assert_int_equal(gso_cut_begin(&cut, &h, p, n), 0);
		for (unsigned i = 0; (len = gso_cut_length(&cut)); i++, packets++) {
			assert_true(len <= sizeof(ours));
			gso_cut_next(&cut, ours);
			assert_int_equal(plain_cut(&h, p, n, i, plain), len);
			assert_memory_equal(ours, plain, len);
			assert_true(made_is_right(ours, len));
		}
		assert_int_equal(cut.at, n - cut.headers);
	}
	free(p);
}

/* As of a network card that checks sums: the header says no more than that. */
static void what_the_kernel_found_right_is_cut(void **state)
{
	uint8_t *p = malloc(LARGE_MAX), ours[2048];
	struct rand r = { 4 };

	for (unsigned i = 0; i < 2000; i++) {
		struct gso_cut cut;
		size_t n, len;
		struct gso_header h = make_large(&r, p, &n);
		if (n > LARGE_MAX)
			continue;
		h.flags = VALID;
		h.sum_start = h.sum_offset = 0;
		assert_int_equal(gso_cut_begin(&cut, &h, p, n), 0);
		while ((len = gso_cut_length(&cut))) {
			gso_cut_next(&cut, ours);
			assert_true(made_is_right(ours, len));
		}
	}
	free(p);
}

static void a_single_packet_gets_its_checksum(void **state)
{
	struct rand r = { 2 };
	uint8_t p[2048], want[2048], ours[2048];

	for (unsigned i = 0; i < 20000; i++) {
		struct made m = random_made(&r);
		struct gso_header h = { .flags = GSO_NEEDS_SUM };
		struct gso_cut cut;
		m.payload = (uint16_t)rand_below(&r, 1400);
		size_t n = made_write(&m, want);
		memcpy(p, want, n);
		h.sum_start = (uint16_t)upper_of(p);
		h.sum_offset = m.protocol == IPPROTO_TCP ? 16 : 6;
		put16(p + h.sum_start + h.sum_offset,
		      made_sum(NULL, 0, pseudo(p, n - h.sum_start)));
		h.flags = i % 2;
		if (i % 4 == 2)
			h = (struct gso_header){ .flags = VALID };
		assert_int_equal(gso_cut_begin(&cut, &h, p, n), 0);
		assert_int_equal(gso_cut_length(&cut), n);
		gso_cut_next(&cut, ours);
		assert_memory_equal(ours, h.flags & GSO_NEEDS_SUM ? want : p, n);
		assert_int_equal(gso_cut_length(&cut), 0);
	}
}

static void what_cannot_be_is_refused(void **state)
{
	struct rand r = { 3 };
	uint8_t p[4096];
	struct gso_cut cut;
	struct made m = { AF_INET, IPPROTO_TCP, 1, 2, 0, 3, 4, 3000 };
	size_t n = made_write(&m, p);
	const struct gso_header good = { 1, GSO_TCP4, 40, 1000, 20, 16 };
	struct gso_header h;

	assert_int_equal(gso_cut_begin(&cut, &good, p, n), 0);
	assert_int_equal(gso_cut_begin(&cut, &good, p, 0), -EBADMSG);
	assert_int_equal(gso_cut_begin(&cut, &good, p, 40), -EBADMSG);
	for (unsigned i = 0; i < 7; i++) {
		h = good;
		h.size = i == 0 ? 0 : h.size;
		h.type = (uint8_t)(i == 1 ? GSO_TCP6 : i == 2 ? 3 : i == 3 ? GSO_UDP : h.type);
		h.sum_start = (uint16_t)(i == 4 ? 24 : i == 5 ? 0xffff : h.sum_start);
		p[32] = i == 6 ? 0x40 : 0x50; /* a TCP header of 16 bytes */
		assert_int_equal(gso_cut_begin(&cut, &h, p, n), -EBADMSG);
	}
	p[32] = 0xf0; /* and of 60, where there are 50 */
	assert_int_equal(gso_cut_begin(&cut, &good, p, 70), -EBADMSG);
	h = (struct gso_header){ 1, GSO_NONE, 0, 0, (uint16_t)(n - 1), 0 };
	assert_int_equal(gso_cut_begin(&cut, &h, p, n), -EBADMSG);
	for (unsigned i = 0; i < 100000; i++) { /* and what is taken stays within */
		uint8_t out[4096];
		for (unsigned j = 0; j < 60; j++)
			p[j] = (uint8_t)rand_u64(&r);
		h = (struct gso_header){ (uint8_t)rand_below(&r, 2), (uint8_t)rand_below(&r, 6),
		                         0, (uint16_t)(1 + rand_below(&r, 2000)),
		                         (uint16_t)rand_below(&r, 100),
		                         (uint16_t)rand_below(&r, 20) };
		if (rand_below(&r, 2))
			p[0] = rand_below(&r, 2) ? 0x45 : 0x60;
		p[9] = p[6] = rand_below(&r, 2) ? IPPROTO_TCP : IPPROTO_UDP;
		n = 20 + rand_below(&r, 2000);
		if (gso_cut_begin(&cut, &h, p, n))
			continue;
		while (gso_cut_length(&cut)) {
			assert_true(gso_cut_length(&cut) <= n);
			gso_cut_next(&cut, out);
		}
	}
}

/* ---- Merge ---- */

struct stream { /* of packets that may be merged, mostly */
	struct made m;
	unsigned size;
};

/* The next packet of one of the streams, now and then with something wrong. */
static size_t make_next(struct rand *r, struct stream *s, uint8_t *p)
{
	struct made m = s->m;
	size_t n;

	m.payload = (uint16_t)s->size;
	if (!rand_below(r, 12))
		m.payload = (uint16_t)rand_below(r, s->size + 30);
	switch (rand_below(r, 40)) {
	case 0: m.tcp_flags |= 8; break;
	case 1: m.tcp_flags |= (uint8_t)(1u << rand_below(r, 8)); break;
	case 2: m.tos ^= 1; break;
	case 3: m.id = (uint16_t)(m.id + 3); break;
	case 4: s->m.tcp_seq += 77; break;
	case 5: m.tcp_options ^= 4; break;
	default: break;
	}
	n = made_write(&m, p);
	s->m.tcp_seq += m.payload;
	s->m.id++;
	switch (rand_below(r, 60)) {
	case 0: p[n - 1] ^= 0x10; break; /* the checksum is wrong */
	case 1: p[m.family == AF_INET ? 8 : 7]--; break;
	case 2: p[m.family == AF_INET ? 6 : 3] |= 0x20; break;
	default: break;
	}
	if (m.family == AF_INET && rand_below(r, 50)) {
		put16(p + 10, 0);
		put16(p + 10, made_sum(p, 20, 0) ^ 0xffffu);
	}
	return n;
}

static bool is_same_but_id(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint8_t c[2048];

	memcpy(c, b, n);
	if (a[0] >> 4 == 4 && a[6] & 0x40) {
		memcpy(c + 4, a + 4, 2);
		memcpy(c + 10, a + 10, 2);
	}
	return !memcmp(a, c, n);
}

struct burst {
	struct packet *p[BURST];
	uint8_t bytes[BURST][2048];
	size_t n[BURST];
	bool done[BURST];
	struct gso_group groups[BURST];
	unsigned count;
};

static void merge(struct burst *b)
{
	unsigned j;

	b->count = 0;
	for (unsigned i = 0; i < BURST; i++) {
		struct gso_group *one = &b->groups[b->count];
		gso_group_begin(one, b->p[i], true, true);
		for (j = 0; j < b->count; j++)
			if (gso_group_join(&b->groups[j], one))
				break;
		b->count += j == b->count;
	}
}

static bool is_fragment(const uint8_t *p)
{
	return p[0] >> 4 == 4 && get16(p + 6) & 0x3fff;
}

/* The first packet of the burst that is not out yet and of the same stream must be
 * this one. (Fragments have no ports, and are streams of their own.) */
static void came_out(struct burst *b, const uint8_t *p, size_t n)
{
	unsigned upper = upper_of(p);

	for (unsigned i = 0; i < BURST; i++) {
		const uint8_t *q = b->bytes[i];
		if (b->done[i])
			continue;
		if (b->n[i] == n && is_same_but_id(p, q, n)) {
			b->done[i] = true;
			return;
		}
		if (upper_of(q) == upper && is_fragment(p) == is_fragment(q) &&
		    protocol_of(q) == protocol_of(p) && !memcmp(p + upper, q + upper, 4))
			fail_msg("out of order");
	}
	fail_msg("a packet that was never there");
}

static unsigned write_out(struct burst *b, uint8_t *large)
{
	struct iovec piece[GSO_IOVECS_MAX];
	unsigned merged = 0;

	for (unsigned g = 0; g < b->count; g++) {
		unsigned pieces = gso_group_pieces(&b->groups[g], piece);
		struct gso_header h;
		uint8_t out[2048];
		size_t n = 0, len;

		memcpy(&h, piece[0].iov_base, sizeof(h));
		for (unsigned i = 1; i < pieces; i++) {
			memcpy(large + n, piece[i].iov_base, piece[i].iov_len);
			n += piece[i].iov_len;
		}
		assert_true(n <= GSO_BYTES_MAX);
		if (b->groups[g].packets == 1) {
			assert_int_equal(h.type, GSO_NONE);
			assert_int_equal(h.flags, 0);
			came_out(b, large, n);
			continue;
		}
		assert_int_equal(get16(large + h.sum_start + h.sum_offset),
		                 made_sum(NULL, 0, pseudo(large, n - h.sum_start)));
		merged += b->groups[g].packets;
		for (unsigned i = 0; (len = plain_cut(&h, large, n, i, out)); i++)
			came_out(b, out, len);
	}
	return merged;
}

static void what_is_merged_is_cut_into_the_same(void **state)
{
	struct packet_pool *pool = packet_pool_create(BURST, NULL);
	struct burst *b = calloc(1, sizeof(*b));
	uint8_t *large = malloc(LARGE_MAX + 2048);
	unsigned packets = 0, merged = 0;
	struct rand r = { 4 };

	while (packets < 100000) {
		struct stream streams[4];
		unsigned n = 1 + (unsigned)rand_below(&r, 4);
		for (unsigned i = 0; i < n; i++) {
			struct made m = random_made(&r);
			m.tcp_flags = 16;
			m.sport = (uint16_t)(1000 + i);
			m.may_fragment = rand_below(&r, 2);
			streams[i] = (struct stream){ m, 1 + (unsigned)rand_below(&r, 1350) };
		}
		for (unsigned i = 0; i < BURST; i++, packets++) {
			b->p[i] = packet_get(pool);
			b->n[i] = make_next(&r, &streams[rand_below(&r, n)], b->bytes[i]);
			b->p[i]->len = (uint16_t)b->n[i];
			memcpy(packet_data(b->p[i]), b->bytes[i], b->n[i]);
			b->done[i] = false;
		}
		merge(b);
		merged += write_out(b, large);
		for (unsigned i = 0; i < BURST; i++) {
			assert_true(b->done[i]);
			packet_put(b->p[i]);
		}
	}
	assert_true(merged > packets / 2);
	packet_pool_destroy(pool);
	free(large);
	free(b);
}

static void flows_that_take_turns_are_merged_each(void **state)
{
	struct packet_pool *pool = packet_pool_create(BURST, NULL);
	struct burst *b = calloc(1, sizeof(*b));

	for (unsigned i = 0; i < BURST; i++) {
		struct made m = { i % 4 < 2 ? AF_INET : AF_INET6,
		                  i % 2 ? IPPROTO_UDP : IPPROTO_TCP, 1, 2, 0, 3, 4, 1000, 16,
		                  .tcp_seq = i / 4 * 1000 };
		b->p[i] = packet_get(pool);
		b->p[i]->len = (uint16_t)made_write(&m, packet_data(b->p[i]));
	}
	merge(b);
	assert_int_equal(b->count, 4);
	for (unsigned i = 0; i < BURST; i++)
		packet_put(b->p[i]);
	packet_pool_destroy(pool);
	free(b);
}

static void what_is_not_allowed_is_not_merged(void **state)
{
	struct packet_pool *pool = packet_pool_create(2, NULL);
	struct made m = { AF_INET, IPPROTO_TCP, 1, 2, 0, 3, 4, 1000, 16 };
	struct packet *p[2] = { packet_get(pool), packet_get(pool) };
	struct gso_group a, b;

	for (unsigned tcp = 0; tcp < 2; tcp++)
		for (unsigned udp = 0; udp < 2; udp++) {
			m.protocol = IPPROTO_TCP;
			m.tcp_seq = 0;
			p[0]->len = (uint16_t)made_write(&m, packet_data(p[0]));
			m.tcp_seq = 1000;
			p[1]->len = (uint16_t)made_write(&m, packet_data(p[1]));
			gso_group_begin(&a, p[0], tcp, udp);
			gso_group_begin(&b, p[1], tcp, udp);
			assert_int_equal(gso_group_join(&a, &b), tcp);
			m.protocol = IPPROTO_UDP;
			for (unsigned i = 0; i < 2; i++)
				p[i]->len = (uint16_t)made_write(&m, packet_data(p[i]));
			gso_group_begin(&a, p[0], tcp, udp);
			gso_group_begin(&b, p[1], tcp, udp);
			assert_int_equal(gso_group_join(&a, &b), udp);
		}
	packet_put(p[0]);
	packet_put(p[1]);
	packet_pool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_is_exact),
		cmocka_unit_test(what_the_kernel_found_right_is_cut),
		cmocka_unit_test(a_single_packet_gets_its_checksum),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(what_is_merged_is_cut_into_the_same),
		cmocka_unit_test(flows_that_take_turns_are_merged_each),
		cmocka_unit_test(what_is_not_allowed_is_not_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
