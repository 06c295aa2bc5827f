/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the golden files do not show: files, comparing, what is hidden.
 */
#include "agg/conf/conf.h"
#include "agg/conf/keys.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PIN "sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
#define PIN2 "sha256:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"
#define GATEWAY "config aggd main\noption role gateway\n" \
	"config concentrator vps\nlist endpoint 203.0.113.10\noption pin " PIN "\n"
#define DSL "config uplink dsl\noption device wan1\n"
#define LTE "config uplink lte\noption device wan2\n"
#define CONCENTRATOR "config aggd main\noption role concentrator\n"

static struct conf *load(const char *text)
{
	struct conf_error error;
	struct conf *conf;

	if (conf_parse("f", text, strlen(text), NULL, &conf, &error))
		fail_msg("%s", error.text);
	return conf;
}

static void defaults_are_filled_in(void **state)
{
	struct conf *c = load(GATEWAY DSL);

	assert_int_equal(c->main.role, CONF_ROLE_GATEWAY);
	assert_int_equal(c->main.on_outage, CONF_OUTAGE_DIRECT);
	assert_int_equal(c->main.log_level, LOG_LEVEL_INFO);
	assert_int_equal(c->main.linger_us, 60 * 1000000);
	assert_int_equal(c->main.memory_bytes, 0);
	assert_int_equal(c->main.bundles, 2);
	assert_int_equal(c->concentrator.endpoint[0].addr.port, 443);
	assert_int_equal(c->concentrator.pin.sha256[0], 0xe3);
	assert_int_equal(c->uplink_count, 1);
	assert_true(c->uplinks[0].enabled);
	assert_int_equal(c->lan_count, 0);
	assert_false(c->lan.tproxy);
	conf_free(c);
}

static bool same(enum conf_tables table, const void *a, const void *b)
{
	return conf_table_equal(&conf_tables[table], a, b);
}

static void changes_are_found_and_lines_do_not_count(void **state)
{
	struct conf *a = load(GATEWAY DSL LTE);
	struct conf *b = load("\n\n" GATEWAY "\n" DSL LTE);
	struct conf *c = load(GATEWAY LTE "option cost backup\n" DSL);

	assert_true(conf_equal(a, b));
	assert_false(conf_equal(a, c));
	assert_true(same(CONF_TABLE_MAIN, &a->main, &c->main));
	assert_true(conf_concentrator_equal(&a->concentrator, &c->concentrator));
	assert_true(conf_uplink_equal(conf_find_uplink(a, "dsl"),
	                              conf_find_uplink(c, "dsl")));
	assert_false(conf_uplink_equal(conf_find_uplink(a, "lte"),
	                               conf_find_uplink(c, "lte")));
	assert_null(conf_find_uplink(a, "vps"));
	conf_free(a);
	conf_free(b);
	conf_free(c);
}

static void lists_are_compared(void **state)
{
	struct conf *a = load(GATEWAY DSL "config bypass\nlist dest 10.0.0.0/8\n");
	struct conf *b = load(GATEWAY DSL "config bypass\nlist dest 10.0.0.0/8\n"
	                      "list dest 192.0.2.0/24\n");

	assert_false(same(CONF_TABLE_BYPASS, &a->bypasses[0], &b->bypasses[0]));
	b->bypasses[0].dest_count = 1;
	assert_true(same(CONF_TABLE_BYPASS, &a->bypasses[0], &b->bypasses[0]));
	conf_free(a);
	conf_free(b);
}

static void some_changes_need_a_start(void **state)
{
	struct conf *a = load(CONCENTRATOR);
	struct conf *b = load(CONCENTRATOR "option state /b\n");
	struct conf *c = load(CONCENTRATOR "option control /c\n");
	struct conf *d = load(CONCENTRATOR "option log_level debug\n");
	struct conf *e = load(GATEWAY DSL);

	assert_string_equal(conf_needs_restart(a, b), "state");
	assert_string_equal(conf_needs_restart(a, c), "control");
	assert_null(conf_needs_restart(a, d));
	assert_string_equal(conf_needs_restart(a, e), "role");
	d->main.workers = 3;
	assert_string_equal(conf_needs_restart(a, d), "workers");
	d->main.workers = a->main.workers;
	d->main.offload = CONF_OFFLOAD_OFF;
	assert_string_equal(conf_needs_restart(a, d), "offload");
	conf_free(a);
	conf_free(b);
	conf_free(c);
	conf_free(d);
	conf_free(e);
}

static void what_is_not_set_is_zero(void **state)
{
	struct conf *c = load(CONCENTRATOR "config site a\noption pin " PIN "\n"
	                      "config class bulk\noption scheduler blest\n");

	assert_string_equal(c->main.order, "auto");
	assert_string_equal(conf_find_site(c, "a")->order, "");
	assert_string_equal(conf_find_class(c, "bulk")->scheduler, "blest");
	assert_int_equal(conf_find_class(c, "bulk")->after_bytes, 0);
	assert_null(conf_find_class(c, "interactive"));
	conf_free(c);
}

static void changed_classes_are_found(void **state)
{
	struct conf *a = load(GATEWAY DSL "config class bulk\nlist dscp CS1\n");
	struct conf *b = load(GATEWAY DSL "config class bulk\nlist dscp 8\n");
	struct conf *c = load(GATEWAY DSL "config class bulk\nlist dscp 8\n"
	                      "option after 300K\n");
	struct conf *d = load(GATEWAY DSL);

	assert_true(conf_equal(a, b));
	assert_false(conf_equal(b, c));
	assert_false(conf_equal(b, d));
	conf_free(a);
	conf_free(b);
	conf_free(c);
	conf_free(d);
}

static void secrets_are_hidden(void **state)
{
	struct conf *c = load(GATEWAY DSL "config lan\noption tproxy 0\n"
	                      "option socks5 '[::]'\noption socks5_user me\n"
	                      "option socks5_password 'open sesame'\n");
	struct buf out;

	buf_init(&out, CONF_PRINT_MAX);
	assert_int_equal(conf_print(c, false, &out), 0);
	assert_null(memmem(buf_head(&out), out.len, "sesame", 6));
	assert_non_null(memmem(buf_head(&out), out.len, "hidden", 6));
	buf_finish(&out);
	conf_free(c);
}

static void full_buffer_is_an_error(void **state)
{
	struct conf *c = load(GATEWAY DSL);
	struct buf out;

	for (size_t max = 0; max < 300; max++) {
		buf_init(&out, max);
		assert_int_equal(conf_print(c, true, &out), -ENOBUFS);
		buf_finish(&out);
	}
	conf_free(c);
}

static void files_are_read(void **state)
{
	char path[] = "/tmp/conf_test.XXXXXX", want[128];
	int fd = mkstemp(path);
	struct conf_error error;
	struct conf *conf;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, CONCENTRATOR, strlen(CONCENTRATOR)),
	                 strlen(CONCENTRATOR));
	assert_int_equal(conf_load(path, NULL, &conf, &error), 0);
	conf_free(conf);
	assert_int_equal(write(fd, "opt", 3), 3);
	assert_int_equal(conf_load(path, NULL, &conf, &error), -EINVAL);
	assert_null(conf);
	snprintf(want, sizeof(want), "%s:3: ", path);
	assert_memory_equal(error.text, want, strlen(want));
	/* A hole as long as makes one byte too many. */
	assert_int_equal(ftruncate(fd, UCI_FILE_MAX + 1), 0);
	assert_int_equal(conf_load(path, NULL, &conf, &error), -EINVAL);
	snprintf(want, sizeof(want), "%s: larger than 2048 KiB", path);
	assert_string_equal(error.text, want);
	close(fd);
	unlink(path);
	assert_int_equal(conf_load(path, NULL, &conf, &error), -ENOENT);
	snprintf(want, sizeof(want), "%s: cannot be read: "
	         "No such file or directory", path);
	assert_string_equal(error.text, want);
	assert_int_equal(conf_load("/", NULL, &conf, &error), -EISDIR);
}

static void pipe_without_a_writer_is_not_waited_for(void **state)
{
	char path[] = "/tmp/conf_test.XXXXXX";
	struct conf_error error;
	struct conf *conf;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	assert_int_equal(conf_load(path, NULL, &conf, &error), -EINVAL);
	alarm(0);
	assert_int_equal(unlink(path), 0);
}

#define INTERFACES "config uplink a\noption interface wan\n" \
	"config uplink b\noption interface wan6\n" \
	"config uplink c\noption device eth2\n" \
	"config lan\nlist device eth3\nlist interface lan\nlist interface guest\n"

struct answer {
	const char *wan, *wan6, *lan, *guest;
};

static const char *find(void *ctx, const char *interface)
{
	const struct answer *a = ctx;

	return !strcmp(interface, "wan") ? a->wan : !strcmp(interface, "wan6") ? a->wan6 :
	       !strcmp(interface, "lan") ? a->lan : a->guest;
}

static void interfaces_have_devices(void **state)
{
	struct answer a = { "pppoe-wan", "eth9", "br-lan", NULL };
	struct conf *c = load(GATEWAY INTERFACES), *again;

	assert_string_equal(c->uplinks[0].device.name, "");
	assert_string_equal(c->uplinks[2].device.name, "eth2");
	assert_int_equal(c->lan.device_count, 1);
	assert_true(conf_has_interfaces(c));
	assert_int_equal(conf_copy(c, NULL, &again), 0);
	conf_set_devices(again, find, &a);
	assert_string_equal(again->uplinks[0].device.name, "pppoe-wan");
	assert_string_equal(again->uplinks[1].device.name, "eth9");
	assert_string_equal(again->uplinks[2].device.name, "eth2");
	assert_int_equal(again->lan.device_count, 2);
	assert_string_equal(again->lan.device[0].name, "eth3");
	assert_string_equal(again->lan.device[1].name, "br-lan");
	assert_false(conf_uplink_equal(&c->uplinks[0], &again->uplinks[0]));
	assert_true(conf_uplink_equal(&c->uplinks[2], &again->uplinks[2]));
	conf_free(c);
	assert_int_equal(conf_copy(again, NULL, &c), 0); /* what was found is not written */
	assert_string_equal(c->uplinks[0].interface, "wan");
	assert_string_equal(c->uplinks[0].own.name, "");
	assert_int_equal(c->lan.own_count, 1);
	conf_free(again);
	conf_free(c);
}

static void a_device_has_one_use(void **state)
{
	struct answer a = { "eth1", "eth1", "eth2", "a-name-that-is-too-long" };
	struct conf *c = load(GATEWAY INTERFACES);

	conf_set_devices(c, find, &a);
	assert_string_equal(c->uplinks[0].device.name, "eth1");
	assert_string_equal(c->uplinks[1].device.name, "");
	assert_int_equal(c->lan.device_count, 1); /* eth2 is uplink c */
	a = (struct answer){ "eth2", "eth3", "eth3", "" };
	conf_set_devices(c, find, &a);
	assert_string_equal(c->uplinks[0].device.name, "");
	assert_string_equal(c->uplinks[1].device.name, "");
	assert_int_equal(c->lan.device_count, 1);
	conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_filled_in),
		cmocka_unit_test(changes_are_found_and_lines_do_not_count),
		cmocka_unit_test(lists_are_compared),
		cmocka_unit_test(some_changes_need_a_start),
		cmocka_unit_test(what_is_not_set_is_zero),
		cmocka_unit_test(changed_classes_are_found),
		cmocka_unit_test(secrets_are_hidden),
		cmocka_unit_test(full_buffer_is_an_error),
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(pipe_without_a_writer_is_not_waited_for),
		cmocka_unit_test(interfaces_have_devices),
		cmocka_unit_test(a_device_has_one_use),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
