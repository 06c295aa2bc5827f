/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: each warning, and that a configuration that fits its host has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/warnings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PIN "sha256:3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PLACEHOLDER "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define GATEWAY(pin, device, more) \
	"config aggd 'main'\n option role 'gateway'\n" more \
	"config concentrator 'vps'\n list endpoint '203.0.113.10:443'\n" \
	" option pin '" pin "'\n" \
	"config uplink 'dsl'\n option device '" device "'\n"
#define LAN "config lan\n list device 'lan0'\n option tproxy '1'\n"
#define CONCENTRATOR(sites) \
	"config aggd 'main'\n option role 'concentrator'\n" \
	" list listen '192.0.2.1:443'\n" sites
#define SITE(pin) "config site 'home'\n option pin '" pin "'\n"

struct fixture {
	struct host host;
	struct warnings_facts facts;
	char text[4096];
};

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .facts.host = &f.host };
	f.host = (struct host){ .whole = true, .has_congestion = true,
		.forwards_v4 = true, .congestions = "reno cubic",
		.devices = { { "lo", true }, { "wan1", true }, { "lan0", true } },
		.device_count = 3 };
	assert_int_equal(addr_parse(&f.host.addresses[0], "192.0.2.1:1", -1), 0);
	f.host.address_count = 1;
	memset(f.facts.own.sha256, 7, sizeof(f.facts.own.sha256));
	*state = &f;
	return 0;
}

static void on_warning(void *ctx, const char *text)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->text);

	snprintf(f->text + n, sizeof(f->text) - n, "%s\n", text);
}

static unsigned find(struct fixture *f, const char *text)
{
	struct conf_error error = { "" };
	struct conf *conf;

	if (conf_parse("aggd", text, strlen(text), NULL, &conf, &error) < 0)
		fail_msg("%s", error.text);
	f->text[0] = 0;
	unsigned count = warnings_find(conf, "aggd", &f->facts, on_warning, f);
	conf_free(conf);
	return count;
}

static void assert_one(struct fixture *f, const char *text, const char *part)
{
	if (find(f, text) != 1 || !strstr(f->text, part))
		fail_msg("'%s' is not the one warning of:\n%s", part, f->text);
}

static void what_fits_has_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(find(f, GATEWAY(PIN, "wan1", "") LAN
	                      " option socks5 '192.0.2.1:1080'\n"), 0);
	assert_int_equal(find(f, CONCENTRATOR(SITE(PIN))), 0);
	assert_string_equal(f->text, "");
}

static void pin_of_the_example(void **state)
{
	struct fixture *f = *state;

	assert_one(f, GATEWAY(PLACEHOLDER, "wan1", ""),
	           "aggd:3: concentrator 'vps': the pin is the example's");
	assert_one(f, CONCENTRATOR(SITE(PLACEHOLDER)),
	           "site 'home': the pin is the example's, which nobody has; "
	           "needed is what 'aggctl pin' prints on the gateway");
}

static void own_pin_for_the_others(void **state)
{
	struct fixture *f = *state;

	memset(f->facts.own.sha256, 0, sizeof(f->facts.own.sha256));
	memcpy(f->facts.own.sha256, "\xde\xad\xbe\xef", 4);
	assert_one(f, GATEWAY(PIN, "wan1", ""), "the pin is this host's own");
}

static void no_identity(void **state)
{
	const struct { int err; const char *part; } cases[] = {
		{ -ENOENT, "'aggctl keygen /etc/aggd' makes one" },
		{ -EPERM, "others may read /etc/aggd/identity.pem" },
		{ -EBADMSG, "/etc/aggd/identity.pem is no identity" },
		{ -EACCES, "as root it is" },
		{ -EIO, strerror(EIO) },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		f->facts.identity_err = cases[i].err;
		assert_one(f, GATEWAY(PIN, "wan1", " option state '/etc/aggd'\n"),
		           cases[i].part);
	}
}

static void devices_that_are_not_there(void **state)
{
	struct fixture *f = *state;

	assert_one(f, GATEWAY(PIN, "wna1", ""), "uplink 'dsl': there is no device "
	           "'wna1' on this host now; did you mean 'wan1'? there are: lo, "
	           "wan1, lan0");
	assert_one(f, GATEWAY(PIN, "ppp0", ""), "now; there are: lo, wan1, lan0");
	assert_int_equal(find(f, GATEWAY(PIN, "ppp0", "")
	                      " option enabled '0'\n"), 0);
	f->host.device_count = 2;
	assert_one(f, GATEWAY(PIN, "wan1", "") LAN, "lan: there is no device");
	f->host.whole = false; /* it may be among those that were not seen */
	assert_int_equal(find(f, GATEWAY(PIN, "wan1", "") LAN), 0);
}

static void lan_without_address_or_forwarding(void **state)
{
	struct fixture *f = *state;

	f->host.devices[2].has_address = false;
	assert_one(f, GATEWAY(PIN, "wan1", "") LAN,
	           "lan: device 'lan0' has no address now");
	f->host.devices[2].has_address = true;
	f->host.forwards_v4 = false;
	assert_one(f, GATEWAY(PIN, "wan1", "") LAN, "sysctl -w net.ipv4.ip_forward=1");
	f->host.forwards_v4 = true;
	assert_one(f, GATEWAY(PIN, "wan1", "") LAN
	           " option socks5 '192.0.2.9:1080'\n",
	           "lan: socks5 '192.0.2.9:1080': this host does not have");
}

static void congestion_that_is_not_there(void **state)
{
	struct fixture *f = *state;

	f->host.has_congestion = false;
	assert_one(f, GATEWAY(PIN, "wan1", " option congestion 'bbrr'\n"),
	           "there are: auto reno cubic");
	assert_int_equal(find(f, GATEWAY(PIN, "wan1", "")), 0); /* auto */
}

static void concentrator_that_nobody_reaches(void **state)
{
	struct fixture *f = *state;

	assert_one(f, CONCENTRATOR(""), "there is no site");
	f->host.address_count = 0;
	assert_one(f, CONCENTRATOR(SITE(PIN)), "listen '192.0.2.1:443'");
}

#define FORWARD(listen) "config forward 'web'\n option site 'home'\n option listen '" listen \
	"'\n option to '192.168.1.10:80'\n"
#define OPEN "config aggd 'main'\n option role 'concentrator'\n" SITE(PIN)
#define ADDRESS(at) "config address 'all'\n option site 'home'\n option address '" at \
	"'\n option to '192.168.1.10'\n"

/* Behind a provider's NAT it is a private one; and who has but one keeps it. */
static void addresses_that_lead_to_a_site(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(find(f, OPEN FORWARD("[::]:80")), 0);
	assert_one(f, OPEN FORWARD("203.0.113.7:80"),
	           "forward 'web': listen '203.0.113.7:80': this host does not");
	for (unsigned i = 1; i < 4; i++) { /* neither of these is another way in */
		static const char *const more[] = { "", "127.0.0.1:1", "100.64.0.1:1",
		                                    "203.0.113.7:1" };
		assert_int_equal(addr_parse(&f->host.addresses[i], more[i], -1), 0);
	}
	f->host.address_count = 3;
	assert_one(f, OPEN ADDRESS("192.0.2.1"), "has no other");
	f->host.address_count = 4;
	assert_int_equal(find(f, OPEN ADDRESS("192.0.2.1")), 0);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_fits_has_none),
		TEST(pin_of_the_example),
		TEST(own_pin_for_the_others),
		TEST(no_identity),
		TEST(devices_that_are_not_there),
		TEST(lan_without_address_or_forwarding),
		TEST(congestion_that_is_not_there),
		TEST(concentrator_that_nobody_reaches),
		TEST(addresses_that_lead_to_a_site),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
