/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see doctor.h.
 */
#include "agg/doctor/doctor.h"

#include "agg/doctor/symptom.h"

#include <stdio.h>
#include <string.h>

#define DESCRIPTORS_WANTED 512u

struct walk {
	const struct doctor_facts *facts;
	struct doctor_result *out;
	bool notes; /* what is added are such */
};

/* Findings -------------------------------------------------------------------- */

struct names {
	const char *device, *endpoint;
};

/* The host of "203.0.113.10:443" or "[2001:db8::1]:443", or its port. */
static void split(const char *endpoint, char host[REPORT_DEST_MAX + 1],
                  char port[8])
{
	const char *colon = strrchr(endpoint, ':');
	size_t n = colon ? (size_t)(colon - endpoint) : strlen(endpoint);
	bool bare = n > 1 && *endpoint == '[' && endpoint[n - 1] == ']';

	snprintf(host, REPORT_DEST_MAX + 1, "%.*s", (int)(bare ? n - 2 : n),
	         bare ? endpoint + 1 : endpoint);
	snprintf(port, 8, "%s", colon ? colon + 1 : "443");
}

/* The remedy with its names in place. */
static void spell(const struct walk *w, const char *remedy,
                  const struct names *names, char out[DOCTOR_TEXT_MAX + 1])
{
	char host[REPORT_DEST_MAX + 1], port[8];
	size_t used = 0;

	split(names->endpoint, host, port);
	for (; *remedy && used < DOCTOR_TEXT_MAX; remedy++) {
		const char *word = NULL;
		if (remedy[0] == '%')
			word = remedy[1] == 'd' ? names->device :
				remedy[1] == 'e' ? *host ? host : "CONCENTRATOR" :
				remedy[1] == 'p' ? port :
				remedy[1] == 'c' ? w->facts->file :
				remedy[1] == 's' && w->facts->conf ?
				w->facts->conf->main.state : "DIR";
		used += (size_t)snprintf(out + used, DOCTOR_TEXT_MAX + 1 - used,
		                         word ? "%s" : "%.1s",
		                         word ? word : remedy);
		remedy += word != NULL;
	}
}

/* The same of another uplink is the same finding. */
static struct doctor_finding *find_same(struct doctor_result *r, const char *step,
                                        const char *text)
{
	for (unsigned i = 0; i < r->count; i++)
		if (!strcmp(r->findings[i].step, step) &&
		    !strcmp(r->findings[i].text, text))
			return &r->findings[i];
	return NULL;
}

/* Was that step of that subject found to fail? */
static bool is_named(const struct doctor_result *r, const char *step,
                     const char *subject)
{
	for (unsigned i = 0; i < r->count; i++)
		if (!strcmp(r->findings[i].step, step) &&
		    !strcmp(r->findings[i].subject, subject))
			return true;
	return false;
}

static void add(struct walk *w, const char *step, const char *subject,
                const char *text, const char *remedy, const struct names *names)
{
	struct doctor_result *r = w->out;
	struct doctor_finding *f = find_same(r, step, text);

	if (f && *subject && *f->subject) {
		size_t used = strlen(f->subject);
		snprintf(f->subject + used, sizeof(f->subject) - used, ", %s",
		         subject);
		return;
	}
	if (f || (*subject && is_named(r, step, subject)) ||
	    r->count == DOCTOR_FINDINGS_MAX)
		return;
	f = &r->findings[r->count++];
	f->is_note = w->notes;
	r->faults += !w->notes;
	snprintf(f->step, sizeof(f->step), "%s", step);
	snprintf(f->subject, sizeof(f->subject), "%s", subject);
	snprintf(f->text, sizeof(f->text), "%s", text);
	spell(w, remedy, names, f->remedy);
}

/* What somebody says. */
static void add_symptom(struct walk *w, enum symptom_of of, const char *subject,
                        const char *text, const struct names *names)
{
	const struct symptom *s = symptom_find(of, text);
	bool follows = of == SYMPTOM_OF_UPLINK && s->step &&
	               is_named(w->out, s->step, "");

	if (s->step && !follows) /* from what is wrong for all */
		add(w, s->step, subject, text, s->remedy, names);
}

/* The steps ---------------------------------------------------------------------- */

static const struct names no_names = { "DEVICE", "" };

static void look_at_host(struct walk *w)
{
	const struct doctor_facts *f = w->facts;
	char text[DOCTOR_TEXT_MAX + 1];

	if (f->now_s < DOCTOR_CLOCK_MIN_S)
		add(w, "clock", "", "the clock is years behind",
		    "timedatectl set-ntp true", &no_names);
	if (!f->descriptors_max)
		return;
	if (f->descriptors_used >= f->descriptors_max)
		snprintf(text, sizeof(text), "%u of %u descriptors are in use, so "
		         "that connections are refused", f->descriptors_used,
		         f->descriptors_max);
	else if (f->descriptors_max < DESCRIPTORS_WANTED)
		snprintf(text, sizeof(text), "aggd may have no more than %u "
		         "descriptors", f->descriptors_max);
	else
		return;
	add(w, "descriptors", "", text,
	    "systemctl edit aggd   # LimitNOFILE=65536, and restart it", &no_names);
}

/* Behind "FILE:LINE: ". */
static const char *words_of(const char *warning)
{
	const char *space = strstr(warning, ": ");

	return space && strchr(warning, ':') ? space + 2 : warning;
}

static void look_at_warnings(struct walk *w)
{
	for (unsigned i = 0; i < w->facts->warning_count; i++) {
		const char *text = w->facts->warnings[i];
		bool lan = !strncmp(words_of(text), "lan: ", 5);
		add_symptom(w, SYMPTOM_OF_WARNING, lan ? "lan" : "", text,
		            &no_names);
	}
}

static void look_at_uplink(struct walk *w, const struct doctor_uplink *u)
{
	const struct names names = { u->device, u->endpoint };

	if (u->disabled)
		return;
	if (*u->why)
		add_symptom(w, SYMPTOM_OF_UPLINK, u->name, u->why, &names);
	else if (*u->part)
		add(w, "tcp", u->name, u->part, "ping -I %d %e", &names);
	else if (u->connecting)
		add(w, "tcp", u->name, "no connection comes about", "ping -I %d %e",
		    &names);
	else if (w->facts->conf && w->facts->conf->main.carrier == CONF_CARRIER_MPTCP &&
	         *u->mptcp)
		add_symptom(w, SYMPTOM_OF_MPTCP, u->name, u->mptcp, &names);
}

/* "a; b" of what is waited for. */
static void look_at_waiting(struct walk *w)
{
	char text[REPORT_WAITS_MAX + 1], line[REPORT_WAITS_MAX + 16];

	snprintf(text, sizeof(text), "%s", w->facts->waits_for);
	for (char *part = text; *part;) {
		char *end = strstr(part, "; ");
		if (end)
			*end = 0;
		snprintf(line, sizeof(line), "it waits for %s", part);
		add_symptom(w, SYMPTOM_OF_WAITING, "lan", line, &no_names);
		part = end ? end + 2 : part + strlen(part);
	}
}

/* Where none lets them pass, that is one thing, and not each uplink's. */
static void look_at_datagrams(struct walk *w)
{
	const struct doctor_facts *f = w->facts;
	const char *text = f->datagrams_pass ?
		"datagrams do not pass: the packet tunnel goes by the other uplinks" :
		"datagrams do not pass by any uplink: the packet tunnel is carried by "
		"TCP, and slower";

	if (*f->tunnel)
		add_symptom(w, SYMPTOM_OF_TUNNEL, "lan", f->tunnel, &no_names);
	for (unsigned i = 0; i < f->uplink_count && !*f->tunnel; i++) {
		const struct doctor_uplink *u = &f->uplinks[i];
		const struct names names = { u->device, u->endpoint };
		if (u->deaf && !u->disabled && !u->connecting && !*u->why)
			add(w, "udp", u->name, text, "ping -I %d %e   # then let UDP "
			    "port %p in on the concentrator", &names);
	}
}

static void look_at_gateway(struct walk *w)
{
	const struct doctor_facts *f = w->facts;

	for (unsigned i = 0; i < f->uplink_count; i++)
		look_at_uplink(w, &f->uplinks[i]);
	if (!f->uplink_count && f->conf)
		add(w, "config", "", "there is no uplink", "aggd -t -c %c", &no_names);
	if (*f->interception)
		add_symptom(w, SYMPTOM_OF_INTERCEPTION, "lan", f->interception,
		            &no_names);
	look_at_datagrams(w);
	if (f->session_up && f->peer_lacks_ipv6 && f->lan_has_ipv6)
		add(w, "ipv6", "", "the concentrator reaches no IPv6, so that the LAN's "
		    "connections by IPv6 are refused, and made by IPv4",
		    "ip -6 route get 2000::1   # on the concentrator", &no_names);
	if (f->keeps_ipv6 && f->lan_has_ipv6)
		add(w, "forwarding", "lan", "this host does not forward IPv6, so that nothing "
		    "but TCP leaves the LAN by it",
		    "sysctl -w net.ipv6.conf.all.forwarding=1", &no_names);
}

/* Notes -------------------------------------------------------------------------- */

/* RFC 6598, and RFC 1918. */
static const struct { const char *net, *whose; } behind[] = {
	{ "100.64.0.0/10", "a NAT of the provider's" },
	{ "10.0.0.0/8", "a NAT" }, { "172.16.0.0/12", "a NAT" },
	{ "192.168.0.0/16", "a NAT" },
};

/* By its own address alone; NULL: that says nothing. */
static const char *nat_by_address(const char *address)
{
	struct prefix net;
	struct addr a;

	if (addr_parse(&a, address, 0) < 0)
		return NULL;
	for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++)
		if (prefix_parse(&net, behind[i].net) == 0 && prefix_has(&net, &a))
			return behind[i].whose;
	return NULL;
}

/* Prefixes may be translated, too (RFC 6296). */
static void note_nat(struct walk *w, const struct doctor_uplink *u)
{
	const struct names names = { u->device, "" };
	const char *whose = nat_by_address(u->address);
	bool is_own = *u->seen ? !strcmp(u->seen, u->address) : !whose;
	char text[DOCTOR_TEXT_MAX + 1];

	if (u->disabled || !*u->address || is_own)
		return;
	if (*u->seen)
		snprintf(text, sizeof(text), "%s is behind %s, and seen as %s; %s; %s",
		         u->address, whose ? whose : "a NAT", u->seen,
		         u->keeps_port ? "it keeps the ports" : "it changes the ports",
		         u->hears ? "datagrams pass, one every 15 s at least" :
		         "for how long it remembers a silent flow is not known");
	else
		snprintf(text, sizeof(text), "%s is behind %s; how it is seen from outside "
		         "is not known", u->address, whose);
	add(w, "nat", u->name, text, "ip address show %d   # nothing is to be done: 'config "
	    "forward' on the concentrator leads in from outside", &names);
}

static void note_one_by_one(struct walk *w, const char *what, const char *remedy)
{
	char text[DOCTOR_TEXT_MAX + 1];

	snprintf(text, sizeof(text), "%s; that takes twice the CPU, or more", what);
	add(w, "offloads", "", text, remedy, &no_names);
}

/* Of the packet tunnel, whose packets cost what the calls for them cost. */
static void note_offloads(struct walk *w)
{
	static const char newer[] = "uname -r   # Linux 6.2 and later takes several at once";
	const struct doctor_facts *f = w->facts;
	bool off = f->conf && f->conf->main.offload == CONF_OFFLOAD_OFF;

	if (!*f->device_offload)
		return;
	if (off)
		note_one_by_one(w, "the packet tunnel's offloads are turned off",
		                "aggd -t -c %c   # set 'option offload' to 'auto', and "
		                "restart aggd");
	else if (!strcmp(f->device_offload, "none"))
		note_one_by_one(w, "the packet tunnel's packets go to and from the kernel "
		                "one by one", newer);
	else if (!strcmp(f->device_offload, "tcp"))
		note_one_by_one(w, "the packet tunnel's UDP goes to and from the kernel "
		                "packet by packet", newer);
	if (!off && !f->segments)
		note_one_by_one(w, "the packet tunnel's datagrams leave one by one",
		                "aggd --selftest   # says whether this kernel can; where it "
		                "can, it is tried again each day");
}

static void note_firewall(struct walk *w)
{
	const struct doctor_facts *f = w->facts;
	bool is_gateway = f->conf && f->conf->main.role == CONF_ROLE_GATEWAY;
	char text[DOCTOR_TEXT_MAX + 1], remedy[DOCTOR_TEXT_MAX + 1];

	if (!*f->firewall)
		return;
	snprintf(text, sizeof(text), "chain %s drops what none of its rules lets pass, and "
	         "none speaks of %s", f->firewall, is_gateway ? "agg-tun" : "agg-SITE");
	snprintf(remedy, sizeof(remedy), "nft list chain %s   # and let pass what comes in or "
	         "goes out by %s", f->firewall, is_gateway ? "agg-tun" : "agg-*");
	add(w, "firewall", "", text, remedy, &no_names);
}

static void note_all(struct walk *w)
{
	w->notes = true;
	note_firewall(w);
	for (unsigned i = 0; i < w->facts->uplink_count; i++)
		note_nat(w, &w->facts->uplinks[i]);
	note_offloads(w);
}

void doctor_examine(const struct doctor_facts *facts, struct doctor_result *out)
{
	struct walk w = { facts, out };

	out->count = out->faults = 0;
	if (*facts->conf_error)
		add(&w, "config", "", facts->conf_error, "aggd -t -c %c", &no_names);
	look_at_warnings(&w);
	/* With neither it does not start. */
	bool cannot = *facts->conf_error || is_named(out, "identity", "");
	if (*facts->no_daemon && !cannot)
		add(&w, "daemon", "", facts->no_daemon, "systemctl start aggd; "
		    "journalctl -u aggd", &no_names);
	look_at_host(&w);
	if (!facts->conf || facts->conf->main.role == CONF_ROLE_GATEWAY)
		look_at_gateway(&w);
	look_at_waiting(&w);
	note_all(&w);
}
