/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: inside resolve.c only: c-ares keeps no answers. From 1.31 on it does by itself,
 * for as long as their senders let it; who asks again here wants to know what has
 * changed, and keeps answers himself.
 */
#ifndef PROXY_RESOLVE_CACHE_H
#define PROXY_RESOLVE_CACHE_H

#include <ares.h>

/* Sets what that takes, and returns its bits of ares_init_options(). */
static inline int resolve_cache_off(struct ares_options *options)
{
#ifdef ARES_OPT_QUERY_CACHE
	options->qcache_max_ttl = 0;
	return ARES_OPT_QUERY_CACHE;
#else
	return 0;
#endif
}

#endif
