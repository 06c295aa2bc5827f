/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pages.h. Dropped are segments that nobody can have written to, as the
 * kernel would throw those bytes away: not writable, and not changed by the
 * dynamic linker either (DT_TEXTREL). What it made read-only after its work
 * (PT_GNU_RELRO) lies in a writable one.
 */
#include "agg/base/pages.h"

#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct drop {
	const char *prefix;
	size_t bytes;
};

static bool is_named(const struct dl_phdr_info *info, const char *prefix)
{
	const char *slash = strrchr(info->dlpi_name, '/');
	const char *name = slash ? slash + 1 : info->dlpi_name;

	return !strncmp(name, prefix, strlen(prefix));
}

static bool is_patched(const struct dl_phdr_info *info)
{
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
			continue;
		const ElfW(Dyn) *d = (const void *)(uintptr_t)
			(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
		for (; d->d_tag != DT_NULL; d++)
			if (d->d_tag == DT_TEXTREL ||
			    (d->d_tag == DT_FLAGS && (d->d_un.d_val & DF_TEXTREL)))
				return true;
	}
	return false;
}

/* Its whole pages; one that it shares with its neighbour stays. */
static size_t drop_segment(uintptr_t from, size_t n)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (from + page - 1) / page * page;
	uintptr_t end = (from + n) / page * page;

	if (end <= first ||
	    madvise((void *)first, end - first, MADV_DONTNEED) < 0)
		return 0;
	return end - first;
}

static int on_object(struct dl_phdr_info *info, size_t size, void *ctx)
{
	struct drop *drop = ctx;

	if (!is_named(info, drop->prefix) || is_patched(info))
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			drop->bytes += drop_segment(info->dlpi_addr +
			                            segment->p_vaddr,
			                            segment->p_filesz);
	}
	return 0;
}

size_t pages_drop(const char *prefix)
{
	struct drop drop = { .prefix = prefix };

	dl_iterate_phdr(on_object, &drop);
	return drop.bytes;
}
