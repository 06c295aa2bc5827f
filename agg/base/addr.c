/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: parsing and printing of addresses, strict: what inet_pton refuses is
 * refused, a port is decimal and in 1..65535.
 */
#include "agg/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned addr_ip_len(const struct addr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

static int parse_number(const char *text, unsigned min, unsigned max)
{
	unsigned value = 0;

	if (!*text || strlen(text) > 5)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
	}
	return value < min || value > max ? -EINVAL : (int)value;
}

static int parse_ip(sa_family_t *family, uint8_t ip[16], const char *text)
{
	memset(ip, 0, 16);
	if (inet_pton(AF_INET, text, ip) == 1)
		*family = AF_INET;
	else if (inet_pton(AF_INET6, text, ip) == 1)
		*family = AF_INET6;
	else
		return -EINVAL;
	return 0;
}

int addr_parse(struct addr *out, const char *text, int default_port)
{
	char host[ADDR_TEXT_MAX];
	const char *port_text = NULL;
	bool bracketed = text[0] == '[';

	memset(out, 0, sizeof(*out));
	if (bracketed)
		text++;
	size_t len = strlen(text);
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len + 1);
	if (bracketed) {
		char *close = strchr(host, ']');
		if (!close || (close[1] && close[1] != ':'))
			return -EINVAL;
		port_text = close[1] ? close + 2 : NULL;
		*close = 0;
	} else {
		char *colon = strchr(host, ':');
		if (colon && !strchr(colon + 1, ':')) {
			port_text = colon + 1;
			*colon = 0;
		}
	}
	if (parse_ip(&out->family, out->ip, host) < 0 ||
	    bracketed != (out->family == AF_INET6 && (bracketed || port_text)))
		return -EINVAL;
	int port = port_text ? parse_number(port_text, 1, 65535) : default_port;
	if (port < 0)
		return -EINVAL;
	out->port = (uint16_t)port;
	return 0;
}

/* Clears the bits past length; true if any was set. */
static bool mask_host_bits(uint8_t ip[16], unsigned length)
{
	bool any = false;

	for (unsigned bit = length; bit < 128; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> (bit % 8));
		any |= ip[bit / 8] & mask;
		ip[bit / 8] &= (uint8_t)~mask;
	}
	return any;
}

int prefix_parse(struct prefix *out, const char *text)
{
	char host[ADDR_TEXT_MAX];

	memset(out, 0, sizeof(*out));
	if (strlen(text) >= sizeof(host))
		return -EINVAL;
	strcpy(host, text);
	char *slash = strchr(host, '/');
	if (slash)
		*slash = 0;
	if (parse_ip(&out->family, out->ip, host) < 0)
		return -EINVAL;
	int bits = out->family == AF_INET ? 32 : 128;
	int length = slash ? parse_number(slash + 1, 0, (unsigned)bits) : bits;
	if (length < 0)
		return length;
	out->length = (uint8_t)length;
	return mask_host_bits(out->ip, out->length) ? -EINVAL : 0;
}

const char *addr_format_ip(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	if (!inet_ntop(a->family, a->ip, buf, ADDR_TEXT_MAX))
		strcpy(buf, "none");
	return buf;
}

const char *addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	addr_format_ip(a, ip);
	snprintf(buf, ADDR_TEXT_MAX, a->family == AF_INET6 ? "[%.45s]:%u"
	                                                   : "%.45s:%u",
	         ip, a->port);
	return buf;
}

const char *prefix_format(const struct prefix *p, char buf[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	if (!inet_ntop(p->family, p->ip, ip, sizeof(ip)))
		strcpy(ip, "none");
	snprintf(buf, ADDR_TEXT_MAX, "%.45s/%u", ip, p->length);
	return buf;
}

bool addr_equal_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && a->scope_id == b->scope_id &&
	       !memcmp(a->ip, b->ip, addr_ip_len(a));
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_equal_ip(a, b);
}

bool addr_is_any(const struct addr *a)
{
	static const uint8_t any[16];

	return !memcmp(a->ip, any, addr_ip_len(a));
}

bool addr_is_multicast(const struct addr *a)
{
	return a->family == AF_INET ? a->ip[0] >= 224 : a->ip[0] == 0xff;
}

bool prefix_has(const struct prefix *p, const struct addr *a)
{
	unsigned bytes = p->length / 8, bits = p->length % 8;

	if (p->family != a->family || memcmp(p->ip, a->ip, bytes))
		return false;
	return !bits || (p->ip[bytes] ^ a->ip[bytes]) >> (8 - bits) == 0;
}

socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	out->ss_family = a->family;
	if (a->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->ip, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	in6->sin6_port = htons(a->port);
	in6->sin6_scope_id = a->scope_id;
	memcpy(&in6->sin6_addr, a->ip, 16);
	return sizeof(*in6);
}

bool addr_from_sockaddr(struct addr *out, const struct sockaddr *sa)
{
	memset(out, 0, sizeof(*out));
	out->family = sa->sa_family;
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		out->port = ntohs(in->sin_port);
		memcpy(out->ip, &in->sin_addr, 4);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		out->port = ntohs(in6->sin6_port);
		out->scope_id = in6->sin6_scope_id;
		memcpy(out->ip, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}
