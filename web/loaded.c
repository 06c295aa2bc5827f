/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see module.h: the daemon's side. Once it is loaded it stays, as its libraries
 * are not made to be let go of.
 */
#include "web/module.h"

#include "agg/base/log.h"
#include "agg/base/pages.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* From the program's own directory: installed, and where it was built. */
static const char *const places[] = { "../lib/aggd/", "web/" };
#define PLACES (sizeof(places) / sizeof(*places))

/* A server of the module that was there then, whatever is there now. */
struct server {
	const struct module *module;
	struct server *inner;
};

/* errno: ENOPKG it is not there; ELIBBAD it cannot be used, which was said. */
static const struct module *load_from(const char *path)
{
	if (access(path, F_OK) < 0) {
		errno = ENOPKG;
		return NULL;
	}
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct module *module = handle ? dlsym(handle, MODULE_NAME) : NULL;
	if (module && !strcmp(module->version, AGGD_VERSION))
		return module;
	log_sys("page: %s", module ? MODULE_FILE " is of another version" : dlerror());
	errno = ELIBBAD;
	return NULL;
}

static const struct module *load(void)
{
	const struct module *module = NULL;
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[n < 0 ? 0 : n] = 0;
	char *name = strrchr(path, '/');
	name = name ? name + 1 : path;
	size_t room = sizeof(path) - (size_t)(name - path);
	errno = ENOPKG;
	for (unsigned i = 0; i < PLACES && !module && errno == ENOPKG; i++) {
		int len = snprintf(name, room, "%s" MODULE_FILE, places[i]);
		if (len > 0 && (size_t)len < room)
			module = load_from(path);
	}
	return module;
}

struct server *server_create(const struct server_args *args, unsigned *at)
{
	struct server *s = calloc(1, sizeof(*s));

	*at = args->count;
	if (!s)
		return NULL;
	s->module = load();
	s->inner = s->module ? s->module->server_create(args, at) : NULL;
	if (s->inner)
		return s;
	int err = errno;
	free(s);
	errno = err;
	return NULL;
}

void server_destroy(struct server *s)
{
	if (!s)
		return;
	s->module->server_destroy(s->inner);
	free(s);
}

int cert_make(const struct addr *at, unsigned count, struct buf *out)
{
	const struct module *module = load();

	return module ? module->cert_make(at, count, out) : -errno;
}

int cert_check(const struct cert *cert)
{
	const struct module *module = load();

	return module ? module->cert_check(cert) : -errno;
}

/* libmicrohttpd brings GnuTLS with all that it needs, and each has its start. */
void server_rest(void)
{
	static const char *const libraries[] = {
		"libmicrohttpd", "libgnutls", "libp11-kit", "libnettle", "libhogweed",
		"libunistring", "libtasn1", "libidn2", "libgmp", "libffi",
	};

	for (unsigned i = 0; i < sizeof(libraries) / sizeof(*libraries); i++)
		pages_drop(libraries[i]);
}
