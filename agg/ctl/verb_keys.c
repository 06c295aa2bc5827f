/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl keygen and pin: they work on an identity's directory alone, which
 * is why this file may name tls.h, and need no daemon.
 */
#include "agg/ctl/aggctl.h"

#include "agg/conf/conf.h"
#include "agg/transport/tls.h"

#include <errno.h>
#include <string.h>

static int identity_error(const char *dir, int err)
{
	if (err == -EBADMSG)
		fprintf(stderr, "aggctl: %s/identity.pem is no identity\n", dir);
	else if (err == -EPERM)
		fprintf(stderr, "aggctl: others may read %s/identity.pem: "
		        "chmod 600 it, or make a new one\n", dir);
	else if (err == -ENOENT)
		fprintf(stderr, "aggctl: there is no identity in %s; "
		        "aggctl keygen %s makes one\n", dir, dir);
	else
		fprintf(stderr, "aggctl: %s/identity.pem: %s\n", dir,
		        strerror(-err));
	return EXIT_REFUSED;
}

static int print_pin_of(const char *dir)
{
	char text[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;
	int err = tls_identity_pin(dir, &pin);

	if (err)
		return identity_error(dir, err);
	puts(tls_pin_format(&pin, text));
	return EXIT_DONE;
}

/* Of the directory, else of the one that the configuration names. */
int verb_pin(const struct aggctl_options *options, const char *const *words)
{
	struct conf_error error = { .text = "" };
	char state[CONF_PATH_MAX + 1];

	if (words[1])
		return print_pin_of(words[1]);
	if (!conf_load_state(options->config, state, &error))
		return print_pin_of(state);
	fprintf(stderr, "aggctl: %s\n", error.text);
	fprintf(stderr, "Another configuration is named by -c FILE, the identity's "
	        "directory by: aggctl pin DIR\n");
	return EXIT_REFUSED;
}

/* The pin alone is on stdout, for scripts. */
int verb_keygen(const struct aggctl_options *options, const char *const *words)
{
	int err = tls_identity_generate(words[1]);

	if (err == -EEXIST)
		fprintf(stderr, "aggctl: there is an identity in %s already; "
		        "nothing was changed\n", words[1]);
	else if (err)
		return identity_error(words[1], err);
	return print_pin_of(words[1]);
}
