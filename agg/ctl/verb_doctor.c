/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl doctor: asks the daemon, if there is one, looks at the host, and says
 * what fails and what to type. Exit status: 0 nothing found, 1 something.
 */
#include "agg/ctl/aggctl.h"

#include "agg/base/printable.h"
#include "agg/ctl/client.h"
#include "agg/ctl/ctl.h"
#include "agg/doctor/look.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

/* The daemon's status into out, ended by a NUL; or why there is none. */
static bool ask(const struct aggctl_options *options, struct buf *out,
                char why[AGGCTL_EXPLAIN_MAX])
{
	static const char *const words[] = { "status", "--json" };
	struct buf text;
	int status = 0;
	int err = ctl_request(options->socket, 2, words, &status, out);

	if (!err && status != CTL_REFUSED)
		return buf_put(out, "", 1) == 0;
	buf_init(&text, AGGCTL_EXPLAIN_MAX);
	if (err)
		ctl_explain(options->socket, err, &text);
	snprintf(why, AGGCTL_EXPLAIN_MAX, "%.*s",
	         (int)(text.len ? text.len - 1 : 0), (const char *)buf_head(&text));
	buf_finish(&text);
	return false;
}

static void print_one(const struct aggctl_options *options,
                      const struct doctor_finding *f)
{
	char text[DOCTOR_TEXT_MAX + 1];
	struct buf out;

	buf_init(&out, AGGCTL_EXPLAIN_MAX);
	buf_printf(&out, "%s%s%s%s: %s\n", f->is_note ? "note: " : "", f->step,
	           *f->subject ? ": " : "", f->subject,
	           printable_ascii(text, sizeof(text), f->text));
	buf_printf(&out, "    %s\n", printable_ascii(text, sizeof(text), f->remedy));
	aggctl_say(options, stdout, "", &out);
	buf_finish(&out);
}

static void print_json(const struct doctor_result *result)
{
	struct json_object *root = json_object_new_object();
	struct json_object *lists[2] = { json_object_new_array(),
	                                 json_object_new_array() };
	char clean[DOCTOR_TEXT_MAX + 1];

	for (unsigned i = 0; i < result->count; i++) {
		const struct doctor_finding *f = &result->findings[i];
		const struct { const char *key, *text; } fields[] = {
			{ "step", f->step }, { "subject", f->subject },
			{ "text", f->text }, { "remedy", f->remedy },
		};
		struct json_object *one = json_object_new_object();
		for (size_t k = 0; k < sizeof(fields) / sizeof(*fields); k++)
			json_object_object_add(one, fields[k].key,
				json_object_new_string(printable_ascii(clean,
					sizeof(clean), fields[k].text)));
		json_object_array_add(lists[f->is_note], one);
	}
	json_object_object_add(root, "schema_version",
	                       json_object_new_int(REPORT_SCHEMA_VERSION));
	json_object_object_add(root, "findings", lists[0]);
	json_object_object_add(root, "notes", lists[1]);
	puts(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN |
	                                    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

static int tell(const struct aggctl_options *options,
                const struct doctor_facts *facts)
{
	struct doctor_result *result = calloc(1, sizeof(*result));

	if (!result)
		return EXIT_REFUSED;
	doctor_examine(facts, result);
	unsigned faults = result->faults;
	if (options->json)
		print_json(result);
	else if (!faults)
		puts("nothing found");
	for (unsigned i = 0; i < result->count && !options->json; i++)
		print_one(options, &result->findings[i]);
	free(result);
	return faults ? EXIT_REFUSED : EXIT_DONE;
}

int verb_doctor(const struct aggctl_options *options, const char *const *words)
{
	struct doctor_facts *facts = calloc(1, sizeof(*facts));
	char why[AGGCTL_EXPLAIN_MAX] = "";
	struct conf *conf = NULL;
	struct buf status;

	if (!facts)
		return EXIT_REFUSED;
	buf_init(&status, CTL_ANSWER_MAX + CTL_REQUEST_MAX);
	bool asked = ask(options, &status, why);
	look_at_all(options->config, asked ? (const char *)buf_head(&status) : NULL,
	            why, &conf, facts);
	int exit_status = tell(options, facts);
	conf_free(conf);
	buf_finish(&status);
	free(facts);
	return exit_status;
}
