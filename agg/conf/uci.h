/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: UCI syntax (OpenWrt's /etc/config) from bytes into a tree. Pure: no
 * file is opened, no meaning is known here.
 *
 *     package NAME               at most one, before all sections; ignored
 *     config TYPE [NAME]         begins a section
 *         option KEY VALUE       once for each key
 *         list KEY VALUE         again for each value
 *
 * Words are parted by blanks, statements by line ends or ';'. 'single quotes'
 * take all as it is; in "double quotes" and outside of quotes a backslash
 * takes the next character as it is; quoted pieces side by side are one word;
 * '#' outside of quotes begins a comment. A name is of letters, digits and
 * '_'; a type of any visible characters. As libuci, the first letter of a
 * keyword will do.
 *
 * Stricter than libuci, so that a slip is found: a statement ends with its
 * line, even in quotes; a key or a section's name given twice is an error
 * (libuci silently takes the last, or merges).
 */
#ifndef AGG_CONF_UCI_H
#define AGG_CONF_UCI_H

#include "agg/conf/error.h"

#include <stdbool.h>
#include <stddef.h>

#define UCI_FILE_MAX (2 * 1024 * 1024) /* bytes */
#define UCI_SECTIONS_MAX 8192
#define UCI_OPTIONS_MAX 64        /* keys in a section */
#define UCI_VALUES_MAX 1024       /* values in a list */
#define UCI_VALUE_MAX 1023        /* bytes in a word */

struct uci_value {
	const char *text;
	unsigned line;
};

struct uci_option {
	const char *key;
	unsigned line; /* of its first value */
	bool is_list;
	struct uci_value *values; /* at least one */
	size_t count;
};

struct uci_section {
	const char *type;
	const char *name; /* "": anonymous */
	unsigned line;
	struct uci_option *options;
	size_t count;
};

/* A tree; every text in it lives as long as the tree. */
struct uci {
	struct uci_section *sections;
	size_t count;
	char *words; /* holds every text */
};

/* Fills out from n bytes. file is only quoted in errors. 0; -EINVAL: error
 * says why; -ENOMEM, and error says so. After an error out is empty. */
int uci_parse(struct uci *out, const char *file, const char *data, size_t n,
              struct conf_error *error);
void uci_finish(struct uci *uci);

/* NULL: not there. */
const struct uci_option *uci_find(const struct uci_section *section,
                                  const char *key);

#endif
