/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see socks5.h. Each message is gathered until the bytes that are there
 * say how long it is (message_needs) and all of it is there; then it is acted
 * on. So the bytes may come in any portions.
 */
#include "proxy/socks5.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

enum { ATYP_IPV4 = 1, ATYP_NAME = 3, ATYP_IPV6 = 4 };

#define REQUEST_HEAD 4 /* ver cmd rsv atyp; of a datagram: 0 0 frag atyp */
#define PORT_LEN 2

void socks5_init(struct socks5 *s, const struct socks5_auth *auth)
{
	memset(s, 0, sizeof(*s));
	s->auth = auth;
}

static void put(struct socks5 *s, const uint8_t *p, size_t n)
{
	assert(s->out_len + n <= sizeof(s->out));
	memcpy(s->out + s->out_len, p, n);
	s->out_len += n;
}

static void fail(struct socks5 *s, enum socks5_code code)
{
	uint8_t reply[SOCKS5_REPLY_MAX];

	put(s, reply, socks5_reply(reply, code, NULL));
	s->state = SOCKS5_FAILED;
}

/* How long a request, or a datagram's head, of which n bytes are there, is. */
static size_t request_needs(const uint8_t *m, size_t n)
{
	if (n < REQUEST_HEAD)
		return REQUEST_HEAD;
	switch (m[3]) {
	case ATYP_IPV4:
		return REQUEST_HEAD + 4 + PORT_LEN;
	case ATYP_IPV6:
		return REQUEST_HEAD + 16 + PORT_LEN;
	case ATYP_NAME:
		if (n == REQUEST_HEAD)
			return REQUEST_HEAD + 1;
		return REQUEST_HEAD + 1 + (size_t)m[REQUEST_HEAD] + PORT_LEN;
	}
	return REQUEST_HEAD; /* nobody knows how long it is */
}

/* The length of the message as far as the bytes so far tell: complete when
 * that many are there. A wrong version ends it at its first byte. */
static size_t message_needs(const struct socks5 *s)
{
	const uint8_t *m = s->message;
	uint8_t version = s->state == SOCKS5_AUTH ? SOCKS5_AUTH_VERSION
	                                          : SOCKS5_VERSION;

	if (s->len == 0 || m[0] != version)
		return 1;
	switch (s->state) {
	case SOCKS5_GREETING:
		return s->len < 2 ? 2 : 2 + (size_t)m[1];
	case SOCKS5_AUTH:
		if (s->len < 2)
			return 2;
		if (s->len < 3 + (size_t)m[1])
			return 3 + (size_t)m[1];
		return 3 + (size_t)m[1] + m[2 + m[1]];
	case SOCKS5_REQUEST:
		return request_needs(m, s->len);
	case SOCKS5_DONE:
	case SOCKS5_FAILED:
		break;
	}
	return 0;
}

static void on_greeting(struct socks5 *s)
{
	enum socks5_method wanted = s->auth->password ? SOCKS5_METHOD_PASSWORD
	                                              : SOCKS5_METHOD_NONE;

	if (s->message[0] != SOCKS5_VERSION) {
		s->state = SOCKS5_FAILED; /* of another protocol: say nothing */
		return;
	}
	bool offered = memchr(s->message + 2, wanted, s->message[1]);
	uint8_t reply[] = { SOCKS5_VERSION, offered ? wanted
	                                            : SOCKS5_METHOD_UNACCEPTABLE };
	put(s, reply, sizeof(reply));
	s->state = !offered ? SOCKS5_FAILED
	         : s->auth->password ? SOCKS5_AUTH : SOCKS5_REQUEST;
}

/* Compares in a time that does not depend on where the two differ. */
static bool credential_equal(const uint8_t *p, size_t n, const char *text)
{
	uint8_t a[SOCKS5_CREDENTIAL_MAX + 1] = { 0 };
	uint8_t b[SOCKS5_CREDENTIAL_MAX + 1] = { 0 };
	volatile uint8_t differ = 0;

	assert(strlen(text) <= SOCKS5_CREDENTIAL_MAX);
	memcpy(a, p, n);
	memcpy(b, text, strlen(text));
	a[SOCKS5_CREDENTIAL_MAX] = (uint8_t)n;
	b[SOCKS5_CREDENTIAL_MAX] = (uint8_t)strlen(text);
	for (size_t i = 0; i < sizeof(a); i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

static void on_auth(struct socks5 *s)
{
	const uint8_t *m = s->message;

	if (m[0] != SOCKS5_AUTH_VERSION) {
		s->state = SOCKS5_FAILED;
		return;
	}
	bool user = credential_equal(m + 2, m[1], s->auth->username);
	bool password = credential_equal(m + 3 + m[1], m[2 + m[1]],
	                                 s->auth->password);
	bool right = user & password; /* both were compared */
	uint8_t reply[] = { SOCKS5_AUTH_VERSION, !right };
	put(s, reply, sizeof(reply));
	s->state = right ? SOCKS5_REQUEST : SOCKS5_FAILED;
}

/* A name that is no more than an address written out becomes one. False: it
 * has bytes that no name has. */
static bool take_name(struct dest *dest, const uint8_t *p, size_t n)
{
	static_assert(sizeof(dest->name) > UINT8_MAX, "a name fits");

	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] == 0x7f)
			return false;
	memcpy(dest->name, p, n);
	dest->name[n] = 0;
	if (inet_pton(AF_INET, dest->name, dest->addr.ip) == 1)
		dest->addr.family = AF_INET;
	else if (inet_pton(AF_INET6, dest->name, dest->addr.ip) == 1)
		dest->addr.family = AF_INET6;
	if (dest->addr.family != AF_UNSPEC)
		memset(dest->name, 0, sizeof(dest->name));
	return n > 0;
}

/* Of a whole request, or a datagram's whole head, of n bytes. */
static bool take_dest(struct dest *dest, const uint8_t *m, size_t n)
{
	const uint8_t *at = m + REQUEST_HEAD, *port = m + n - PORT_LEN;

	dest->addr.port = (uint16_t)(port[0] << 8 | port[1]);
	if (m[3] == ATYP_NAME)
		return take_name(dest, at + 1, at[0]);
	dest->addr.family = m[3] == ATYP_IPV4 ? AF_INET : AF_INET6;
	memcpy(dest->addr.ip, at, addr_ip_len(&dest->addr));
	return true;
}

static bool is_address_type(uint8_t type)
{
	return type == ATYP_IPV4 || type == ATYP_IPV6 || type == ATYP_NAME;
}

static bool is_served(const struct socks5 *s, uint8_t command)
{
	return command == SOCKS5_CONNECT ||
	       (command == SOCKS5_ASSOCIATE && s->may_associate);
}

static void on_request(struct socks5 *s)
{
	const uint8_t *m = s->message;

	if (m[0] != SOCKS5_VERSION)
		fail(s, SOCKS5_FAILURE);
	else if (!is_served(s, m[1]))
		fail(s, SOCKS5_COMMAND_UNKNOWN);
	else if (!is_address_type(m[3]))
		fail(s, SOCKS5_ADDRESS_UNKNOWN);
	else if (!take_dest(&s->dest, m, s->len))
		fail(s, SOCKS5_FAILURE);
	else
		s->state = SOCKS5_DONE;
	s->command = m[1] == SOCKS5_ASSOCIATE ? SOCKS5_ASSOCIATE : SOCKS5_CONNECT;
}

static void on_message(struct socks5 *s)
{
	switch (s->state) {
	case SOCKS5_GREETING:
		on_greeting(s);
		break;
	case SOCKS5_AUTH:
		on_auth(s);
		break;
	case SOCKS5_REQUEST:
		on_request(s);
		break;
	case SOCKS5_DONE:
	case SOCKS5_FAILED:
		break;
	}
	s->len = 0;
}

size_t socks5_feed(struct socks5 *s, const uint8_t *p, size_t n)
{
	size_t taken = 0;

	while (s->state != SOCKS5_DONE && s->state != SOCKS5_FAILED &&
	       taken < n) {
		size_t take = message_needs(s) - s->len;
		if (take > n - taken)
			take = n - taken;
		assert(s->len + take <= sizeof(s->message));
		memcpy(s->message + s->len, p + taken, take);
		s->len += take;
		taken += take;
		if (s->len == message_needs(s))
			on_message(s);
	}
	return taken;
}

/* Behind three bytes, as a reply and a datagram have it; the length of all. */
static size_t put_address(uint8_t *out, const struct addr *at)
{
	unsigned n = addr_ip_len(at);

	out[3] = n == 4 ? ATYP_IPV4 : ATYP_IPV6;
	memcpy(out + REQUEST_HEAD, at->ip, n);
	out[REQUEST_HEAD + n] = (uint8_t)(at->port >> 8);
	out[REQUEST_HEAD + n + 1] = (uint8_t)at->port;
	return REQUEST_HEAD + n + PORT_LEN;
}

size_t socks5_reply(uint8_t out[SOCKS5_REPLY_MAX], enum socks5_code code,
                    const struct addr *bound)
{
	static const struct addr none = { .family = AF_INET };

	if (!bound || !addr_ip_len(bound))
		bound = &none;
	out[0] = SOCKS5_VERSION;
	out[1] = code;
	out[2] = 0;
	return put_address(out, bound);
}

size_t socks5_udp_read(const uint8_t *p, size_t n, struct dest *dest)
{
	if (n <= REQUEST_HEAD || p[0] || p[1] || p[2] || !is_address_type(p[3]))
		return 0;
	size_t head = request_needs(p, n);
	memset(dest, 0, sizeof(*dest));
	return head <= n && take_dest(dest, p, head) ? head : 0;
}

size_t socks5_udp_write(uint8_t out[SOCKS5_UDP_HEAD_MAX], const struct addr *from)
{
	out[0] = out[1] = out[2] = 0;
	return put_address(out, from);
}

enum socks5_code socks5_code_of(enum stream_end end)
{
	switch (end) {
	case STREAM_END_REFUSED:
		return SOCKS5_REFUSED;
	case STREAM_END_NET_UNREACH:
		return SOCKS5_NET_UNREACH;
	case STREAM_END_HOST_UNREACH:
	case STREAM_END_NAME_NOT_FOUND:
		return SOCKS5_HOST_UNREACH;
	case STREAM_END_TIMED_OUT:
		return SOCKS5_TTL_EXPIRED;
	case STREAM_END_NOT_ALLOWED:
		return SOCKS5_NOT_ALLOWED;
	case STREAM_END_FINISHED:
	case STREAM_END_RESET:
	case STREAM_END_LIMIT:
	case STREAM_END_SESSION_LOST:
		break;
	}
	return SOCKS5_FAILURE;
}
