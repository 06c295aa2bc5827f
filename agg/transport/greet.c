/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see greet.h. Pure.
 */
#include "agg/transport/greet.h"

size_t greet_pad_bytes(uint32_t mss)
{
	size_t n = 2 * (size_t)mss < GREET_PAD_MAX ? 2 * (size_t)mss
	                                           : GREET_PAD_MAX;

	return n > WIRE_HEADER_BYTES ? n : 0;
}

uint64_t greet_look_at_us(uint64_t now_us, uint32_t srtt_us, uint64_t end_us)
{
	uint64_t at_us = now_us + GREET_LOOK_US + 4 * (uint64_t)srtt_us;

	return at_us < end_us ? at_us : end_us;
}

/* A gateway's offer that can be agreed on, a concentrator's choice that was. */
static bool is_spoken(const struct wire_frame *frame)
{
	uint16_t version = 0;

	switch (frame->type) {
	case WIRE_HELLO:
		return wire_agree(WIRE_VERSIONS, frame->hello.version);
	case WIRE_INVITE:
		return wire_agree(WIRE_VERSIONS, frame->invite.version);
	case WIRE_REDEEMED:
		version = frame->redeemed.version;
		break;
	case WIRE_WELCOME:
		version = frame->welcome.version;
		break;
	}
	return version && wire_agree(WIRE_VERSIONS, version) == version;
}

static enum greet_answer judge(enum wire_type wanted,
                               const struct wire_frame *frame,
                               const char **why)
{
	if (frame->type == WIRE_CLOSE)
		return GREET_REFUSED;
	bool invited = wanted == WIRE_HELLO && frame->type == WIRE_INVITE;

	if (frame->type != wanted && !invited) {
		*why = "no greeting";
		return GREET_NONE;
	}
	if (!is_spoken(frame)) {
		*why = "protocol version not supported";
		return GREET_FOREIGN;
	}
	return invited ? GREET_INVITED : GREET_HEARD;
}

enum greet_answer greet_hear(enum wire_type wanted, const uint8_t *p, size_t n,
                             size_t *used, struct wire_frame *frame,
                             const char **why)
{
	ssize_t len = wire_decode(frame, p, n, why);

	*used = len > 0 ? (size_t)len : 0;
	if (len < 0)
		return GREET_NONE;
	if (len == 0 || !frame->type) /* a PAD, as any unknown frame */
		return GREET_MORE;
	return judge(wanted, frame, why);
}
