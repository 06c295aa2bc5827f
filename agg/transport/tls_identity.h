/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the identity as a file, for the implementations of tls.h only. What is
 * in it (a PKCS#8 key, PEM) is the library's matter; who may read it, and that it
 * is never half written or overwritten, is told here.
 */
#ifndef AGG_TRANSPORT_TLS_IDENTITY_H
#define AGG_TRANSPORT_TLS_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#define TLS_IDENTITY_FILE "identity.pem"
#define TLS_IDENTITY_BYTES_MAX 4096 /* a P-256 key: about 240 */

/* DIR/identity.pem is there already: -EEXIST. Else 0: a key may be made. */
int tls_identity_is_vacant(const char *dir);
/* Makes dir (0700) if it is missing and dir/identity.pem (0600) at one blow.
 * 0, -EEXIST, or another -errno; then nothing is left behind. */
int tls_identity_store(const char *dir, const uint8_t *pem, size_t n);
/* Reads the whole file; *n bytes. The caller wipes pem when done. -ENOENT;
 * -EPERM: group or others may read it; -EBADMSG: no file, empty, too long. */
int tls_identity_load(const char *dir, uint8_t pem[TLS_IDENTITY_BYTES_MAX],
                      size_t *n);

#endif
