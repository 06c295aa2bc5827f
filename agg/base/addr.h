/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: addresses as values. A struct addr is an IPv4 or IPv6 address with a
 * port; a struct prefix is an address block. Both are copied freely.
 */
#ifndef AGG_BASE_ADDR_H
#define AGG_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDR_TEXT_MAX 64 /* "[v6%scope]:port" and its NUL */

struct addr {
	sa_family_t family; /* AF_INET, AF_INET6; AF_UNSPEC: none */
	uint16_t port;      /* host order */
	uint32_t scope_id;  /* of a link-local IPv6 address */
	uint8_t ip[16];     /* network order, 4 or 16 bytes used */
};

struct prefix {
	sa_family_t family;
	uint8_t length;     /* bits */
	uint8_t ip[16];     /* bits past length are 0 */
};

/* "192.0.2.1:443", "[2001:db8::1]:443"; with no port only where the caller
 * allows it by default_port >= 0. 0 or -EINVAL. */
int addr_parse(struct addr *out, const char *text, int default_port);
/* "192.0.2.0/24", "2001:db8::/32", or an address alone. Host bits must be 0.
 * 0 or -EINVAL. */
int prefix_parse(struct prefix *out, const char *text);

/* Text with port, brackets round IPv6; into buf, which is returned. */
const char *addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX]);
/* The same without port and brackets. */
const char *addr_format_ip(const struct addr *a, char buf[ADDR_TEXT_MAX]);
const char *prefix_format(const struct prefix *p, char buf[ADDR_TEXT_MAX]);

bool addr_equal(const struct addr *a, const struct addr *b);    /* with port */
bool addr_equal_ip(const struct addr *a, const struct addr *b); /* without */
unsigned addr_ip_len(const struct addr *a); /* 4, 16, or 0 for none */
bool addr_is_any(const struct addr *a);     /* 0.0.0.0, ::, or none */
bool addr_is_multicast(const struct addr *a); /* 240.0.0.0/4 and up, too */
bool prefix_has(const struct prefix *p, const struct addr *a);

/* To and from the kernel's form. from_sockaddr: false for another family. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
bool addr_from_sockaddr(struct addr *out, const struct sockaddr *sa);

#endif
