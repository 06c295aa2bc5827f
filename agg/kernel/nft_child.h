/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: nft(8) as a child process, for nft.c and nft_job.c only.
 */
#ifndef AGG_KERNEL_NFT_CHILD_H
#define AGG_KERNEL_NFT_CHILD_H

#include "agg/kernel/kerr.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NFT_OUTPUT_MAX 2048 /* bytes of standard error that are looked at */

struct nft_child {
	pid_t pid;  /* to be waited for */
	int errors; /* its standard error; to be closed */
};

/* Starts nft on the text; check: without effect. 0 or -errno: -ENOENT, it is
 * not installed. */
int nft_child_start(struct nft_child *child, const void *text, size_t len,
                    bool check);

/* Of what it said: does this kernel lack something that the ruleset names? */
bool nft_lacks_something(const char *output);

/* A ruleset with one expression that is a module of its own, by which that is
 * told. NULL: no more. */
struct nft_probe {
	const char *module, *ruleset;
};
const struct nft_probe *nft_probe_at(unsigned i);

/* What a run came to. rc: its exit status, or -errno of ours; module: that the
 * kernel lacks, or NULL. 0, or -errno as nft_apply. */
int nft_explain(int rc, char output[NFT_OUTPUT_MAX], const char *module,
                struct kerr *err);

#endif
