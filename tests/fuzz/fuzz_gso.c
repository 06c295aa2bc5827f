/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a device gives, a header and bytes: what is cut from it stays within its
 * lengths, and what is merged again is as long as its parts.
 */
#include "tun/gso.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PACKETS_MAX 40u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned cut(const uint8_t *data, size_t size, struct packet_pool *pool,
                    struct packet **packets)
{
	struct gso_header header;
	struct gso_cut cut;
	unsigned count = 0;
	size_t total = 0;
	uint8_t *p;

	if (size < sizeof(header))
		return 0;
	memcpy(&header, data, sizeof(header));
	size -= sizeof(header);
	p = malloc(size ? size : 1);
	assert(p);
	memcpy(p, data + sizeof(header), size);
	if (!gso_cut_begin(&cut, &header, p, size) &&
	    gso_cut_length(&cut) <= PACKET_LEN_MAX) {
		while (gso_cut_length(&cut) && count < PACKETS_MAX) {
			struct packet *one = packet_get(pool);
			assert(one && gso_cut_length(&cut) <= size);
			one->len = (uint16_t)gso_cut_length(&cut);
			gso_cut_next(&cut, packet_data(one));
			total += one->len - cut.headers;
			packets[count++] = one;
		}
		assert(gso_cut_length(&cut) || total == size - cut.headers);
	}
	free(p);
	return count;
}

static void merge(struct packet **packets, unsigned count)
{
	static struct gso_group groups[PACKETS_MAX];
	struct iovec piece[GSO_IOVECS_MAX];
	unsigned n = 0, merged = 0, j;

	for (unsigned i = 0; i < count; i++) {
		gso_group_begin(&groups[n], packets[i], true, true);
		for (j = 0; j < n; j++)
			if (gso_group_join(&groups[j], &groups[n]))
				break;
		n += j == n;
	}
	for (unsigned i = 0; i < n; i++) {
		unsigned pieces = gso_group_pieces(&groups[i], piece);
		size_t bytes = 0;
		for (unsigned k = 1; k < pieces; k++)
			bytes += piece[k].iov_len;
		assert(bytes && bytes <= GSO_BYTES_MAX);
		merged += groups[i].packets;
	}
	assert(merged == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet_pool *pool = packet_pool_create(PACKETS_MAX, NULL);
	struct packet *packets[PACKETS_MAX];
	unsigned count;

	assert(pool);
	count = cut(data, size, pool, packets);
	merge(packets, count);
	for (unsigned i = 0; i < count; i++)
		packet_put(packets[i]);
	packet_pool_destroy(pool);
	return 0;
}
