/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which step a text of the daemon's is about, and its remedy: a table. The
 * texts are of those who say them; each that is here is one that they say.
 */
#ifndef AGG_DOCTOR_SYMPTOM_H
#define AGG_DOCTOR_SYMPTOM_H

/* Who says it. */
enum symptom_of {
	SYMPTOM_OF_WARNING,
	SYMPTOM_OF_UPLINK,
	SYMPTOM_OF_INTERCEPTION,
	SYMPTOM_OF_WAITING,
	SYMPTOM_OF_TUNNEL,
	SYMPTOM_OF_MPTCP,
};

struct symptom {
	enum symptom_of of;
	const char *words;  /* in the text */
	const char *step;   /* NULL: another text says the same */
	const char *remedy; /* where %d is the device, %e the endpoint's host, %p its
	                     * port, %c the configuration, %s the state's directory */
};

/* The first of the table that fits; where none does, a general one. */
const struct symptom *symptom_find(enum symptom_of of, const char *text);

#endif
