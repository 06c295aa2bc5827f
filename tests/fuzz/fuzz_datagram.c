/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a datagram's header and plaintext. What is decoded is encoded again, to the same
 * bytes; the body lies in the input.
 */
#include "agg/transport/datagram.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_header(const uint8_t *data, size_t size)
{
	uint8_t again[DATAGRAM_HEADER_BYTES];
	struct datagram_header header;
	int err = datagram_read_header(&header, data, size);

	assert(err == 0 || err == -EBADMSG);
	if (err)
		return;
	assert(size >= DATAGRAM_BYTES_MIN && size <= DATAGRAM_BYTES_MAX);
	assert(header.path < DATAGRAM_PATHS_MAX);
	datagram_write_header(again, &header);
	assert(!memcmp(again, data, sizeof(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[DATAGRAM_PLAIN_BYTES + DATAGRAM_FEEDBACK_BYTES + 16];
	struct datagram d;
	int err = datagram_decode(&d, data, size);

	check_header(data, size);
	assert(err == 0 || err == -EBADMSG);
	if (err)
		return 0;
	size_t fields = datagram_fields_bytes(&d);
	assert(fields <= sizeof(again) && fields + d.body_len == size);
	assert(d.body == data + fields);
	assert(datagram_encode(again, &d) == fields);
	assert(!memcmp(again, data, fields));
	return 0;
}
