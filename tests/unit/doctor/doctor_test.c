/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the doctor names of facts that were made.
 */
#include "agg/doctor/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct patient {
	struct conf conf;
	struct doctor_facts facts;
	struct doctor_result result;
};

static struct patient p;

static void begin(void)
{
	memset(&p, 0, sizeof(p));
	p.conf.main.role = CONF_ROLE_GATEWAY;
	p.conf.main.carrier = CONF_CARRIER_AUTO;
	strcpy(p.conf.main.state, "/etc/aggd");
	p.facts.file = "/etc/config/aggd";
	p.facts.conf = &p.conf;
	p.facts.now_s = DOCTOR_CLOCK_MIN_S + 1;
	p.facts.session_up = true;
	p.facts.descriptors_max = 65536;
	p.facts.uplink_count = 2;
	strcpy(p.facts.uplinks[0].name, "dsl");
	strcpy(p.facts.uplinks[0].device, "wan1");
	strcpy(p.facts.uplinks[0].endpoint, "203.0.113.10:443");
	strcpy(p.facts.uplinks[1].name, "lte");
	strcpy(p.facts.uplinks[1].device, "wan2");
	strcpy(p.facts.uplinks[1].endpoint, "[2001:db8::10]:4443");
}

/* Of one kind: "step: subject; step: subject" */
static void expect_kind(bool notes, const char *steps)
{
	char got[1024] = "";
	size_t used = 0, count = 0;

	doctor_examine(&p.facts, &p.result);
	for (unsigned i = 0; i < p.result.count; i++) {
		const struct doctor_finding *f = &p.result.findings[i];
		if (f->is_note != notes)
			continue;
		count++;
		used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s%s%s",
		                         used ? "; " : "", f->step,
		                         *f->subject ? ": " : "", f->subject);
		assert_true(*f->text && *f->remedy);
	}
	assert_string_equal(got, steps);
	assert_int_equal(count, notes ? p.result.count - p.result.faults
	                              : p.result.faults);
}

static void expect(const char *steps)
{
	expect_kind(false, steps);
}

/* And no fault. */
static void expect_notes(const char *steps)
{
	expect("");
	expect_kind(true, steps);
}

static void nothing_is_found_of_health(void **state)
{
	begin();
	expect("");
	/* What is odd and not wrong. */
	p.facts.uplinks[1].disabled = true;
	strcpy(p.facts.uplinks[1].why, "turned off by its option enabled");
	strcpy(p.facts.uplinks[0].mptcp, "the option is stripped");
	p.facts.peer_lacks_ipv6 = true; /* and the LAN has none */
	expect("");
}

static void each_obstacle_has_its_step(void **state)
{
	static const char *const cases[][2] = {
		{ "no such device now; 'ip link' lists those that there are", "device" },
		{ "device is down: 'ip link set' it up, or its manager does", "link" },
		{ "no carrier: the cable is out, or the modem not connected",
		  "carrier" },
		{ "its address is still being checked for a double", "address" },
		{ "somebody else on the link has its address", "address" },
		{ "no address yet: is its DHCP client running?", "address" },
		{ "no default route by this device, in no table", "route" },
		{ "an IPv4 default route, and an IPv6 address only", "route" },
		{ "no answer: rp_filter=1, and the way back to 203.0.113.10 leads by "
		  "wan2", "rp_filter" },
		{ "its address is being asked for", "dns" },
		{ "there is no such name, or it has no address", "dns" },
		{ "no name server answers", "dns" },
		{ "the name servers give no answer of use", "dns" },
		{ "no endpoint of a family that the device has", "family" },
		{ "connection refused; aggd may not run on the concentrator, at that "
		  "port", "tcp" },
		{ "the concentrator cannot be reached; this uplink's access may be "
		  "broken", "tcp" },
		{ "no answer; the concentrator's port may be closed", "tcp" },
		{ "wrong pin: shown sha256:x, expected sha256:y", "pin" },
		{ "refused by the peer: unknown pin", "site" },
		{ "wrong version number", "tls" }, /* OpenSSL of what is no TLS */
		{ "SSL - An invalid SSL record was received", "tls" },
		{ "protocol version not supported", "version" },
		{ "full packets do not arrive: at most 1280 bytes are used", "mtu" },
		{ "only the peer's kernel answers: its process hangs, or is "
		  "overloaded", "peer" },
		{ "rule 700 (from 10.0.0.1 lookup 100) is gone", "rules" },
		{ "rule 0 (from all lookup 9) comes before ours", "rules" },
		{ "no progress", "loss" },
		{ "Connection reset by peer", "tcp" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char steps[64];
		begin();
		strcpy(p.facts.uplinks[1].why, cases[i][0]);
		snprintf(steps, sizeof(steps), "%s: lte", cases[i][1]);
		expect(steps);
	}
}

static void what_is_the_same_is_said_once(void **state)
{
	begin();
	strcpy(p.facts.uplinks[0].why, "no name server answers");
	strcpy(p.facts.uplinks[1].why, "no name server answers");
	expect("dns: dsl, lte");
	/* The cause alone, not what follows from it. */
	begin();
	strcpy(p.facts.warnings[0], "aggd:7: concentrator 'vps': the pin is the "
	       "example's, which nobody has");
	strcpy(p.facts.warnings[1], "aggd:12: uplink 'dsl': there is no device "
	       "'wan1' on this host now");
	p.facts.warning_count = 2;
	strcpy(p.facts.uplinks[0].why, "no such device now");
	strcpy(p.facts.uplinks[1].why, "wrong pin: shown sha256:x");
	expect("pin; device: dsl");
	begin();
	strcpy(p.facts.warnings[0], "aggd:1: there is no identity in '/etc/aggd'");
	p.facts.warning_count = 1;
	strcpy(p.facts.no_daemon, "aggd is not running");
	expect("identity");
	begin();
	strcpy(p.facts.warnings[0], "aggd:9: lan: socks5 '192.0.2.1:1080': this host "
	       "does not have that address now");
	p.facts.warning_count = 1;
	strcpy(p.facts.waits_for, "the address of SOCKS5, 192.0.2.1:1080");
	expect("listen: lan");
}

static void warnings_are_findings(void **state)
{
	static const char *const cases[][2] = {
		{ "a:1: others may read /etc/aggd/identity.pem", "identity" },
		{ "a:1: /etc/aggd/identity.pem is no identity; remove it", "identity" },
		{ "a:1: congestion 'vegas' is not in this kernel", "kernel" },
		{ "a:1: lan: this host does not forward IPv4, so that", "forwarding: "
		  "lan" },
		{ "a:1: lan: device 'lan0' has no address now", "lan: lan" },
		{ "a:1: listen '192.0.2.1:443': this host does not have that address "
		  "now", "listen" },
		{ "a: no gateway may connect: there is no site", "site" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		strcpy(p.facts.warnings[0], cases[i][0]);
		p.facts.warning_count = 1;
		expect(cases[i][1]);
	}
}

static void the_host_and_the_lan(void **state)
{
	begin();
	p.facts.now_s = 0;
	p.facts.descriptors_max = 256;
	expect("clock; descriptors");
	begin();
	p.facts.descriptors_used = p.facts.descriptors_max;
	expect("descriptors");
	begin();
	strcpy(p.facts.interception, "rule 0 (from all iif lan0 lookup 9) comes "
	       "before ours");
	expect("rules: lan");
	strcpy(p.facts.interception, "new connections by bridge br0 leave directly");
	expect("bridge: lan");
	strcpy(p.facts.interception, "nft is not installed");
	expect("nft: lan");
	begin();
	strcpy(p.facts.waits_for, "TPROXY: Operation not permitted; LAN device lan7");
	expect("kernel: lan; lan: lan");
	begin();
	p.facts.peer_lacks_ipv6 = p.facts.lan_has_ipv6 = true;
	expect("ipv6");
	begin();
	p.facts.keeps_ipv6 = true; /* nobody would send any */
	expect("");
	p.facts.lan_has_ipv6 = true;
	expect("forwarding: lan");
}

static void mptcp_is_asked_for_where_it_is_wanted(void **state)
{
	begin();
	p.conf.main.carrier = CONF_CARRIER_MPTCP;
	strcpy(p.facts.uplinks[0].mptcp, "joined");
	strcpy(p.facts.uplinks[1].mptcp, "the option is stripped");
	expect("mptcp: lte");
}

/* Of one uplink, or of none: that is one thing. */
static void datagrams(void **state)
{
	begin();
	p.facts.datagrams_pass = true;
	p.facts.uplinks[1].deaf = true;
	expect("udp: lte");
	assert_string_equal(p.result.findings[0].remedy, "ping -I wan2 2001:db8::10   "
	                    "# then let UDP port 4443 in on the concentrator");
	strcpy(p.facts.uplinks[1].why, "no carrier: the cable is out");
	expect("carrier: lte"); /* and what follows from it is not said */
	begin();
	p.facts.uplinks[0].deaf = p.facts.uplinks[1].deaf = true;
	expect("udp: dsl, lte");
	p.facts.uplinks[0].disabled = p.facts.uplinks[1].connecting = true;
	expect("tcp: lte");
	begin();
	p.facts.uplinks[0].deaf = true;
	strcpy(p.facts.tunnel, "there is no /dev/net/tun: the kernel's module tun is "
	       "not loaded");
	expect("tunnel: lan");
	assert_string_equal(p.result.findings[0].remedy, "modprobe tun");
}

static void without_daemon_and_configuration(void **state)
{
	begin();
	p.facts.session_up = false;
	strcpy(p.facts.no_daemon, "there is no socket at /run/aggd.sock");
	strcpy(p.facts.uplinks[0].why, "no carrier: the cable is out");
	expect("daemon; carrier: dsl");
	begin();
	p.facts.conf = NULL;
	p.facts.uplink_count = 0;
	strcpy(p.facts.conf_error, "/etc/config/aggd:3: unknown option 'rol'");
	strcpy(p.facts.no_daemon, "there is no socket at /run/aggd.sock");
	expect("config");
}

static void remedies_have_the_names_in_place(void **state)
{
	begin();
	strcpy(p.facts.uplinks[1].why, "no answer; the port may be closed");
	expect("tcp: lte");
	assert_string_equal(p.result.findings[0].remedy, "ping -I wan2 2001:db8::10   "
	                    "# then let port 4443 in on the concentrator");
	strcpy(p.facts.uplinks[1].why, "device is down");
	expect("link: lte");
	assert_string_equal(p.result.findings[0].remedy, "ip link set wan2 up");
}

/* However much is wrong. */
static void there_is_an_end(void **state)
{
	begin();
	p.facts.uplink_count = CONF_UPLINKS_MAX;
	for (unsigned i = 0; i < CONF_UPLINKS_MAX; i++) {
		memset(p.facts.uplinks[i].name, 'n', REPORT_NAME_MAX);
		memset(p.facts.uplinks[i].why, 'w', REPORT_WORDS_MAX);
		memset(p.facts.uplinks[i].endpoint, ':', REPORT_DEST_MAX);
	}
	doctor_examine(&p.facts, &p.result);
	assert_int_equal(p.result.count, 1);
}

static void see(unsigned uplink, const char *address, const char *seen, bool keeps_port)
{
	struct doctor_uplink *u = &p.facts.uplinks[uplink];

	strcpy(u->address, address);
	strcpy(u->seen, seen);
	u->keeps_port = keeps_port;
}

static void expect_text(const char *text)
{
	assert_string_equal(p.result.findings[p.result.count - 1].text, text);
}

/* What is known of it, and what is not. */
static void a_nat_is_noted(void **state)
{
	begin();
	see(0, "203.0.113.5", "203.0.113.5", true);
	see(1, "2001:db8::5", "2001:db8::5", true);
	expect_notes("");
	see(0, "192.168.1.2", "203.0.113.5", true);
	expect_notes("nat: dsl");
	expect_text("192.168.1.2 is behind a NAT, and seen as 203.0.113.5; it keeps the ports; "
	            "for how long it remembers a silent flow is not known");
	see(1, "100.127.2.3", "198.51.100.7", false);
	p.facts.uplinks[1].hears = true;
	expect_notes("nat: dsl; nat: lte");
	expect_text("100.127.2.3 is behind a NAT of the provider's, and seen as 198.51.100.7; "
	            "it changes the ports; datagrams pass, one every 15 s at least");
	p.facts.uplinks[0].disabled = true;
	see(1, "203.0.113.9", "198.51.100.7", false); /* a public one, translated */
	expect_notes("nat: lte");
	see(1, "10.1.2.3", "10.1.2.3", true); /* a network of one's own to the concentrator */
	expect_notes("");
}

/* A concentrator of before says nothing of it: the address alone does. */
static void a_nat_is_told_by_the_address(void **state)
{
	static const char *const private[] = { "100.64.0.1", "10.0.0.1", "172.31.9.9",
	                                       "192.168.0.9" };
	static const char *const public[] = { "100.63.0.1", "100.128.0.1", "172.32.0.1",
	                                      "11.0.0.1", "2001:db8::1", "fd00::1", "?", "" };

	begin();
	for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++) {
		see(1, private[i], "", false);
		expect_notes("nat: lte");
	}
	expect_text("192.168.0.9 is behind a NAT; how it is seen from outside is not known");
	for (size_t i = 0; i < sizeof(public) / sizeof(*public); i++) {
		see(1, public[i], "", false);
		expect_notes("");
	}
}

static void offload(const char *device, bool segments)
{
	strcpy(p.facts.device_offload, device);
	p.facts.segments = segments;
}

static void what_goes_one_by_one_is_noted(void **state)
{
	begin();
	expect_notes(""); /* there is no tunnel */
	offload("udp", true);
	expect_notes("");
	offload("tcp", true);
	expect_notes("offloads");
	assert_non_null(strstr(p.result.findings[0].text, "UDP goes"));
	assert_non_null(strstr(p.result.findings[0].remedy, "Linux 6.2"));
	offload("udp", false);
	expect_notes("offloads");
	assert_non_null(strstr(p.result.findings[0].text, "datagrams leave"));
	offload("none", false);
	expect_notes("offloads; offloads");
	p.conf.main.offload = CONF_OFFLOAD_OFF;
	expect_notes("offloads");
	assert_non_null(strstr(p.result.findings[0].text, "turned off"));
}

/* They come behind what is wrong, which is counted alone. */
static void notes_are_no_faults(void **state)
{
	begin();
	offload("tcp", true);
	strcpy(p.facts.uplinks[1].why, "no carrier");
	expect("carrier: lte");
	expect_kind(true, "offloads");
	assert_false(p.result.findings[0].is_note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_found_of_health),
		cmocka_unit_test(each_obstacle_has_its_step),
		cmocka_unit_test(what_is_the_same_is_said_once),
		cmocka_unit_test(warnings_are_findings),
		cmocka_unit_test(the_host_and_the_lan),
		cmocka_unit_test(mptcp_is_asked_for_where_it_is_wanted),
		cmocka_unit_test(datagrams),
		cmocka_unit_test(without_daemon_and_configuration),
		cmocka_unit_test(remedies_have_the_names_in_place),
		cmocka_unit_test(a_nat_is_noted),
		cmocka_unit_test(a_nat_is_told_by_the_address),
		cmocka_unit_test(what_goes_one_by_one_is_noted),
		cmocka_unit_test(notes_are_no_faults),
		cmocka_unit_test(there_is_an_end),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
