/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a name server for tests, on 127.0.0.1 in the loop of the test: it
 * knows what its table says, and answers as late as that.
 */
#ifndef TESTS_DNS_SERVER_H
#define TESTS_DNS_SERVER_H

#include "agg/base/addr.h"
#include "agg/base/loop.h"
#include "proxy/resolve.h"

#define DNS_ADDRESSES_MAX 12
#define DNS_PATIENCE_MS 10000 /* the server is in this process, which may stand still */

enum dns_rcode { DNS_OK = 0, DNS_SERVFAIL = 2, DNS_NXDOMAIN = 3,
                 DNS_SILENT = 100 };

/* One name and family. What no row has is NXDOMAIN. */
struct dns_row {
	const char *name;
	sa_family_t family;
	enum dns_rcode rcode;
	uint64_t delay_us;
	const char *addrs[DNS_ADDRESSES_MAX];
};

struct dns_server;
struct dns_server *dns_server_create(struct loop *loop,
                                     const struct dns_row *rows, size_t count);
void dns_server_destroy(struct dns_server *s);
/* "127.0.0.1:PORT" */
const char *dns_server_address(const struct dns_server *s);
unsigned dns_server_questions(const struct dns_server *s);
/* A resolver that asks it, once, and waits so long. The caller's. */
struct resolver *dns_server_resolver(const struct dns_server *s, int timeout_ms);

#endif
