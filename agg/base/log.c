/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the one file with state of its own: the level, like stderr itself, is
 * the process's, and no caller should have to carry it about. Any thread may
 * say a line; a lock keeps them apart.
 *
 * A line never waits for its reader. O_NONBLOCK would do it, but is a matter of
 * the open file, which a terminal shares with the shell: so a pipe or a
 * terminal is opened a second time for ourselves, a socket is written to with
 * MSG_DONTWAIT, and where neither can be, poll() is asked before.
 */
#include "agg/base/log.h"

#include "agg/base/log_kept.h"
#include "agg/base/printable.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define TEXT_MAX_BYTES (LINE_MAX_BYTES - 64) /* the prefix has the rest */

/* A pipe takes it whole or not at all (POSIX write). */
static_assert(LINE_MAX_BYTES <= PIPE_BUF, "a line may be torn");

static _Atomic enum log_level level_max = LOG_LEVEL_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all else here */

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug",
};
static const int level_syslog[] = {
	[LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6, [LOG_LEVEL_DEBUG] = 7,
};

int log_recent(struct buf *to)
{
	pthread_mutex_lock(&lock);
	int err = log_kept(to);
	pthread_mutex_unlock(&lock);
	return err;
}

void log_set_level(enum log_level level)
{
	level_max = level;
}

int log_level_parse(const char *word)
{
	for (int i = 0; i <= LOG_LEVEL_DEBUG; i++)
		if (!strcmp(word, level_words[i]))
			return i;
	return -1;
}

bool log_debugging(void)
{
	return level_max >= LOG_LEVEL_DEBUG;
}

/* Where lines go. */
static struct {
	int fd;             /* -1: not looked at yet */
	bool own;           /* opened by us, does not block */
	bool torn;          /* the last line was not written to its end */
	unsigned lost;      /* lines since the last that was written */
	dev_t dev;          /* what stderr was then: a test puts another there */
	ino_t ino;
} out = { .fd = -1 };

static void look_at_stderr(const struct stat *st)
{
	if (out.own)
		close(out.fd);
	out.fd = STDERR_FILENO;
	out.own = out.torn = false;
	out.dev = st->st_dev;
	out.ino = st->st_ino;
	if (!S_ISFIFO(st->st_mode) && !isatty(STDERR_FILENO))
		return;
	int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY |
	                                 O_CLOEXEC);
	if (fd >= 0) {
		out.fd = fd;
		out.own = true;
	}
}

/* Returns how many bytes were taken, at once. */
static ssize_t put(const char *p, size_t n)
{
	struct stat st = { 0 };

	if (fstat(STDERR_FILENO, &st) < 0)
		return -1;
	if (out.fd < 0 || st.st_dev != out.dev || st.st_ino != out.ino)
		look_at_stderr(&st);
	if (S_ISSOCK(st.st_mode))
		return send(STDERR_FILENO, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	struct pollfd ready = { .fd = out.fd, .events = POLLOUT };
	if (!out.own && poll(&ready, 1, 0) <= 0)
		return -1;
	return write(out.fd, p, n);
}

/* One line, or none of it; what a terminal tore begins anew. */
static bool put_line(const char *text, size_t n)
{
	if (out.torn && put("\n", 1) != 1)
		return false;
	ssize_t done = put(text, n);
	out.torn = done > 0 && (size_t)done < n;
	return done == (ssize_t)n;
}

static bool write_line(enum log_level level, const char *whose, const char *text)
{
	char whole[LINE_MAX_BYTES];
	int n = getenv("JOURNAL_STREAM")
		? snprintf(whole, sizeof(whole), "<%d>%s%s\n",
		           level_syslog[level], whose, text)
		: snprintf(whole, sizeof(whole), "aggd: %s: %s%s\n",
		           level_words[level], whose, text);

	return put_line(whole, (size_t)n);
}

/* What was lost is told as soon as there is room for it. */
static bool tell_lost(void)
{
	char text[64];

	if (!out.lost)
		return true;
	snprintf(text, sizeof(text), "%u lines lost: nobody read the log",
	         out.lost);
	if (!write_line(LOG_LEVEL_WARNING, "", text))
		return false;
	out.lost = 0;
	return true;
}

static void __attribute__((format(printf, 3, 0)))
line(enum log_level level, const char *whose, const char *fmt, va_list args)
{
	char raw[LINE_MAX_BYTES], text[TEXT_MAX_BYTES];

	if (level > level_max)
		return;
	vsnprintf(raw, sizeof(raw), fmt, args);
	printable(text, sizeof(text), raw);
	pthread_mutex_lock(&lock);
	log_keep(level_words[level], whose, text);
	if (!tell_lost() || !write_line(level, whose, text))
		out.lost++;
	pthread_mutex_unlock(&lock);
}

/* A token bucket in front of what strangers can cause. Returns how many lines
 * were swallowed since the last that passed, or -1: swallow this one too. */
static int peer_allowance(void)
{
	static struct { double tokens; time_t last; int swallowed; } bucket =
		{ LOG_PEER_BURST, 0, 0 };
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	bucket.tokens += (double)(ts.tv_sec - bucket.last) * LOG_PEER_PER_SECOND;
	bucket.last = ts.tv_sec;
	if (bucket.tokens > LOG_PEER_BURST)
		bucket.tokens = LOG_PEER_BURST;
	if (bucket.tokens < 1) {
		bucket.swallowed++;
		return -1;
	}
	bucket.tokens--;
	int swallowed = bucket.swallowed;
	bucket.swallowed = 0;
	return swallowed;
}

void log_peer(const char *fmt, ...)
{
	va_list args;

	pthread_mutex_lock(&lock);
	int swallowed = peer_allowance();
	pthread_mutex_unlock(&lock);
	if (swallowed < 0)
		return;
	if (swallowed > 0)
		log_info("%d lines about peers left out", swallowed);
	va_start(args, fmt);
	line(LOG_LEVEL_WARNING, "peer: ", fmt, args);
	va_end(args);
}

#define LOG_FN(name, level, whose)            \
	void name(const char *fmt, ...)       \
	{                                     \
		va_list args;                 \
		va_start(args, fmt);          \
		line(level, whose, fmt, args); \
		va_end(args);                 \
	}
LOG_FN(log_user, LOG_LEVEL_ERROR, "")
LOG_FN(log_doubt, LOG_LEVEL_WARNING, "")
LOG_FN(log_sys, LOG_LEVEL_WARNING, "system: ")
LOG_FN(log_bug, LOG_LEVEL_ERROR, "bug: ")
LOG_FN(log_info, LOG_LEVEL_INFO, "")
LOG_FN(log_debug, LOG_LEVEL_DEBUG, "")
