/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: from a file to a checked struct conf, and back to text. The role is
 * read first, as it decides which sections and keys there are; then each
 * section by its table; then what holds between sections (check.c).
 */
#include "agg/conf/conf.h"

#include "agg/base/words.h"
#include "agg/conf/check.h"
#include "agg/conf/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct load {
	const char *file;
	struct conf_rules rules;
	struct conf_error *error;
	struct uci uci;
	struct conf *conf;
	unsigned role; /* its bit */
};

#define FAIL(l, line, ...) \
	conf_error_set((l)->error, (l)->file, line, __VA_ARGS__)

static const struct conf_table *find_table(const char *type)
{
	for (const struct conf_table *t = conf_tables; t->type; t++)
		if (!strcmp(t->type, type))
			return t;
	return NULL;
}

/* "a, b, c": the sections of a role. */
static void allowed_sections(unsigned role, const char **names)
{
	size_t n = 0;

	for (const struct conf_table *t = conf_tables; t->type; t++)
		if (t->roles & role)
			names[n++] = t->type;
	names[n] = NULL;
}

static int on_bad_section(struct load *l, const struct uci_section *section,
                          bool known)
{
	const char *names[CONF_TABLE_COUNT + 1];
	char allowed[256];

	allowed_sections(l->role, names);
	words_list(names, allowed, sizeof(allowed));
	const char *near = words_near(names, section->type);
	if (known)
		return FAIL(l, section->line, "config %s has no meaning for a "
		            "%s; allowed: %s", section->type,
		            conf_role_words[l->conf->main.role], allowed);
	if (near)
		return FAIL(l, section->line, "unknown section '%s', did you mean "
		            "'%s'? allowed: %s", section->type, near, allowed);
	return FAIL(l, section->line, "unknown section '%s'; allowed: %s",
	            section->type, allowed);
}

static int read_section(struct load *l, const struct uci_section *section)
{
	const struct conf_table *table = find_table(section->type);
	uint8_t *whole = (uint8_t *)l->conf;
	unsigned count;

	if (!table || !(table->roles & l->role))
		return on_bad_section(l, section, table);
	memcpy(&count, whole + table->count_offset, sizeof(count));
	if (count == table->max)
		return FAIL(l, section->line, "one section '%s' too many; "
		            "allowed: %u", table->type, table->max);
	int err = conf_table_read(table, l->role, &l->rules, l->file, section,
	                          whole + table->offset + count * table->size,
	                          l->error);
	count++;
	memcpy(whole + table->count_offset, &count, sizeof(count));
	return err;
}

static const struct uci_section *find_main(const struct uci *uci)
{
	const char *type = conf_tables[CONF_TABLE_MAIN].type;

	for (size_t i = 0; i < uci->count; i++)
		if (!strcmp(uci->sections[i].type, type))
			return &uci->sections[i];
	return NULL;
}

/* The first row of the first table: which rows there are hangs on it. */
static int read_role(struct load *l)
{
	const struct conf_table *table = &conf_tables[CONF_TABLE_MAIN];
	const struct conf_key *key = &table->keys[0];
	const struct uci_section *section = find_main(&l->uci);
	char allowed[CONF_VALUE_TEXT_MAX];

	if (!section)
		return FAIL(l, 0, "no section '%s'; needed: config %s 'main', with "
		            "option %s", table->type, table->type, key->key);
	const struct uci_option *option = uci_find(section, key->key);
	conf_value_allowed(key, &l->rules, allowed);
	if (!option)
		return FAIL(l, section->line, "%s: '%s' is missing: option %s "
		            "'...'; allowed: %s", table->type, key->key, key->key, allowed);
	const char *text = option->values[0].text;
	if (conf_value_read(key, &l->rules, text, &l->conf->main.role, allowed)) {
		const char *near = words_near(conf_value_names(key, &l->rules),
		                              text);
		return FAIL(l, option->line, "%s: %s '%s'%s%s%s allowed: %s",
		            table->type, key->key, text,
		            near ? ", did you mean '" : " is not allowed;",
		            near ? near : "", near ? "'?" : "", allowed);
	}
	l->role = 1u << l->conf->main.role;
	return 0;
}

static int read_sections(struct load *l)
{
	int err = read_role(l);

	for (size_t i = 0; !err && i < l->uci.count; i++)
		err = read_section(l, &l->uci.sections[i]);
	return err ? err : conf_check(l->conf, l->file, l->error);
}

static int read_main(struct load *l)
{
	int err = read_role(l);

	return err ? err : read_section(l, find_main(&l->uci));
}

/* Fills l->conf, the caller's, by how; NULL after an error. */
static int parse(struct load *l, const char *data, size_t n,
                 int (*how)(struct load *l))
{
	int err = uci_parse(&l->uci, l->file, data, n, l->error);
	if (err)
		return err;
	l->conf = calloc(1, sizeof(*l->conf));
	if (!l->conf) {
		FAIL(l, 0, "out of memory");
		err = -ENOMEM;
		goto out_uci;
	}
	err = how(l);
	if (err) {
		conf_free(l->conf);
		l->conf = NULL;
	}
out_uci:
	uci_finish(&l->uci);
	return err;
}

static void load_init(struct load *l, const char *file,
                      const struct conf_names *names, struct conf_error *error)
{
	*l = (struct load){
		.file = file, .error = error, .rules = { .roles = conf_role_words },
	};
	if (names)
		l->rules.names = *names;
}

int conf_parse(const char *file, const char *data, size_t n,
               const struct conf_names *names, struct conf **out,
               struct conf_error *error)
{
	struct load l;

	load_init(&l, file, names, error);
	int err = parse(&l, data, n, read_sections);
	*out = l.conf;
	return err;
}

/* Does not wait for somebody to write into a pipe: the daemon would stand still. */
static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		fcntl(fd, F_SETFL, 0);
	return fd;
}

/* The bytes of the file, at most UCI_FILE_MAX + 1 of them: one too many is
 * for the parser to refuse. -errno. */
static ssize_t read_file(const char *path, char *data)
{
	size_t n = 0;
	ssize_t got;
	int fd = open_file(path);

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, data + n, UCI_FILE_MAX + 1 - n);
		if (got > 0)
			n += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR));
	int err = got < 0 ? -errno : 0;
	close(fd);
	return err ? err : (ssize_t)n;
}

static int load(struct load *l, int (*how)(struct load *l))
{
	char *data = malloc(UCI_FILE_MAX + 1);
	ssize_t n = data ? read_file(l->file, data) : -ENOMEM;
	int err = (int)n;

	if (n < 0)
		FAIL(l, 0, "cannot be read: %s", strerror((int)-n));
	else
		err = parse(l, data, (size_t)n, how);
	free(data);
	return err;
}

int conf_load(const char *path, const struct conf_names *names,
              struct conf **out, struct conf_error *error)
{
	struct load l;

	load_init(&l, path, names, error);
	int err = load(&l, read_sections);
	*out = l.conf;
	return err;
}

int conf_load_state(const char *path, char state[CONF_PATH_MAX + 1],
                    struct conf_error *error)
{
	struct load l;

	load_init(&l, path, NULL, error);
	int err = load(&l, read_main);
	if (!err)
		memcpy(state, l.conf->main.state, sizeof(l.conf->main.state));
	conf_free(l.conf);
	return err;
}

void conf_free(struct conf *conf)
{
	if (conf)
		explicit_bzero(conf->lan.socks5_password,
		               sizeof(conf->lan.socks5_password));
	free(conf);
}

static unsigned count_in(const struct conf *conf, const struct conf_table *table)
{
	unsigned count;

	memcpy(&count, (const uint8_t *)conf + table->count_offset, sizeof(count));
	return count;
}

int conf_print(const struct conf *conf, bool secrets, struct buf *out)
{
	unsigned role = 1u << conf->main.role;
	int err = 0;

	for (const struct conf_table *t = conf_tables; t->type; t++) {
		unsigned count = count_in(conf, t);
		for (unsigned i = 0; !err && i < count; i++) {
			const uint8_t *section =
				(const uint8_t *)conf + t->offset + i * t->size;
			if (t != conf_tables || i)
				err = buf_put(out, "\n", 1);
			if (!err)
				err = conf_table_print(t, role, section, secrets, out);
		}
	}
	return err;
}

static const char help_head[] =
	"# aggd.conf\n"
	"\n"
	"The configuration of aggd, in UCI syntax: on OpenWrt this is\n"
	"`/etc/config/aggd`, and `uci` reads and writes it. `aggd -t -c FILE`\n"
	"checks a file; an error names file, line, key and what is allowed. This\n"
	"manual is written from the tables that the checker uses.\n"
	"\n"
	"    config TYPE 'NAME'\n"
	"        option KEY 'VALUE'\n"
	"        list KEY 'VALUE'\n"
	"\n"
	"A statement is on one line. `'...'` takes all as it is; in `\"...\"` and\n"
	"outside of quotes a backslash takes the next character as it is; `#`\n"
	"begins a comment. An option is given once, a list as often as it has\n"
	"values. Names are of letters, digits and `_`, and differ.\n";

int conf_help(struct buf *out)
{
	const struct conf_rules rules = { .roles = conf_role_words };
	int err = buf_printf(out, "%s", help_head);

	for (const struct conf_table *t = conf_tables; !err && t->type; t++)
		err = conf_table_help(t, &rules, out);
	return err;
}
