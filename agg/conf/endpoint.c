/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a host as a person writes it: an address, or a name (RFC 1123, 2.1)
 * that is resolved later. What looks like an address and is none is no name
 * either: a name's last label has a letter.
 */
#include "agg/conf/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX 63 /* RFC 1035, 2.3.4 */
#define PORT_DIGITS_MAX 5

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Underscores are in no host's name by the book, and in many by use. */
static bool is_label(const char *text, size_t n)
{
	if (!n || n > LABEL_MAX || text[0] == '-' || text[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter(text[i]) && !(text[i] >= '0' && text[i] <= '9') &&
		    text[i] != '-' && text[i] != '_')
			return false;
	return true;
}

static bool is_host(const char *text, size_t n)
{
	bool letter = false;

	if (!n || n > CONF_HOST_MAX)
		return false;
	for (size_t at = 0; at <= n;) {
		const char *dot = memchr(text + at, '.', n - at);
		size_t len = dot ? (size_t)(dot - text) - at : n - at;
		if (!is_label(text + at, len))
			return false;
		letter = false;
		for (size_t i = 0; i < len; i++)
			letter |= is_letter(text[at + i]);
		at += len + 1;
	}
	return letter;
}

bool conf_domain_is_valid(const char *text)
{
	return is_host(text, strlen(text));
}

static int read_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int port = atoi(text);

	return !digits || digits > PORT_DIGITS_MAX || text[digits] ||
	       port < 1 || port > 65535 ? -EINVAL : port;
}

int conf_endpoint_read(const char *text, int default_port,
                       struct conf_endpoint *out)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	struct addr addr;

	if (!addr_parse(&addr, text, default_port)) {
		*out = (struct conf_endpoint){ .addr = addr };
		return 0;
	}
	int port = colon ? read_port(colon + 1) : default_port;
	if (!is_host(text, n) || port < 0)
		return -EINVAL;
	*out = (struct conf_endpoint){ .addr.port = (uint16_t)port };
	memcpy(out->host, text, n);
	return 0;
}

const char *conf_endpoint_format(const struct conf_endpoint *endpoint,
                                 char text[CONF_VALUE_TEXT_MAX])
{
	if (!*endpoint->host)
		return addr_format(&endpoint->addr, text);
	snprintf(text, CONF_VALUE_TEXT_MAX, "%s:%u", endpoint->host,
	         endpoint->addr.port);
	return text;
}
