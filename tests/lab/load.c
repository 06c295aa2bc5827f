/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load.c - aggload, the load tool of lab, demo and benchmarks: its
 * arguments. Every byte that it moves is checked, at both ends.
 */
#include "tests/lab/load.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int usage(void)
{
	fputs("usage: aggload server [-p PORT]\n"
	      "       aggload bulk HOST     [-d down|up] [-n CONNECTIONS] [-t SECONDS]\n"
	      "                             [-k SKIP_SECONDS] [-i INTERVAL_MS]\n"
	      "       aggload objects HOST  [-d down|up] [-n COUNT] [-s BYTES]\n"
	      "       aggload echo HOST     [-t SECONDS] [-i INTERVAL_MS] [-s BYTES]\n"
	      "       aggload streams HOST  [-d down|up|both] [-n COUNT] [-m BYTES_MIN]\n"
	      "                             [-s BYTES_MAX] [-t TIMEOUT_SECONDS]\n"
	      "       aggload page HOST     [-n OBJECTS] [-c AT_ONCE] [-l PAGES] [-i PAUSE_MS]\n"
	      "                             [-t SECONDS] [-m BYTES_MIN] [-s BYTES_MAX]\n"
	      "with:  -p PORT  -x SOCKS_HOST:PORT  -b DEVICE  -r SEED\n"
	      "       -f  objects and streams up: FIN after the body (half-close)\n"
	      "HOST is an address; behind -x also a name. Prints one JSON object.\n", stderr);
	return 2;
}

static const struct mode {
	const char *name;
	int (*run)(const struct load_options *o);
	struct load_options defaults;
} modes[] = {
	{ "bulk", load_bulk, { .count = 1, .seconds = 10, .interval_ms = 100 } },
	{ "objects", load_objects, { .count = 10, .size = 100000 } },
	{ "echo", load_echo, { .seconds = 5, .interval_ms = 20, .size = 64 } },
	{ "streams", load_streams, { .count = 100, .size_min = 1000, .size = 1000000,
	                             .seconds = 120 } },
	{ "page", load_page, { .count = 30, .at_once = 6, .pages = 5, .seconds = 60,
	                       .interval_ms = 200, .size_min = 2000, .size = 300000,
	                       .seed = 1 } },
};

static bool set_direction(struct load_options *o, const char *word)
{
	o->direction = strcmp(word, "up") == 0 ? LOAD_PUT : LOAD_GET;
	o->both = strcmp(word, "both") == 0;
	return o->both || o->direction == LOAD_PUT || strcmp(word, "down") == 0;
}

static bool set_option(struct load_options *o, int opt, const char *value)
{
	switch (opt) {
	case 'd': return set_direction(o, value);
	case 'n': return (o->count = (unsigned)strtoul(value, NULL, 0)) > 0;
	case 't': return (o->seconds = strtod(value, NULL)) > 0;
	case 'c': return (o->at_once = (unsigned)strtoul(value, NULL, 0)) > 0;
	case 'l': return (o->pages = (unsigned)strtoul(value, NULL, 0)) > 0;
	case 'k': return (o->skip_s = strtod(value, NULL)) >= 0;
	case 'i': return (o->interval_ms = (unsigned)strtoul(value, NULL, 0)) > 0;
	case 's': o->size = strtoull(value, NULL, 0); return true;
	case 'm': o->size_min = strtoull(value, NULL, 0); return true;
	case 'r': o->seed = strtoull(value, NULL, 0); return true;
	case 'x': return addr_parse(&o->target.socks, value, -1) == 0;
	case 'f': return (o->half_close = true);
	case 'b': o->target.device = value; return true;
	default: return false;
	}
}

static bool set_host(struct load_options *o, const char *host, uint16_t port)
{
	char text[ADDR_TEXT_MAX];

	snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	if (addr_parse(&o->target.server, text, -1) == 0)
		return true;
	o->target.server = (struct addr){ .port = port };
	o->target.socks_name = host;
	return o->target.socks.family != AF_UNSPEC && strlen(host) <= 255;
}

static void allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct mode *mode = NULL;
	struct load_options o = { 0 };
	uint16_t port = LOAD_PORT;
	int opt;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, word) == 0)
			mode = &modes[i];
	if (mode)
		o = mode->defaults;
	else if (strcmp(word, "server") != 0)
		return usage();
	argc--;
	argv++;
	while ((opt = getopt(argc, argv, "p:x:b:r:d:n:c:l:t:k:i:s:m:f")) != -1) {
		if (opt == 'p')
			port = (uint16_t)strtoul(optarg, NULL, 0);
		else if (!mode || !set_option(&o, opt, optarg))
			return usage();
	}
	allow_many_files();
	if (!mode)
		return optind == argc ? load_serve(port) : usage();
	if (optind != argc - 1 || !set_host(&o, argv[optind], port) ||
	    (mode->run == load_bulk && o.skip_s >= o.seconds))
		return usage();
	return mode->run(&o);
}
