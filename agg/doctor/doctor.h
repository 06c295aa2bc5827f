/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: why it does not work, and what to type. Of each uplink the steps from its
 * device to the concentrator are walked in their order, and the first that fails is
 * named: what comes after it only follows from it. What the daemon knows of it is
 * taken as the daemon says it; where it does not run, the host itself is looked at
 * with the same eyes (netdev.h, warnings.h). What is no fault, but explains what a person
 * sees, is a note: a NAT, and what it is known to do; packets that go one by one. Pure;
 * look.h gathers the facts.
 */
#ifndef AGG_DOCTOR_DOCTOR_H
#define AGG_DOCTOR_DOCTOR_H

#include "agg/conf/conf.h"
#include "agg/doctor/firewall.h"
#include "agg/report/report.h"

#define DOCTOR_FINDINGS_MAX 64 /* more are not told */
#define DOCTOR_TEXT_MAX 511
#define DOCTOR_SUBJECT_MAX 255 /* names of uplinks */
#define DOCTOR_WARNINGS_MAX 32
#define DOCTOR_CLOCK_MIN_S 1767225600 /* 2026-01-01: it was never earlier */

/* All texts "" where there is nothing to say. */
struct doctor_uplink {
	char name[REPORT_NAME_MAX + 1];
	char device[REPORT_NAME_MAX + 1];
	bool disabled;
	char why[REPORT_WORDS_MAX + 1];   /* it does not work, or not well */
	bool connecting;                  /* and is tried, but nothing says why */
	char part[REPORT_WORDS_MAX + 1];  /* it works, but not to this endpoint */
	char endpoint[REPORT_DEST_MAX + 1];
	char mptcp[REPORT_WORDS_MAX + 1]; /* what the kernel's MPTCP does on it */
	bool deaf;                        /* datagrams do not pass */
	bool hears;                       /* they do */
	char address[ADDR_TEXT_MAX];      /* its own, */
	char seen[ADDR_TEXT_MAX];         /* and as the concentrator sees it */
	bool keeps_port;                  /* which sees the same port */
};

struct doctor_facts {
	const char *file;                 /* of the configuration */
	char conf_error[DOCTOR_TEXT_MAX + 1];
	const struct conf *conf;          /* borrowed; NULL: it is wrong */
	char warnings[DOCTOR_WARNINGS_MAX][DOCTOR_TEXT_MAX + 1];
	unsigned warning_count;
	char no_daemon[DOCTOR_TEXT_MAX + 1]; /* why it does not answer */
	struct doctor_uplink uplinks[CONF_UPLINKS_MAX];
	unsigned uplink_count;
	bool session_up;
	char interception[REPORT_WORDS_MAX + 1]; /* broken, and why */
	char waits_for[REPORT_WAITS_MAX + 1];
	char tunnel[REPORT_WORDS_MAX + 1]; /* the packet tunnel is down, and why */
	bool datagrams_pass;               /* by some uplink */
	/* The tunnel's, as in report_tunnel; "": there is none. */
	char device_offload[REPORT_NAME_MAX + 1];
	bool segments;
	char carrier_why[REPORT_WORDS_MAX + 1];
	bool peer_lacks_ipv6, lan_has_ipv6;
	bool keeps_ipv6;                  /* this host does not forward it */
	char firewall[FIREWALL_WORDS_MAX + 1]; /* a chain that may drop packets */
	unsigned descriptors_used, descriptors_max; /* as in report_head */
	uint64_t now_s;                   /* the clock's, of 1970 */
};

struct doctor_finding {
	char step[REPORT_NAME_MAX + 1];   /* "carrier"; a word of the manual */
	char subject[DOCTOR_SUBJECT_MAX + 1]; /* "dsl, lte"; "" */
	char text[DOCTOR_TEXT_MAX + 1];
	char remedy[DOCTOR_TEXT_MAX + 1]; /* a command, or what to do */
	bool is_note;                     /* to be known, and no fault */
};

struct doctor_result {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	unsigned count;
	unsigned faults; /* of them: those that are no notes */
};

void doctor_examine(const struct doctor_facts *facts, struct doctor_result *out);

#endif
