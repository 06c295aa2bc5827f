/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: `aggd --selftest`: what this machine can do, so that a person knows whether
 * the board or the links will be the limit. It needs no configuration.
 */
#ifndef AGG_SELFTEST_SELFTEST_H
#define AGG_SELFTEST_SELFTEST_H

#include "agg/base/buf.h"
#include "agg/selftest/trial.h"

#include <stdbool.h>

#define SELFTEST_WORD_MAX 192

enum selftest_feature_id {
	SELFTEST_TPROXY,
	SELFTEST_TUN,
	SELFTEST_NFT,
	SELFTEST_MPTCP,
	SELFTEST_BBR,
	SELFTEST_SEGMENT,
	SELFTEST_POWERS,
	SELFTEST_FEATURES
};

struct selftest_feature {
	bool there;
	char why[SELFTEST_WORD_MAX]; /* not */
};

struct selftest {
	char kernel[SELFTEST_WORD_MAX], machine[SELFTEST_WORD_MAX];
	long cores, memory_mb; /* 0: not known */
	struct selftest_feature features[SELFTEST_FEATURES];
	struct trial trial;
};

/* Takes half a second; as root it knows more. */
void selftest_look(struct selftest *out);
/* Looks, and tells it in 80 columns, or as one object of JSON, in which figures that
 * are not known are null. 0, -ENOMEM, or -ENOSYS: this build cannot. */
int selftest_tell(bool json, const char *version, struct buf *out);

#endif
