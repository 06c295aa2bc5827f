/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a concentrator's tunnel whose peer has the key and says whatever it likes. The input
 * is a row of steps: a byte that says which (its low bits) and on which path, a length,
 * and so many bytes: a plaintext to be sealed; a datagram as it is; a packet of our own
 * side; a frame of the session; or time that passes. Whatever comes, no packet is lost
 * from the pool, none is delivered that is no IP packet, and the deadline is in the future.
 */
#include "agg/transport/datagram_key.h"
#include "agg/transport/tunnel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct tunnel *tunnel;
	struct packet_pool *pool;
	struct datagram_key *key; /* with which the peer seals */
	uint64_t now_us, deadline_us;
	uint32_t seed;
	uint8_t room[DATAGRAM_BYTES_MAX];
} end;

static uint64_t now_us(void *ctx)
{
	return end.now_us;
}

static void on_work(void *ctx)
{
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	end.deadline_us = at_us;
}

static void fill(void *ctx, uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)((end.seed = end.seed * 1103515245 + 12345) >> 16);
}

static int take_index(void *ctx, uint32_t *index)
{
	fill(NULL, (uint8_t *)index, sizeof(*index));
	return 0;
}

static void drop_index(void *ctx, uint32_t index)
{
}

static uint8_t *reserve(void *ctx, unsigned path, size_t n)
{
	assert(path < TUNNEL_PATHS_MAX && n <= sizeof(end.room));
	return end.seed % 16 ? end.room : NULL;
}

static void commit(void *ctx, unsigned path, size_t n)
{
	struct datagram_header header;

	assert(datagram_read_header(&header, end.room, n) == 0 && header.path == path);
}

static void flush(void *ctx)
{
}

static void deliver(void *ctx, struct packet *p, const struct inspection *in)
{
	struct inspection again;

	assert(inspect_packet(&again, packet_data(p), p->len) == 0);
	assert(again.len == p->len && in->len == p->len);
	packet_put(p);
}

static void answer(void *ctx, struct packet *p)
{
	struct inspection in;

	assert(inspect_packet(&in, packet_data(p), p->len) == 0 && in.is_error);
	packet_put(p);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct datagram_key_args args = { .key = frame->tunnel_key, .from_gateway = true,
	                                  .use = AEAD_SEAL };
	struct datagram_key *key = datagram_key_create(&args);

	assert(key);
	if (end.key)
		memcpy(key->next, end.key->next, sizeof(key->next));
	datagram_key_destroy(end.key);
	end.key = key;
}

static const struct tunnel_ops ops = {
	.now_us = now_us, .on_work = on_work, .on_deadline = on_deadline, .random = fill,
	.take_index = take_index, .drop_index = drop_index, .reserve = reserve,
	.commit = commit, .flush = flush, .deliver = deliver, .answer = answer, .say = say,
};

static void begin(void)
{
	end.pool = packet_pool_create(256, NULL);
	end.now_us = 1000000;
	end.deadline_us = UINT64_MAX;
	end.seed = 1;
	struct tunnel_args args = { .suite = AEAD_CHACHA20_POLY1305_SHA256, .pool = end.pool,
		.queue_bytes_max = 128 * PACKET_SIZE, .renew_packets = 50,
		.epoch_kept_us = 200000, .ops = &ops };
	end.tunnel = tunnel_create(&args);
	assert(end.tunnel);
	tunnel_turn(end.tunnel);
	struct wire_frame key = { .type = WIRE_TUNNEL_KEY, .tunnel_key = { .epoch = 1 } };
	assert(tunnel_frame(end.tunnel, &key) == 0);
}

static struct tunnel_ends from(unsigned path)
{
	return (struct tunnel_ends){ .peer = { .family = path & 4 ? AF_INET6 : AF_INET,
		.port = (uint16_t)(path + end.seed % 2), .ip = { 192, 0, 2, 1 } } };
}

static void sealed(unsigned path, const uint8_t *p, size_t n)
{
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	struct tunnel_ends ends = from(path);
	size_t len = n < DATAGRAM_PLAIN_BYTES ? DATAGRAM_PLAIN_BYTES : n;
	uint64_t counter;

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes + DATAGRAM_HEADER_BYTES, p, n);
	assert(datagram_key_seal(end.key, (uint8_t)path, bytes, DATAGRAM_SEAL_BYTES + len,
	                         &counter) == 0);
	tunnel_input(end.tunnel, &(struct tunnel_came){ .ends = &ends, .ce = path & 1 }, bytes,
	             DATAGRAM_SEAL_BYTES + len);
}

static void as_it_is(unsigned path, const uint8_t *p, size_t n)
{
	uint8_t bytes[DATAGRAM_BYTES_MAX];
	struct tunnel_ends ends = from(path);

	memcpy(bytes, p, n);
	tunnel_input(end.tunnel, &(struct tunnel_came){ .ends = &ends }, bytes, n);
}

static void ours(const uint8_t *p, size_t n)
{
	struct packet *packet = packet_get(end.pool);

	if (!packet)
		return;
	packet->len = (uint16_t)n;
	memcpy(packet_data(packet), p, n);
	tunnel_put(end.tunnel, packet);
}

static void frame(const uint8_t *p, size_t n)
{
	struct wire_frame f;
	const char *why;

	if (wire_decode(&f, p, n, &why) > 0)
		tunnel_frame(end.tunnel, &f);
}

static void step(uint8_t what, const uint8_t *p, size_t n)
{
	unsigned path = what >> 5;

	switch (what & 7) {
	case 0: as_it_is(path, p, n); break;
	case 1: ours(p, n); break;
	case 2: frame(p, n); break;
	case 3: end.now_us += 1000 * (1 + n); break;
	case 4: tunnel_writable(end.tunnel, path); break;
	case 5: tunnel_path(end.tunnel, path, n % 3, 0); break;
	default: sealed(path, p, n); break;
	}
	if (what & 8)
		tunnel_turn(end.tunnel);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	while (size >= 2) {
		size_t n = data[1] < size - 2 ? data[1] : size - 2;
		step(data[0], data + 2, n);
		data += 2 + n;
		size -= 2 + n;
	}
	tunnel_turn(end.tunnel);
	assert(end.deadline_us >= end.now_us);
	tunnel_destroy(end.tunnel);
	assert(packet_pool_used(end.pool) == 0);
	packet_pool_destroy(end.pool);
	datagram_key_destroy(end.key);
	end.key = NULL;
	return 0;
}
