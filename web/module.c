/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see module.h.
 */
#include "web/module.h"

extern const struct module aggd_web;
__attribute__((visibility("default"))) const struct module aggd_web = {
	.version = AGGD_VERSION,
	.server_create = server_create,
	.server_destroy = server_destroy,
	.cert_make = cert_make,
	.cert_check = cert_check,
};
