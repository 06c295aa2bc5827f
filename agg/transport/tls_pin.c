/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a pin as text. The same for every TLS library.
 */
#include "agg/transport/tls.h"

#include "agg/base/base64url.h"

#include <errno.h>
#include <string.h>

#define PREFIX "sha256:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

_Static_assert(PREFIX_LEN + BASE64URL_LEN(32) == TLS_PIN_TEXT_LEN,
               "a pin's text is its prefix and 32 bytes");

int tls_pin_parse(struct tls_pin *out, const char *text)
{
	if (strncmp(text, PREFIX, PREFIX_LEN))
		return -EINVAL;
	return base64url_decode(out->sha256, sizeof(out->sha256),
	                        text + PREFIX_LEN);
}

const char *tls_pin_format(const struct tls_pin *pin,
                           char buf[TLS_PIN_TEXT_LEN + 1])
{
	memcpy(buf, PREFIX, PREFIX_LEN);
	base64url_encode(buf + PREFIX_LEN, pin->sha256, sizeof(pin->sha256));
	return buf;
}

bool tls_pin_equal(const struct tls_pin *a, const struct tls_pin *b)
{
	return !memcmp(a->sha256, b->sha256, sizeof(a->sha256));
}
