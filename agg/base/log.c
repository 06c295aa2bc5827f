/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the one file with state of its own: the level, like stderr itself, is
 * the process's, and no caller should have to carry it about.
 */
#include "agg/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_MAX_BYTES 1024

static enum log_level level_max = LOG_LEVEL_INFO;

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug",
};
static const int level_syslog[] = {
	[LOG_LEVEL_ERROR] = 3, [LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6, [LOG_LEVEL_DEBUG] = 7,
};

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

static void __attribute__((format(printf, 3, 0)))
line(enum log_level level, const char *whose, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];

	if (level > level_max)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s%s\n", level_syslog[level], whose, text);
	else
		fprintf(stderr, "aggd: %s: %s%s\n", level_words[level], whose, text);
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
	int swallowed = peer_allowance();

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
LOG_FN(log_sys, LOG_LEVEL_WARNING, "system: ")
LOG_FN(log_bug, LOG_LEVEL_ERROR, "bug: ")
LOG_FN(log_info, LOG_LEVEL_INFO, "")
LOG_FN(log_debug, LOG_LEVEL_DEBUG, "")
