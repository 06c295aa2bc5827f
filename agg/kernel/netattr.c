/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see netattr.h. Owns nothing.
 */
#include "agg/kernel/netattr.h"

#include <string.h>

static int on_attr(const struct nlattr *attr, void *data)
{
	struct netattrs *attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < NETATTR_TYPES_MAX)
		attrs->of[type] = attr;
	return MNL_CB_OK;
}

/* mnl_attr_ok stops the walk at the first that does not fit in. */
void netattrs_parse(struct netattrs *attrs, const void *p, size_t len)
{
	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_parse_payload(p, len, on_attr, attrs);
}

void netattrs_parse_nested(struct netattrs *attrs, const struct nlattr *nest)
{
	memset(attrs, 0, sizeof(*attrs));
	if (nest)
		netattrs_parse(attrs, mnl_attr_get_payload(nest),
		               mnl_attr_get_payload_len(nest));
}

static bool get(const struct netattrs *attrs, unsigned type, void *value,
                size_t size)
{
	const struct nlattr *attr = attrs->of[type];

	if (!attr)
		return true;
	if (mnl_attr_get_payload_len(attr) != size)
		return false;
	memcpy(value, mnl_attr_get_payload(attr), size);
	return true;
}

bool netattrs_u8(const struct netattrs *attrs, unsigned type, uint8_t *value)
{
	return get(attrs, type, value, sizeof(*value));
}

bool netattrs_u16(const struct netattrs *attrs, unsigned type, uint16_t *value)
{
	return get(attrs, type, value, sizeof(*value));
}

bool netattrs_u32(const struct netattrs *attrs, unsigned type, uint32_t *value)
{
	return get(attrs, type, value, sizeof(*value));
}

bool netattr_set_addr(struct addr *out, sa_family_t family, const void *ip,
                      size_t len)
{
	memset(out, 0, sizeof(*out));
	out->family = family;
	if (!len || len != addr_ip_len(out))
		return false;
	memcpy(out->ip, ip, len);
	return true;
}

bool netattr_addr(const struct nlattr *attr, sa_family_t family,
                  struct addr *out)
{
	return netattr_set_addr(out, family, mnl_attr_get_payload(attr),
	                        mnl_attr_get_payload_len(attr));
}
