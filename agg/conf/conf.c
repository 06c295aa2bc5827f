/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: from a file to a checked struct conf, and back to text. The role is
 * read first, as it decides which sections and keys there are; then each
 * section by its table, those of the directory of sites too; then what holds
 * between sections (check.c).
 */
#include "agg/conf/conf.h"

#include "agg/base/words.h"
#include "agg/conf/check.h"
#include "agg/conf/keys.h"
#include "agg/conf/sites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 16384u /* at a time */

struct load {
	const char *file;
	struct conf_rules rules;
	struct conf_error *error;
	struct uci uci;
	struct conf *conf;
	unsigned role; /* its bit */
	unsigned site_file; /* being read: conf->site_files[site_file - 1] */
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

static int no_memory(struct load *l)
{
	FAIL(l, 0, "out of memory");
	return -ENOMEM;
}

/* Room for one more in an array that grows by doubling, all 0. NULL: no
 * memory. */
static void *grow(struct conf *conf, const struct conf_table *table,
                  unsigned count)
{
	void *sections = conf_table_sections(table, conf, &count);
	size_t used = count * table->size;

	if (!(count & (count - 1))) {
		sections = realloc(sections, count ? 2 * used : table->size);
		if (!sections)
			return NULL;
		memcpy((uint8_t *)conf + table->offset, &sections,
		       sizeof(sections));
	}
	memset((uint8_t *)sections + used, 0, table->size);
	return sections;
}

static int read_section(struct load *l, const struct uci_section *section)
{
	const struct conf_table *table = find_table(section->type);
	unsigned count;

	if (!table || !(table->roles & l->role))
		return on_bad_section(l, section, table);
	void *sections = conf_table_sections(table, l->conf, &count);
	if (count == table->max)
		return FAIL(l, section->line, "one section '%s' too many; "
		            "allowed: %u", table->type, table->max);
	if (table->grows && !(sections = grow(l->conf, table, count)))
		return no_memory(l);
	int err = conf_table_read(table, l->role, &l->rules, l->file, section,
	                          (uint8_t *)sections + count * table->size,
	                          l->error);
	count++;
	memcpy((uint8_t *)l->conf + table->count_offset, &count, sizeof(count));
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
	return err;
}

/* What holds between all that was read. */
static int check(struct load *l)
{
	conf_set_devices(l->conf, NULL, NULL);
	return conf_sites_index(l->conf) < 0 ? no_memory(l) :
	       conf_check(l->conf, l->file, l->error);
}

static int read_and_check(struct load *l)
{
	int err = read_sections(l);

	return err ? err : check(l);
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
	err = l->conf ? how(l) : no_memory(l);
	if (err) {
		conf_free(l->conf);
		l->conf = NULL;
	}
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
	int err = parse(&l, data, n, read_and_check);
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

/* Appends the bytes of the file, at most UCI_FILE_MAX + 1 of them: one too
 * many is for the parser to refuse. 0, -errno. */
static int read_bytes(int fd, struct buf *data)
{
	ssize_t got;

	do {
		size_t room = UCI_FILE_MAX + 1 - data->len;
		room = room < READ_BYTES ? room : READ_BYTES;
		uint8_t *to = room ? buf_reserve(data, room) : NULL;
		if (!to)
			return room ? -ENOMEM : 0;
		got = read(fd, to, room);
		if (got > 0)
			buf_added(data, (size_t)got);
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? -errno : 0;
}

/* l->file; data is the caller's, also after an error. */
static int read_file(struct load *l, struct buf *data)
{
	int fd = open_file(l->file);
	int err = fd < 0 ? -errno : read_bytes(fd, data);

	if (fd >= 0)
		close(fd);
	if (err < 0)
		FAIL(l, 0, "cannot be read: %s", strerror(-err));
	return err;
}

static const char *text_of(const struct buf *data)
{
	return data->len ? (const char *)buf_head(data) : "";
}

static int load(struct load *l, int (*how)(struct load *l))
{
	struct buf data;

	buf_init(&data, UCI_FILE_MAX + 1);
	int err = read_file(l, &data);
	if (!err)
		err = parse(l, text_of(&data), data.len, how);
	buf_finish(&data);
	return err;
}

/* The directory of sites ------------------------------------------------------ */

/* Of the file l->file, which is the last of those that conf knows. */
static int read_site_sections(struct load *l, const struct uci *uci)
{
	const char *type = conf_tables[CONF_TABLE_SITE].type;
	int err = 0;

	for (size_t i = 0; !err && i < uci->count; i++) {
		const struct uci_section *section = &uci->sections[i];
		if (strcmp(section->type, type))
			return FAIL(l, section->line, "config %s is not for a file "
			            "of sites; allowed: %s", section->type, type);
		err = read_section(l, section);
		if (!err)
			l->conf->sites[l->conf->site_count - 1].file = l->site_file;
	}
	return err;
}

static int read_site_file(struct load *l)
{
	struct buf data;
	struct uci uci;

	buf_init(&data, UCI_FILE_MAX + 1);
	int err = read_file(l, &data);
	if (!err)
		err = uci_parse(&uci, l->file, text_of(&data), data.len,
		                l->error);
	if (!err) {
		err = read_site_sections(l, &uci);
		uci_finish(&uci);
	}
	buf_finish(&data);
	return err;
}

/* Only one that is named must be there. */
static int on_no_directory(struct load *l, const char *dir, int err)
{
	const struct uci_section *section = find_main(&l->uci);
	const struct uci_option *option = uci_find(section, "sites");

	if (!option && (err == -ENOENT || err == -ENOTDIR))
		return 0;
	if (err == -E2BIG)
		FAIL(l, option ? option->line : 0, "%s: sites '%s': too many files "
		     "*.conf; allowed: %u", section->type, dir, CONF_SITE_FILES_MAX);
	else
		FAIL(l, option ? option->line : 0, "%s: sites '%s': %s; allowed: a "
		     "directory that can be read", section->type, dir,
		     strerror(-err));
	return err == -ENOMEM ? err : -EINVAL;
}

static int read_site_files(struct load *l)
{
	struct conf *conf = l->conf;
	const char *file = l->file;
	const char *dir = *conf->main.sites ? conf->main.sites : CONF_SITES_DIR;

	if (conf->main.role != CONF_ROLE_CONCENTRATOR)
		return 0;
	int err = conf_sites_list_files(dir, &conf->site_files,
	                                &conf->site_file_count);
	if (err)
		return on_no_directory(l, dir, err);
	for (unsigned i = 0; !err && i < conf->site_file_count; i++) {
		l->file = conf->site_files[i];
		l->site_file = i + 1;
		err = read_site_file(l);
	}
	l->file = file;
	return err;
}

static int read_whole(struct load *l)
{
	int err = read_sections(l);

	if (!err)
		err = read_site_files(l);
	return err ? err : check(l);
}

int conf_load(const char *path, const struct conf_names *names,
              struct conf **out, struct conf_error *error)
{
	struct load l;

	load_init(&l, path, names, error);
	int err = load(&l, read_whole);
	*out = l.conf;
	return err;
}

int conf_load_main(const char *path, struct conf_main *out,
                   struct conf_error *error)
{
	struct load l;

	load_init(&l, path, NULL, error);
	int err = load(&l, read_main);
	if (!err)
		*out = l.conf->main;
	conf_free(l.conf);
	return err;
}

int conf_load_state(const char *path, char state[CONF_PATH_MAX + 1],
                    struct conf_error *error)
{
	struct conf_main main;
	int err = conf_load_main(path, &main, error);

	if (!err)
		memcpy(state, main.state, sizeof(main.state));
	return err;
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	explicit_bzero(conf->lan.socks5_password,
	               sizeof(conf->lan.socks5_password));
	conf_sites_free_files(conf->site_files, conf->site_file_count);
	free(conf->site_by_name);
	free(conf->sites);
	free(conf);
}

int conf_print(const struct conf *conf, bool secrets, struct buf *out)
{
	unsigned role = 1u << conf->main.role;
	int err = 0;

	for (const struct conf_table *t = conf_tables; t->type; t++) {
		unsigned count;
		const uint8_t *sections = conf_table_sections(t, conf, &count);
		for (unsigned i = 0; !err && i < count; i++) {
			const uint8_t *section = sections + i * t->size;
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
