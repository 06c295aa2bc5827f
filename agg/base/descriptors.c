/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see descriptors.h; getrlimit(2). Owns nothing: the limit is the
 * process's, is asked for each time, and may be changed from outside.
 */
#include "agg/base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

long descriptors_raise(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -errno;
	return limit.rlim_cur < LONG_MAX ? (long)limit.rlim_cur : LONG_MAX;
}

unsigned descriptors_reserve(enum descriptors_use use, unsigned long limit)
{
	unsigned long reserve = limit / 4;

	if (reserve < DESCRIPTORS_RESERVE_MIN)
		reserve = DESCRIPTORS_RESERVE_MIN;
	if (reserve > DESCRIPTORS_RESERVE_MAX)
		reserve = DESCRIPTORS_RESERVE_MAX;
	if (reserve > limit / 2)
		reserve = limit / 2;
	return (unsigned)(use == DESCRIPTORS_STREAM ? reserve : reserve / 4);
}

unsigned descriptors_for_streams(unsigned most)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return most;
	rlim_t left = limit.rlim_cur -
	              descriptors_reserve(DESCRIPTORS_STREAM, limit.rlim_cur);
	return left < most ? (unsigned)left : most;
}

unsigned descriptors_used(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	unsigned used = fd < 0 ? UINT_MAX : (unsigned)fd;

	if (fd >= 0)
		close(fd);
	return used;
}

bool descriptors_allow(enum descriptors_use use, int fd)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return true;
	return (rlim_t)fd + descriptors_reserve(use, limit.rlim_cur) < limit.rlim_cur;
}
