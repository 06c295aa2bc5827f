/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how a subflow of a concentrator gets from the loop that shook hands with
 * it to that of its worker (subflow.h). On its way it has no watchers and reads
 * nothing: what its peer says meanwhile, before it was welcomed, waits in the
 * kernel.
 */
#include "agg/transport/subflow_impl.h"

#include <assert.h>

void subflow_park(struct subflow *sf)
{
	assert(sf->state == SUBFLOW_GREETING && sf->side == TLS_SERVER);
	sf->state = SUBFLOW_PARKED;
}

bool subflow_lift(struct subflow *sf)
{
	if (sf->state == SUBFLOW_DEAD)
		return false;
	loop_task_cancel(&sf->again);
	loop_io_destroy(sf->io);
	loop_timer_destroy(sf->timer);
	sf->io = NULL;
	sf->timer = NULL;
	return true;
}

int subflow_land(struct subflow *sf, struct loop *loop)
{
	int err = subflow_settle_on(sf, loop);

	sf->state = SUBFLOW_GREETING;
	sf->left = true; /* what it read already is heard when it was welcomed */
	if (!err)
		loop_task_post(&sf->again);
	return err;
}
