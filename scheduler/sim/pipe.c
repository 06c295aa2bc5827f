/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a ring that no record wraps round: one that would not fit before the
 * end begins at the start. Doubles when it is full, the records packed anew.
 */
#include "scheduler/sim/pipe.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MIN (8u * PIPE_RECORD_MAX)
#define RECORDS_MIN 32u

void pipe_finish(struct pipe *p)
{
	free(p->bytes);
	free(p->old);
	free(p->records);
	*p = (struct pipe){ 0 };
}

static struct pipe_record *record_at(const struct pipe *p, uint32_t i)
{
	return &p->records[i & (p->records_cap - 1)];
}

/* Where bytes are in use from; without any, nowhere. */
static uint64_t head(const struct pipe *p)
{
	return p->first != p->end ? record_at(p, p->first)->at
	                          : p->tail - p->open_len;
}

static bool grow_bytes(struct pipe *p)
{
	size_t cap = p->cap ? p->cap * 2 : BYTES_MIN;
	uint8_t *bytes = cap <= PIPE_BYTES_MAX ? malloc(cap) : NULL;
	uint64_t at = 0;

	if (!bytes)
		return false;
	for (uint32_t i = p->first; i != p->end; i++) {
		struct pipe_record *record = record_at(p, i);
		memcpy(bytes + at, p->bytes + record->at % p->cap, record->len);
		record->at = at;
		at += record->len;
	}
	if (p->reading && !p->old)
		p->old = p->bytes;
	else
		free(p->bytes);
	p->bytes = bytes;
	p->cap = cap;
	p->tail = at;
	return true;
}

static bool grow_records(struct pipe *p)
{
	uint32_t cap = p->records_cap ? p->records_cap * 2 : RECORDS_MIN;
	struct pipe_record *records = cap <= PIPE_RECORDS_MAX ?
		malloc(cap * sizeof(*records)) : NULL;

	if (!records)
		return false;
	for (uint32_t i = p->first; i != p->end; i++)
		records[i & (cap - 1)] = *record_at(p, i);
	free(p->records);
	p->records = records;
	p->records_cap = cap;
	return true;
}

/* Makes room for a whole record at the tail. */
static bool begin(struct pipe *p)
{
	if (p->end - p->first == p->records_cap && !grow_records(p))
		return false;
	for (;;) {
		size_t left = p->cap ? p->cap - p->tail % p->cap : 0;
		uint64_t at = left >= PIPE_RECORD_MAX ? p->tail : p->tail + left;
		if (p->cap && at + PIPE_RECORD_MAX - head(p) <= p->cap) {
			p->tail = at;
			return true;
		}
		if (!grow_bytes(p))
			return false;
	}
}

uint8_t *pipe_reserve(struct pipe *p, size_t n)
{
	if (n > PIPE_RECORD_MAX)
		return NULL;
	if (p->open_len + n > PIPE_RECORD_MAX)
		pipe_seal(p);
	if (!p->open_len && !begin(p))
		return NULL;
	return p->bytes + p->tail % p->cap;
}

void pipe_commit(struct pipe *p, size_t n)
{
	p->tail += n;
	p->open_len += (uint32_t)n;
}

void pipe_seal(struct pipe *p)
{
	if (!p->open_len)
		return;
	p->wire_bytes += p->open_len + PIPE_RECORD_OVERHEAD;
	*record_at(p, p->end++) = (struct pipe_record){
		.at = p->tail - p->open_len, .wire_end = p->wire_bytes,
		.len = p->open_len,
	};
	p->open_len = 0;
}

bool pipe_is_ready(const struct pipe *p, uint64_t wire_end)
{
	return p->first != p->end && record_at(p, p->first)->wire_end <= wire_end;
}

const uint8_t *pipe_front(struct pipe *p, uint64_t wire_end, uint32_t most,
                          uint32_t *count, size_t *n)
{
	*count = 0;
	*n = 0;
	if (!pipe_is_ready(p, wire_end))
		return NULL;
	uint64_t at = record_at(p, p->first)->at;
	for (uint32_t i = p->first; i != p->end && *count < most; i++) {
		const struct pipe_record *record = record_at(p, i);
		if (record->wire_end > wire_end || record->at != at + *n ||
		    at % p->cap + *n + record->len > p->cap)
			break;
		*n += record->len;
		++*count;
	}
	p->reading = true;
	return p->bytes + at % p->cap;
}

void pipe_pop(struct pipe *p, uint32_t count)
{
	p->first += count;
	p->reading = false;
	free(p->old);
	p->old = NULL;
}
