/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: cert_gnutls.c where the build has no TLS for the page.
 */
#include "web/cert.h"

#include <errno.h>

int cert_make(const struct addr *at, unsigned count, struct buf *out)
{
	return -ENOSYS;
}

int cert_check(const struct cert *cert)
{
	return -ENOSYS;
}
