/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: differentiated services code points, as people write them. RFC 2474:
 * CSx is 8 x; RFC 2597: AFxy is 8 x + 2 y; RFC 3246: EF; RFC 8622: LE.
 */
#include "agg/conf/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DSCP_EF 46
#define DSCP_LE 1
#define DSCP_MAX 63
#define CS_MAX 7
#define AF_CLASS_MAX 4
#define AF_DROP_MAX 3

static bool digit_upto(char c, unsigned min, unsigned max)
{
	return c >= (char)('0' + min) && c <= (char)('0' + max);
}

static int read_code(const char *text, unsigned *dscp)
{
	if (!strcasecmp(text, "EF"))
		*dscp = DSCP_EF;
	else if (!strcasecmp(text, "LE"))
		*dscp = DSCP_LE;
	else if (!strncasecmp(text, "CS", 2) && digit_upto(text[2], 0, CS_MAX) &&
	         !text[3])
		*dscp = 8 * (unsigned)(text[2] - '0');
	else if (!strncasecmp(text, "AF", 2) &&
	         digit_upto(text[2], 1, AF_CLASS_MAX) &&
	         digit_upto(text[3], 1, AF_DROP_MAX) && !text[4])
		*dscp = 8 * (unsigned)(text[2] - '0') +
		        2 * (unsigned)(text[3] - '0');
	else
		return -EINVAL;
	return 0;
}

int conf_dscp_read(const char *text, unsigned *dscp)
{
	size_t digits = strspn(text, "0123456789");
	unsigned number;

	if (!digits)
		return read_code(text, dscp);
	if (text[digits] || digits > 2 || sscanf(text, "%u", &number) != 1 ||
	    number > DSCP_MAX)
		return -EINVAL;
	*dscp = number;
	return 0;
}

const char *conf_dscp_format(unsigned dscp, char text[CONF_VALUE_TEXT_MAX])
{
	unsigned class = dscp / 8, drop = dscp % 8 / 2;

	if (dscp == DSCP_EF)
		strcpy(text, "EF");
	else if (dscp == DSCP_LE)
		strcpy(text, "LE");
	else if (dscp % 8 == 0)
		snprintf(text, CONF_VALUE_TEXT_MAX, "CS%u", class);
	else if (dscp % 2 == 0 && class >= 1 && class <= AF_CLASS_MAX)
		snprintf(text, CONF_VALUE_TEXT_MAX, "AF%u%u", class, drop);
	else
		snprintf(text, CONF_VALUE_TEXT_MAX, "%u", dscp);
	return text;
}
