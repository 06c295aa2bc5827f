/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see invitations.h. The text has a line each:
 *
 *     HASH STATE UNTIL SITE BY      hash and key in base64url, "-": nobody's key
 */
#include "agg/pair/invitations.h"

#include "agg/base/base64url.h"
#include "agg/base/file.h"
#include "agg/transport/aead.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "/invitations"
#define HEAD "aggd invitations 1\n"
#define HASH_TEXT_LEN BASE64URL_LEN(INVITATION_HASH_BYTES)
#define LINE_MAX 255
#define HASH_KEY "aggd invitation" /* HMAC's: it is for this alone */

static const char *const state_words[] = {
	[INVITATION_OPEN] = "open",
	[INVITATION_USED] = "used",
	[INVITATION_REVOKED] = "revoked",
};
#define STATES (sizeof(state_words) / sizeof(state_words[0]))

/* A secret of 128 random bits needs no slower one. */
int invitation_hash(const uint8_t secret[WIRE_SECRET_BYTES],
                    uint8_t hash[INVITATION_HASH_BYTES])
{
	uint8_t out[AEAD_HASH_BYTES_MAX] = { 0 };
	int err = aead_hmac(AEAD_AES_128_GCM_SHA256,
	                    (const uint8_t *)HASH_KEY, strlen(HASH_KEY), secret,
	                    WIRE_SECRET_BYTES, out);

	memcpy(hash, out, INVITATION_HASH_BYTES); /* SHA-256's are as many */
	return err;
}

bool invitation_is_open(const struct invitation *one, uint64_t now_s)
{
	return one->state == INVITATION_OPEN && now_s < one->until_s;
}

/* What is kept only to be told of, the oldest first; NULL: nothing. */
static struct invitation *find_spare(struct invitations *all, uint64_t now_s)
{
	struct invitation *spare = NULL;

	for (unsigned i = 0; i < all->count; i++) {
		struct invitation *one = &all->list[i];
		if (!invitation_is_open(one, now_s) &&
		    (!spare || one->until_s < spare->until_s))
			spare = one;
	}
	return spare;
}

static void forget(struct invitations *all, struct invitation *one)
{
	size_t behind = (size_t)(&all->list[all->count] - one) - 1;

	memmove(one, one + 1, behind * sizeof(*one));
	all->count--;
}

static void tidy(struct invitations *all, uint64_t now_s)
{
	struct invitation *old;

	while ((old = find_spare(all, now_s)) &&
	       (old->until_s + INVITATION_KEEP_S < now_s ||
	        all->count == INVITATIONS_MAX))
		forget(all, old);
}

int invitations_add(struct invitations *all,
                    const uint8_t hash[INVITATION_HASH_BYTES],
                    const char *site, uint64_t until_s, uint64_t now_s)
{
	invitations_revoke(all, site, now_s);
	tidy(all, now_s);
	if (all->count == INVITATIONS_MAX)
		return -ENOSPC;
	struct invitation *one = &all->list[all->count++];
	*one = (struct invitation){ .state = INVITATION_OPEN,
	                            .until_s = until_s };
	memcpy(one->hash, hash, sizeof(one->hash));
	snprintf(one->site, sizeof(one->site), "%s", site);
	return 0;
}

/* 0: they are the same. No branch hangs on a byte. */
static unsigned differ(const uint8_t *a, const uint8_t *b, size_t n)
{
	volatile unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits |= (unsigned)(a[i] ^ b[i]);
	return bits;
}

struct invitation *invitations_find(struct invitations *all,
                                    const uint8_t hash[INVITATION_HASH_BYTES])
{
	struct invitation *found = NULL;

	for (unsigned i = 0; i < all->count; i++)
		if (!differ(all->list[i].hash, hash, INVITATION_HASH_BYTES))
			found = &all->list[i];
	return found;
}

enum wire_redeem invitation_judge(const struct invitation *one,
                                  const struct tls_pin *pin, uint64_t now_s)
{
	if (!one)
		return WIRE_REDEEM_UNKNOWN;
	switch (one->state) {
	case INVITATION_REVOKED:
		return WIRE_REDEEM_REVOKED;
	case INVITATION_USED:
		return tls_pin_equal(&one->by, pin) ? WIRE_REDEEM_JOINED
		                                    : WIRE_REDEEM_USED;
	case INVITATION_OPEN:
		break;
	}
	return invitation_is_open(one, now_s) ? WIRE_REDEEM_JOINED
	                                      : WIRE_REDEEM_EXPIRED;
}

const char *invitation_result_text(enum wire_redeem result)
{
	switch (result) {
	case WIRE_REDEEM_JOINED: return "joined";
	case WIRE_REDEEM_UNKNOWN: return "no such invitation";
	case WIRE_REDEEM_USED: return "the invitation was used already";
	case WIRE_REDEEM_EXPIRED: return "the invitation has expired";
	case WIRE_REDEEM_REVOKED: return "the invitation was revoked";
	case WIRE_REDEEM_OTHER: return "its key is another site's";
	case WIRE_REDEEM_FAILED: return "the concentrator could not write it";
	case WIRE_REDEEM_COUNT: break;
	}
	return "";
}

unsigned invitations_revoke(struct invitations *all, const char *site,
                            uint64_t now_s)
{
	unsigned count = 0;

	for (unsigned i = 0; i < all->count; i++) {
		struct invitation *one = &all->list[i];
		if (strcmp(one->site, site) || !invitation_is_open(one, now_s))
			continue;
		one->state = INVITATION_REVOKED;
		count++;
	}
	return count;
}

void invitations_rename(struct invitations *all, const char *site,
                        const char *name)
{
	for (unsigned i = 0; i < all->count; i++)
		if (!strcmp(all->list[i].site, site))
			snprintf(all->list[i].site, sizeof(all->list[i].site),
			         "%s", name);
}

/* Text ------------------------------------------------------------------------ */

int invitations_print(const struct invitations *all, struct buf *out)
{
	int err = buf_printf(out, HEAD);

	for (unsigned i = 0; !err && i < all->count; i++) {
		const struct invitation *one = &all->list[i];
		char hash[HASH_TEXT_LEN + 1], by[TLS_PIN_TEXT_LEN + 1];
		bool used = one->state == INVITATION_USED;
		base64url_encode(hash, one->hash, sizeof(one->hash));
		err = buf_printf(out, "%s %s %" PRIu64 " %s %s\n", hash,
		                 state_words[one->state], one->until_s, one->site,
		                 used ? tls_pin_format(&one->by, by) : "-");
	}
	return err;
}

/* The next word of the line, which ends there; NULL: none. */
static char *word_of(char **line)
{
	char *word = strsep(line, " ");

	return word && *word ? word : NULL;
}

static bool take_state(struct invitation *one, const char *word)
{
	for (unsigned i = 0; word && i < STATES; i++)
		if (!strcmp(word, state_words[i])) {
			one->state = (enum invitation_state)i;
			return true;
		}
	return false;
}

static bool take_until(struct invitation *one, const char *word)
{
	char *end;

	if (!word || *word < '0' || *word > '9')
		return false;
	errno = 0;
	one->until_s = strtoull(word, &end, 10);
	return !*end && !errno && one->until_s < UINT64_MAX - INVITATION_KEEP_S;
}

static bool take_site(struct invitation *one, const char *word)
{
	if (!word || strlen(word) > CONF_NAME_MAX)
		return false;
	strcpy(one->site, word);
	return true;
}

static bool take_by(struct invitation *one, const char *word)
{
	if (!word)
		return false;
	return one->state == INVITATION_USED ? !tls_pin_parse(&one->by, word)
	                                     : !strcmp(word, "-");
}

static bool take_line(struct invitation *one, char *line)
{
	const char *hash = word_of(&line);

	*one = (struct invitation){ .until_s = 0 };
	return hash && !base64url_decode(one->hash, sizeof(one->hash), hash) &&
	       take_state(one, word_of(&line)) &&
	       take_until(one, word_of(&line)) &&
	       take_site(one, word_of(&line)) && take_by(one, word_of(&line)) &&
	       !line;
}

static bool take_lines(struct invitations *all, const char *text, size_t n)
{
	char line[LINE_MAX + 1];

	while (n) {
		const char *end = memchr(text, '\n', n);
		size_t len = end ? (size_t)(end - text) : n;
		if (!end || len > LINE_MAX || all->count == INVITATIONS_MAX ||
		    memchr(text, 0, len))
			return false;
		memcpy(line, text, len);
		line[len] = 0;
		if (!take_line(&all->list[all->count], line))
			return false;
		all->count++;
		text += len + 1;
		n -= len + 1;
	}
	return true;
}

int invitations_parse(struct invitations *all, const char *text, size_t n)
{
	size_t head = strlen(HEAD);

	all->count = 0;
	if (n >= head && !memcmp(text, HEAD, head) &&
	    take_lines(all, text + head, n - head))
		return 0;
	all->count = 0;
	return -EBADMSG;
}

/* The file ---------------------------------------------------------------------- */

static int path_of(const char *dir, char path[CONF_PATH_MAX + 32])
{
	int n = snprintf(path, CONF_PATH_MAX + 32, "%s" FILE_NAME, dir);

	return n < 0 || n >= CONF_PATH_MAX + 32 ? -ENAMETOOLONG : 0;
}

int invitations_load(struct invitations *all, const char *dir)
{
	char path[CONF_PATH_MAX + 32];
	struct buf text;
	int err = path_of(dir, path);

	all->count = 0;
	if (err)
		return err;
	buf_init(&text, INVITATIONS_BYTES_MAX);
	err = file_read(path, &text);
	if (!err)
		err = invitations_parse(all, (const char *)buf_head(&text),
		                        text.len);
	buf_finish(&text);
	return err == -ENOENT ? 0 : err;
}

int invitations_store(const struct invitations *all, const char *dir)
{
	char path[CONF_PATH_MAX + 32];
	struct buf text;
	int err = path_of(dir, path);

	if (err)
		return err;
	buf_init(&text, INVITATIONS_BYTES_MAX);
	err = invitations_print(all, &text);
	if (!err)
		err = file_write(path, &text, 0600);
	buf_finish(&text);
	return err;
}
