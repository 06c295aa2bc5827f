/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the answer of netifd.h, read: {"interface": [{"interface": "wan", "up": true,
 * "l3_device": "pppoe-wan", "device": "eth1", ...}, ...]}. "device" is what it stands
 * on, and of no use before "l3_device" is there.
 */
#include "agg/kernel/netifd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <json-c/json.h>

/* "": there is none, or it does not fit. */
static void take_text(struct json_object *from, const char *key, char *out, size_t size)
{
	struct json_object *value;

	*out = '\0';
	if (!json_object_object_get_ex(from, key, &value) ||
	    !json_object_is_type(value, json_type_string) ||
	    (size_t)json_object_get_string_len(value) >= size)
		return;
	strcpy(out, json_object_get_string(value));
}

static bool take(struct json_object *from, struct netifd_interface *out)
{
	struct json_object *up;

	memset(out, 0, sizeof(*out)); /* answers are compared */
	if (!json_object_is_type(from, json_type_object))
		return false;
	take_text(from, "interface", out->name, sizeof(out->name));
	take_text(from, "l3_device", out->device, sizeof(out->device));
	if (!json_object_object_get_ex(from, "up", &up) || !json_object_get_boolean(up))
		*out->device = '\0';
	return *out->name;
}

int netifd_read(const char *json, size_t n,
                struct netifd_interface out[NETIFD_INTERFACES_MAX])
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *all, *list = NULL;
	int count = 0;

	if (!tokener)
		return -EINVAL;
	all = json_tokener_parse_ex(tokener, json, (int)n);
	json_tokener_free(tokener);
	if (!json_object_object_get_ex(all, "interface", &list) ||
	    !json_object_is_type(list, json_type_array)) {
		json_object_put(all);
		return -EINVAL;
	}
	for (size_t i = 0; i < json_object_array_length(list) &&
	     count < NETIFD_INTERFACES_MAX; i++)
		count += take(json_object_array_get_idx(list, i), &out[count]);
	json_object_put(all);
	return count;
}
