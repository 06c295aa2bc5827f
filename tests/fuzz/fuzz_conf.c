/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a configuration of any bytes is refused with one printable line, or
 * what is printed of it reads as the same again.
 */
#include "agg/conf/conf.h"

#include <stdlib.h>
#include <string.h>

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct conf_error *error)
{
	size_t n = strnlen(error->text, sizeof(error->text));

	require(n > 0 && n < sizeof(error->text));
	for (size_t i = 0; i < n; i++)
		require((unsigned char)error->text[i] >= ' ');
}

static void check_round_trip(const struct conf *conf)
{
	struct conf_error error;
	struct conf *again;
	struct buf text;

	buf_init(&text, CONF_PRINT_MAX);
	require(!conf_print(conf, true, &text));
	require(!conf_parse("printed", (const char *)buf_head(&text), text.len,
	                    NULL, &again, &error));
	require(conf_equal(conf, again));
	conf_free(again);
	buf_finish(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const schedulers[] = { "lowrtt", "ecf", NULL };
	static const struct conf_names names = { .schedulers = schedulers };
	struct conf_error error;
	struct conf *conf;

	if (conf_parse("fuzz", (const char *)data, size, &names, &conf,
	               &error)) {
		require(!conf);
		check_error(&error);
		return 0;
	}
	check_round_trip(conf);
	conf_free(conf);
	return 0;
}
