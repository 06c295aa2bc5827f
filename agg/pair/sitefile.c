/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see sitefile.h.
 */
#include "agg/pair/sitefile.h"

#include "agg/conf/edit.h"
#include "agg/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MODE 0640
#define DIR_MODE 0750
#define SITE "site"

static const char *dir_of_sites(const struct conf *conf)
{
	return *conf->main.sites ? conf->main.sites : CONF_SITES_DIR;
}

static void own_file(const struct conf *conf, const char *site, char *path,
                     size_t size)
{
	snprintf(path, size, "%s/%s.conf", dir_of_sites(conf), site);
}

static bool is_refused(int err)
{
	return err == -EACCES || err == -EPERM || err == -EROFS ||
	       err == -ENOENT || err == -ENOTDIR;
}

/* May a file there be put in another's place? */
static int may_write(const char *path)
{
	char dir[CONF_PATH_MAX + 64];
	const char *slash = strrchr(path, '/');

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1,
	         slash ? path : ".");
	return access(dir, W_OK | X_OK) < 0 ? -errno : 0;
}

/* Where the site stands, or is to stand. */
static void place(const struct conf *conf, const char *config, const char *site,
                  char *path, size_t size)
{
	const struct conf_site *is = conf_find_site(conf, site);

	if (is) {
		snprintf(path, size, "%s", conf_site_file(conf, is, config));
		return;
	}
	file_make_dirs(dir_of_sites(conf), DIR_MODE);
	own_file(conf, site, path, size);
	if (is_refused(may_write(path)) && !may_write(config))
		snprintf(path, size, "%s", config);
}

static int fail(struct conf_error *error, const char *path, int err)
{
	if (is_refused(err))
		conf_error_set(error, path, 0, "aggd may not write it (%s)",
		               strerror(-err));
	else
		conf_error_set(error, path, 0, "it cannot be written: %s",
		               strerror(-err));
	return err;
}

int sitefile_may_put(const struct conf *conf, const char *config,
                     const char *site, struct conf_error *error)
{
	char path[CONF_PATH_MAX + 64];

	place(conf, config, site, path, sizeof(path));
	int err = may_write(path);
	return err ? fail(error, path, err) : 0;
}

static int undo_begin(struct sitefile_undo *undo, const char *path)
{
	snprintf(undo->path, sizeof(undo->path), "%s", path);
	*undo->made = 0;
	buf_init(&undo->text, UCI_FILE_MAX);
	int err = file_read(path, &undo->text);
	undo->was_there = !err;
	return err == -ENOENT ? 0 : err;
}

void sitefile_keep(struct sitefile_undo *undo)
{
	buf_finish(&undo->text);
}

void sitefile_take_back(struct sitefile_undo *undo)
{
	if (*undo->made)
		file_remove(undo->made);
	if (undo->was_there)
		file_write(undo->path, &undo->text, MODE);
	else
		file_remove(undo->path);
	buf_finish(&undo->text);
}

/* A copy of what is there, to be edited. */
static int draft(const struct sitefile_undo *undo, struct buf *text)
{
	buf_init(text, UCI_FILE_MAX);
	return undo->text.len ? buf_put(text, buf_head(&undo->text),
	                                undo->text.len) : 0;
}

/* Ends a change: text is finished, and so is the undo after an error. */
static int conclude(struct sitefile_undo *undo, struct buf *text, int err,
                    struct conf_error *error)
{
	buf_finish(text);
	if (err) {
		fail(error, undo->path, err);
		buf_finish(&undo->text);
	}
	return err;
}

int sitefile_put(const struct conf *conf, const char *config, const char *site,
                 const struct tls_pin *pin, const char *comment,
                 struct sitefile_undo *undo, struct conf_error *error)
{
	char path[CONF_PATH_MAX + 64], pin_text[TLS_PIN_TEXT_LEN + 1];
	struct buf text;

	place(conf, config, site, path, sizeof(path));
	int err = undo_begin(undo, path);
	if (!err)
		err = draft(undo, &text);
	else
		buf_init(&text, 0);
	if (!err && !text.len)
		err = buf_printf(&text, "# %s\n", comment);
	if (!err)
		err = edit_set(&text, SITE, site, "pin",
		               tls_pin_format(pin, pin_text));
	if (!err)
		err = file_write(path, &text, MODE);
	return conclude(undo, &text, err, error);
}

/* Nothing but comments? */
static bool is_idle(const struct buf *text)
{
	const char *p = (const char *)buf_head(text), *end = p + text->len;

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((stop ? stop : end) - p);
		size_t blank = 0;
		while (blank < n && strchr(" \t\r", p[blank]))
			blank++;
		if (blank < n && p[blank] != '#')
			return false;
		p += n + 1;
	}
	return true;
}

static int begin(const struct conf *conf, const char *config, const char *site,
                 struct sitefile_undo *undo, struct buf *text,
                 struct conf_error *error)
{
	const struct conf_site *is = conf_find_site(conf, site);

	if (!is) {
		conf_error_set(error, config, 0, "there is no site '%s'", site);
		return -ENOENT;
	}
	const char *path = conf_site_file(conf, is, config);
	int err = undo_begin(undo, path);
	if (!err)
		err = draft(undo, text);
	else
		buf_init(text, 0);
	return err ? conclude(undo, text, err, error) : 0;
}

/* A file of a site's own goes with it. */
int sitefile_remove(const struct conf *conf, const char *config,
                    const char *site, struct sitefile_undo *undo,
                    struct conf_error *error)
{
	struct buf text;
	int err = begin(conf, config, site, undo, &text, error);

	if (err)
		return err;
	err = edit_remove(&text, SITE, site);
	if (!err && strcmp(undo->path, config) && is_idle(&text))
		err = file_remove(undo->path);
	else if (!err)
		err = file_write(undo->path, &text, MODE);
	return conclude(undo, &text, err, error);
}

int sitefile_rename(const struct conf *conf, const char *config,
                    const char *site, const char *name,
                    struct sitefile_undo *undo, struct conf_error *error)
{
	char own[CONF_PATH_MAX + 64];
	struct buf text;
	int err = begin(conf, config, site, undo, &text, error);

	if (err)
		return err;
	own_file(conf, site, own, sizeof(own));
	err = edit_rename(&text, SITE, site, name);
	if (!err && !strcmp(undo->path, own)) { /* it is named after it */
		own_file(conf, name, undo->made, sizeof(undo->made));
		err = file_write(undo->made, &text, MODE);
		if (!err)
			err = file_remove(undo->path);
	} else if (!err) {
		err = file_write(undo->path, &text, MODE);
	}
	return conclude(undo, &text, err, error);
}
