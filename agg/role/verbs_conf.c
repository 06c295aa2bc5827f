/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see verbs_conf.h. Only sections are changed whose mistakes cost nobody the way
 * to this host: uplinks, what passes by, and what is let in.
 */
#include "agg/role/verbs_conf.h"

#include "agg/base/file.h"
#include "agg/base/log.h"
#include "agg/base/words.h"
#include "agg/conf/edit.h"
#include "agg/conf/uci.h"
#include "agg/role/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MODE 0640
#define WORDS_MIN 3 /* of set and unset: verb, type, name */

/* What may be changed, and what each may be made anew. */
static const struct type {
	const char *name;
	enum conf_role role;
	bool comes; /* and goes */
} types[] = {
	{ "uplink", CONF_ROLE_GATEWAY, false },
	{ "bypass", CONF_ROLE_GATEWAY, true },
	{ "class", CONF_ROLE_GATEWAY, true },
	{ "forward", CONF_ROLE_CONCENTRATOR, true },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

int verbs_sections(void *ctx, int argc, const char *const *argv,
                   struct buf *out)
{
	const struct verbs *v = ctx;

	return conf_print(v->args.role->conf, false, out);
}

static const struct type *find_type(const struct verbs *v, const char *name,
                                    struct buf *out)
{
	const char *allowed[TYPES + 1] = { NULL };
	char text[64];
	size_t n = 0;

	for (size_t i = 0; i < TYPES; i++) {
		if (types[i].role != v->args.role->conf->main.role)
			continue;
		if (!strcmp(types[i].name, name))
			return &types[i];
		allowed[n++] = types[i].name;
	}
	buf_printf(out, "sections '%s' are not changed here; allowed: %s\n", name,
	           words_list(allowed, text, sizeof(text)));
	return NULL;
}

/* The words of one key, from argv[i] on: set as an option, or where there are more
 * or it is one, as a list; KEY= alone takes it away. How many they are; -errno. */
static int set_key(struct buf *text, const char *const *words, int count,
                   const char *type, const char *name)
{
	const char *values[CTL_WORDS_MAX + 1] = { NULL };
	char key[UCI_VALUE_MAX + 1];
	size_t len = strcspn(words[0], "=");
	int n = 0;

	if (!words[0][len] || !len || len >= sizeof(key))
		return -EINVAL;
	snprintf(key, sizeof(key), "%.*s", (int)len, words[0]);
	while (n < count && !strncmp(words[n], words[0], len + 1)) {
		values[n] = words[n] + len + 1;
		n++;
	}
	bool gone = n == 1 && !*values[0];
	bool list = gone || n > 1 || !strcmp(key, "host") || !strcmp(key, "dest") ||
	            !strcmp(key, "name") || !strcmp(key, "port");
	if (gone)
		values[0] = NULL;
	int err = list ? edit_set_list(text, type, name, key, values)
	               : edit_set(text, type, name, key, values[0]);
	return err ? err : n;
}

static int edit(struct buf *text, int argc, const char *const *argv)
{
	int n = 0;

	if (!strcmp(argv[0], "unset"))
		return edit_remove(text, argv[1], argv[2]);
	for (int i = WORDS_MIN; i < argc; i += n) {
		n = set_key(text, argv + i, argc - i, argv[1], argv[2]);
		if (n < 0)
			return n;
	}
	return 0;
}

/* The file as it was comes back, where what it says now is refused. */
static int put(const struct pairing *p, const struct buf *before,
               const struct buf *after, struct buf *out)
{
	struct conf_error error = { "" };
	int err = file_write(p->config, after, MODE);

	if (err) {
		buf_printf(out, "%s cannot be written: %s; a person can do it, and "
		           "'aggctl reload'\n", p->config, strerror(-err));
		return err;
	}
	err = p->reload(p->ctx, &error);
	if (!err)
		return 0;
	buf_printf(out, "%s\n", error.text);
	if (file_write(p->config, before, MODE) < 0)
		log_sys("%s stays as it is, although it is wrong", p->config);
	return err;
}

static int change(const struct verbs *v, const struct type *type, int argc,
                  const char *const *argv, struct buf *out)
{
	const struct pairing *p = v->args.role->pairing;
	struct buf before, after;

	buf_init(&before, UCI_FILE_MAX);
	buf_init(&after, UCI_FILE_MAX);
	int err = file_read(p->config, &before);
	if (!err)
		err = buf_put(&after, buf_head(&before), before.len);
	bool is_there = !err && edit_has(&after, argv[1], argv[2]);
	if (err) {
		buf_printf(out, "%s: %s\n", p->config, strerror(-err));
	} else if (!is_there && (!type->comes || !strcmp(argv[0], "unset"))) {
		buf_printf(out, "there is no %s '%s' in %s\n", argv[1], argv[2],
		           p->config);
		err = -ENOENT;
	} else if ((err = edit(&after, argc, argv)) < 0) {
		buf_printf(out, "%s %s '%s': %s\n", argv[0], argv[1], argv[2],
		           err == -EINVAL ? "that cannot be written; KEY=VALUE is"
		                          : strerror(-err));
	} else {
		err = put(p, &before, &after, out);
	}
	buf_finish(&before);
	buf_finish(&after);
	return err;
}

static int run(struct verbs *v, int argc, const char *const *argv,
               struct buf *out)
{
	const struct type *type = find_type(v, argv[1], out);

	if (!type)
		return -EINVAL;
	if (!strcmp(argv[0], "unset") && !type->comes) {
		buf_printf(out, "an %s is not taken away, but set %s %s enabled=0\n",
		           argv[1], argv[1], argv[2]);
		return -EINVAL;
	}
	int err = change(v, type, argc, argv, out);
	if (!err) {
		log_info("aggctl: %s %s %s", argv[0], argv[1], argv[2]);
		buf_printf(out, "%s '%s': %s, and kept in %s\n", argv[1], argv[2],
		           *argv[0] == 'u' ? "gone" : "in force",
		           v->args.role->pairing->config);
	}
	return err;
}

int verbs_set(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	if (argc > WORDS_MIN)
		return run(ctx, argc, argv, out);
	buf_printf(out, "allowed: set TYPE NAME KEY=VALUE...\n");
	return -EINVAL;
}

int verbs_unset(void *ctx, int argc, const char *const *argv, struct buf *out)
{
	if (argc == WORDS_MIN)
		return run(ctx, argc, argv, out);
	buf_printf(out, "allowed: unset TYPE NAME\n");
	return -EINVAL;
}
