/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the server's side of SOCKS version 5 (RFC 1928) with username and
 * password (RFC 1929), without I/O: bytes in, a state and bytes out.
 *
 *   client: ver nmethods methods         server: ver method
 *   client: ver ulen user plen password  server: ver status   (if asked for)
 *   client: ver cmd rsv atyp dest port   server: ver rep rsv atyp bound port
 *
 * CONNECT is served, and UDP ASSOCIATE where may_associate is set. The reply to a
 * good request is not the parser's: it is known when the stream is (socks5_reply).
 *
 * Datagrams of an association begin with: 0 0 frag atyp dest port
 */
#ifndef PROXY_SOCKS5_H
#define PROXY_SOCKS5_H

#include "agg/transport/stream.h"

#define SOCKS5_VERSION 5
#define SOCKS5_AUTH_VERSION 1
#define SOCKS5_CREDENTIAL_MAX 255
/* The longest message: ver, ulen, user, plen, password. */
#define SOCKS5_MESSAGE_MAX (3 + 2 * SOCKS5_CREDENTIAL_MAX)
#define SOCKS5_REPLY_MAX 22 /* with an IPv6 address */
#define SOCKS5_UDP_HEAD_MAX 22 /* that we write: the same */
/* All that can wait to be sent: method, status, reply. */
#define SOCKS5_OUT_MAX (2 + 2 + SOCKS5_REPLY_MAX)

enum socks5_method {
	SOCKS5_METHOD_NONE = 0x00,
	SOCKS5_METHOD_PASSWORD = 0x02,
	SOCKS5_METHOD_UNACCEPTABLE = 0xff,
};

enum socks5_code { /* RFC 1928, section 6 */
	SOCKS5_SUCCEEDED = 0,
	SOCKS5_FAILURE = 1,
	SOCKS5_NOT_ALLOWED = 2,
	SOCKS5_NET_UNREACH = 3,
	SOCKS5_HOST_UNREACH = 4,
	SOCKS5_REFUSED = 5,
	SOCKS5_TTL_EXPIRED = 6,
	SOCKS5_COMMAND_UNKNOWN = 7,
	SOCKS5_ADDRESS_UNKNOWN = 8,
};

enum socks5_command {
	SOCKS5_CONNECT = 1,
	SOCKS5_ASSOCIATE = 3,
};

enum socks5_state {
	SOCKS5_GREETING,
	SOCKS5_AUTH,
	SOCKS5_REQUEST,
	SOCKS5_DONE,   /* dest is set */
	SOCKS5_FAILED, /* send out, then close */
};

/* What a client must show. password NULL: nothing, and a client that insists
 * on showing a password is not served. */
struct socks5_auth {
	const char *username, *password; /* <= SOCKS5_CREDENTIAL_MAX bytes */
};

struct socks5 {
	enum socks5_state state;
	const struct socks5_auth *auth;  /* borrowed */
	bool may_associate;              /* the caller may set it after init */
	enum socks5_command command;     /* when DONE */
	struct dest dest;                /* of ASSOCIATE: whence it will send, or 0 */
	size_t out_len;                  /* the caller sends and sets it to 0 */
	uint8_t out[SOCKS5_OUT_MAX];
	/* private: the message that is being gathered */
	size_t len;
	uint8_t message[SOCKS5_MESSAGE_MAX];
};

void socks5_init(struct socks5 *s, const struct socks5_auth *auth);
/* Takes bytes up to the end of the request and returns how many: what follows
 * is the client's data, not ours. Takes none when DONE or FAILED. */
size_t socks5_feed(struct socks5 *s, const uint8_t *p, size_t n);

/* The reply to a request; bound NULL or of no family: 0.0.0.0:0. Returns its
 * length. */
size_t socks5_reply(uint8_t out[SOCKS5_REPLY_MAX], enum socks5_code code,
                    const struct addr *bound);
enum socks5_code socks5_code_of(enum stream_end end);

/* A datagram's head: its length, and where it shall go. 0: it is none, or is of a
 * fragment (FRAG is not 0). */
size_t socks5_udp_read(const uint8_t *p, size_t n, struct dest *dest);
/* Writes that of a datagram that came from there; its length. */
size_t socks5_udp_write(uint8_t out[SOCKS5_UDP_HEAD_MAX], const struct addr *from);

#endif
