/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: clients that a way in brought by their destination's address, and whose
 * first bytes are looked at for its name (hello.h) before anything is decided.
 * The bytes stay in the socket. Who says nothing, as where the server speaks
 * first, is not waited for long.
 */
#ifndef PROXY_LOOK_H
#define PROXY_LOOK_H

#include "agg/base/loop.h"
#include "proxy/inlet.h"
#include "proxy/tally.h"

#define LOOK_SILENT_US 100000u /* for the first byte */
#define LOOK_WHOLE_US 1000000u /* for all, where some came */

/* The client, its socket and all it sent; name: what it asked for, or "". May
 * not destroy the looks. */
typedef void look_fn(void *ctx, const struct inlet_client *client,
                     const char *name);

struct looks;
/* hosts: of whose places each takes one meanwhile; borrowed. NULL: errno. */
struct looks *looks_create(struct loop *loop, struct tally *hosts,
                           look_fn *on_done, void *ctx);
void looks_destroy(struct looks *looks); /* resets the clients; NULL is fine */

/* Takes the client; on_done is called once, perhaps before this returns, and at
 * once where its host has no place or memory is short. It has no greeter. */
void looks_take(struct looks *looks, const struct inlet_client *client);
unsigned looks_count(const struct looks *looks);

#endif
