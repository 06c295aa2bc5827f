/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see setup.h.
 */
#include "agg/pair/setup.h"

#include "agg/kernel/sockopt.h"
#include "agg/base/file.h"
#include "agg/pair/found.h"
#include "agg/pair/gwconf.h"
#include "agg/pair/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_DIR "/var/lib/aggd"
#define GATEWAY_STATE_DIR "/etc/aggd"
#define CONTROL "/run/aggd.sock"
#define LISTEN "[::]:443"
#define MODE 0640
#define LINE_MAX 1024

static const char *or(const char *text, const char *other)
{
	return text ? text : other;
}

/* The configuration --------------------------------------------------------------- */

static void dir_of(const char *path, char dir[CONF_PATH_MAX + 1])
{
	const char *slash = strrchr(path, '/');

	snprintf(dir, CONF_PATH_MAX + 1, "%.*s", slash ? (int)(slash - path) : 1,
	         slash ? path : ".");
}

/* err: of making the text. */
static int put_config(const char *path, const struct buf *text, int err,
                      struct buf *out)
{
	char dir[CONF_PATH_MAX + 1];

	dir_of(path, dir);
	if (!err)
		err = *dir ? file_make_dirs(dir, 0755) : 0;
	if (!err)
		err = file_write(path, text, MODE);
	if (!err)
		err = service_give_file(path);
	if (err)
		buf_printf(out, "%s: %s%s\n", path, strerror(-err),
		           err == -EACCES ? "; it takes root: try again with sudo"
		                          : "");
	else
		buf_printf(out, "configuration: %s, written\n", path);
	return err;
}

static int write_config(const struct setup_args *args, struct buf *out)
{
	struct buf text;

	buf_init(&text, UCI_FILE_MAX);
	int err = gwconf_concentrator(&text, or(args->control, CONTROL),
	                              or(args->state, STATE_DIR),
	                              or(args->listen, LISTEN),
	                              or(args->sites, CONF_SITES_DIR));
	err = put_config(args->config, &text, err, out);
	buf_finish(&text);
	return err;
}

/* One that is there is not touched. */
static int take_config(const struct setup_args *args, struct conf_main *main,
                       struct buf *out)
{
	struct conf_error error = { "" };
	struct conf *conf = NULL;
	bool is_there = !access(args->config, F_OK);
	int err = is_there ? 0 : write_config(args, out);

	if (err)
		return err;
	err = conf_load_main(args->config, main, &error);
	if (!err && main->role != CONF_ROLE_CONCENTRATOR) {
		buf_printf(out, "%s is a gateway's; a concentrator's configuration "
		           "is named by -c FILE\n", args->config);
		return -EINVAL;
	}
	if (!err && *main->sites)
		file_make_dirs(main->sites, 0750);
	if (!err)
		err = conf_load(args->config, NULL, &conf, &error);
	conf_free(conf);
	if (err)
		buf_printf(out, "%s\n", error.text);
	else if (is_there)
		buf_printf(out, "configuration: %s, as it was\n", args->config);
	return err;
}

/* Keys ------------------------------------------------------------------------------ */

static int make_identity(const struct conf_main *main, struct buf *out)
{
	char pin_text[TLS_PIN_TEXT_LEN + 1];
	struct tls_pin pin;
	int err = file_make_dirs(main->state, 0700);

	if (!err)
		err = tls_identity_generate(main->state);
	bool was_there = err == -EEXIST;
	if (!err || was_there)
		err = tls_identity_pin(main->state, &pin);
	if (!err)
		err = service_give_directory(main->state);
	if (err)
		buf_printf(out, "identity in %s: %s\n", main->state,
		           strerror(-err));
	else
		buf_printf(out, "identity: %s%s, %s\n", main->state,
		           was_there ? ", as it was" : ", made",
		           tls_pin_format(&pin, pin_text));
	return err;
}

/* What is let in --------------------------------------------------------------------- */

static bool file_has(const char *path, const char *line)
{
	char text[LINE_MAX];
	bool found = false;
	FILE *file = fopen(path, "re");

	while (file && !found && fgets(text, sizeof(text), file))
		found = !strncmp(text, line, strlen(line));
	if (file)
		fclose(file);
	return found;
}

/* Is there a chain that drops what is not named? */
static bool nft_drops(void)
{
	char line[LINE_MAX];
	bool drops = false;
	FILE *list = popen("nft list chains 2>/dev/null", "re");

	while (list && fgets(line, sizeof(line), list))
		drops |= strstr(line, "hook input") && strstr(line, "policy drop");
	if (list)
		pclose(list);
	return drops;
}

static void look_at_firewall(uint16_t port, struct buf *out)
{
	buf_printf(out, "firewall: TCP and UDP port %u have to come in, here and in "
	           "the provider's panel\n", port);
	if (file_has("/etc/ufw/ufw.conf", "ENABLED=yes"))
		buf_printf(out, "  ufw is on: ufw allow %u/tcp && ufw allow %u/udp\n",
		           port, port);
	else if (!access("/run/firewalld", F_OK))
		buf_printf(out, "  firewalld is on: firewall-cmd --permanent "
		           "--add-port=%u/tcp --add-port=%u/udp && firewall-cmd "
		           "--reload\n", port, port);
	else if (nft_drops())
		buf_printf(out, "  nftables drops what is not allowed: 'nft list "
		           "ruleset' shows where; allow 'tcp dport %u accept' and "
		           "'udp dport %u accept' there\n", port, port);
	else
		buf_printf(out, "  none was found on this host that is in the way\n");
}

/* Could aggd listen there? */
static int look_at_port(const struct conf_main *main, struct buf *out)
{

	for (unsigned i = 0; i < main->listen_count; i++) {
		int fd = sockopt_tcp_listen(&main->listen[i], NULL);
		if (fd >= 0)
			close(fd);
		if (fd != -EADDRINUSE)
			continue;
		buf_printf(out, "port %u is taken by another program, as a web "
		           "server ('ss -ltnp' shows which): stop that, or choose "
		           "another port: aggctl setup --listen '[::]:8443', or "
		           "'list listen' in the file\n", main->listen[i].port);
		return -EADDRINUSE;
	}
	return 0;
}

int setup_make(const struct setup_args *args, struct conf_main *main,
               struct buf *out)
{
	int err = take_config(args, main, out);

	if (!err)
		err = make_identity(main, out);
	if (!err && *main->sites)
		err = service_give_directory(main->sites);
	if (!err && !args->runs)
		err = look_at_port(main, out);
	if (!err)
		look_at_firewall(main->listen[0].port, out);
	return err;
}

/* A gateway's page ---------------------------------------------------------------- */

/* The LAN's device, as it is found or named. NULL: out says why. */
static const struct found_device *find_lan(const struct found *found,
                                           const char *name, struct buf *out)
{
	for (unsigned i = 0; i < found->lan_count; i++)
		if (found->lans[i].v4.family &&
		    (!name || !strcmp(found->lans[i].name, name)))
			return &found->lans[i];
	if (name)
		buf_printf(out, "%s is no device with a private address and without "
		           "a default route\n", name);
	else
		buf_printf(out, "no device with a private address and without a "
		           "default route was found, where the LAN could be; --lan "
		           "DEVICE names one, or 'aggctl join TOKEN' needs none\n");
	return NULL;
}

int setup_page(const struct setup_args *args, const char *lan, struct buf *out)
{
	const char *state = or(args->state, GATEWAY_STATE_DIR);
	const struct found_device *device = NULL;
	struct found *found = calloc(1, sizeof(*found));
	char dir[CONF_PATH_MAX + 1], at[ADDR_TEXT_MAX];
	struct buf text;
	int err = found ? found_read(found) : -ENOMEM;

	if (err)
		buf_printf(out, "the devices of this host: %s\n", strerror(-err));
	else if (!(device = find_lan(found, lan, out)))
		err = -ENODEV;
	if (!err) {
		buf_init(&text, UCI_FILE_MAX);
		err = gwconf_page(&text, or(args->control, CONTROL), state,
		                  addr_format_ip(&device->v4, at));
		err = put_config(args->config, &text, err, out);
		buf_finish(&text);
	}
	free(found);
	if (!err)
		err = file_make_dirs(state, 0700);
	if (!err)
		err = service_give_directory(state);
	dir_of(args->config, dir);
	return err ? err : service_share_directory(dir);
}
