/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: cert.h where the build has no TLS for the page.
 */
#include "web/cert.h"

#include <errno.h>

int cert_own(const char *dir, const struct addr *at, unsigned count, struct cert *out)
{
	return -ENOSYS;
}

int cert_read(const char *chain_path, const char *key_path, struct cert *out)
{
	return -ENOSYS;
}

bool cert_equal(const struct cert *a, const struct cert *b)
{
	return true;
}

void cert_finish(struct cert *cert)
{
}
