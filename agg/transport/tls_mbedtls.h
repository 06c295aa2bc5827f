/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the parts of tls.h by mbedTLS know of each other: tls_mbedtls.c, the
 * handshake; tls_key_mbedtls.c, the identity; and what 2.28 (which has no TLS
 * 1.3) and 3.6 do each in its own way, tls_mbedtls2.c or tls_mbedtls3.c. Included
 * by nobody else. What returns an int without more words returns the library's
 * own: 0 or an error of its.
 */
#ifndef AGG_TRANSPORT_TLS_MBEDTLS_H
#define AGG_TRANSPORT_TLS_MBEDTLS_H

#include "agg/transport/tls_common.h"

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#define TLS_MBEDTLS_SERIAL_BYTES 20 /* RFC 5280, 4.1.2.2: positive, up to 20 */

/* tls_mbedtls.c */
/* Random bytes of the kernel's, as mbedTLS wants them. */
int tls_mbedtls_random(void *ctx, unsigned char *p, size_t n);
/* A library call failed where only memory, or we, can be at fault. */
int tls_mbedtls_errno(int rc);

/* tls_key_mbedtls.c */
bool tls_key_is_p256(const mbedtls_pk_context *key);
int tls_key_pin(const mbedtls_x509_crt *cert, struct tls_pin *out); /* 0 or -errno */
/* The identity and a certificate of it, into what was initialised; the caller frees
 * both, whatever comes of it. 0 or as tls_context_create. */
int tls_key_load(const char *dir, mbedtls_pk_context *key, mbedtls_x509_crt *cert);

/* tls_mbedtls2.c, tls_mbedtls3.c */
int tls_mbedtls_init(void);
/* Suites with AES and with ChaCha20, the best first, then 0. */
extern const int tls_mbedtls_aes[], tls_mbedtls_chacha[];
/* Versions, groups, and whose order of suites counts at a server. */
void tls_mbedtls_set_versions(mbedtls_ssl_config *conf, bool prefers_aes);
/* As with peers that have no TLS 1.3, whose records are the library's. */
void tls_mbedtls_leave_13(mbedtls_ssl_config *conf);
/* Of a connection that begins; the secrets go to c, where they can be had. */
int tls_mbedtls_prepare(mbedtls_ssl_context *ssl, struct tls_common *c);
int tls_mbedtls_state(const mbedtls_ssl_context *ssl); /* mbedtls_ssl_states */
int tls_mbedtls_alert(const mbedtls_ssl_context *ssl); /* the last that came */
uint16_t tls_mbedtls_suite13(const mbedtls_ssl_context *ssl); /* 0: it is of 1.2 */
bool tls_mbedtls_is_ticket(int rc); /* of mbedtls_ssl_read: nothing of ours */
int tls_mbedtls_parse_key(mbedtls_pk_context *key, const uint8_t *pem, size_t n);
int tls_mbedtls_set_serial(mbedtls_x509write_cert *made,
                           const uint8_t serial[TLS_MBEDTLS_SERIAL_BYTES]);
/* The parts of a key, which has them for longer. */
struct tls_mbedtls_ec {
	const mbedtls_ecp_group *group;
	const mbedtls_mpi *d;
	const mbedtls_ecp_point *q;
};
struct tls_mbedtls_ec tls_mbedtls_ec(const mbedtls_pk_context *key);

#endif
