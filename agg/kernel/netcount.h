/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what network devices have received and sent since they are there, as the kernel
 * counts it: every byte, whoever's. /proc/net/dev, see proc(5).
 */
#ifndef AGG_KERNEL_NETCOUNT_H
#define AGG_KERNEL_NETCOUNT_H

#include "agg/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define NETCOUNT_TEXT_MAX (256u * 1024) /* of a host with a thousand devices */

/* Of this network namespace, into text (of NETCOUNT_TEXT_MAX). 0 or -errno. */
int netcount_read(struct buf *text);
/* False: there is none of that name. Pure. */
bool netcount_find(const struct buf *text, const char *device, uint64_t *rx_bytes,
                   uint64_t *tx_bytes);

#endif
