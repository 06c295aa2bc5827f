/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the attributes of a netlink message, by type. Pure; every getter checks
 * the attribute's size before it reads.
 */
#ifndef AGG_KERNEL_NETATTR_H
#define AGG_KERNEL_NETATTR_H

#include "agg/base/addr.h"

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NETATTR_TYPES_MAX 64 /* one more than the last type that is kept */

struct netattrs {
	const struct nlattr *of[NETATTR_TYPES_MAX]; /* NULL: it is not there */
};

/* The attributes in len bytes from p on; the first that does not fit in ends
 * the walk. */
void netattrs_parse(struct netattrs *attrs, const void *p, size_t len);
/* The same of the attributes inside of one; none for NULL. */
void netattrs_parse_nested(struct netattrs *attrs, const struct nlattr *nest);

/* The value into *value, which is left where there is none. false: there is
 * one, of another size. */
bool netattrs_u8(const struct netattrs *attrs, unsigned type, uint8_t *value);
bool netattrs_u16(const struct netattrs *attrs, unsigned type, uint16_t *value);
bool netattrs_u32(const struct netattrs *attrs, unsigned type, uint32_t *value);

/* An address of len bytes. false: another family's length. */
bool netattr_set_addr(struct addr *out, sa_family_t family, const void *ip,
                      size_t len);
bool netattr_addr(const struct nlattr *attr, sa_family_t family,
                  struct addr *out);

#endif
