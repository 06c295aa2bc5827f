/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: logging says whose fault it is. One line on stderr each; the prefix is
 * sd-daemon's "<N>" when stderr is the journal, else a word. A line is about
 * a subject: "subflow wan2: lost, no ack for 3000 ms; moving 14 pieces".
 * Log once, at the edge that decides what to do.
 *
 * Whatever the arguments hold, it is one line of printable characters
 * (printable.h), a thousand bytes at most. Logging never waits: lines that
 * nobody takes are dropped, and counted in the next that goes through.
 */
#ifndef AGG_BASE_LOG_H
#define AGG_BASE_LOG_H

#include "agg/base/buf.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
                 LOG_LEVEL_DEBUG };

#define LOG_PEER_BURST 20      /* lines of log_peer at once */
#define LOG_PEER_PER_SECOND 5  /* and for long: the rest are counted */
#define LOG_KEPT_BYTES 16384   /* of the last lines, for who asks later; a router: none */

void log_set_level(enum log_level level);

/* "error", "warning", "info", "debug"; -1 for another word. */
int log_level_parse(const char *word);

#define LOG_PRINTF __attribute__((format(printf, 1, 2)))
/* The other side misbehaved: rate-limited, as a peer may do it at will. */
void log_peer(const char *fmt, ...) LOG_PRINTF;
/* The configuration or the command is wrong: the person can mend it. */
void log_user(const char *fmt, ...) LOG_PRINTF;
/* The configuration is right, and may yet not do what the person wants. */
void log_doubt(const char *fmt, ...) LOG_PRINTF;
/* The kernel or a library refused. */
void log_sys(const char *fmt, ...) LOG_PRINTF;
/* We are wrong. */
void log_bug(const char *fmt, ...) LOG_PRINTF;
/* Nobody's fault: what happened, and what only a developer reads. */
void log_info(const char *fmt, ...) LOG_PRINTF;
void log_debug(const char *fmt, ...) LOG_PRINTF;
/* The last lines, the oldest first: "2026-11-28 23:12:01 warning: uplink ..."
 * each, in UTC. 0 or -ENOBUFS. */
int log_recent(struct buf *to);
/* True where log_debug prints: guards costly arguments. */
_Bool log_debugging(void);

#endif
