/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a configuration that can be read, edited: it can be read still, holds what
 * was set, and the rest says what it said.
 */
#include "agg/conf/edit.h"
#include "agg/conf/uci.h"

#include <stdlib.h>
#include <string.h>

#define TYPE "aggd"
#define NAME "main"

static void require(bool fact)
{
	if (!fact)
		abort();
}

static bool is_it(const struct uci_section *s)
{
	return !strcmp(s->type, TYPE) && !strcmp(s->name, NAME);
}

static void read_again(struct uci *uci, const struct buf *text)
{
	struct conf_error error;

	require(!uci_parse(uci, "f", (const char *)buf_head(text), text->len,
	                   &error));
}

static const struct uci_option *find(const struct uci *uci, const char *key)
{
	for (size_t i = 0; i < uci->count; i++)
		if (is_it(&uci->sections[i]))
			return uci_find(&uci->sections[i], key);
	return NULL;
}

/* All sections but ours have as many options as before. */
static void check_others(const struct uci *before, const struct uci *after)
{
	size_t at = 0;

	for (size_t i = 0; i < before->count; i++) {
		if (is_it(&before->sections[i]))
			continue;
		while (at < after->count && is_it(&after->sections[at]))
			at++;
		require(at < after->count);
		require(!strcmp(before->sections[i].type,
		                after->sections[at].type));
		require(before->sections[i].count == after->sections[at].count);
		at++;
	}
}

static void check_edits(const struct uci *before, struct buf *text)
{
	static const char *const values[] = { "x y", "#it's \"that\\\"", NULL };
	struct uci after;

	if (!edit_set(text, TYPE, NAME, "state", values[1])) {
		read_again(&after, text);
		require(!strcmp(find(&after, "state")->values[0].text, values[1]));
		check_others(before, &after);
		uci_finish(&after);
	}
	if (!edit_set_list(text, TYPE, NAME, "listen", values)) {
		read_again(&after, text);
		const struct uci_option *o = find(&after, "listen");
		require(o->is_list && o->count == 2);
		require(!strcmp(o->values[0].text, values[0]));
		require(!strcmp(o->values[1].text, values[1]));
		check_others(before, &after);
		uci_finish(&after);
	}
	if (!edit_remove(text, TYPE, NAME)) {
		read_again(&after, text);
		require(!find(&after, "listen"));
		check_others(before, &after);
		uci_finish(&after);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf_error error;
	struct uci before;
	struct buf text;

	if (uci_parse(&before, "f", (const char *)data, size, &error))
		return 0;
	buf_init(&text, UCI_FILE_MAX);
	if (!size || !buf_put(&text, data, size))
		check_edits(&before, &text);
	buf_finish(&text);
	uci_finish(&before);
	return 0;
}
