/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: web: where the page is, with its secret. On a host that has no configuration
 * yet it makes a gateway's that has a page at the LAN's address, and no more, and
 * starts aggd with it: there the gateway is joined.
 */
#include "agg/ctl/aggctl.h"
#include "agg/ctl/ctl.h"
#include "agg/ctl/starting.h"
#include "agg/pair/setup.h"

#include <unistd.h>

static int make(const struct aggctl_options *o)
{
	const struct setup_args args = {
		.config = o->config, .state = o->state,
		.control = o->socket_said ? o->socket : NULL,
	};
	struct buf out;

	buf_init(&out, CTL_ANSWER_MAX);
	int err = setup_page(&args, o->lan, &out);
	if (err) {
		aggctl_say(o, stderr, "aggctl: ", &out);
		buf_finish(&out);
		return EXIT_REFUSED;
	}
	bool runs = starting_begin(o->socket, o->config, !o->no_start, &out);
	aggctl_say(o, stderr, "", &out);
	buf_finish(&out);
	return runs ? EXIT_DONE : EXIT_REFUSED;
}

int verb_web(const struct aggctl_options *options, const char *const *words)
{
	if (access(options->config, F_OK) && !starting_answers(options->socket)) {
		int status = make(options);
		if (status)
			return status;
	}
	return verb_ask(options, words);
}
