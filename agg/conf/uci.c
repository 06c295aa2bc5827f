/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the UCI reader. One pass over the bytes: take the words of a statement,
 * then act on them. Decoded words are written one behind the other to one
 * block: a word and its NUL are never longer than the word and its delimiter
 * in the file, so the file's size plus one is enough.
 */
#include "agg/conf/uci.h"

#include "agg/base/printable.h"
#include "agg/base/words.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define STATEMENT_WORDS_MAX 3 /* keyword, key, value */
#define GROWTH_FIRST 4
#define QUOTED_MAX 16 /* characters of what is no statement */

struct reader {
	struct uci *uci;
	struct conf_error *error;
	const char *file;
	const char *at, *end; /* what is still to be read */
	unsigned line;
	char *free; /* in uci->words */
	bool package_seen;
};

struct statement {
	const char *words[STATEMENT_WORDS_MAX];
	size_t count;
	unsigned line;
};

#define FAIL(r, ...) conf_error_set((r)->error, (r)->file, (r)->line, __VA_ARGS__)

static int no_memory(struct reader *r)
{
	FAIL(r, "out of memory");
	return -ENOMEM;
}

/* Room for one more in an array that grows by doubling. */
static void *grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1) || (count && count < GROWTH_FIRST))
		return array;
	return realloc(array, (count ? count * 2 : GROWTH_FIRST) * size);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
	return is_blank(c) || c == '\n' || c == ';' || c == '#';
}

static bool is_name(const char *word)
{
	if (!*word)
		return false;
	for (; *word; word++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		            "0123456789_", *word))
			return false;
	return true;
}

static bool is_type(const char *word)
{
	if (!*word)
		return false;
	for (; *word; word++)
		if (*word <= ' ' || *word >= 0x7f)
			return false;
	return true;
}

static int put_char(struct reader *r, const char *word, char c)
{
	if ((unsigned char)c < ' ' && c != '\t')
		return FAIL(r, "a control character (byte %u) in a value; "
		            "printable characters are allowed", (unsigned char)c);
	if (r->free - word >= UCI_VALUE_MAX)
		return FAIL(r, "a value is longer than %u bytes", UCI_VALUE_MAX);
	*r->free++ = c;
	return 0;
}

/* The character behind a backslash, as it is. */
static int take_escaped(struct reader *r, const char *word)
{
	r->at++;
	if (r->at == r->end || *r->at == '\n')
		return FAIL(r, "a backslash ends the line; "
		            "a statement is on one line");
	return put_char(r, word, *r->at++);
}

static int take_quoted(struct reader *r, const char *word)
{
	char quote = *r->at++;
	int err = 0;

	while (!err) {
		if (r->at == r->end || *r->at == '\n')
			return FAIL(r, "the quote %c is not closed on this line",
			            quote);
		if (*r->at == quote)
			break;
		if (*r->at == '\\' && quote == '"')
			err = take_escaped(r, word);
		else
			err = put_char(r, word, *r->at++);
	}
	r->at++;
	return err;
}

static int take_word(struct reader *r, const char **out)
{
	const char *word = r->free;
	int err = 0;

	while (!err && r->at < r->end && !ends_word(*r->at)) {
		if (*r->at == '\'' || *r->at == '"')
			err = take_quoted(r, word);
		else if (*r->at == '\\')
			err = take_escaped(r, word);
		else
			err = put_char(r, word, *r->at++);
	}
	if (!err)
		*r->free++ = 0;
	*out = word;
	return err;
}

static bool is_keyword(const char *word, const char *keyword)
{
	return !strcmp(word, keyword) || (word[0] == keyword[0] && !word[1]);
}

static const char *const keywords[] = { "config", "option", "list", "package",
                                        NULL };

static bool begins_statement(const char *word)
{
	for (size_t i = 0; keywords[i]; i++)
		if (is_keyword(word, keywords[i]))
			return true;
	return false;
}

/* The file may be none of ours, and secret: no more of it than a slip takes. */
static int on_no_statement(struct reader *r, const char *word)
{
	const char *near = words_near(keywords, word);
	char piece[QUOTED_MAX + 1];

	printable_ascii(piece, sizeof(piece), word);
	return FAIL(r, "'%s%s' begins no statement%s%s%s allowed: config, option, "
	            "list, package", piece, strlen(word) > QUOTED_MAX ? "..." : "",
	            near ? ", did you mean '" : ";", near ? near : "",
	            near ? "'?" : "");
}

/* Reads up to the end of a statement; the line end itself stays unread. */
static int take_statement(struct reader *r, struct statement *st)
{
	*st = (struct statement){ .line = r->line };
	for (;;) {
		while (r->at < r->end && is_blank(*r->at))
			r->at++;
		if (r->at == r->end || *r->at == '\n')
			return 0;
		if (*r->at == ';') {
			r->at++;
			return 0;
		}
		if (*r->at == '#') {
			while (r->at < r->end && *r->at != '\n')
				r->at++;
			return 0;
		}
		if (st->count == 1 && !begins_statement(st->words[0]))
			return on_no_statement(r, st->words[0]);
		if (st->count == STATEMENT_WORDS_MAX)
			return FAIL(r, "too many words; a value with blanks "
			            "needs quotes: %s %s '...'",
			            st->words[0], st->words[1]);
		int err = take_word(r, &st->words[st->count]);
		if (err)
			return err;
		st->count++;
	}
}

static int add_section(struct reader *r, const struct statement *st)
{
	struct uci *uci = r->uci;
	const char *name = st->count > 2 ? st->words[2] : "";

	if (st->count < 2 || !is_type(st->words[1]))
		return FAIL(r, "'config' needs a type: config TYPE ['NAME']");
	if (*name && !is_name(name))
		return FAIL(r, "'%s' is no section name; letters, digits "
		            "and '_' are allowed", name);
	if (uci->count == UCI_SECTIONS_MAX)
		return FAIL(r, "more than %u sections", UCI_SECTIONS_MAX);
	struct uci_section *sections =
		grow(uci->sections, uci->count, sizeof(*sections));
	if (!sections)
		return no_memory(r);
	uci->sections = sections;
	sections[uci->count++] = (struct uci_section){
		.type = st->words[1], .name = name, .line = st->line,
	};
	return 0;
}

static int add_value(struct reader *r, struct uci_option *option,
                     const char *text)
{
	if (option->count == UCI_VALUES_MAX)
		return FAIL(r, "more than %u values of '%s'", UCI_VALUES_MAX,
		            option->key);
	struct uci_value *values =
		grow(option->values, option->count, sizeof(*values));
	if (!values)
		return no_memory(r);
	option->values = values;
	values[option->count++] =
		(struct uci_value){ .text = text, .line = r->line };
	return 0;
}

static struct uci_option *find_option(const struct uci_section *section,
                                      const char *key)
{
	for (size_t i = 0; i < section->count; i++)
		if (!strcmp(section->options[i].key, key))
			return &section->options[i];
	return NULL;
}

static int add_option(struct reader *r, struct uci_section *section,
                      const struct statement *st, bool is_list)
{
	if (section->count == UCI_OPTIONS_MAX)
		return FAIL(r, "more than %u keys in a section", UCI_OPTIONS_MAX);
	struct uci_option *options =
		grow(section->options, section->count, sizeof(*options));
	if (!options)
		return no_memory(r);
	section->options = options;
	options[section->count++] = (struct uci_option){
		.key = st->words[1], .line = st->line, .is_list = is_list,
	};
	return add_value(r, &options[section->count - 1], st->words[2]);
}

static int on_setting(struct reader *r, const struct statement *st, bool is_list)
{
	const char *keyword = is_list ? "list" : "option";
	struct uci *uci = r->uci;

	if (!uci->count)
		return FAIL(r, "'%s' before the first 'config'", keyword);
	if (st->count < 3)
		return FAIL(r, "'%s' needs a key and a value: %s KEY 'VALUE'",
		            keyword, keyword);
	if (!is_name(st->words[1]))
		return FAIL(r, "'%s' is no key; letters, digits and '_' are "
		            "allowed", st->words[1]);
	struct uci_section *section = &uci->sections[uci->count - 1];
	struct uci_option *known = find_option(section, st->words[1]);
	if (!known)
		return add_option(r, section, st, is_list);
	if (known->is_list && is_list)
		return add_value(r, known, st->words[2]);
	return FAIL(r, "'%s' is already given in line %u; only 'list' is "
	            "repeated", known->key, known->line);
}

static int on_package(struct reader *r, const struct statement *st)
{
	if (st->count != 2)
		return FAIL(r, "'package' needs one name");
	if (r->package_seen || r->uci->count)
		return FAIL(r, "'package' comes once, before all sections");
	r->package_seen = true;
	return 0;
}

static int act_on(struct reader *r, const struct statement *st)
{
	const char *word = st->words[0];

	if (is_keyword(word, "option"))
		return on_setting(r, st, false);
	if (is_keyword(word, "list"))
		return on_setting(r, st, true);
	if (is_keyword(word, "config"))
		return add_section(r, st);
	if (is_keyword(word, "package"))
		return on_package(r, st);
	return on_no_statement(r, word);
}

static int read_all(struct reader *r)
{
	struct statement st;

	while (r->at < r->end) {
		if (*r->at == '\n') {
			r->line++;
			r->at++;
			continue;
		}
		int err = take_statement(r, &st);
		if (!err && st.count)
			err = act_on(r, &st);
		if (err)
			return err;
	}
	return 0;
}

/* By name, then as they stand in the file. */
static int by_name(const void *a, const void *b)
{
	const struct uci_section *one = *(const struct uci_section *const *)a;
	const struct uci_section *two = *(const struct uci_section *const *)b;
	int order = strcmp(one->name, two->name);

	return order ? order : (one > two) - (one < two);
}

/* The first section that has the name of one before it, *other. */
static const struct uci_section *find_double(const struct uci_section **list,
                                             size_t count,
                                             const struct uci_section **other)
{
	const struct uci_section *found = NULL;

	qsort(list, count, sizeof(*list), by_name);
	for (size_t i = 1; i < count; i++) {
		if (!*list[i]->name || strcmp(list[i - 1]->name, list[i]->name) ||
		    (found && list[i] > found))
			continue;
		found = list[i];
		*other = list[i - 1];
	}
	return found;
}

/* Of what was read: by sorting, as there may be thousands. */
static int check_names(struct reader *r)
{
	const struct uci *uci = r->uci;
	const struct uci_section *found, *other = NULL;
	const struct uci_section **list = calloc(uci->count + 1, sizeof(*list));

	if (!list)
		return no_memory(r);
	for (size_t i = 0; i < uci->count; i++)
		list[i] = &uci->sections[i];
	found = find_double(list, uci->count, &other);
	free(list);
	return found ? conf_error_set(r->error, r->file, found->line,
	                              "a section '%s' is already in line %u; "
	                              "names differ", found->name, other->line)
	             : 0;
}

int uci_parse(struct uci *out, const char *file, const char *data, size_t n,
              struct conf_error *error)
{
	struct reader r = {
		.uci = out, .error = error, .file = file,
		.at = data, .end = data + n,
	};

	*out = (struct uci){ 0 };
	if (n > UCI_FILE_MAX)
		return FAIL(&r, "larger than %u KiB", UCI_FILE_MAX / 1024);
	r.line = 1;
	out->words = r.free = malloc(n + 1);
	int err = out->words ? read_all(&r) : no_memory(&r);
	/* Whatever else is wrong comes behind what was read. */
	int doubles = err == -ENOMEM ? 0 : check_names(&r);
	err = doubles ? doubles : err;
	if (err)
		uci_finish(out);
	return err;
}

void uci_finish(struct uci *uci)
{
	for (size_t i = 0; i < uci->count; i++) {
		for (size_t j = 0; j < uci->sections[i].count; j++)
			free(uci->sections[i].options[j].values);
		free(uci->sections[i].options);
	}
	free(uci->sections);
	free(uci->words);
	*uci = (struct uci){ 0 };
}

const struct uci_option *uci_find(const struct uci_section *section,
                                  const char *key)
{
	return find_option(section, key);
}
