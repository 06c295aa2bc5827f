/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page's files, put into the program when it is built (embed.py).
 */
#ifndef WEB_FILES_H
#define WEB_FILES_H

#include <stddef.h>

struct web_file {
	const char *path; /* "/page.js"; NULL: there are no more */
	const char *type; /* "text/html; charset=utf-8" */
	const unsigned char *bytes;
	size_t n;
};
extern const struct web_file web_files[]; /* the first is "/" */

#endif
