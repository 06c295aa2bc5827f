/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: single values: text to bytes and back, and what is allowed, type by
 * type. Every reader leaves the value alone where it refuses the text.
 */
#include "agg/conf/table.h"

#include "agg/base/addr.h"
#include "agg/base/base64url.h"
#include "agg/base/selector.h"
#include "agg/base/words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PIN_PREFIX "sha256:"
#define DIGITS_MAX 15 /* no sum of a number and a unit overflows below */
#define FRACTION_MAX 6 /* digits behind the point */
#define MILLION 1000000u

struct unit {
	const char *name;
	uint64_t factor;
};

/* The first is what a bare number means; the printer takes the largest that
 * divides the value. */
static const struct unit duration_units[] = {
	{ "s", 1000000 }, { "ms", 1000 }, { "m", 60 * 1000000ull },
	{ "h", 3600 * 1000000ull }, { "us", 1 }, { NULL },
};
static const struct unit bytes_units[] = {
	{ "", 1 }, { "KiB", 1024 }, { "MiB", 1024 * 1024 },
	{ "GiB", 1024 * 1024 * 1024 }, { "K", 1024 }, { "M", 1024 * 1024 },
	{ "G", 1024 * 1024 * 1024 }, { NULL },
};

/* As providers count. */
static const struct unit volume_units[] = {
	{ "", 1 }, { "kB", 1000 }, { "MB", 1000 * 1000 }, { "GB", 1000 * 1000 * 1000 },
	{ "TB", 1000ull * 1000 * 1000 * 1000 }, { NULL },
};

static const struct unit no_units[] = { { "", 1 }, { NULL } };

static const char *const true_words[] = { "1", "yes", "on", "true", "enabled",
                                          NULL };
static const char *const false_words[] = { "0", "no", "off", "false",
                                           "disabled", NULL };

static int find_word(const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], text))
			return i;
	return -1;
}

static bool has_only(const char *text, const char *more)
{
	for (; *text; text++) {
		char c = *text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		             (c >= '0' && c <= '9');
		if (!plain && !strchr(more, c))
			return false;
	}
	return true;
}

static int read_text(const struct conf_key *key, const char *text, void *value)
{
	size_t n = strlen(text);

	if (n < key->min || n > key->max)
		return -EINVAL;
	memset(value, 0, key->size);
	memcpy(value, text, n);
	return 0;
}

/* Digits of text as a number, most of them; returns how many, 0: too many. */
static size_t take_digits(const char *text, size_t most, uint64_t *out)
{
	size_t digits = strspn(text, "0123456789");

	*out = 0;
	for (size_t i = 0; i < digits && digits <= most; i++)
		*out = *out * 10 + (uint64_t)(text[i] - '0');
	return digits <= most ? digits : 0;
}

/* Digits, then one of units or nothing. */
static int read_number(const struct conf_key *key, const char *text,
                       const struct unit *units, uint64_t *out)
{
	uint64_t number;
	size_t digits = take_digits(text, DIGITS_MAX, &number);

	if (!digits)
		return -EINVAL;
	const struct unit *unit = units;
	if (text[digits])
		while (unit->name && strcmp(unit->name, text + digits))
			unit++;
	if (!unit->name)
		return -EINVAL;
	if (number > key->max / unit->factor)
		return -EINVAL;
	*out = number * unit->factor;
	return *out < key->min || *out > key->max ? -EINVAL : 0;
}

static int read_int(const struct conf_key *key, const char *text, void *value)
{
	uint64_t number;

	if (read_number(key, text, no_units, &number) < 0)
		return -EINVAL;
	*(unsigned *)value = (unsigned)number;
	return 0;
}

/* Digits, and behind a point up to six more. */
static int read_decimal(const struct conf_key *key, const char *text,
                        uint64_t *out)
{
	uint64_t number, fraction = 0;
	size_t digits = take_digits(text, DIGITS_MAX - FRACTION_MAX, &number);

	if (!digits)
		return -EINVAL;
	text += digits;
	if (*text == '.') {
		digits = take_digits(++text, FRACTION_MAX, &fraction);
		if (!digits)
			return -EINVAL;
		text += digits;
		for (; digits < FRACTION_MAX; digits++)
			fraction *= 10;
	}
	number = number * MILLION + fraction;
	if (*text || number < key->min || number > key->max)
		return -EINVAL;
	*out = number;
	return 0;
}

/* "0x" and hexadecimal digits. */
static int read_mark(const char *text, unsigned *mark)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	unsigned bit;

	if (strncmp(text, "0x", 2) || !text[2] || strlen(text) > 10 ||
	    text[2 + strspn(text + 2, digits)] ||
	    sscanf(text + 2, "%x", &bit) != 1 || !bit || bit & (bit - 1))
		return -EINVAL;
	*mark = bit;
	return 0;
}

static int read_bool(const char *text, void *value)
{
	bool yes = find_word(true_words, text) >= 0;

	if (!yes && find_word(false_words, text) < 0)
		return -EINVAL;
	*(bool *)value = yes;
	return 0;
}

static int read_word(const struct conf_key *key, const char *text, void *value)
{
	int index = find_word(key->words, text);

	if (index < 0)
		return -EINVAL;
	unsigned word = (unsigned)index;
	memcpy(value, &word, sizeof(word));
	return 0;
}

static int read_pin(const char *text, struct conf_pin *pin)
{
	struct conf_pin read;

	if (strncmp(text, PIN_PREFIX, strlen(PIN_PREFIX)))
		return -EINVAL;
	if (base64url_decode(read.sha256, CONF_PIN_LEN,
	                     text + strlen(PIN_PREFIX)) < 0)
		return -EINVAL;
	*pin = read;
	return 0;
}

static int read_addr(const struct conf_key *key, const char *text,
                     struct addr *out)
{
	struct addr addr;

	if (addr_parse(&addr, text, key->default_port) < 0)
		return -EINVAL;
	*out = addr;
	return 0;
}

static int read_prefix(const char *text, struct prefix *out)
{
	struct prefix prefix;

	if (prefix_parse(&prefix, text) < 0)
		return -EINVAL;
	*out = prefix;
	return 0;
}

/* What the kernel takes for a device's name (dev_valid_name). */
static int read_device(const char *text, struct conf_device *out)
{
	size_t n = strlen(text);

	if (!n || n >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, "..") ||
	    strpbrk(text, "/: \t"))
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	memcpy(out->name, text, n);
	return 0;
}

const char *const *conf_value_names(const struct conf_key *key,
                                    const struct conf_rules *rules)
{
	switch (key->type) {
	case CONF_SCHEDULER:
		return rules->names.schedulers;
	case CONF_ORDER:
		return rules->names.orders;
	case CONF_REINJECTION:
		return rules->names.reinjections;
	case CONF_WORD:
		return key->words;
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_TOKEN:
	case CONF_PATH:
	case CONF_BOOL:
	case CONF_INT:
	case CONF_DURATION:
	case CONF_BYTES:
	case CONF_VOLUME:
	case CONF_DECIMAL:
	case CONF_DSCP:
	case CONF_MARK:
	case CONF_ADDR:
	case CONF_ENDPOINT:
	case CONF_PREFIX:
	case CONF_PIN:
	case CONF_DEVICE:
	case CONF_LAN_HOST:
	case CONF_PORTS:
	case CONF_DOMAIN:
		break;
	}
	return NULL;
}

static int read_name(const struct conf_key *key, const struct conf_rules *rules,
                     const char *text, void *value)
{
	const char *const *names = conf_value_names(key, rules);

	if (names && find_word(names, text) < 0)
		return -EINVAL;
	return has_only(text, "_-") ? read_text(key, text, value) : -EINVAL;
}

static int read_lan_host(const char *text, struct selector_host *out)
{
	struct selector_host host;

	if (selector_host_parse(&host, text) < 0)
		return -EINVAL;
	*out = host;
	return 0;
}

static int read_ports(const char *text, struct selector_ports *out)
{
	struct selector_ports ports;

	if (selector_ports_parse(&ports, text) < 0)
		return -EINVAL;
	*out = ports;
	return 0;
}

static int read_typed(const struct conf_key *key, const struct conf_rules *rules,
                      const char *text, void *value)
{
	switch (key->type) {
	case CONF_STRING:
	case CONF_SECRET:
		return read_text(key, text, value);
	case CONF_TOKEN:
		return has_only(text, "_-.") ? read_text(key, text, value)
		                             : -EINVAL;
	case CONF_SCHEDULER:
	case CONF_ORDER:
	case CONF_REINJECTION:
		return read_name(key, rules, text, value);
	case CONF_PATH:
		return *text == '/' ? read_text(key, text, value) : -EINVAL;
	case CONF_BOOL:
		return read_bool(text, value);
	case CONF_WORD:
		return read_word(key, text, value);
	case CONF_INT:
		return read_int(key, text, value);
	case CONF_DURATION:
		return read_number(key, text, duration_units, value);
	case CONF_BYTES:
		return read_number(key, text, bytes_units, value);
	case CONF_VOLUME:
		return read_number(key, text, volume_units, value);
	case CONF_DECIMAL:
		return read_decimal(key, text, value);
	case CONF_DSCP:
		return conf_dscp_read(text, value);
	case CONF_MARK:
		return read_mark(text, value);
	case CONF_ADDR:
		return read_addr(key, text, value);
	case CONF_ENDPOINT:
		return conf_endpoint_read(text, key->default_port, value);
	case CONF_PREFIX:
		return read_prefix(text, value);
	case CONF_PIN:
		return read_pin(text, value);
	case CONF_DEVICE:
		return read_device(text, value);
	case CONF_LAN_HOST:
		return read_lan_host(text, value);
	case CONF_PORTS:
		return read_ports(text, value);
	case CONF_DOMAIN:
		return conf_domain_is_valid(text) ? read_text(key, text, value)
		                                  : -EINVAL;
	}
	return -EINVAL;
}

int conf_value_read(const struct conf_key *key, const struct conf_rules *rules,
                    const char *text, void *value,
                    char allowed[CONF_VALUE_TEXT_MAX])
{
	if (!read_typed(key, rules, text, value))
		return 0;
	conf_value_allowed(key, rules, allowed);
	return -EINVAL;
}

/* The largest unit that divides the value leaves the shortest text. */
static void format_number(char *text, uint64_t value, const struct unit *units)
{
	const struct unit *best = units;

	for (const struct unit *unit = units; unit->name; unit++)
		if (value % unit->factor == 0 &&
		    (unit->factor > best->factor || value % best->factor))
			best = unit;
	snprintf(text, CONF_VALUE_TEXT_MAX, "%" PRIu64 "%s",
	         value / best->factor, best->name);
}

/* Without the zeros at the end, and without the point where all are. */
static const char *format_decimal(char *text, uint64_t value)
{
	int n = snprintf(text, CONF_VALUE_TEXT_MAX, "%" PRIu64 ".%06u",
	                 value / MILLION, (unsigned)(value % MILLION));

	while (text[n - 1] == '0')
		text[--n] = 0;
	if (text[n - 1] == '.')
		text[n - 1] = 0;
	return text;
}

/* 0 is not set. */
static const char *format_mark(char *text, unsigned mark)
{
	*text = 0;
	if (mark)
		snprintf(text, CONF_VALUE_TEXT_MAX, "0x%08x", mark);
	return text;
}

static void format_pin(char *text, const struct conf_pin *pin)
{
	strcpy(text, PIN_PREFIX);
	base64url_encode(text + strlen(PIN_PREFIX), pin->sha256, CONF_PIN_LEN);
}

static void format_addr(char *text, const struct addr *addr)
{
	*text = 0;
	if (addr->family != AF_UNSPEC)
		addr_format(addr, text);
}

static void format_word(char *text, const struct conf_key *key,
                        const void *value)
{
	unsigned word;

	memcpy(&word, value, sizeof(word));
	strcpy(text, key->words[word]);
}

/* 0 where that is not allowed: not set. */
static void format_set(char *text, const struct conf_key *key, uint64_t value,
                       const struct unit *units)
{
	*text = 0;
	if (value || !key->min)
		format_number(text, value, units);
}

const char *conf_value_format(const struct conf_key *key, const void *value,
                              char text[CONF_VALUE_TEXT_MAX])
{
	switch (key->type) {
	case CONF_STRING:
	case CONF_SECRET:
	case CONF_TOKEN:
	case CONF_SCHEDULER:
	case CONF_ORDER:
	case CONF_REINJECTION:
	case CONF_PATH:
	case CONF_DOMAIN:
		return strcpy(text, value);
	case CONF_DEVICE:
		return strcpy(text, ((const struct conf_device *)value)->name);
	case CONF_BOOL:
		return strcpy(text, *(const bool *)value ? "1" : "0");
	case CONF_WORD:
		format_word(text, key, value);
		return text;
	case CONF_INT:
		format_set(text, key, *(const unsigned *)value, no_units);
		return text;
	case CONF_DURATION:
		format_set(text, key, *(const uint64_t *)value, duration_units);
		return text;
	case CONF_BYTES:
		format_set(text, key, *(const uint64_t *)value, bytes_units);
		return text;
	case CONF_VOLUME:
		format_set(text, key, *(const uint64_t *)value, volume_units);
		return text;
	case CONF_DECIMAL:
		return format_decimal(text, *(const uint64_t *)value);
	case CONF_DSCP:
		return conf_dscp_format(*(const unsigned *)value, text);
	case CONF_MARK:
		return format_mark(text, *(const unsigned *)value);
	case CONF_ADDR:
		format_addr(text, value);
		return text;
	case CONF_ENDPOINT:
		return conf_endpoint_format(value, text);
	case CONF_PREFIX:
		return ((const struct prefix *)value)->family == AF_UNSPEC ?
			strcpy(text, "") : prefix_format(value, text);
	case CONF_PIN:
		format_pin(text, value);
		return text;
	case CONF_LAN_HOST:
		return selector_host_format(value, text);
	case CONF_PORTS:
		return selector_ports_format(value, text);
	}
	return strcpy(text, "");
}

static void allowed_range(const struct conf_key *key, char *text,
                          const struct unit *units, const char *what)
{
	char min[CONF_VALUE_TEXT_MAX], max[CONF_VALUE_TEXT_MAX];

	format_number(min, key->min, units);
	format_number(max, key->max, units);
	snprintf(text, CONF_VALUE_TEXT_MAX, "%s from %.40s to %.40s", what, min,
	         max);
}

static void allowed_decimal(const struct conf_key *key, char *text)
{
	char min[CONF_VALUE_TEXT_MAX], max[CONF_VALUE_TEXT_MAX];

	snprintf(text, CONF_VALUE_TEXT_MAX, "a number, with a point if need be, "
	         "from %.40s to %.40s", format_decimal(min, key->min),
	         format_decimal(max, key->max));
}

static void allowed_names(const struct conf_key *key,
                          const struct conf_rules *rules, char *text,
                          const char *what)
{
	const char *const *names = conf_value_names(key, rules);

	if (names)
		words_list(names, text, CONF_VALUE_TEXT_MAX);
	else
		strcpy(text, what);
}

static void allowed_text(const struct conf_key *key, char *text,
                         const char *what)
{
	snprintf(text, CONF_VALUE_TEXT_MAX,
	         "%s of %" PRIu64 " to %" PRIu64 " bytes", what, key->min,
	         key->max);
}

const char *conf_value_allowed(const struct conf_key *key,
                               const struct conf_rules *rules,
                               char allowed[CONF_VALUE_TEXT_MAX])
{
	switch (key->type) {
	case CONF_STRING:
	case CONF_SECRET:
		allowed_text(key, allowed, "text");
		break;
	case CONF_TOKEN:
		allowed_text(key, allowed, "a word (letters, digits, _ - .)");
		break;
	case CONF_SCHEDULER:
		allowed_names(key, rules, allowed, "the name of a scheduler");
		break;
	case CONF_ORDER:
		allowed_names(key, rules, allowed,
		              "auto, or the name of an order");
		break;
	case CONF_REINJECTION:
		allowed_names(key, rules, allowed,
		              "the name of a reinjection policy");
		break;
	case CONF_PATH:
		allowed_text(key, allowed, "a path that begins with /,");
		break;
	case CONF_BOOL:
		strcpy(allowed, "1 or 0 (yes or no, on or off, true or false)");
		break;
	case CONF_WORD:
		allowed_names(key, rules, allowed, "");
		break;
	case CONF_INT:
		allowed_range(key, allowed, no_units, "a number");
		break;
	case CONF_DURATION:
		allowed_range(key, allowed, duration_units,
		              "a time (us, ms, s, m, h; a bare number is seconds)");
		break;
	case CONF_BYTES:
		allowed_range(key, allowed, bytes_units,
		              "bytes (K, M, G or KiB, MiB, GiB)");
		break;
	case CONF_VOLUME:
		allowed_range(key, allowed, volume_units,
		              "bytes of traffic (kB, MB, GB, TB, by 1000)");
		break;
	case CONF_DECIMAL:
		allowed_decimal(key, allowed);
		break;
	case CONF_DSCP:
		strcpy(allowed, "a number from 0 to 63, CS0..CS7, AF11..AF43, EF "
		                "or LE");
		break;
	case CONF_MARK:
		strcpy(allowed, "one bit of 32, as 0x01000000");
		break;
	case CONF_ADDR:
		if (key->default_port < 0)
			strcpy(allowed, "ADDRESS:PORT, as 192.0.2.1:80 or "
			                "[2001:db8::1]:80");
		else
			snprintf(allowed, CONF_VALUE_TEXT_MAX,
			         "ADDRESS:PORT, as 192.0.2.1:%d or "
			         "[2001:db8::1]:%d (that port may be left out)",
			         key->default_port, key->default_port);
		break;
	case CONF_ENDPOINT:
		snprintf(allowed, CONF_VALUE_TEXT_MAX,
		         "HOST:PORT, as vps.example.net:%d, 192.0.2.1:%d or "
		         "[2001:db8::1]:%d (that port may be left out)",
		         key->default_port, key->default_port, key->default_port);
		break;
	case CONF_PREFIX:
		strcpy(allowed, "an address block with no bit set behind its "
		                "length, as 192.0.2.0/24 or 2001:db8::/32");
		break;
	case CONF_PIN:
		strcpy(allowed, "a pin: sha256: and 43 characters, as "
		                "'aggctl pin' prints it on the other side");
		break;
	case CONF_DEVICE:
		snprintf(allowed, CONF_VALUE_TEXT_MAX,
		         "the name of a network device, up to %d characters",
		         IFNAMSIZ - 1);
		break;
	case CONF_LAN_HOST:
		strcpy(allowed, "a LAN host's address, as 192.168.1.7 or "
		                "2001:db8::7, a block of them, as 192.168.1.0/28, or "
		                "its card's, as 00:16:3e:01:02:03");
		break;
	case CONF_PORTS:
		strcpy(allowed, "ports from 1 to 65535, as 443 or 6881-6889, of one "
		                "protocol, as tcp/443 or udp/5000-6000, or all of "
		                "one: tcp, udp");
		break;
	case CONF_DOMAIN:
		strcpy(allowed, "a name, as example.com; those below it, as "
		                "www.example.com, count too");
		break;
	}
	return allowed;
}
