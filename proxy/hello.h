/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the name that a client asks for in its first bytes: the server name of a
 * TLS ClientHello (RFC 8446, 4.1.2; RFC 6066, 3), or the host of an HTTP/1
 * request (RFC 9112, 3.2). Pure. Nothing is verified: it is what the client
 * says, to choose a way by; with Encrypted Client Hello it is the public name.
 */
#ifndef PROXY_HELLO_H
#define PROXY_HELLO_H

#include <stddef.h>
#include <stdint.h>

#define HELLO_NAME_MAX 253  /* RFC 1035, 2.3.4 */
#define HELLO_BYTES_MAX 16384 /* who has not said it by then does not */

enum hello {
	HELLO_MORE,  /* it may still come: more bytes are needed */
	HELLO_NAMED, /* name is set */
	HELLO_NONE,  /* it says none */
};

/* What the first n bytes say. name: in lower case, without a dot behind, of
 * letters, digits, '-', '_' and '.'. */
enum hello hello_read(const uint8_t *bytes, size_t n,
                      char name[HELLO_NAME_MAX + 1]);

#endif
