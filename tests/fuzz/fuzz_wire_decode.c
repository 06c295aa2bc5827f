/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: frames, one after the other, as a subflow brings them. What is decoded
 * is encoded again and must be decoded as the same; DATA's bytes lie in the
 * input.
 */
#include "agg/transport/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_data(const struct wire_data *d, const uint8_t *frame,
                       size_t len)
{
	assert(d->len == len - WIRE_DATA_HEADER_BYTES);
	assert(d->bytes == frame + WIRE_DATA_HEADER_BYTES);
	assert(d->offset <= WIRE_OFFSET_MAX);
}

static void check_again(const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	struct wire_frame again;
	const char *why = NULL;
	size_t n = wire_encode(bytes, frame);

	assert(n <= sizeof(bytes));
	assert(wire_decode(&again, bytes, n, &why) == (ssize_t)n);
	assert(!memcmp(&again, frame, sizeof(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_frame frame;
	const char *why = NULL;
	ssize_t len;

	while ((len = wire_decode(&frame, data, size, &why)) > 0) {
		assert((size_t)len <= size);
		assert(len <= WIRE_HEADER_BYTES + WIRE_PAYLOAD_BYTES_MAX);
		if (frame.type == WIRE_DATA || frame.type == WIRE_DATA_FIN)
			check_data(&frame.data, data, (size_t)len);
		else if (frame.type && frame.type != WIRE_DATAGRAM)
			check_again(&frame);
		data += len;
		size -= (size_t)len;
	}
	assert(len == 0 || (len == -EPROTO && why));
	return 0;
}
