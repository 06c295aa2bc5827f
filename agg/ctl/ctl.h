/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the control socket. A Unix stream socket, mode 0660: who may open it
 * may command the daemon.
 *
 * A request is one line of words parted by blanks, a connection one request.
 * The answer is a status line, "ok", "ok NUMBER" or "no", and a text; then the
 * daemon closes. The limits below keep a client that is broken, slow or hostile from
 * costing more than its share: it is told why where it can be, and closed.
 */
#ifndef AGG_CTL_CTL_H
#define AGG_CTL_CTL_H

#include "agg/base/buf.h"
#include "agg/base/columns.h"
#include "agg/base/loop.h"
#include "agg/report/report.h"

#define CTL_PATH_DEFAULT "/run/aggd.sock"
#define CTL_PATH_MAX 107                    /* sockaddr_un.sun_path, less NUL */
#define CTL_CLIENTS_MAX 16
#define CTL_REQUEST_MAX 4096                /* bytes, with the line end */
#define CTL_WORDS_MAX 16
#define CTL_ANSWER_MAX (16 * 1024 * 1024)   /* bytes, status line apart */
#define CTL_WIDTH_MIN 40                    /* characters; less is as much */
#define CTL_WIDTH_MAX COLUMNS_LINE_MAX
#define CTL_REQUEST_US_MAX 2000000u         /* from connect to the line end */
#define CTL_LOOK_US 2000000u                /* between looks at our socket */
#define CTL_STALL_US_MAX 5000000u           /* without a byte of it being read */

/* One command. The handler gets the words, argv[0] being the name, and writes
 * the answer's text to out. 0: "ok"; above 0: that number too; -errno: "no", where an empty text is
 * replaced by the error's. -ENOBUFS: the answer is too large. It must not
 * destroy the server. All fields but args are required. */
struct ctl_verb {
	const char *name;
	const char *args; /* "[--json]"; NULL: none, and then none is passed */
	const char *help; /* one line */
	int (*handler)(void *ctx, int argc, const char *const *argv,
	               struct buf *out);
	bool asks;        /* with "--json" alone it changes nothing */
};

struct ctl;

/* Where a socket at path goes: path itself, or what a symbolic link there of
 * root's or of this user's names. So /run/aggd.sock may lead into a directory
 * of the daemon's own. 0, -ENAMETOOLONG or -errno. */
int ctl_socket_place(const char *path, char out[CTL_PATH_MAX + 1]);

/* Listens at that place, whose directory is made if needed. verbs end with a
 * NULL name and outlive the server; "help" is built in. A socket that nobody
 * listens on is replaced; ours, if somebody removes it, is made again. NULL:
 * errno; EADDRINUSE: another daemon listens there; EEXIST: path is something
 * else than a socket. */
struct ctl *ctl_create(struct loop *loop, const char *path,
                       const struct ctl_verb *verbs, void *ctx);
/* errno of ctl_create in words, and what helps. */
const char *ctl_create_text(int err);
/* Closes all clients, and removes the socket if it is still ours. */
void ctl_destroy(struct ctl *ctl);

/* For the handlers of report verbs: renders the parts as the words say:
 * nothing, "--width N" (of the terminal that it is for; else lines are as long
 * as they are), "--json" or "--metrics". */
int ctl_render(const struct report *report, unsigned parts, int argc,
               const char *const *argv, struct buf *out);

#endif
