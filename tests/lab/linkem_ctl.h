/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the emulator's links as values, and the words that change them. Pure:
 * a command and now_ns in, changed links and an answer out.
 */
#ifndef TESTS_LAB_LINKEM_CTL_H
#define TESTS_LAB_LINKEM_CTL_H

#include "tests/lab/shaper.h"

#define LINKEM_LINKS_MAX 16
#define LINKEM_NAME_MAX 16      /* of a link, NUL included */
#define LINKEM_COMMAND_MAX 512
#define LINKEM_ANSWER_MAX 16384

enum link_dir { LINK_DOWN, LINK_UP }; /* towards the gateway, away from it */
#define LINK_DIR_COUNT (LINK_UP + 1)

struct link {
	char name[LINKEM_NAME_MAX];
	struct shaper dir[LINK_DIR_COUNT];
	bool carrier;
};

struct linkem_ctl {
	struct link *links; /* borrowed */
	unsigned count;
	/* Switches the carrier of the gateway's device. Required. */
	int (*set_carrier)(void *ctx, unsigned link, bool up); /* 0, -errno */
	void *ctx;
};

/* Does what command says (it is cut into words in place). The answer, always
 * ended by NUL and a newline, starts with "ok" or "error: "; an error says
 * what is allowed, and then nothing was changed. */
void linkem_ctl_run(const struct linkem_ctl *ctl, char *command,
                    uint64_t now_ns, char answer[LINKEM_ANSWER_MAX]);

#endif
