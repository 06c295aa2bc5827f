/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the list of congestion controls.
 */
#include "scheduler/sim/cc.h"

#include <stddef.h>
#include <string.h>

const struct cc_ops *const cc_all[] = { &cc_bbr, &cc_cubic };
const unsigned cc_count = sizeof(cc_all) / sizeof(cc_all[0]);

const struct cc_ops *cc_find(const char *name)
{
	for (unsigned i = 0; i < cc_count; i++)
		if (!strcmp(cc_all[i]->name, name))
			return cc_all[i];
	return NULL;
}
