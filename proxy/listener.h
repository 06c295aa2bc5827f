/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a listening socket in the loop. A burst of clients is taken in turns,
 * so that those who are being served do not wait for it. Who would take a
 * descriptor of the reserve (descriptors.h) is reset; when the process is out
 * of all of them, accepting rests a while, as the waiting client would
 * otherwise wake the loop for ever.
 */
#ifndef PROXY_LISTENER_H
#define PROXY_LISTENER_H

#include "agg/base/addr.h"
#include "agg/base/descriptors.h"
#include "agg/base/loop.h"

#define LISTENER_ACCEPTS_PER_TURN 64
#define LISTENER_REST_US 100000 /* after EMFILE and its like */
#define LISTENER_WORDS_S 5      /* for the first words of a client */
#define LISTENER_TELL_US 60000000u /* between two lines about a shortage */

/* fd is the callee's: non-blocking, close-on-exec. The listener must not be
 * destroyed inside. */
typedef void listener_fn(void *ctx, int fd, const struct addr *from);

/* Takes fd, a listening socket of sockopt.h, also where it fails. use: what its
 * clients' descriptors are for. NULL: errno. */
struct listener;
struct listener *listener_create(struct loop *loop, int fd,
                                 enum descriptors_use use,
                                 listener_fn *on_accept, void *ctx);
void listener_destroy(struct listener *l);
/* Accepts nobody, who waits then; or does so again. */
void listener_rest(struct listener *l, bool rests);
/* Accepts who has said something, or was silent for some seconds; or anybody. */
void listener_await_words(struct listener *l, bool awaits);
void listener_address(const struct listener *l, struct addr *out);

#endif
