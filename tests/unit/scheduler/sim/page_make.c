/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: for page_browser.py: a trace on standard input, its page on standard
 * output.
 */
#include "scheduler/sim/page.h"

#include <string.h>

#define TRACE_MAX (64u << 20)

int main(void)
{
	static char json[TRACE_MAX + 1];
	size_t size = fread(json, 1, TRACE_MAX, stdin);
	int err;

	if (ferror(stdin) || !feof(stdin)) {
		fprintf(stderr, "page_make: a trace of %u bytes at most\n", TRACE_MAX);
		return 1;
	}
	json[size] = '\0';
	err = page_write(stdout, json);
	if (err)
		fprintf(stderr, "page_make: %s\n", strerror(-err));
	return err ? 1 : 0;
}
