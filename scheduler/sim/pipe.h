/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the frames that one end of a subflow has sent and the other has not
 * read: records, as TLS makes them of what is sealed together. A record's
 * bytes lie in a row, so that they go from the session that writes them to
 * the one that reads them without a copy.
 */
#ifndef SCHEDULER_SIM_PIPE_H
#define SCHEDULER_SIM_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PIPE_RECORD_MAX 16384u      /* RFC 8446, 5.1 */
#define PIPE_RECORD_OVERHEAD 22u    /* header, type, tag */
#define PIPE_BYTES_MAX (64u << 20)
#define PIPE_RECORDS_MAX (1u << 20)

struct pipe_record {
	uint64_t at;                /* where its bytes begin */
	uint64_t wire_end;          /* bytes of all records ever, up to its end */
	uint32_t len;
};

struct pipe {
	uint8_t *bytes;             /* a ring */
	uint8_t *old;               /* what pipe_front() gave, since it grew */
	bool reading;               /* between pipe_front() and pipe_pop() */
	size_t cap;
	uint64_t tail;              /* where the next byte goes */
	struct pipe_record *records; /* a ring, power of two */
	uint32_t records_cap, first, end; /* sealed: [first, end) */
	uint32_t open_len;          /* bytes of the record that is not sealed */
	uint64_t wire_bytes;        /* of all records ever sealed */
};

void pipe_finish(struct pipe *p);
/* Room for a frame of n bytes in the open record, which may be sealed for it.
 * NULL: no memory, or past the limit. */
uint8_t *pipe_reserve(struct pipe *p, size_t n);
void pipe_commit(struct pipe *p, size_t n);
/* Seals what was committed. */
void pipe_seal(struct pipe *p);

/* Has a whole record that ends by wire_end. */
bool pipe_is_ready(const struct pipe *p, uint64_t wire_end);
/* Records in a row, at most so many, that end by wire_end: their bytes, valid
 * until pipe_pop(); *count and *n tell how many. NULL: not one. */
const uint8_t *pipe_front(struct pipe *p, uint64_t wire_end, uint32_t most,
                          uint32_t *count, size_t *n);
void pipe_pop(struct pipe *p, uint32_t count);

#endif
