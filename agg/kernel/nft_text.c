/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see nft_text.h. Pure: text in a buffer.
 */
#include "agg/kernel/nft_text.h"

#include "agg/kernel/nft.h"

#include <net/if.h>
#include <string.h>

bool nft_device_is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@";
	size_t len = strlen(name);

	return len > 0 && len < IFNAMSIZ && strspn(name, plain) == len;
}

void nft_put_set(struct nft_text *w, const char *name, sa_family_t family,
                 const struct prefix *prefixes, size_t count)
{
	int version = family == AF_INET ? 4 : 6;
	const char *before = "\t\telements = { ", *after = "";
	char text[ADDR_TEXT_MAX];

	nft_put(w, "\tset %s%d {\n\t\ttype ipv%d_addr\n"
	    "\t\tflags interval\n\t\tauto-merge\n", name, version, version);
	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].family != family)
			continue;
		nft_put(w, "%s%s", before, prefix_format(&prefixes[i], text));
		before = ", ";
		after = " }\n";
	}
	nft_put(w, "%s\t}\n", after);
}
