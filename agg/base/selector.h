/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what picks out traffic of a LAN, as values: its host, and the ports that
 * it goes to. Pure; copied freely.
 */
#ifndef AGG_BASE_SELECTOR_H
#define AGG_BASE_SELECTOR_H

#include "agg/base/addr.h"

#define SELECTOR_MAC_BYTES 6
#define SELECTOR_TEXT_MAX ADDR_TEXT_MAX

/* A host of the LAN by the address of its network card, or by its address or
 * their block. */
struct selector_host {
	bool is_mac;
	uint8_t mac[SELECTOR_MAC_BYTES];
	struct prefix net;
};

/* Destination ports first..last of a protocol. All 65536 of one: 0..65535. */
struct selector_ports {
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP; 0: both */
	uint16_t first, last;
};

/* "192.168.1.7", "192.168.1.0/28", "2001:db8::7", "00:16:3e:01:02:03" (of a
 * card, not of many). 0 or -EINVAL. */
int selector_host_parse(struct selector_host *out, const char *text);
const char *selector_host_format(const struct selector_host *h,
                                 char buf[SELECTOR_TEXT_MAX]);
/* mac NULL: not known, then it is none that is named by one. */
bool selector_host_has(const struct selector_host *h, const struct addr *host,
                       const uint8_t *mac);
/* Is one of them named by its card? */
bool selector_hosts_have_mac(const struct selector_host *hosts, unsigned count);

/* "443", "6881-6889": of TCP and UDP; "tcp/443", "udp/5000-6000"; "tcp", "udp".
 * 0 or -EINVAL. */
int selector_ports_parse(struct selector_ports *out, const char *text);
const char *selector_ports_format(const struct selector_ports *p,
                                  char buf[SELECTOR_TEXT_MAX]);
bool selector_ports_has(const struct selector_ports *p, uint8_t protocol,
                        uint16_t port);

/* Is name the domain, or one below it? Case does not matter, nor a dot behind. */
bool selector_domain_has(const char *domain, const char *name);

#endif
