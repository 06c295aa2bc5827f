/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see edit.h. A statement is found with the bytes that it takes, by the
 * quoting of uci.c, who has found the text good before; then bytes are put in
 * the place of others.
 */
#include "agg/conf/edit.h"

#include "agg/conf/uci.h"

#include <errno.h>
#include <string.h>

#define WORDS_MAX 3 /* keyword, key, value */

struct statement {
	size_t from, to; /* its bytes */
	unsigned count;
	char words[WORDS_MAX][UCI_VALUE_MAX + 1];
};

struct cursor {
	const char *text;
	size_t len, at;
};

/* From the line of its `config` to that of its last statement. */
struct section {
	struct statement head;
	size_t end; /* behind its last statement */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool ends_word(char c)
{
	return is_blank(c) || c == '\n' || c == ';' || c == '#';
}

static void put(char *word, size_t *n, char c)
{
	if (*n < UCI_VALUE_MAX)
		word[(*n)++] = c;
}

/* A backslash takes the next, but in '...'. */
static void take_char(struct cursor *c, char quote, char *word, size_t *n)
{
	if (c->text[c->at] == '\\' && quote != '\'' && c->at + 1 < c->len)
		c->at++;
	put(word, n, c->text[c->at++]);
}

static void take_word(struct cursor *c, char word[UCI_VALUE_MAX + 1])
{
	size_t n = 0;

	while (c->at < c->len && !ends_word(c->text[c->at])) {
		char quote = c->text[c->at];
		if (quote != '\'' && quote != '"') {
			take_char(c, 0, word, &n);
			continue;
		}
		c->at++;
		while (c->at < c->len && c->text[c->at] != quote)
			take_char(c, quote, word, &n);
		c->at++;
	}
	word[n] = 0;
}

static void skip_line(struct cursor *c)
{
	while (c->at < c->len && c->text[c->at] != '\n')
		c->at++;
}

/* False: there is none any more. */
static bool next(struct cursor *c, struct statement *st)
{
	st->count = 0;
	while (c->at < c->len) {
		char now = c->text[c->at];
		if (now == '\n' || now == ';') {
			if (st->count)
				return true;
			c->at++;
		} else if (now == '#') {
			skip_line(c);
		} else if (is_blank(now) || st->count == WORDS_MAX) {
			c->at++;
		} else {
			if (!st->count)
				st->from = c->at;
			take_word(c, st->words[st->count++]);
			st->to = c->at;
		}
	}
	return st->count > 0;
}

static bool is_keyword(const struct statement *st, const char *keyword)
{
	const char *word = st->words[0];

	return !strcmp(word, keyword) || (word[0] == *keyword && !word[1]);
}

static struct cursor cursor_of(const struct buf *text)
{
	return (struct cursor){ (const char *)buf_head(text), text->len, 0 };
}

static bool is_head(const struct statement *st, const char *type,
                    const char *name)
{
	const char *own = st->count > 2 ? st->words[2] : "";

	return is_keyword(st, "config") && st->count > 1 &&
	       !strcmp(st->words[1], type) && (!name || !strcmp(own, name));
}

static bool find_section(const struct buf *text, const char *type,
                         const char *name, struct section *out)
{
	struct cursor c = cursor_of(text);
	struct statement st;

	while (next(&c, &st)) {
		if (!is_head(&st, type, name))
			continue;
		out->head = st;
		out->end = st.to;
		while (next(&c, &st) && !is_keyword(&st, "config"))
			out->end = st.to;
		return true;
	}
	return false;
}

/* The next statement of the section about that key, from *at on, which moves
 * behind it. */
static bool find_key(const struct buf *text, const struct section *section,
                     const char *key, size_t *at, struct statement *st)
{
	struct cursor c = cursor_of(text);

	c.at = *at;
	c.len = section->end;
	while (next(&c, st)) {
		*at = c.at;
		if (st->count > 1 && !strcmp(st->words[1], key))
			return true;
	}
	return false;
}

/* Bytes ------------------------------------------------------------------------ */

static int replace(struct buf *text, size_t from, size_t to, const char *by)
{
	size_t n = strlen(by), rest = text->len - to;

	if (n > to - from && !buf_reserve(text, n - (to - from)))
		return -ENOBUFS;
	char *all = (char *)buf_head(text);
	memmove(all + from + n, all + to, rest);
	memcpy(all + from, by, n);
	text->len = from + n + rest;
	return 0;
}

/* Alone on its line, but for a comment? */
static bool is_alone(const struct buf *text, size_t from, size_t to)
{
	const char *all = (const char *)buf_head(text);

	while (from && is_blank(all[from - 1]))
		from--;
	while (to < text->len && is_blank(all[to]))
		to++;
	return (!from || all[from - 1] == '\n') &&
	       (to == text->len || all[to] == '\n' || all[to] == '#');
}

static size_t line_begin(const struct buf *text, size_t at)
{
	const char *all = (const char *)buf_head(text);

	while (at && all[at - 1] != '\n')
		at--;
	return at;
}

/* Behind the line's end. */
static size_t line_end(const struct buf *text, size_t at)
{
	const char *all = (const char *)buf_head(text);
	const char *end = memchr(all + at, '\n', text->len - at);

	return end ? (size_t)(end - all) + 1 : text->len;
}

/* With its line, where it is alone there. */
static int cut(struct buf *text, size_t from, size_t to)
{
	const char *all = (const char *)buf_head(text);

	if (is_alone(text, from, to))
		return replace(text, line_begin(text, from), line_end(text, to),
		               "");
	while (to < text->len && is_blank(all[to]))
		to++;
	if (to < text->len && all[to] == ';')
		to++;
	return replace(text, from, to, "");
}

/* 'value', or "value" where it has a quote in it. */
static int quote(struct buf *out, const char *value)
{
	bool plain = !strchr(value, '\'');
	int err = buf_put(out, plain ? "'" : "\"", 1);

	for (; !err && *value; value++) {
		if (!plain && strchr("\"\\", *value))
			err = buf_put(out, "\\", 1);
		if (!err)
			err = buf_put(out, value, 1);
	}
	return err ? err : buf_put(out, plain ? "'" : "\"", 1);
}

/* A line of a section: "\toption key 'value'\n". */
static int print_line(struct buf *out, const char *keyword, const char *key,
                      const char *value)
{
	int err = buf_printf(out, "\t%s %s ", keyword, key);

	if (!err)
		err = quote(out, value);
	return err ? err : buf_put(out, "\n", 1);
}

/* Behind the section's last line, or amid a line that goes on. */
static int insert(struct buf *text, const struct section *section,
                  struct buf *lines)
{
	const char *all = (const char *)buf_head(text);
	size_t at = section->end, end = line_end(text, at);
	bool goes_on = false;

	for (size_t i = at; i < end && all[i] != '#'; i++)
		goes_on |= !is_blank(all[i]) && all[i] != '\n';
	bool fresh = !goes_on && end > at && all[end - 1] == '\n';
	if (!goes_on)
		at = end;
	if (buf_put(lines, "", 1) < 0)
		return -ENOBUFS;
	int err = fresh ? 0 : replace(text, at, at, "\n");
	return err ? err : replace(text, fresh ? at : at + 1, fresh ? at : at + 1,
	                           (const char *)buf_head(lines));
}

static int append_section(struct buf *text, const char *type, const char *name)
{
	const char *all = (const char *)buf_head(text);
	bool ended = !text->len || all[text->len - 1] == '\n';

	return buf_printf(text, "%s%sconfig %s%s%s%s\n", ended ? "" : "\n",
	                  text->len ? "\n" : "", type, name ? " '" : "",
	                  name ? name : "", name ? "'" : "");
}

/* What is to be ----------------------------------------------------------------- */

/* All of the key go. */
static int clear(struct buf *text, const char *type, const char *name,
                 const char *key)
{
	struct section section;
	struct statement st;
	int err = 0;

	while (!err && find_section(text, type, name, &section)) {
		size_t at = section.head.to;
		if (!find_key(text, &section, key, &at, &st))
			break;
		err = cut(text, st.from, st.to);
	}
	return err;
}

static int add(struct buf *text, const char *type, const char *name,
               struct buf *lines)
{
	struct section section;

	if (!find_section(text, type, name, &section)) {
		int err = append_section(text, type, name);
		if (err)
			return err;
		if (!find_section(text, type, name, &section))
			return -EINVAL;
	}
	return insert(text, &section, lines);
}

static int set(struct buf *text, const char *type, const char *name,
               const char *key, const char *value)
{
	struct section section;
	struct statement st;
	struct buf by;
	int err;

	buf_init(&by, 2 * UCI_VALUE_MAX + 128);
	size_t at = find_section(text, type, name, &section) ? section.head.to : 0;
	if (at && find_key(text, &section, key, &at, &st) &&
	    is_keyword(&st, "option")) {
		err = buf_printf(&by, "option %s ", key);
		if (!err)
			err = quote(&by, value);
		if (!err)
			err = buf_put(&by, "", 1);
		if (!err)
			err = replace(text, st.from, st.to,
			              (const char *)buf_head(&by));
	} else {
		err = clear(text, type, name, key);
		if (!err)
			err = print_line(&by, "option", key, value);
		if (!err)
			err = add(text, type, name, &by);
	}
	buf_finish(&by);
	return err;
}

/* "list KEY 'A'\n\tlist KEY 'B'", as it stands in its line. */
static int print_list(struct buf *out, const char *key,
                      const char *const *values)
{
	int err = 0;

	for (size_t i = 0; !err && values[i]; i++) {
		err = buf_printf(out, "%slist %s ", i ? "\n\t" : "", key);
		if (!err)
			err = quote(out, values[i]);
	}
	return err ? err : buf_put(out, "", 1);
}

/* In the place of the first of them; the others go. */
static int set_list_here(struct buf *text, const char *type, const char *name,
                         const char *key, const char *lines)
{
	struct section section;
	struct statement first, other;
	int err = 0;

	while (!err && find_section(text, type, name, &section)) {
		size_t at = section.head.to;
		if (!find_key(text, &section, key, &at, &first))
			return -ENOENT;
		if (!find_key(text, &section, key, &at, &other))
			return replace(text, first.from, first.to, lines);
		err = cut(text, other.from, other.to);
	}
	return err ? err : -ENOENT;
}

static int set_list(struct buf *text, const char *type, const char *name,
                    const char *key, const char *const *values)
{
	struct buf lines, all;

	if (!*values)
		return clear(text, type, name, key);
	buf_init(&lines, UCI_FILE_MAX);
	buf_init(&all, UCI_FILE_MAX);
	int err = print_list(&lines, key, values);
	if (!err)
		err = set_list_here(text, type, name, key,
		                    (const char *)buf_head(&lines));
	if (err == -ENOENT) {
		err = buf_printf(&all, "\t%s\n", (const char *)buf_head(&lines));
		if (!err)
			err = add(text, type, name, &all);
	}
	buf_finish(&all);
	buf_finish(&lines);
	return err;
}

/* Of the blank lines before and behind it one is enough. */
static int remove_section(struct buf *text, const char *type, const char *name)
{
	struct section section;

	if (!find_section(text, type, name, &section))
		return -ENOENT;
	size_t from = section.head.from, to = section.end;
	if (!is_alone(text, from, to))
		return cut(text, from, to);
	from = line_begin(text, from);
	to = line_end(text, to);
	const char *all = (const char *)buf_head(text);
	if (from >= 2 && all[from - 1] == '\n' && all[from - 2] == '\n' &&
	    (to == text->len || all[to] == '\n'))
		from--;
	return replace(text, from, to, "");
}

static int rename_section(struct buf *text, const char *type, const char *name,
                          const char *new_name)
{
	struct section section;
	struct buf by;

	if (!find_section(text, type, name, &section))
		return -ENOENT;
	buf_init(&by, 2 * UCI_VALUE_MAX + 128);
	int err = buf_printf(&by, "config %s ", type);
	if (!err)
		err = quote(&by, new_name);
	if (!err)
		err = buf_put(&by, "", 1);
	if (!err)
		err = replace(text, section.head.from, section.head.to,
		              (const char *)buf_head(&by));
	buf_finish(&by);
	return err;
}

/* Faces ------------------------------------------------------------------------- */

static bool is_good(const struct buf *text)
{
	struct conf_error error;
	struct uci uci;
	bool good = !uci_parse(&uci, "", text->len ? (const char *)buf_head(text)
	                                           : "", text->len, &error);

	if (good)
		uci_finish(&uci);
	return good;
}

static int copy(struct buf *to, const struct buf *from)
{
	if (!is_good(from))
		return -EINVAL;
	buf_init(to, from->max);
	int err = from->len ? buf_put(to, buf_head(from), from->len) : 0;
	if (err)
		buf_finish(to);
	return err;
}

/* What was done to the copy holds if it is good still. */
static int conclude(struct buf *text, struct buf *draft, int err)
{
	if (!err && !is_good(draft))
		err = -EINVAL;
	if (err) {
		buf_finish(draft);
		return err;
	}
	buf_finish(text);
	*text = *draft;
	return 0;
}

bool edit_has(const struct buf *text, const char *type, const char *name)
{
	struct section section;

	return is_good(text) && find_section(text, type, name, &section);
}

int edit_set(struct buf *text, const char *type, const char *name,
             const char *key, const char *value)
{
	struct buf draft;
	int err = copy(&draft, text);

	if (err)
		return err;
	return conclude(text, &draft, set(&draft, type, name, key, value));
}

int edit_set_list(struct buf *text, const char *type, const char *name,
                  const char *key, const char *const *values)
{
	struct buf draft;
	int err = copy(&draft, text);

	if (err)
		return err;
	return conclude(text, &draft, set_list(&draft, type, name, key, values));
}

int edit_remove(struct buf *text, const char *type, const char *name)
{
	struct buf draft;
	int err = copy(&draft, text);

	if (err)
		return err;
	return conclude(text, &draft, remove_section(&draft, type, name));
}

int edit_rename(struct buf *text, const char *type, const char *name,
                const char *new_name)
{
	struct buf draft;
	int err = copy(&draft, text);

	if (err)
		return err;
	return conclude(text, &draft,
	                rename_section(&draft, type, name, new_name));
}
