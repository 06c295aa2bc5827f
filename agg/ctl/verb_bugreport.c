/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggctl bugreport: one text of what who helps would ask for: what aggd, the
 * doctor and this host say, redacted (redact.h). What a command cannot say is left
 * out, with a word.
 */
#include "agg/ctl/aggctl.h"

#include "agg/conf/conf.h"
#include "agg/doctor/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX (8u << 20)
#define PART_MAX (1u << 20)     /* of one command; the rest is left out */
#define PATIENCE_S "10"         /* for each of them */
#define NAME_MAX_BYTES 64

/* Of the shell; $AGGCTL is this program, $AGGD_CONFIG the configuration. */
static const char *const commands[] = {
	"$AGGCTL --version",
	"$AGGCTL status",
	"$AGGCTL uplinks",
	"$AGGCTL sites",
	"$AGGCTL scheduler",
	"$AGGCTL -c \"$AGGD_CONFIG\" doctor",
	"$AGGCTL status --json",
	"uname -a",
	"cat /etc/os-release",
	"date; uptime",
	"nproc; head -5 /proc/meminfo",
	"journalctl -u aggd -n 300 --no-pager",
	"systemctl status aggd --no-pager",
	"ip -br link; ip -br address",
	"ip rule; ip -6 rule",
	"ip route show table all | head -200; ip -6 route show table all | head -200",
	"nft list table inet aggd; nft list tables",
	"ip mptcp limits; ip mptcp endpoint",
	"sysctl net.ipv4.ip_forward net.ipv4.tcp_congestion_control "
	"net.ipv4.tcp_available_congestion_control net.mptcp.enabled "
	"net.ipv4.conf.all.rp_filter net.core.rmem_max net.core.wmem_max",
	"nstat -as | grep -E 'Tcp|Mptcp' | head -200",
	NULL,
};

static void set_environment(const struct aggctl_options *options)
{
	char self[64];

	snprintf(self, sizeof(self), "/proc/%d/exe", (int)getpid());
	setenv("AGGCTL", self, 1);
	setenv("AGGD_CONTROL", options->socket, 1);
	setenv("AGGD_CONFIG", options->config, 1);
	setenv("COLUMNS", "120", 1);
	setenv("LC_ALL", "C", 1);
}

/* What it says, to both outputs. */
static void add_command(const char *command, struct buf *out)
{
	char piece[4096];
	size_t sum = 0, n;

	buf_printf(out, "\n== %s\n", command);
	fflush(stdout);
	setenv("AGGD_COMMAND", command, 1);
	FILE *from = popen("exec timeout " PATIENCE_S " sh -c \"$AGGD_COMMAND\" "
	                   "</dev/null 2>&1", "re");
	if (!from) {
		buf_printf(out, "(%s)\n", strerror(errno));
		return;
	}
	while ((n = fread(piece, 1, sizeof(piece), from)) > 0 && sum < PART_MAX) {
		buf_put(out, piece, n);
		sum += n;
	}
	pclose(from);
}

/* As aggd understands it, without its secrets. */
static void add_configuration(const struct aggctl_options *options,
                              struct buf *out)
{
	struct conf_error error = { "" };
	struct conf *conf = NULL;

	buf_printf(out, "\n== configuration %s\n", options->config);
	if (conf_load(options->config, NULL, &conf, &error) < 0)
		buf_printf(out, "%s\n", error.text);
	else
		conf_print(conf, false, out);
	conf_free(conf);
}

static int gather(const struct aggctl_options *options, struct buf *out)
{
	struct buf raw;

	buf_init(&raw, TEXT_MAX);
	set_environment(options);
	for (const char *const *c = commands; *c; c++)
		add_command(*c, &raw);
	add_configuration(options, &raw);
	int err = buf_printf(out, "A report of aggd. There is no key in it, pins are "
	                     "cut, and public addresses are\nmasked; look through it "
	                     "before you show it.\n");
	if (!err)
		err = redact((const char *)buf_head(&raw), raw.len, out);
	buf_finish(&raw);
	return err;
}

/* For its owner alone, and no other file is written over. */
static int write_file(const char *path, const struct buf *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file)
		return -errno;
	fwrite(buf_head(text), 1, text->len, file);
	return fclose(file) ? -errno : 0;
}

int verb_bugreport(const struct aggctl_options *options,
                   const char *const *words)
{
	char name[NAME_MAX_BYTES];
	const char *path = words[1] ? words[1] : name;
	time_t now = time(NULL);
	struct tm tm;
	struct buf text;

	strftime(name, sizeof(name), "aggd-bugreport-%Y%m%d-%H%M%S.txt",
	         gmtime_r(&now, &tm));
	buf_init(&text, 2 * TEXT_MAX);
	int err = gather(options, &text);
	if (!err && !strcmp(path, "-"))
		fwrite(buf_head(&text), 1, text.len, stdout);
	else if (!err)
		err = write_file(path, &text);
	buf_finish(&text);
	if (err)
		aggctl_complain(options, "%s: %s\n", path, strerror(-err));
	else if (strcmp(path, "-"))
		printf("%s\n", path);
	return err ? EXIT_REFUSED : EXIT_DONE;
}
