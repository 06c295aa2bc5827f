/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see arp.h. Owns nothing: the journal, a line "DEVICE IGNORE ANNOUNCE" of
 * what was before, is the only memory. It is written before a setting is.
 */
#include "agg/kernel/arp.h"
#include "agg/kernel/runlock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SETTING_MAX 8 /* the kernel's largest is smaller */

/* What a device had. */
struct entry {
	char device[IFNAMSIZ];
	unsigned ignore, announce;
};
struct journal {
	struct entry entries[ARP_DEVICES_MAX];
	unsigned count;
};

static FILE *open_setting(const struct arp_place *place, const char *device,
                          const char *name, const char *mode)
{
	char path[ARP_PATH_MAX];

	snprintf(path, sizeof(path), "%s/net/ipv4/conf/%s/%s",
	         place->root ? place->root : "/proc/sys", device, name);
	return fopen(path, mode);
}

static int read_setting(const struct arp_place *place, const char *device,
                        const char *name, unsigned *value)
{
	FILE *file = open_setting(place, device, name, "re");

	if (!file)
		return -errno;
	int rc = fscanf(file, "%u", value) == 1 && *value <= SETTING_MAX ?
		0 : -EINVAL;
	fclose(file);
	return rc;
}

static int write_setting(const struct arp_place *place, const char *device,
                         const char *name, unsigned value)
{
	FILE *file = open_setting(place, device, name, "we");

	if (!file)
		return -errno;
	int rc = fprintf(file, "%u\n", value) < 0 ? -EIO : 0;
	if (fclose(file) && !rc)
		rc = -errno;
	return rc;
}

/* What a device had is put back where it still has what we set. Gone with its
 * device: that is as good. */
static void restore(const struct arp_place *place, const struct entry *e)
{
	unsigned now;

	if (!read_setting(place, e->device, "arp_ignore", &now) &&
	    now == ARP_IGNORE && e->ignore != now)
		write_setting(place, e->device, "arp_ignore", e->ignore);
	if (!read_setting(place, e->device, "arp_announce", &now) &&
	    now == ARP_ANNOUNCE && e->announce != now)
		write_setting(place, e->device, "arp_announce", e->announce);
}

static bool entry_is_good(const struct entry *e)
{
	return *e->device && !strchr(e->device, '/') && strcmp(e->device, ".") &&
	       strcmp(e->device, "..") && e->ignore <= SETTING_MAX &&
	       e->announce <= SETTING_MAX;
}

static void load(const struct arp_place *place, struct journal *j)
{
	FILE *file = fopen(place->journal, "re");
	struct entry e;

	memset(j, 0, sizeof(*j));
	if (!file)
		return;
	while (j->count < ARP_DEVICES_MAX &&
	       fscanf(file, "%15s %u %u", e.device, &e.ignore,
	              &e.announce) == 3)
		if (entry_is_good(&e))
			j->entries[j->count++] = e;
	fclose(file);
}

/* A new file, that takes the journal's place when it is whole: also where the
 * one there is of another user, or is a link. */
static FILE *create_beside(const struct arp_place *place,
                           char fresh[ARP_PATH_MAX])
{
	snprintf(fresh, ARP_PATH_MAX, "%s.new", place->journal);
	unlink(fresh);
	return fopen(fresh, "wxe");
}

static int save(const struct arp_place *place, const struct journal *j)
{
	char fresh[ARP_PATH_MAX];

	if (!j->count)
		return unlink(place->journal) && errno != ENOENT ? -errno : 0;
	FILE *file = create_beside(place, fresh);
	if (!file)
		return -errno;
	for (unsigned i = 0; i < j->count; i++)
		fprintf(file, "%s %u %u\n", j->entries[i].device,
		        j->entries[i].ignore, j->entries[i].announce);
	return fclose(file) || rename(fresh, place->journal) ? -errno : 0;
}

static bool is_among(const char *device, const char (*devices)[IFNAMSIZ],
                     unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(devices[i], device))
			return true;
	return false;
}

/* Those that are no longer named get back what they had. */
static void leave_out(const struct arp_place *place, struct journal *j,
                      const char (*devices)[IFNAMSIZ], unsigned count)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < j->count; i++) {
		if (is_among(j->entries[i].device, devices, count))
			j->entries[kept++] = j->entries[i];
		else
			restore(place, &j->entries[i]);
	}
	j->count = kept;
}

static const struct entry *find(const struct journal *j, const char *device)
{
	for (unsigned i = 0; i < j->count; i++)
		if (!strcmp(j->entries[i].device, device))
			return &j->entries[i];
	return NULL;
}

static int note(const struct arp_place *place, struct journal *j,
                const char *device)
{
	struct entry e = { .ignore = 0 };
	int rc;

	if (find(j, device))
		return 0;
	if (j->count == ARP_DEVICES_MAX)
		return -ENOSPC;
	snprintf(e.device, sizeof(e.device), "%s", device);
	rc = read_setting(place, device, "arp_ignore", &e.ignore);
	if (!rc)
		rc = read_setting(place, device, "arp_announce", &e.announce);
	if (!rc)
		j->entries[j->count++] = e;
	return rc;
}

/* A stricter value of somebody else's stays. */
static int raise(const struct arp_place *place, const char *device,
                 const char *name, unsigned value)
{
	unsigned now = 0;
	int rc = read_setting(place, device, name, &now);

	return rc || now >= value ? rc : write_setting(place, device, name, value);
}

int arp_journal_path(char out[ARP_PATH_MAX])
{
	return runlock_netns_path(out, ARP_PATH_MAX, "gateway", "arp");
}

int arp_keep_apart(const struct arp_place *place,
                   const char (*devices)[IFNAMSIZ], unsigned count,
                   struct kerr *err)
{
	struct journal j;
	int rc = 0;

	load(place, &j);
	leave_out(place, &j, devices, count);
	for (unsigned i = 0; i < count && !rc; i++)
		rc = note(place, &j, devices[i]);
	int saved = save(place, &j);
	if (saved)
		return kerr_set(err, saved, "%s", place->journal);
	for (unsigned i = 0; i < count && !rc; i++) {
		rc = raise(place, devices[i], "arp_ignore", ARP_IGNORE);
		if (!rc)
			rc = raise(place, devices[i], "arp_announce",
			           ARP_ANNOUNCE);
	}
	return rc ? kerr_set(err, rc, "arp_ignore, arp_announce") : 0;
}

bool arp_is_kept(const struct arp_place *place,
                 const char (*devices)[IFNAMSIZ], unsigned count)
{
	unsigned now;

	for (unsigned i = 0; i < count; i++)
		if ((!read_setting(place, devices[i], "arp_ignore", &now) &&
		     now < ARP_IGNORE) ||
		    (!read_setting(place, devices[i], "arp_announce", &now) &&
		     now < ARP_ANNOUNCE))
			return false;
	return true;
}
