/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a concentrator's files as a person and a gateway change them, in a
 * directory of this test; a daemon is played by its reload.
 */
#include "agg/pair/pairing.h"

#include "agg/base/file.h"
#include "agg/pair/invitations.h"
#include "agg/pair/token.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1000000u
#define OUT_MAX 65536

static const struct tls_pin one = { { 1 } }, other = { { 2 } };

static struct {
	char dir[64], config[96], state[96], sites[96];
	struct conf *conf;
	struct pairing pairing;
	unsigned reloads;
	bool refuses; /* to reload */
	struct buf out;
} t;

static void load(void)
{
	struct conf_error error = { "" };

	conf_free(t.conf);
	t.conf = NULL;
	if (conf_load(t.config, NULL, &t.conf, &error))
		fail_msg("%s", error.text);
}

static int reload(void *ctx, struct conf_error *error)
{
	t.reloads++;
	if (t.refuses)
		return conf_error_set(error, t.config, 0, "it is played");
	load();
	return 0;
}

static void write_file(const char *path, const char *text)
{
	struct buf b;

	buf_init(&b, OUT_MAX);
	buf_put(&b, text, strlen(text));
	assert_int_equal(file_write(path, &b, 0640), 0);
	buf_finish(&b);
}

static int begin(void **state)
{
	char text[1024];

	memset(&t, 0, sizeof(t));
	strcpy(t.dir, "/tmp/pairing_test.XXXXXX");
	assert_non_null(mkdtemp(t.dir));
	snprintf(t.config, sizeof(t.config), "%s/aggd.conf", t.dir);
	snprintf(t.state, sizeof(t.state), "%s/state", t.dir);
	snprintf(t.sites, sizeof(t.sites), "%s/sites.d", t.dir);
	assert_int_equal(mkdir(t.sites, 0700), 0);
	assert_int_equal(tls_identity_generate(t.state), 0);
	snprintf(text, sizeof(text), "# mine\nconfig aggd 'main'\n"
	         "\toption role 'concentrator'\n\tlist listen '[::]:4443'\n"
	         "\toption state '%s'\n\toption sites '%s'\n"
	         "\nconfig site 'old' # here\n\toption pin '%s'\n"
	         "\toption scheduler 'ecf'\n", t.state, t.sites,
	         "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	write_file(t.config, text);
	t.pairing = (struct pairing){ t.config, reload, NULL };
	buf_init(&t.out, OUT_MAX);
	load();
	return 0;
}

static int end(void **state)
{
	char command[128];

	conf_free(t.conf);
	buf_finish(&t.out);
	snprintf(command, sizeof(command), "rm -r '%s'", t.dir);
	return system(command);
}

/* The answer's text. */
static const char *said(void)
{
	static char text[OUT_MAX];

	snprintf(text, sizeof(text), "%.*s", (int)t.out.len,
	         (const char *)buf_head(&t.out));
	buf_take(&t.out, t.out.len);
	return text;
}

static int invite(const char *site, const char *valid, struct token *token)
{
	const char *argv[] = { "invite", site, "--endpoint", "vps.example.net",
	                       "--for", valid };
	const char *why = NULL;
	char line[TOKEN_TEXT_MAX];

	buf_take(&t.out, t.out.len);
	int err = pairing_invite(&t.pairing, t.conf, NOW, valid ? 6 : 4, argv,
	                         &t.out);

	if (err)
		return err;
	snprintf(line, sizeof(line), "%s", said());
	line[strcspn(line, "\n")] = 0;
	assert_int_equal(token_decode(token, line, &why), 0);
	return 0;
}

static struct wire_redeemed redeem(const struct token *token,
                                   const struct tls_pin *pin, uint64_t now_s)
{
	struct wire_invite invite = { .version = WIRE_VERSION };
	struct wire_redeemed answer;

	memcpy(invite.secret, token->secret, sizeof(invite.secret));
	pairing_redeem(&t.pairing, t.conf, now_s, pin, &invite, &answer);
	assert_int_equal(answer.now_s, now_s);
	return answer;
}

static bool file_says(const char *name, const char *text)
{
	char path[160], all[4096];
	struct buf b;

	snprintf(path, sizeof(path), "%s/%s", t.dir, name);
	buf_init(&b, OUT_MAX);
	bool there = !file_read(path, &b);
	snprintf(all, sizeof(all), "%.*s", there ? (int)b.len : 0,
	         there ? (const char *)buf_head(&b) : "");
	buf_finish(&b);
	return there && strstr(all, text);
}

static void a_gateway_joins_once(void **state)
{
	struct token token;

	assert_int_equal(invite("home", NULL, &token), 0);
	assert_int_equal(token.until_s, NOW + PAIRING_FOR_S);
	assert_string_equal(token.endpoints[0].host, "vps.example.net");
	assert_int_equal(token.endpoints[0].addr.port, 4443);
	struct wire_redeemed answer = redeem(&token, &one, NOW + 5);
	assert_int_equal(answer.result, WIRE_REDEEM_JOINED);
	assert_string_equal(answer.site, "home");
	assert_int_equal(t.reloads, 1);
	const struct conf_site *site = conf_find_site(t.conf, "home");
	assert_non_null(site);
	assert_memory_equal(site->pin.sha256, one.sha256, 32);
	assert_true(file_says("sites.d/home.conf", "# It joined by invitation, "
	                      "1970-01-12"));
	assert_int_equal(redeem(&token, &other, NOW).result, WIRE_REDEEM_USED);
	assert_int_equal(redeem(&token, &one, NOW).result, WIRE_REDEEM_JOINED);
	assert_int_equal(t.reloads, 1);
}

static void times_are_as_said(void **state)
{
	struct token token;

	assert_int_equal(invite("home", "1d", &token), 0);
	assert_int_equal(token.until_s, NOW + 86400);
	assert_int_equal(redeem(&token, &one, NOW + 86400).result,
	                 WIRE_REDEEM_EXPIRED);
	assert_int_equal(invite("home", "31d", &token), -EINVAL);
	assert_non_null(strstr(said(), "1m to 30d"));
	assert_int_equal(invite("home", "1", &token), -EINVAL);
	assert_int_equal(invite("ho me", NULL, &token), -EINVAL);
	assert_null(conf_find_site(t.conf, "home"));
}

static void another_gateway_takes_its_place(void **state)
{
	struct token token;

	assert_int_equal(invite("old", NULL, &token), 0);
	assert_int_equal(redeem(&token, &one, NOW).result, WIRE_REDEEM_JOINED);
	assert_true(file_says("aggd.conf", "config site 'old' # here\n"));
	assert_true(file_says("aggd.conf", "option scheduler 'ecf'"));
	assert_false(file_says("aggd.conf", "sha256:AA"));
	assert_memory_equal(conf_find_site(t.conf, "old")->pin.sha256, one.sha256,
	                    32);
}

static void a_key_is_one_sites(void **state)
{
	struct token token;

	assert_int_equal(invite("home", NULL, &token), 0);
	redeem(&token, &one, NOW);
	assert_int_equal(invite("office", NULL, &token), 0);
	struct wire_redeemed answer = redeem(&token, &one, NOW);
	assert_int_equal(answer.result, WIRE_REDEEM_OTHER);
	assert_string_equal(answer.site, "home");
	assert_int_equal(redeem(&token, &other, NOW).result, WIRE_REDEEM_JOINED);
}

/* What does not take effect leaves nothing, and is good still. */
static void a_reload_that_fails_takes_all_back(void **state)
{
	struct token token;

	assert_int_equal(invite("home", NULL, &token), 0);
	t.refuses = true;
	struct wire_redeemed answer = redeem(&token, &one, NOW);
	assert_int_equal(answer.result, WIRE_REDEEM_FAILED);
	assert_non_null(strstr(answer.why, "it is played"));
	assert_false(file_says("sites.d/home.conf", ""));
	const char *revoke[] = { "revoke", "old" };
	assert_int_equal(pairing_revoke(&t.pairing, t.conf, NOW, 2, revoke,
	                                &t.out), -EINVAL);
	assert_true(file_says("aggd.conf", "config site 'old' # here\n"));
	t.refuses = false;
	assert_int_equal(redeem(&token, &one, NOW).result, WIRE_REDEEM_JOINED);
}

static void a_site_is_revoked(void **state)
{
	const char *home[] = { "revoke", "home" }, *old[] = { "revoke", "old" };
	struct token token;

	assert_int_equal(invite("home", NULL, &token), 0);
	redeem(&token, &one, NOW);
	assert_int_equal(pairing_revoke(&t.pairing, t.conf, NOW, 2, home, &t.out),
	                 0);
	assert_null(conf_find_site(t.conf, "home"));
	assert_false(file_says("sites.d/home.conf", ""));
	assert_int_equal(redeem(&token, &one, NOW).result, WIRE_REDEEM_REVOKED);
	assert_int_equal(pairing_revoke(&t.pairing, t.conf, NOW, 2, old, &t.out),
	                 0);
	assert_true(file_says("aggd.conf", "# mine\n"));
	assert_false(file_says("aggd.conf", "config site"));
	assert_int_equal(pairing_revoke(&t.pairing, t.conf, NOW, 2, old, &t.out),
	                 -ENOENT);
	assert_int_equal(invite("home", NULL, &token), 0);
	assert_int_equal(pairing_revoke(&t.pairing, t.conf, NOW, 2, home, &t.out),
	                 0);
	assert_int_equal(redeem(&token, &other, NOW).result,
	                 WIRE_REDEEM_REVOKED);
}

static void a_site_gets_another_name(void **state)
{
	const char *home[] = { "rename", "home", "work" };
	const char *old[] = { "rename", "old", "older" };
	const char *taken[] = { "rename", "older", "work" };
	struct token token;

	assert_int_equal(invite("home", NULL, &token), 0);
	redeem(&token, &one, NOW);
	assert_int_equal(pairing_rename(&t.pairing, t.conf, 3, home, &t.out), 0);
	assert_true(file_says("sites.d/work.conf", "config site 'work'"));
	assert_false(file_says("sites.d/home.conf", ""));
	assert_int_equal(pairing_rename(&t.pairing, t.conf, 3, old, &t.out), 0);
	assert_true(file_says("aggd.conf", "config site 'older' # here"));
	assert_int_equal(pairing_rename(&t.pairing, t.conf, 3, taken, &t.out),
	                 -EEXIST);
	/* Whose answer was lost before it got another name. */
	assert_int_equal(redeem(&token, &one, NOW).result, WIRE_REDEEM_JOINED);
}

static void a_secret_is_kept_nowhere(void **state)
{
	char hex[2 * WIRE_SECRET_BYTES + 1];
	struct token token;
	struct stat st;
	char path[128];

	assert_int_equal(invite("home", NULL, &token), 0);
	snprintf(path, sizeof(path), "%s/invitations", t.state);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	for (unsigned i = 0; i < WIRE_SECRET_BYTES; i++)
		snprintf(hex + 2 * i, 3, "%02x", token.secret[i]);
	assert_false(file_says("state/invitations", hex));
	assert_true(file_says("state/invitations", " open 1003600 home -\n"));
}

static void what_is_wrong_is_named(void **state)
{
	struct token token;
	char path[128];

	snprintf(path, sizeof(path), "%s/invitations", t.state);
	write_file(path, "nonsense\n");
	assert_int_equal(invite("home", NULL, &token), -EBADMSG);
	assert_non_null(strstr(said(), "invitations is broken; remove it"));
	assert_true(file_says("state/invitations", "nonsense"));
	struct wire_redeemed answer = redeem(&token, &one, NOW);
	assert_int_equal(answer.result, WIRE_REDEEM_FAILED);
}

int main(void)
{
#define ROW(fn) cmocka_unit_test_setup_teardown(fn, begin, end)
	const struct CMUnitTest tests[] = {
		ROW(a_gateway_joins_once),
		ROW(times_are_as_said),
		ROW(another_gateway_takes_its_place),
		ROW(a_key_is_one_sites),
		ROW(a_reload_that_fails_takes_all_back),
		ROW(a_site_is_revoked),
		ROW(a_site_gets_another_name),
		ROW(a_secret_is_kept_nowhere),
		ROW(what_is_wrong_is_named),
	};
#undef ROW

	return cmocka_run_group_tests_name("pair/pairing", tests, NULL, NULL);
}
