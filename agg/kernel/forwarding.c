/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see forwarding.h. Owns nothing.
 */
#include "agg/kernel/forwarding.h"
#include "agg/kernel/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char *const wanted[] = {
	"net/ipv4/ip_forward",
	"net/ipv6/conf/all/forwarding",
	/* so that what we say of a packet goes the way of its site */
	"net/ipv4/fwmark_reflect",
	"net/ipv6/fwmark_reflect",
};

static void add_word(char words[FORWARDING_WORDS_MAX], const char *name)
{
	size_t len = strlen(words);

	snprintf(words + len, FORWARDING_WORDS_MAX - len, "%s%s",
	         len ? ", " : "", name);
	for (char *c = words + len; *c; c++)
		if (*c == '/')
			*c = '.';
}

/* As soon as the host forwards, a 1 means 0. */
static void keep_listening(const char *folder)
{
	char path[PATH_MAX], name[NAME_MAX + 32];
	struct dirent *entry;

	snprintf(path, sizeof(path), "%s/net/ipv6/conf", folder);
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(name, sizeof(name), "net/ipv6/conf/%s/accept_ra",
		         entry->d_name);
		if (sysctl_number(folder, name, 0) == 1)
			(void)sysctl_write(folder, name, "2");
	}
	if (dir)
		closedir(dir);
}

int forwarding_enable(const char *folder, char changed[FORWARDING_WORDS_MAX],
                      char lacks[FORWARDING_WORDS_MAX])
{
	int rc = 0;

	*changed = *lacks = 0;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
		/* A kernel without IPv6 lacks nothing. */
		if (sysctl_number(folder, wanted[i], 1) != 0)
			continue;
		if (strstr(wanted[i], "ipv6/conf"))
			keep_listening(folder);
		int err = sysctl_write(folder, wanted[i], "1");
		add_word(err ? lacks : changed, wanted[i]);
		rc = err ? err : rc;
	}
	return rc;
}
