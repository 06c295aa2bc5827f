/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see selector.h. Owns nothing.
 */
#include "agg/base/selector.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define MAC_TEXT_LEN 17 /* "00:16:3e:01:02:03" */
#define MULTICAST_BIT 1 /* IEEE 802.3, of the first byte */
#define PORT_LAST 65535
#define PORT_DIGITS_MAX 5

/* Hosts ---------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int parse_mac(uint8_t out[SELECTOR_MAC_BYTES], const char *text)
{
	for (unsigned i = 0; i < SELECTOR_MAC_BYTES; i++) {
		int high = hex_digit(text[3 * i]);
		int low = high < 0 ? -1 : hex_digit(text[3 * i + 1]);
		char after = low < 0 ? 0 : text[3 * i + 2];
		bool last = i == SELECTOR_MAC_BYTES - 1;
		if (low < 0 || (last ? after : after != ':' && after != '-'))
			return -EINVAL;
		out[i] = (uint8_t)(high * 16 + low);
	}
	return out[0] & MULTICAST_BIT ? -EINVAL : 0;
}

/* An IPv6 address may be as long, but has not five separators. */
static bool looks_like_mac(const char *text)
{
	unsigned separators = 0;

	for (const char *p = text; *p; p++)
		separators += *p == ':' || *p == '-';
	return strlen(text) == MAC_TEXT_LEN && separators == 5;
}

int selector_host_parse(struct selector_host *out, const char *text)
{
	memset(out, 0, sizeof(*out));
	out->is_mac = looks_like_mac(text);
	return out->is_mac ? parse_mac(out->mac, text)
	                   : prefix_parse(&out->net, text);
}

const char *selector_host_format(const struct selector_host *h,
                                 char buf[SELECTOR_TEXT_MAX])
{
	if (!h->is_mac)
		return prefix_format(&h->net, buf);
	snprintf(buf, SELECTOR_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x",
	         h->mac[0], h->mac[1], h->mac[2], h->mac[3], h->mac[4], h->mac[5]);
	return buf;
}

bool selector_host_has(const struct selector_host *h, const struct addr *host,
                       const uint8_t *mac)
{
	if (h->is_mac)
		return mac && !memcmp(h->mac, mac, SELECTOR_MAC_BYTES);
	return prefix_has(&h->net, host);
}

bool selector_hosts_have_mac(const struct selector_host *hosts, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (hosts[i].is_mac)
			return true;
	return false;
}

/* Ports ---------------------------------------------------------------------- */

/* The digits of text as a port from 1 on, and what is behind them; NULL: none. */
static const char *take_port(const char *text, uint16_t *out)
{
	size_t digits = strspn(text, "0123456789");
	unsigned port = 0;

	if (!digits || digits > PORT_DIGITS_MAX)
		return NULL;
	for (size_t i = 0; i < digits; i++)
		port = port * 10 + (unsigned)(text[i] - '0');
	*out = (uint16_t)port;
	return port && port <= PORT_LAST ? text + digits : NULL;
}

/* "443", "6881-6889" */
static int parse_range(struct selector_ports *out, const char *text)
{
	text = take_port(text, &out->first);
	if (!text)
		return -EINVAL;
	out->last = out->first;
	if (*text == '-')
		text = take_port(text + 1, &out->last);
	return text && !*text && out->first <= out->last ? 0 : -EINVAL;
}

static const struct { const char *word; uint8_t protocol; } protocols[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP },
};

int selector_ports_parse(struct selector_ports *out, const char *text)
{
	*out = (struct selector_ports){ .last = PORT_LAST };
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		size_t n = strlen(protocols[i].word);
		if (strncmp(text, protocols[i].word, n))
			continue;
		out->protocol = protocols[i].protocol;
		if (!text[n])
			return 0;
		return text[n] == '/' ? parse_range(out, text + n + 1) : -EINVAL;
	}
	return parse_range(out, text);
}

const char *selector_ports_format(const struct selector_ports *p,
                                  char buf[SELECTOR_TEXT_MAX])
{
	const char *word = p->protocol == IPPROTO_TCP ? "tcp" :
	                   p->protocol == IPPROTO_UDP ? "udp" : "";

	if (!p->first)
		snprintf(buf, SELECTOR_TEXT_MAX, "%s", word);
	else if (p->first == p->last)
		snprintf(buf, SELECTOR_TEXT_MAX, "%s%s%u", word, *word ? "/" : "",
		         p->first);
	else
		snprintf(buf, SELECTOR_TEXT_MAX, "%s%s%u-%u", word,
		         *word ? "/" : "", p->first, p->last);
	return buf;
}

bool selector_ports_has(const struct selector_ports *p, uint8_t protocol,
                        uint16_t port)
{
	if (p->protocol ? protocol != p->protocol
	                : protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return false;
	return port >= p->first && port <= p->last;
}

/* Names ---------------------------------------------------------------------- */

static size_t length_without_dot(const char *name)
{
	size_t n = strlen(name);

	return n && name[n - 1] == '.' ? n - 1 : n;
}

bool selector_domain_has(const char *domain, const char *name)
{
	size_t domain_len = length_without_dot(domain);
	size_t name_len = length_without_dot(name);

	if (!domain_len || name_len < domain_len)
		return false;
	const char *tail = name + (name_len - domain_len);
	return !strncasecmp(tail, domain, domain_len) &&
	       (tail == name || tail[-1] == '.');
}
