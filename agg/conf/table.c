/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: walks a section beside its key table: reads, compares, prints, and
 * writes the manual. Knows no key by name.
 */
#include "agg/conf/table.h"

#include "agg/base/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX 64 /* rows of one table */
#define SUBJECT_MAX 64

/* One section being read: what every step needs. */
struct walk {
	const struct conf_table *table;
	const struct conf_rules *rules;
	const struct uci_section *section;
	struct conf_error *error;
	const char *file;
	unsigned role;
	char subject[SUBJECT_MAX]; /* "uplink 'dsl'" */
	uint8_t *out;
};

#define FAIL(w, line, fmt, ...) \
	conf_error_set((w)->error, (w)->file, line, "%s: " fmt, (w)->subject, \
	               __VA_ARGS__)

static const struct conf_key *find_key(const struct conf_table *table,
                                       unsigned role, const char *name)
{
	for (const struct conf_key *key = table->keys; key->key; key++)
		if ((key->roles & role) && !strcmp(key->key, name))
			return key;
	return NULL;
}

static unsigned *count_of(const struct conf_key *key, uint8_t *out)
{
	return (unsigned *)(void *)(out + key->count_offset);
}

static unsigned value_count(const struct conf_key *key, const uint8_t *section)
{
	unsigned count = 1;

	if (key->list_max)
		memcpy(&count, section + key->count_offset, sizeof(count));
	return count;
}

static int on_unknown_key(struct walk *w, const struct uci_option *option)
{
	const char *names[KEYS_MAX + 1];
	char allowed[CONF_ERROR_MAX];
	size_t n = 0;

	for (const struct conf_key *key = w->table->keys; key->key; key++)
		if ((key->roles & w->role) && n < KEYS_MAX)
			names[n++] = key->key;
	names[n] = NULL;
	words_list(names, allowed, sizeof(allowed));
	const struct conf_key *other = find_key(w->table, ~0u, option->key);
	if (other)
		return FAIL(w, option->line, "'%s' has no meaning for this "
		            "%s; allowed: %s", option->key,
		            w->rules->role_word ? w->rules->role_word : "role",
		            allowed);
	const char *near = words_near(names, option->key);
	if (near)
		return FAIL(w, option->line, "unknown key '%s', did you mean "
		            "'%s'? allowed: %s", option->key, near, allowed);
	return FAIL(w, option->line, "unknown key '%s'; allowed: %s",
	            option->key, allowed);
}

static int on_bad_value(struct walk *w, const struct conf_key *key,
                        const struct uci_value *value, const char *allowed)
{
	const char *const *words = conf_value_names(key, w->rules);
	const char *near = words ? words_near(words, value->text) : NULL;
	const char *text = key->type == CONF_SECRET ? "(hidden)" : value->text;

	if (near)
		return FAIL(w, value->line, "%s '%s', did you mean '%s'? "
		            "allowed: %s", key->key, text, near, allowed);
	return FAIL(w, value->line, "%s '%s' is not allowed; allowed: %s",
	            key->key, text, allowed);
}

static bool values_equal(const struct conf_key *key, const void *a,
                         const void *b)
{
	char a_text[CONF_VALUE_TEXT_MAX], b_text[CONF_VALUE_TEXT_MAX];

	return !strcmp(conf_value_format(key, a, a_text),
	               conf_value_format(key, b, b_text));
}

/* A value of a list that is among the values before it. */
static bool is_repeated(const struct conf_key *key, const uint8_t *list,
                        unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (values_equal(key, list + i * key->size, list + at * key->size))
			return true;
	return false;
}

static int read_list(struct walk *w, const struct conf_key *key,
                     const struct uci_option *option)
{
	uint8_t *list = w->out + key->offset;
	unsigned *count = count_of(key, w->out);
	char allowed[CONF_VALUE_TEXT_MAX];

	if (option->count > key->list_max)
		return FAIL(w, option->values[key->list_max].line,
		            "more than %u values of '%s'", key->list_max, key->key);
	for (size_t i = 0; i < option->count; i++) {
		const struct uci_value *value = &option->values[i];
		if (conf_value_read(key, w->rules, value->text,
		                    list + *count * key->size, allowed))
			return on_bad_value(w, key, value, allowed);
		if (is_repeated(key, list, *count))
			return FAIL(w, value->line, "%s '%s' is there twice",
			            key->key, value->text);
		++*count;
	}
	return 0;
}

static int read_option(struct walk *w, const struct uci_option *option)
{
	const struct conf_key *key = find_key(w->table, w->role, option->key);
	char allowed[CONF_VALUE_TEXT_MAX];

	if (!key)
		return on_unknown_key(w, option);
	if (key->list_max) /* 'option' gives a list of one, as LuCI writes it */
		return read_list(w, key, option);
	if (option->is_list)
		return FAIL(w, option->line, "'%s' has one value: write "
		            "'option', not 'list'", key->key);
	if (conf_value_read(key, w->rules, option->values[0].text,
	                    w->out + key->offset, allowed))
		return on_bad_value(w, key, &option->values[0], allowed);
	return 0;
}

static int fill_absent(struct walk *w, const struct conf_key *key)
{
	char allowed[CONF_VALUE_TEXT_MAX];

	if (uci_find(w->section, key->key))
		return 0;
	if (key->required) {
		conf_value_allowed(key, w->rules, allowed);
		return FAIL(w, w->section->line, "'%s' is missing: %s %s '...'; allowed: %s",
		            key->key, key->list_max ? "list" : "option",
		            key->key, allowed);
	}
	if (!key->fallback)
		return 0;
	if (conf_value_read(key, w->rules, key->fallback, w->out + key->offset,
	                    allowed))
		return FAIL(w, w->section->line, "the default %s '%s' is not "
		            "there; allowed: %s", key->key, key->fallback, allowed);
	if (key->list_max)
		*count_of(key, w->out) = 1;
	return 0;
}

static int read_name(struct walk *w)
{
	const char *name = w->section->name;

	if (w->table->named && !*name)
		return conf_error_set(w->error, w->file, w->section->line,
		                      "the section needs a name: config %s 'NAME'",
		                      w->table->type);
	if (strlen(name) > CONF_NAME_MAX)
		return conf_error_set(w->error, w->file, w->section->line,
		                      "the name '%s' is longer than %d characters",
		                      name, CONF_NAME_MAX);
	strcpy((char *)w->out + w->table->name_offset, name);
	memcpy(w->out + w->table->line_offset, &w->section->line,
	       sizeof(w->section->line));
	if (*name)
		snprintf(w->subject, sizeof(w->subject), "%s '%s'",
		         w->table->type, name);
	else
		snprintf(w->subject, sizeof(w->subject), "%s", w->table->type);
	return 0;
}

void *conf_table_sections(const struct conf_table *table, const void *whole,
                          unsigned *count)
{
	const uint8_t *bytes = whole;
	const void *at = bytes + table->offset, *pointer = &at;
	void *sections;

	memcpy(count, bytes + table->count_offset, sizeof(*count));
	memcpy(&sections, table->grows ? at : pointer, sizeof(sections));
	return sections;
}

int conf_table_read(const struct conf_table *table, unsigned role,
                    const struct conf_rules *rules, const char *file,
                    const struct uci_section *section, void *out,
                    struct conf_error *error)
{
	struct walk w = {
		.table = table, .rules = rules, .section = section,
		.error = error, .file = file, .role = role, .out = out,
	};

	int err = read_name(&w);
	for (size_t i = 0; !err && i < section->count; i++)
		err = read_option(&w, &section->options[i]);
	for (const struct conf_key *key = table->keys; !err && key->key; key++)
		if (key->roles & role)
			err = fill_absent(&w, key);
	return err;
}

static bool key_equal(const struct conf_key *key, const uint8_t *a,
                      const uint8_t *b)
{
	unsigned count = value_count(key, a);

	if (count != value_count(key, b))
		return false;
	for (unsigned i = 0; i < count; i++) {
		size_t at = key->offset + i * key->size;
		if (!values_equal(key, a + at, b + at))
			return false;
	}
	return true;
}

bool conf_table_equal(const struct conf_table *table, const void *a,
                      const void *b)
{
	const char *a_name = (const char *)a + table->name_offset;
	const char *b_name = (const char *)b + table->name_offset;

	if (strcmp(a_name, b_name))
		return false;
	for (const struct conf_key *key = table->keys; key->key; key++)
		if (!key_equal(key, a, b))
			return false;
	return true;
}

/* In single quotes nothing is special but their end: close, a quote with a
 * backslash, open again. */
static int print_quoted(struct buf *out, const char *text)
{
	int err = buf_put(out, "'", 1);

	for (; !err && *text; text++)
		err = *text == '\'' ? buf_put(out, "'\\''", 4)
		                    : buf_put(out, text, 1);
	return err ? err : buf_put(out, "'\n", 2);
}

static int print_value(const struct conf_key *key, const void *value,
                       bool secrets, struct buf *out)
{
	char text[CONF_VALUE_TEXT_MAX];

	conf_value_format(key, value, text);
	if (!*text)
		return 0;
	if (key->type == CONF_SECRET && !secrets)
		return buf_printf(out, "\t# option %s: hidden\n", key->key);
	int err = buf_printf(out, "\t%s %s ", key->list_max ? "list" : "option",
	                     key->key);
	return err ? err : print_quoted(out, text);
}

int conf_table_print(const struct conf_table *table, unsigned role,
                     const void *section, bool secrets, struct buf *out)
{
	const uint8_t *bytes = section;
	const char *name = (const char *)bytes + table->name_offset;
	int err = *name ? buf_printf(out, "config %s '%s'\n", table->type, name)
	                : buf_printf(out, "config %s\n", table->type);

	for (const struct conf_key *key = table->keys; key->key; key++) {
		if (!(key->roles & role))
			continue;
		unsigned count = value_count(key, bytes);
		for (unsigned i = 0; !err && i < count; i++)
			err = print_value(key, bytes + key->offset + i * key->size,
			                  secrets, out);
	}
	return err;
}

static int help_roles(unsigned roles, const struct conf_rules *rules,
                      struct buf *out)
{
	int err = 0;
	bool any = false;

	for (unsigned i = 0; rules->roles[i]; i++) {
		if (!(roles & 1u << i))
			continue;
		err |= buf_printf(out, "%s%s", any ? ", " : "", rules->roles[i]);
		any = true;
	}
	return err ? -ENOBUFS : 0;
}

static int help_key(const struct conf_table *table, const struct conf_key *key,
                    const struct conf_rules *rules, struct buf *out)
{
	char allowed[CONF_VALUE_TEXT_MAX];
	int err = buf_printf(out, "\n### %s %s", key->list_max ? "list" : "option",
	                     key->key);

	if (key->roles != table->roles) {
		err |= buf_printf(out, " (");
		err |= help_roles(key->roles, rules, out);
		err |= buf_printf(out, ")");
	}
	err |= buf_printf(out, "\n\n%s\n\nAllowed: %s", key->help,
	                  conf_value_allowed(key, rules, allowed));
	if (key->list_max)
		err |= buf_printf(out, "; up to %u values", key->list_max);
	if (key->fallback)
		err |= buf_printf(out, ". Default: `%s`.\n", key->fallback);
	else
		err |= buf_printf(out, key->required ? ". Required.\n"
		                                     : ". Default: not set.\n");
	return err ? -ENOBUFS : 0;
}

int conf_table_help(const struct conf_table *table,
                    const struct conf_rules *rules, struct buf *out)
{
	int err = buf_printf(out, "\n## config %s%s\n\n%s For: ", table->type,
	                     table->named ? " 'NAME'" : "", table->help);

	err |= help_roles(table->roles, rules, out);
	if (table->max == 1)
		err |= buf_printf(out, ". At most one.\n");
	else
		err |= buf_printf(out, ". Up to %u.\n", table->max);
	for (const struct conf_key *key = table->keys; key->key; key++)
		err |= help_key(table, key, rules, out);
	return err ? -ENOBUFS : 0;
}
