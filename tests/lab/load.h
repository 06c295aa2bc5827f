/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the load tool's insides. A transfer's body is a stream of bytes made
 * from a seed, so both ends check every byte. The protocol is one line from
 * the client:
 *
 *     GET BYTES SEED               the body comes, then FIN
 *     PUT BYTES SEED REPORT_MS     the body follows; the server answers lines
 *                                  "R MONOTONIC_US BYTES_SO_FAR" each
 *                                  REPORT_MS (0: none), at last
 *                                  "OK BYTES", "SHORT BYTES" or "BAD OFFSET"
 *     ECHO                         all that follows comes back
 *
 * Both ends run on one machine, so the server's times are the client's.
 */
#ifndef TESTS_LAB_LOAD_H
#define TESTS_LAB_LOAD_H

#include "agg/base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define LOAD_PORT 7777
#define LOAD_LINE_MAX 128             /* of the protocol */
#define LOAD_CHUNK_MAX 65536          /* one read, one write */
#define LOAD_ENDLESS ((uint64_t)1 << 60)

/* ---- load_body.c: the byte at an offset depends on it and the seed only, and
 * a size on its index and the seed */

void body_fill(uint64_t seed, uint64_t offset, uint8_t *out, size_t n);
/* The index of the first byte that is not the body's; n: all are. */
size_t body_check(uint64_t seed, uint64_t offset, const uint8_t *in, size_t n);
/* The size of the index-th transfer: drawn from the seed, spread evenly over
 * the logarithm from min to max; min 0: all are max. */
uint64_t body_size(uint64_t seed, uint64_t index, uint64_t min, uint64_t max);

/* ---- load_server.c: serves all addresses of the host, until killed */

int load_serve(uint16_t port); /* only returns to fail: 1 */

/* ---- load_conn.c: a client's connection */

struct load_loop {
	int epoll;
	uint64_t tick_us;  /* on_tick is due; UINT64_MAX: never */
	bool stop;
	void (*on_tick)(void *ctx, uint64_t now_us);
	void *ctx;
	uint8_t chunk[LOAD_CHUNK_MAX];
};

uint64_t load_now_us(void); /* CLOCK_MONOTONIC */
int load_loop_init(struct load_loop *loop); /* 0, -errno */
void load_loop_run(struct load_loop *loop); /* until stop */
void load_loop_finish(struct load_loop *loop);

/* How to reach the server. */
struct load_target {
	struct addr server;
	struct addr socks;      /* AF_UNSPEC: directly */
	const char *socks_name; /* the server's name for the proxy; NULL: address */
	const char *device;     /* SO_BINDTODEVICE; NULL: as the routes say */
};

enum load_kind { LOAD_GET, LOAD_PUT, LOAD_ECHO };

struct load_request {
	enum load_kind kind;
	uint64_t size, seed;
	unsigned report_ms; /* PUT */
	bool half_close;    /* PUT: FIN after the body, before the answer */
};

struct load_conn;

struct load_events {
	/* The request is on its way. Optional. */
	void (*on_open)(struct load_conn *conn);
	/* n more bytes have arrived and were right: here (GET, ECHO), or at the
	 * server (PUT with reports). Optional. */
	void (*on_bytes)(struct load_conn *conn, uint64_t at_us, uint64_t n);
	/* Once, last: error is NULL after a whole exact transfer. Required. */
	void (*on_done)(struct load_conn *conn, const char *error);
};

enum load_state { LOAD_CONNECTING, LOAD_GREETED, LOAD_ASKED, LOAD_OPEN, LOAD_DONE };

/* A connection; the caller owns the memory, which must stay until the loop
 * has stopped. Fields are for reading. */
struct load_conn {
	struct load_loop *loop;             /* borrowed */
	const struct load_target *target;   /* borrowed */
	const struct load_events *events;   /* borrowed */
	struct load_request request;
	void *ctx;                          /* the mode's */
	unsigned index;                     /* the mode's */
	enum load_state state;
	int fd;
	uint64_t started_us, done_us;
	uint64_t moved;                     /* GET, ECHO: received; PUT: at the server */
	uint64_t sent;                      /* PUT: given to the kernel */
	const char *error;
	/* private state */
	char line[LOAD_LINE_MAX];
	size_t line_len;
	uint8_t reply[262];                 /* of the SOCKS proxy, RFC 1928 */
	size_t reply_len;
};

/* Starts it: ctx, index, request, target and events are set by the caller. */
void load_conn_start(struct load_conn *conn, struct load_loop *loop);
/* Sends a message now (ECHO); false: the kernel has no room. */
bool load_conn_send(struct load_conn *conn, const void *p, size_t n);
/* Closes it; on_done is called with error, unless it was before. */
void load_conn_end(struct load_conn *conn, const char *error);

/* ---- load_modes.c, load_page.c: a mode runs and prints one JSON object; 0 if
 * all was well */

struct load_options {
	struct load_target target;
	enum load_kind direction;  /* LOAD_GET is down */
	bool both;                 /* streams: every other one up */
	bool half_close;           /* of uploads; some proxies cannot */
	unsigned count;            /* connections, objects, streams */
	unsigned at_once;          /* page: connections */
	unsigned pages;            /* page: at most so many */
	uint64_t size, size_min;   /* bytes */
	double seconds, skip_s;
	unsigned interval_ms;      /* page: from the end of one to the next */
	uint64_t seed;
};

int load_bulk(const struct load_options *o);
int load_objects(const struct load_options *o);
int load_echo(const struct load_options *o);
int load_streams(const struct load_options *o);
int load_page(const struct load_options *o);

/* What modes share. */

void load_print_error(const char *error); /* "error":"...", or null */
struct load_conn *load_conns_create(unsigned count); /* none is open; free() */

#endif
