/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: netifd.h against answers as netifd gives them, and a ubus that is a script: it
 * answers, fails, says too much, comes with something else the next time, and is not
 * there.
 */
#include "agg/kernel/netifd.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LIMIT_US 30000000u /* of a slow machine */

/* Shortened: each has some forty more keys. */
#define ANSWER "{\"interface\": [" \
	"{\"interface\": \"lan\", \"up\": true, \"l3_device\": \"br-lan\"," \
	" \"device\": \"br-lan\", \"ipv4-address\": [{\"address\": \"192.168.1.1\"}]}," \
	"{\"interface\": \"wan\", \"up\": true, \"proto\": \"pppoe\"," \
	" \"l3_device\": \"pppoe-wan\", \"device\": \"eth1\"}," \
	"{\"interface\": \"wan2\", \"up\": false, \"pending\": true, \"device\": \"eth2\"}," \
	"{\"interface\": \"was\", \"up\": false, \"l3_device\": \"eth4\"}," \
	"{\"interface\": \"long\", \"up\": true, \"l3_device\": \"longer-than-it-can-be\"}," \
	"{\"up\": true, \"l3_device\": \"eth5\"}, 7, null ] }\n"

static void an_answer_is_read(void **state)
{
	static const char *const want[][2] = {
		{ "lan", "br-lan" }, { "wan", "pppoe-wan" }, { "wan2", "" }, { "was", "" },
		{ "long", "" },
	};
	struct netifd_interface found[NETIFD_INTERFACES_MAX];

	assert_int_equal(netifd_read(ANSWER, strlen(ANSWER), found), 5);
	for (unsigned i = 0; i < 5; i++) {
		assert_string_equal(found[i].name, want[i][0]);
		assert_string_equal(found[i].device, want[i][1]);
	}
}

static void what_is_no_answer_is_none(void **state)
{
	static const char *const texts[] = {
		"", "{", "[]", "7", "null", "{\"interface\": 7}", "Command failed: Not found\n",
	};
	struct netifd_interface found[NETIFD_INTERFACES_MAX];

	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(netifd_read(texts[i], strlen(texts[i]), found), -EINVAL);
	assert_int_equal(netifd_read("{\"interface\":[]}", 16, found), 0);
}

static void there_are_no_more_than_there_is_room(void **state)
{
	struct netifd_interface found[NETIFD_INTERFACES_MAX];
	char text[16384];
	int n = snprintf(text, sizeof(text), "{\"interface\": [");

	for (unsigned i = 0; i < NETIFD_INTERFACES_MAX + 9; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		              "%s{\"interface\": \"i%u\", \"up\": true}", i ? "," : "", i);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "]}");
	assert_int_equal(netifd_read(text, (size_t)n, found), NETIFD_INTERFACES_MAX);
}

/* Asking ------------------------------------------------------------------------ */

struct asking {
	struct loop *loop;
	struct netifd *netifd;
	unsigned answers;
	int count;
	char device[IFNAMSIZ]; /* of the first */
	char folder[32], ubus[48];
};

static void on_answer(void *ctx, const struct netifd_interface *found, int count)
{
	struct asking *a = ctx;

	a->answers++;
	a->count = count;
	strcpy(a->device, count > 0 ? found[0].device : "");
	loop_stop(a->loop);
}

static void on_limit(void *ctx)
{
	fail_msg("no answer");
}

static void be(const struct asking *a, const char *script)
{
	FILE *f = fopen(a->ubus, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n[ \"$*\" = 'call network.interface dump' ] || exit 3\n%s\n",
	        script);
	fclose(f);
	assert_int_equal(chmod(a->ubus, 0755), 0);
}

static void wait_for_an_answer(struct asking *a)
{
	struct loop_timer *limit = loop_timer_create(a->loop, on_limit, a);

	loop_timer_arm(limit, loop_now_us(a->loop) + LIMIT_US);
	loop_run(a->loop);
	loop_timer_destroy(limit);
}

static void begin(struct asking *a, const char *script)
{
	char path[64];

	*a = (struct asking){ .folder = "/tmp/netifd-XXXXXX" };
	assert_non_null(mkdtemp(a->folder));
	snprintf(a->ubus, sizeof(a->ubus), "%s/ubus", a->folder);
	snprintf(path, sizeof(path), "%s:/usr/bin:/bin", a->folder);
	setenv("PATH", path, 1);
	if (script)
		be(a, script);
	a->loop = loop_create();
	a->netifd = netifd_create(a->loop, on_answer, a);
	assert_non_null(a->netifd);
}

static void end(struct asking *a)
{
	netifd_destroy(a->netifd);
	loop_destroy(a->loop);
	unlink(a->ubus);
	rmdir(a->folder);
}

static void it_is_asked_and_asked_again(void **state)
{
	struct asking a;

	begin(&a, "cat <<END\n" ANSWER "END");
	wait_for_an_answer(&a);
	assert_int_equal(a.count, 5);
	assert_string_equal(a.device, "br-lan");
	be(&a, "echo '{\"interface\":[{\"interface\":\"lan\",\"up\":true,"
	       "\"l3_device\":\"br1\"}]}'");
	netifd_ask(a.netifd);
	netifd_ask(a.netifd);
	wait_for_an_answer(&a);
	assert_int_equal(a.count, 1);
	assert_string_equal(a.device, "br1");
	assert_int_equal(a.answers, 2);
	end(&a);
}

static void it_says_why_there_is_no_answer(void **state)
{
	static const struct { const char *script; int count; } cases[] = {
		{ NULL, -ENOENT },
		{ "exit 4", -EIO },
		{ "echo nothing", -EINVAL },
		{ "kill -9 $$", -EIO },
		{ "head -c 300000 /dev/zero", -EIO }, /* more than NETIFD_ANSWER_MAX */
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct asking a;
		begin(&a, cases[i].script);
		wait_for_an_answer(&a);
		assert_true(a.count == cases[i].count ||
		            (i == 4 && a.count == -EINVAL)); /* SIGPIPE, or it had ended */
		end(&a);
	}
}

static void on_soon(void *ctx)
{
	loop_stop(ctx);
}

static void who_asks_can_go(void **state)
{
	struct asking a;

	begin(&a, "exec sleep 60");
	struct loop_timer *soon = loop_timer_create(a.loop, on_soon, a.loop);
	loop_timer_arm(soon, loop_now_us(a.loop) + 100000);
	loop_run(a.loop);
	loop_timer_destroy(soon);
	assert_int_equal(a.answers, 0);
	end(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(what_is_no_answer_is_none),
		cmocka_unit_test(there_are_no_more_than_there_is_room),
		cmocka_unit_test(it_is_asked_and_asked_again),
		cmocka_unit_test(it_says_why_there_is_no_answer),
		cmocka_unit_test(who_asks_can_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
