/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see mtu.h.
 */
#include "agg/transport/mtu.h"

#include <assert.h>

/* Ethernet; PPPoE; tunnels of several kinds; the least of IPv6; and less. */
static const uint16_t sizes[] = {
	MTU_BASE, 1280, 1320, 1360, 1400, 1420, 1440, 1460, 1472, 1480, 1492, MTU_MAX,
};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

void mtu_init(struct mtu *m)
{
	*m = (struct mtu){ .fails = SIZES };
}

uint16_t mtu_bytes(const struct mtu *m)
{
	return sizes[m->passes];
}

bool mtu_is_settled(const struct mtu *m)
{
	return !m->doubted && m->passes + 1u >= m->fails;
}

/* The size in question. */
static uint8_t next_size(const struct mtu *m)
{
	if (m->doubted)
		return m->passes;
	if (m->fails == SIZES)
		return SIZES - 1; /* most paths carry it */
	return (uint8_t)((m->passes + m->fails) / 2);
}

static uint64_t timeout_us(uint64_t srtt_us)
{
	return 3 * srtt_us > MTU_TIMEOUT_MIN_US ? 3 * srtt_us : MTU_TIMEOUT_MIN_US;
}

uint64_t mtu_due_us(const struct mtu *m, uint64_t srtt_us, bool busy)
{
	if (m->waits)
		return m->probe_us + timeout_us(srtt_us);
	if (!mtu_is_settled(m))
		return 0;
	return busy && m->passes + 1u < SIZES ? m->settled_us + MTU_RAISE_US : UINT64_MAX;
}

static void failed(struct mtu *m, uint64_t now_us)
{
	m->unanswered = 0;
	if (m->doubted) { /* what lies between is to be found again */
		m->fails = m->passes;
		m->passes = 0;
		m->doubted = false;
	} else {
		m->fails = m->asked;
	}
	m->settled_us = now_us;
}

uint16_t mtu_probe(struct mtu *m, uint64_t srtt_us, bool busy, uint64_t now_us)
{
	if (mtu_due_us(m, srtt_us, busy) > now_us)
		return 0;
	if (m->waits && ++m->unanswered >= MTU_PROBES_MAX)
		failed(m, now_us);
	if (!m->waits && mtu_is_settled(m))
		m->fails = SIZES; /* once more */
	m->waits = !mtu_is_settled(m);
	if (!m->waits)
		return 0;
	m->asked = next_size(m);
	m->probe_us = now_us;
	return sizes[m->asked];
}

bool mtu_passed(struct mtu *m, uint16_t bytes, uint64_t now_us)
{
	uint8_t size = m->asked;

	if (!m->waits || bytes != sizes[size])
		return false;
	bool more = size > m->passes;
	m->waits = m->doubted = false;
	m->unanswered = 0;
	m->settled_us = now_us;
	if (more)
		m->passes = size;
	assert(m->passes < SIZES);
	return more;
}

void mtu_doubt(struct mtu *m)
{
	if (!m->passes || m->doubted)
		return; /* the base is taken to pass */
	m->doubted = true;
	m->waits = false;
	m->unanswered = 0;
}
