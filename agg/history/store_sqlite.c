/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see store.h. The database is open while it is written or read, and no longer: what
 * SQLite takes of memory is given back. A rollback journal beside the file is what undoes
 * a transaction that a power cut left half (synchronous=FULL: each step is on the disk
 * before the next). Slots of one time stand together, so that little is written.
 */
#include "agg/history/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#define VERSION "1" /* of the tables below, as user_version */

static const char begin_sql[] =
	"PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
	"PRAGMA cache_size=-512;";
static const char tables_sql[] =
	"CREATE TABLE IF NOT EXISTS subject(id INTEGER PRIMARY KEY, kind INTEGER, name TEXT,"
	" address TEXT, used INTEGER, month INTEGER, month_bytes INTEGER, mark INTEGER,"
	" UNIQUE(kind, name));"
	"CREATE TABLE IF NOT EXISTS slot(level INTEGER, at INTEGER, subject INTEGER,"
	" down INTEGER, up INTEGER, rtt INTEGER, loss INTEGER,"
	" PRIMARY KEY(level, at, subject)) WITHOUT ROWID;"
	"PRAGMA user_version=" VERSION ";";
static const char subject_sql[] =
	"INSERT INTO subject(kind, name, address, used, month, month_bytes, mark)"
	" VALUES(?, ?, ?, ?, ?, ?, 1) ON CONFLICT(kind, name) DO UPDATE SET"
	" address=excluded.address, used=excluded.used, month=excluded.month,"
	" month_bytes=excluded.month_bytes, mark=1 RETURNING id";
static const char slot_sql[] =
	"INSERT OR REPLACE INTO slot VALUES(?, ?, ?, ?, ?, ?, ?)";
static const char old_sql[] =
	"DELETE FROM slot WHERE level=? AND (at<=? OR at>?)";

static int open_file(const char *path, bool make, sqlite3 **db)
{
	if (make) { /* SQLite would let others read it */
		int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
		close(fd);
	}
	int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(*db, begin_sql, NULL, NULL, NULL);
	return rc;
}

static void close_file(sqlite3 *db)
{
	sqlite3_close(db);
	sqlite3_release_memory(INT_MAX);
}

/* In words; and as an errno. */
static int explain(sqlite3 *db, int rc, char why[STORE_WHY_MAX + 1])
{
	if (rc < 0) {
		snprintf(why, STORE_WHY_MAX + 1, "%s", strerror(-rc));
		return rc;
	}
	snprintf(why, STORE_WHY_MAX + 1, "%s", db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
	switch (rc) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISMATCH:
		return -EBADMSG;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return -EACCES;
	default:
		return -EIO;
	}
}

/* Writing ------------------------------------------------------------------------ */

/* The numbers of a statement, from the first on. */
static void bind_numbers(sqlite3_stmt *st, int count, ...)
{
	va_list args;

	va_start(args, count);
	for (int i = 1; i <= count; i++)
		sqlite3_bind_int64(st, i, va_arg(args, sqlite3_int64));
	va_end(args);
}

static int done(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_subject(sqlite3_stmt *st, const struct store_subject *s, sqlite3_int64 *id)
{
	sqlite3_bind_int(st, 1, (int)s->kind);
	sqlite3_bind_text(st, 2, s->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, s->address, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, (sqlite3_int64)s->used_bytes);
	sqlite3_bind_int64(st, 5, (sqlite3_int64)s->month_s);
	sqlite3_bind_int64(st, 6, (sqlite3_int64)s->month_bytes);
	int rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*id = sqlite3_column_int64(st, 0);
		rc = sqlite3_step(st);
	}
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int write_slots(sqlite3_stmt *st, const struct store_subject *s, sqlite3_int64 id)
{
	int rc = SQLITE_OK;

	for (unsigned i = 0; rc == SQLITE_OK && i < s->count; i++) {
		const struct store_slot *slot = &s->slots[i];
		bind_numbers(st, 7, (sqlite3_int64)slot->level, (sqlite3_int64)slot->slot, id,
		     (sqlite3_int64)slot->value.down_bytes,
		     (sqlite3_int64)slot->value.up_bytes,
		     (sqlite3_int64)slot->value.rtt_us,
		     (sqlite3_int64)slot->value.loss_ppm);
		rc = done(st);
	}
	return rc;
}

static int write_all(sqlite3 *db, const struct store_batch *b)
{
	sqlite3_stmt *subject = NULL, *slot = NULL;
	int rc = sqlite3_prepare_v2(db, subject_sql, -1, &subject, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, slot_sql, -1, &slot, NULL);
	for (unsigned i = 0; rc == SQLITE_OK && i < b->count; i++) {
		sqlite3_int64 id = 0;
		rc = write_subject(subject, &b->subjects[i], &id);
		if (rc == SQLITE_OK)
			rc = write_slots(slot, &b->subjects[i], id);
	}
	sqlite3_finalize(subject);
	sqlite3_finalize(slot);
	return rc;
}

/* What is over, or later than now; and whose subject is no more. */
static int remove_old(sqlite3 *db, uint64_t now_s)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, old_sql, -1, &st, NULL);

	for (int i = RING_MINUTES; rc == SQLITE_OK && i < RING_LEVELS; i++) {
		sqlite3_int64 slot = (sqlite3_int64)(now_s / ring_shapes[i].step_s);
		bind_numbers(st, 3, (sqlite3_int64)i, slot - ring_shapes[i].slots, slot);
		rc = done(st);
	}
	sqlite3_finalize(st);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "DELETE FROM subject WHERE mark=0", NULL, NULL, NULL);
	if (rc == SQLITE_OK && sqlite3_changes(db))
		rc = sqlite3_exec(db, "DELETE FROM slot WHERE subject NOT IN "
		                  "(SELECT id FROM subject)", NULL, NULL, NULL);
	return rc;
}

int store_write(const char *path, const struct store_batch *batch,
                char why[STORE_WHY_MAX + 1])
{
	sqlite3 *db = NULL;
	int rc = open_file(path, true, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, tables_sql, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "UPDATE subject SET mark=0", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = write_all(db, batch);
	if (rc == SQLITE_OK)
		rc = remove_old(db, batch->now_s);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	int err = rc == SQLITE_OK ? 0 : explain(db, rc, why);
	close_file(db); /* which undoes what was not committed */
	return err;
}

/* Reading ------------------------------------------------------------------------ */

static uint64_t number(sqlite3_stmt *st, int column)
{
	sqlite3_int64 n = sqlite3_column_int64(st, column);

	return n > 0 ? (uint64_t)n : 0;
}

static const char *text(sqlite3_stmt *st, int column)
{
	const unsigned char *p = sqlite3_column_text(st, column);

	return p ? (const char *)p : "";
}

#define SUBJECTS_MAX (HISTORY_UPLINKS_MAX + HISTORY_DEVICES_MAX + 1 + HISTORY_SITES_MAX)

/* Who is who in the file. */
struct known {
	struct { sqlite3_int64 id; struct history_subject *s; } all[SUBJECTS_MAX];
	unsigned count, uplinks;
};

/* As the configuration and addresses have it. */
static bool is_name(const char *name)
{
	return *name && strlen(name) <= HISTORY_NAME_MAX &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "0123456789_.:%-")];
}

static void read_subject(sqlite3_stmt *st, struct history *h, struct known *known)
{
	uint64_t kind = number(st, 1);

	if (kind > HISTORY_SITE || !is_name(text(st, 2)) ||
	    known->count == SUBJECTS_MAX)
		return;
	if (kind == HISTORY_UPLINK && ++known->uplinks > HISTORY_UPLINKS_MAX)
		return;
	struct history_subject *s = history_find(h, (enum history_kind)kind, text(st, 2));
	if (!s)
		return;
	if (is_name(text(st, 3)))
		snprintf(s->address, sizeof(s->address), "%s", text(st, 3));
	s->used_bytes = number(st, 4);
	s->month_s = number(st, 5);
	s->month_bytes = number(st, 6);
	known->all[known->count].id = sqlite3_column_int64(st, 0);
	known->all[known->count++].s = s;
}

static void read_slot(sqlite3_stmt *st, const struct known *known)
{
	const struct ring_value v = { number(st, 3), number(st, 4),
	                              (uint32_t)number(st, 5), (uint32_t)number(st, 6) };
	uint64_t level = number(st, 0);

	for (unsigned i = 0; i < known->count; i++) {
		struct history_subject *s = known->all[i].s;
		if (known->all[i].id != sqlite3_column_int64(st, 2) ||
		    level <= RING_SECONDS || level >= RING_LEVELS)
			continue;
		ring_put(&s->rings[level], number(st, 1), &v);
		s->saved[level] = s->rings[level].slot;
		return;
	}
}

/* Time goes on from the newest. */
static void note_time(struct history *h, const struct known *known)
{
	for (unsigned i = 0; i < known->count; i++) {
		uint64_t at_s = known->all[i].s->rings[RING_MINUTES].slot *
		                ring_shapes[RING_MINUTES].step_s;
		h->clock.now_s = at_s > h->clock.now_s ? at_s : h->clock.now_s;
	}
}

static int read_all(sqlite3 *db, struct history *h)
{
	struct known known = { .count = 0 };
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "SELECT id, kind, name, address, used, month, "
	                            "month_bytes FROM subject ORDER BY id", -1, &st, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_subject(st, h, &known);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	st = NULL;
	if (rc == SQLITE_DONE)
		rc = sqlite3_prepare_v2(db, "SELECT level, at, subject, down, up, rtt, loss "
		                        "FROM slot ORDER BY level, at", -1, &st, NULL);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		read_slot(st, &known);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(st);
	note_time(h, &known);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_version(sqlite3 *db)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
	bool same = rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW &&
	            !strcmp(text(st, 0), VERSION);

	sqlite3_finalize(st);
	return rc != SQLITE_OK ? rc : same ? SQLITE_OK : SQLITE_MISMATCH;
}

/* With its journal, which would else be undone in the next one. */
static void put_aside(const char *path)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "%s-journal", path);
	snprintf(to, sizeof(to), "%s" STORE_DAMAGED "-journal", path);
	if (rename(from, to) < 0)
		unlink(to);
	snprintf(to, sizeof(to), "%s" STORE_DAMAGED, path);
	if (rename(path, to) < 0)
		unlink(path);
}

int store_load(const char *path, struct history *h, char why[STORE_WHY_MAX + 1])
{
	sqlite3 *db = NULL;
	struct stat st;

	*why = '\0';
	if (stat(path, &st) < 0)
		return errno == ENOENT ? 0 : explain(NULL, -errno, why);
	if (!st.st_size)
		return 0;
	int rc = st.st_size > STORE_BYTES_MAX ? SQLITE_CORRUPT : open_file(path, false, &db);
	if (rc == SQLITE_OK)
		rc = check_version(db);
	if (rc == SQLITE_OK)
		rc = read_all(db, h);
	int err = rc == SQLITE_OK ? 0 : explain(db, rc, why);
	close_file(db);
	if (err == -EBADMSG) {
		history_finish(h);
		put_aside(path);
	}
	return err;
}
