/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the interception of the LAN's TCP: our `table inet aggd`, and the nft
 * program that loads it. Nothing outside that table and waymark.h's is ever
 * touched.
 *
 * A connection is judged by its first packet alone. So the mode may change at
 * any time: what was intercepted stays ours while its socket lives, what was
 * forwarded stays forwarded.
 */
#ifndef AGG_KERNEL_NFT_H
#define AGG_KERNEL_NFT_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"
#include "agg/base/loop.h"
#include "agg/kernel/kerr.h"
#include "agg/kernel/waymark.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define NFT_TABLE "aggd"
#define NFT_TIMEOUT_MS 5000         /* for one run of nft; then it is killed */
#define NFT_RULESET_MAX (1u << 21)  /* bytes; a buf of this size is enough */
#define NFT_DEVICES_MAX 64
#define NFT_PREFIXES_MAX 8192       /* of bypass and of connected each */
/* What is led into the tunnel is tracked apart from what the same hosts send by
 * other ways, so that a change of the way finds another address translation. Answers
 * are not: they are for other addresses, and find theirs though the rules be gone. */
#define NFT_TUNNEL_ZONE 24935u

/* May the device's name stand in a ruleset? In nft's quotes '"' ends the name
 * and '*' is a wildcard: names are kept to what people use. */
bool nft_device_is_plain(const char *name);

/* What happens to a LAN host's new connection. */
enum intercept_mode {
	INTERCEPT_TAKE,    /* handed to our listener */
	INTERCEPT_FORWARD, /* left to the host's own routing */
	INTERCEPT_REJECT,  /* answered with a RST at once */
};

/* Borrowed for the call. */
struct intercept {
	const char *const *devices;     /* of the LAN */
	size_t devices_count;
	const struct prefix *bypass;    /* destinations that are left alone, */
	size_t bypass_count;
	const struct prefix *connected; /* and networks that are the host's own */
	size_t connected_count;
	uint16_t port;                  /* of sockopt_tproxy_listen, both families;
	                                 * 0: TCP is not taken */
	uint32_t mark;                  /* of route_set_tproxy: one bit */
	enum intercept_mode v4_mode, v6_mode;
	/* The packet tunnel's device: what else those hosts send, and TCP too
	 * where port is 0, is taken (marked), forwarded or rejected. NULL: none. */
	const char *tunnel;
	uint32_t tunnel_mark;           /* of route_set_tunnel: one bit */
	enum intercept_mode v4_tunnel, v6_tunnel;
	struct waymark_plan ways;       /* what does not go to our listener */
};

/* Appends the ruleset: one transaction that replaces our table, whatever it
 * was before, and makes waymark.h's. Pure. 0; -EINVAL: a device name that nft would read as
 * something else, no device, or too many; -ENOBUFS. */
int intercept_ruleset(struct buf *out, const struct intercept *want,
                      struct kerr *err);

/* Runs nft on the text, all or nothing, and waits for its end: some 10 ms,
 * NFT_TIMEOUT_MS at most. 0; -ENOENT: nft is not installed; -ETIMEDOUT;
 * -EIO: it refused, and err has its first line, or says which kernel module
 * is missing. text need not end in NUL. */
int nft_apply(const void *text, size_t len, struct kerr *err);
/* The same without effect: only what nft and the kernel say of it. */
int nft_check(const void *text, size_t len, struct kerr *err);

/* nft_apply without waiting: the loop goes on while nft runs. on_done is called
 * once, in a later turn, with what nft_apply would have returned, and the job
 * is gone. The text is needed for this call only. NULL: errno, as it could not
 * be started. */
struct nft_job;
typedef void nft_done_fn(void *ctx, int rc, const struct kerr *err);
struct nft_job *nft_start(struct loop *loop, const void *text, size_t len,
                          nft_done_fn *on_done, void *ctx);
pid_t nft_job_pid(const struct nft_job *job);
/* Kills it, and waits for that; before on_done only. NULL is fine. */
void nft_cancel(struct nft_job *job);

/* A ruleset without any of our tables. */
#define NFT_NONE_TEXT "add table inet " NFT_TABLE "\n" \
	"delete table inet " NFT_TABLE "\n" \
	"add table inet " WAYMARK_TABLE "\n" \
	"delete table inet " WAYMARK_TABLE "\n"

/* Removes our tables, if there. */
int nft_cleanup(struct kerr *err);

#endif
