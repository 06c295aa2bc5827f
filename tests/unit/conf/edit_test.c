/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: golden/edit/NAME.ok is what an edit makes of golden/edit/in: nothing but
 * what was asked for is another.
 */
#include "agg/conf/edit.h"
#include "agg/conf/uci.h"
#include "tests/unit/golden.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void begin(struct buf *text)
{
	golden_read(GOLDEN_DIR "/edit/in", text);
	text->max = UCI_FILE_MAX;
}

static void end(struct buf *text, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), GOLDEN_DIR "/edit/%s.ok", name);
	golden_check(path, text);
	buf_finish(text);
}

static void an_option_is_set_where_it_stands(void **state)
{
	struct buf text;

	begin(&text);
	assert_int_equal(edit_set(&text, "aggd", "main", "state", "/var/x"), 0);
	assert_int_equal(edit_set(&text, "concentrator", NULL, "pin", "new"), 0);
	assert_int_equal(edit_set(&text, "uplink", "dsl", "device", "it's"), 0);
	end(&text, "set");
}

static void what_is_new_comes_behind(void **state)
{
	struct buf text;

	begin(&text);
	assert_int_equal(edit_set(&text, "aggd", "main", "linger", "5s"), 0);
	assert_int_equal(edit_set(&text, "uplink", "dsl", "enabled", "0"), 0);
	assert_int_equal(edit_set(&text, "lan", NULL, "tproxy", "1"), 0);
	assert_int_equal(edit_set(&text, "uplink", "sat", "device", "wan3"), 0);
	assert_int_equal(edit_set(&text, "uplink", "sat", "cost", "backup"), 0);
	end(&text, "add");
}

static void a_list_takes_the_place_of_its_first(void **state)
{
	static const char *const three[] = { "a", "b", "c", NULL };
	static const char *const one[] = { "lan0", NULL };
	static const char *const none[] = { NULL };
	struct buf text;

	begin(&text);
	assert_int_equal(edit_set_list(&text, "concentrator", NULL, "endpoint",
	                               three), 0);
	assert_int_equal(edit_set_list(&text, "lan", NULL, "device", one), 0);
	assert_int_equal(edit_set_list(&text, "uplink", "lte", "cost", none), 0);
	end(&text, "list");
}

static void a_section_goes_and_comments_stay(void **state)
{
	struct buf text;

	begin(&text);
	assert_int_equal(edit_remove(&text, "concentrator", "vps"), 0);
	assert_int_equal(edit_remove(&text, "uplink", "dsl"), 0);
	assert_int_equal(edit_remove(&text, "uplink", "dsl"), -ENOENT);
	end(&text, "remove");
}

static void a_section_gets_another_name(void **state)
{
	struct buf text;

	begin(&text);
	assert_int_equal(edit_rename(&text, "aggd", "main", "first"), 0);
	assert_int_equal(edit_rename(&text, "uplink", "lte", "mobile"), 0);
	assert_int_equal(edit_rename(&text, "uplink", "lte", "x"), -ENOENT);
	end(&text, "rename");
}

static void of_nothing_comes_a_file(void **state)
{
	static const char want[] = "config site 'home'\n\toption pin 'x'\n";
	struct buf text;

	buf_init(&text, UCI_FILE_MAX);
	assert_int_equal(edit_set(&text, "site", "home", "pin", "x"), 0);
	assert_int_equal(text.len, sizeof(want) - 1);
	assert_memory_equal(buf_head(&text), want, text.len);
	assert_true(edit_has(&text, "site", "home"));
	assert_false(edit_has(&text, "site", "office"));
	buf_finish(&text);
}

/* What cannot be read is not touched, nor made. */
static void a_broken_file_stays(void **state)
{
	static const char broken[] = "config a 'b\n";
	struct buf text;

	buf_init(&text, UCI_FILE_MAX);
	buf_put(&text, broken, strlen(broken));
	assert_int_equal(edit_set(&text, "a", "b", "c", "d"), -EINVAL);
	assert_memory_equal(buf_head(&text), broken, strlen(broken));
	buf_take(&text, text.len);
	assert_int_equal(edit_set(&text, "a", "b", "c", "two\nlines"), -EINVAL);
	assert_int_equal(text.len, 0);
	buf_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_is_set_where_it_stands),
		cmocka_unit_test(what_is_new_comes_behind),
		cmocka_unit_test(a_list_takes_the_place_of_its_first),
		cmocka_unit_test(a_section_goes_and_comments_stay),
		cmocka_unit_test(a_section_gets_another_name),
		cmocka_unit_test(of_nothing_comes_a_file),
		cmocka_unit_test(a_broken_file_stays),
	};

	return cmocka_run_group_tests_name("conf/edit", tests, NULL, NULL);
}
