/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see starting.h.
 */
#include "agg/ctl/starting.h"

#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/pair/service.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#define START_WAIT_S 10 /* for a daemon that was started */
#define LOOK_US 100000u

bool starting_answers(const char *socket)
{
	static const char *const words[] = { "help" };
	struct buf out;
	int answer;

	buf_init(&out, CTL_ANSWER_MAX);
	int err = ctl_request(socket, 1, words, &answer, &out);
	buf_finish(&out);
	return !err;
}

static bool wait_for_answers(const char *socket)
{
	for (unsigned i = 0; i < START_WAIT_S * 1000000 / LOOK_US; i++) {
		if (starting_answers(socket))
			return true;
		usleep(LOOK_US);
	}
	return false;
}

static bool reloads(const char *socket, struct buf *out)
{
	static const char *const words[] = { "reload" };
	int answer = CTL_REFUSED;

	return !ctl_request(socket, 1, words, &answer, out) &&
	       answer != CTL_REFUSED;
}

bool starting_begin(const char *socket, const char *config, bool may_start,
                    struct buf *out)
{
	enum service service = service_find(config);
	struct buf said;
	bool runs = false;

	buf_init(&said, CTL_ANSWER_MAX);
	if (may_start && starting_answers(socket))
		runs = reloads(socket, &said);
	if (may_start && !runs && service != SERVICE_NONE) {
		runs = !service_start(service) && wait_for_answers(socket);
		if (!runs)
			buf_printf(out, "aggd does not start: 'journalctl -u aggd' "
			           "says why\n");
	} else if (!runs && said.len) {
		buf_printf(out, "aggd runs, and did not take it: %.*s",
		           (int)said.len, (const char *)buf_head(&said));
	} else if (!runs && service != SERVICE_NONE) {
		buf_printf(out, "now start it: %s\n", service_command(service));
	} else if (!runs) {
		buf_printf(out, "now start it: aggd -c %s\n", config);
	}
	buf_finish(&said);
	return runs;
}

/* "up", "down" and so on of the first session; "": not known. */
static void session_state(const char *socket, char state[32])
{
	static const char *const words[] = { "status", "--json" };
	struct json_object *root = NULL, *list, *value;
	struct buf out;
	int answer = CTL_REFUSED;

	*state = 0;
	buf_init(&out, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	if (!ctl_request(socket, 2, words, &answer, &out) &&
	    answer != CTL_REFUSED && !buf_put(&out, "", 1))
		root = json_tokener_parse((const char *)buf_head(&out));
	if (root && json_object_object_get_ex(root, "sessions", &list) &&
	    json_object_is_type(list, json_type_array) &&
	    json_object_array_length(list) &&
	    json_object_object_get_ex(json_object_array_get_idx(list, 0), "state",
	                              &value))
		snprintf(state, 32, "%s", json_object_get_string(value));
	json_object_put(root);
	buf_finish(&out);
}

bool starting_has_session(const char *socket)
{
	char state[32];

	for (unsigned i = 0; i < STARTING_SESSION_S * 1000000 / LOOK_US; i++) {
		session_state(socket, state);
		if (!strcmp(state, "up"))
			return true;
		usleep(LOOK_US);
	}
	return false;
}
