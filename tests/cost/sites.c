/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a site costs among few and among many. The concentrator's door and
 * sites (stage.h), each site with a session over one subflow: the file is
 * checked, one site is added, changed and removed, all are measured and
 * reported. Under callgrind, which flat.py starts, the instructions of each step
 * are dumped apart.
 */
#include "tests/unit/role/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#define TEXT_MAX (1024u * 1024u)

static struct stage stage;

static void pin_of(unsigned i, char pin[64])
{
	snprintf(pin, 64, "sha256:%c%c%c%040d", 'a' + i % 26, 'a' + i / 26 % 26,
	         'a' + i / 676 % 26, 0);
}

/* n sites, of which the one `changed` sends by another scheduler; n: none. */
static void write_sites(struct buf *text, unsigned n, unsigned changed)
{
	char pin[64];

	buf_take(text, text->len);
	buf_printf(text, STAGE_MAIN);
	for (unsigned i = 0; i < n; i++) {
		pin_of(i, pin);
		buf_printf(text, "config site s%u\noption pin %s\n%s", i, pin,
		           i == changed ? "option scheduler ecf\n" : "");
	}
	buf_put(text, "", 1);
}

static const char *text_of(const struct buf *text)
{
	return (const char *)buf_head(text);
}

static void begin(void)
{
	CALLGRIND_START_INSTRUMENTATION;
	CALLGRIND_ZERO_STATS;
}

static void done(const char *what, unsigned sites, unsigned units)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%u", what, sites);
	CALLGRIND_DUMP_STATS_AT(name);
	CALLGRIND_STOP_INSTRUMENTATION;
	printf("%s %u\n", name, units);
}

static void check(struct buf *text, unsigned n)
{
	struct conf_error error;
	struct conf *conf;

	write_sites(text, n, n);
	begin();
	int err = conf_parse("f", text_of(text), text->len - 1, NULL, &conf,
	                     &error);
	done("CHECK", n, n);
	if (err) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	conf_free(conf);
}

static void connect_site(unsigned i)
{
	char from[ADDR_TEXT_MAX], pin[64];

	pin_of(i, pin);
	snprintf(from, sizeof(from), "198.18.%u.%u:1", i / 250, i % 250);
	stage_greet(stage_come(&stage, from), pin, 1, 0, 0);
}

static void reload(const char *what, struct buf *text, unsigned n)
{
	struct addr culprit;

	begin();
	stage_reload(&stage, text_of(text), &culprit);
	done(what, n, n);
}

static void measure(unsigned n)
{
	struct buf text;
	struct report report;

	buf_init(&text, TEXT_MAX);
	check(&text, n);
	stage_begin(&stage, text_of(&text));
	for (unsigned i = 0; i < n; i++)
		connect_site(i);
	stage_turn(&stage);

	write_sites(&text, n + 1, n + 1);
	reload("ADD", &text, n);
	write_sites(&text, n + 1, n / 2);
	reload("CHANGE", &text, n);
	write_sites(&text, n, n / 2);
	reload("REMOVE", &text, n);
	begin();
	sites_measure(&stage.sites);
	done("MEASURE", n, n);
	report_init(&report);
	begin();
	sites_report(&stage.sites, &report);
	done("REPORT", n, n);
	report_finish(&report);
	stage_end(&stage);
	buf_finish(&text);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		measure((unsigned)strtoul(argv[i], NULL, 10));
	return argc > 1 ? 0 : 2;
}
