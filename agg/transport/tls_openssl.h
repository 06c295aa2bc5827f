/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the parts of tls.h by OpenSSL know of each other: tls_openssl.c, the
 * handshake, and tls_key_openssl.c, the identity. Included by nobody else.
 *
 * OpenSSL keeps its errors in a queue of the thread. Every function that can
 * fail leaves that queue empty, so that the next need not clear it first.
 */
#ifndef AGG_TRANSPORT_TLS_OPENSSL_H
#define AGG_TRANSPORT_TLS_OPENSSL_H

#include "agg/transport/tls_common.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

/* tls_openssl.c */
void tls_openssl_init(void);
/* A library call failed where only memory, or we, can be at fault. */
int tls_openssl_errno(void);

/* tls_key_openssl.c */
bool tls_key_is_p256(EVP_PKEY *key);
int tls_key_pin(X509 *cert, struct tls_pin *out); /* 0 or -errno */
/* The identity and a certificate of it, the caller's. 0 or as tls_context_create. */
int tls_key_load(const char *dir, EVP_PKEY **key, X509 **cert);

#endif
