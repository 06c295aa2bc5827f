/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the configurations that are written for a person: a gateway's, as it joins,
 * and a concentrator's first. Pure: text to text.
 */
#ifndef AGG_PAIR_GWCONF_H
#define AGG_PAIR_GWCONF_H

#include "agg/conf/conf.h"
#include "agg/transport/tls.h"

struct gwconf_plan {
	const char *control;  /* of a new file; borrowed, as state */
	const char *state;    /* NULL: as in the file that there is */
	const struct conf_endpoint *endpoints; /* borrowed */
	unsigned endpoint_count;
	struct tls_pin pin;
	char uplinks[CONF_UPLINKS_MAX][IFNAMSIZ];
	unsigned uplink_count;
	char lan[IFNAMSIZ];   /* "": none is added */
};

/* Of an empty text it makes a commented configuration; else what is new is put
 * into it (edit.h): the concentrator is replaced, uplinks and LAN that are there
 * stay, others come. 0 or as edit_set(). */
int gwconf_gateway(struct buf *text, const struct gwconf_plan *plan);
/* The devices of the uplinks that a text has; how many. */
unsigned gwconf_uplinks(const struct buf *text,
                        char devices[CONF_UPLINKS_MAX][IFNAMSIZ]);
/* Into an empty text: one that joins by its page, at port 8080 of ip. */
int gwconf_page(struct buf *text, const char *control, const char *state,
                const char *ip);
/* Into an empty text. listen: a text for `list listen`. 0 or -ENOBUFS. */
int gwconf_concentrator(struct buf *text, const char *control,
                        const char *state, const char *listen,
                        const char *sites);

#endif
