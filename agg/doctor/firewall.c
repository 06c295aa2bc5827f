/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see firewall.h.
 */
#include "agg/doctor/firewall.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 512 /* of a longer one the rest does not count */
#define NAME_BYTES 40

struct reading {
	const char *device;
	char family[NAME_BYTES], table[NAME_BYTES], chain[NAME_BYTES];
	bool forwards;   /* the chain is of that hook */
	bool speaks;     /* the table, of the device */
	char *out;       /* the table's first that drops */
};

/* The verdict of a rule without a condition. */
static bool ends_all(const char *line)
{
	int at = 0;

	line += strspn(line, " \t");
	sscanf(line, "counter packets %*u bytes %*u %n", &at);
	line += at;
	return !strcmp(line, "drop") || !strncmp(line, "reject", strlen("reject"));
}

static void take_line(struct reading *r, const char *line)
{
	if (sscanf(line, "table %39s %39s {", r->family, r->table) == 2) {
		r->speaks = r->forwards = false;
		*r->out = 0;
	} else if (sscanf(line, " chain %39s {", r->chain) == 1) {
		r->forwards = false;
	} else if (strstr(line, "type filter hook forward")) {
		r->forwards = true;
	}
	r->speaks |= strstr(line, r->device) != NULL;
	if (r->forwards && !*r->out && strncmp(r->table, "aggd", strlen("aggd")) &&
	    (strstr(line, "policy drop") || ends_all(line)))
		snprintf(r->out, FIREWALL_WORDS_MAX + 1, "%s %s %s", r->family, r->table,
		         r->chain);
}

bool firewall_drops(const char *ruleset, const char *device,
                    char chain[FIREWALL_WORDS_MAX + 1])
{
	struct reading r = { .device = device, .out = chain };
	char line[LINE_MAX_BYTES];

	*chain = 0;
	while (*ruleset) {
		size_t n = strcspn(ruleset, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)n, ruleset);
		take_line(&r, line);
		if (*line == '}' && *chain && !r.speaks)
			return true;
		ruleset += n + (ruleset[n] == '\n');
	}
	*chain = 0;
	return false;
}
