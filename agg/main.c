/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aggd: arguments, the ownership tree, signals. Runs in the foreground
 * and logs on stderr.
 *
 *   SIGHUP          reads the configuration again; a bad one changes nothing
 *   SIGTERM, SIGINT no new streams, waits for those that are, removes rules
 *                   and routes, ends; a second one does not wait
 */
#include "agg/daemon.h"

#include "agg/base/descriptors.h"
#include "agg/base/heap.h"
#include "agg/base/log.h"
#include "agg/base/words.h"
#include "agg/kernel/caps.h"
#include "agg/kernel/inherit.h"
#include "agg/role/warnings.h"
#include "agg/role/worker.h"
#include "agg/selftest/selftest.h"
#include "agg/update.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_PATH "/etc/config/aggd"
#define SELFTEST_TEXT_MAX 65536u
#define DRAIN_LOOK_US 100000u
#define LOCK_SUFFIX ".lock" /* beside the control socket */

static const struct role_ops *const roles[] = {
	[CONF_ROLE_GATEWAY] = &role_gateway,
	[CONF_ROLE_CONCENTRATOR] = &role_concentrator,
};

/* What there is to choose from, by its names. */
static struct conf_names known_names(struct policy_known *known)
{
	policy_known(known);
	return (struct conf_names){
		known->schedulers, known->orders, known->reinjections,
	};
}

static int load(const char *path, struct conf **out, struct conf_error *error)
{
	struct policy_known known;
	const struct conf_names names = known_names(&known);

	return conf_load(path, &names, out, error);
}

/* What will not work on this host ---------------------------------------- */

/* How many warnings there are. */
static unsigned warn(const struct daemon *d,
                     void (*on_warning)(void *ctx, const char *text), void *ctx)
{
	struct host *host = malloc(sizeof(*host));
	struct warnings_facts facts = { .host = host };
	unsigned count = 0;

	/* Who does not know this host has no doubts about it. */
	if (host && !host_read(d->conf->main.congestion, host)) {
		facts.identity_err = tls_identity_pin(d->conf->main.state,
		                                      &facts.own);
		count = warnings_find(d->conf, d->config_path, &facts,
		                      on_warning, ctx);
	}
	free(host);
	return count;
}

static void log_warning(void *ctx, const char *text)
{
	log_doubt("%s", text);
}

static void answer_warning(void *ctx, const char *text)
{
	buf_printf(ctx, "warning: %s\n", text);
	log_doubt("%s", text);
}

/* Reload ------------------------------------------------------------------ */

static const struct role_ops *ops_of(const struct conf *conf)
{
	return conf_is_unpaired(conf) ? &role_unpaired : roles[conf->main.role];
}

/* The role has read the identity: it is there. */
static void note_own_pin(struct daemon *d)
{
	struct tls_pin pin;

	if (tls_identity_pin(d->conf->main.state, &pin) == 0)
		tls_pin_format(&pin, d->own_pin);
}

/* A gateway that has joined begins. */
static int begin_gateway(struct daemon *d, const struct conf *now,
                         struct conf_error *error)
{
	struct role *role = role_gateway.create(d->loop, now, d->netmon);

	if (!role) {
		conf_error_set(error, d->config_path, 0,
		               "the gateway does not begin; the log says why");
		return -EIO;
	}
	d->role->ops->destroy(d->role);
	d->role = role;
	role->pairing = &d->pairing;
	verbs_set_role(&d->verbs, role);
	note_own_pin(d);
	return 0;
}

static int follow(struct daemon *d, const struct conf *now,
                  struct conf_error *error)
{
	if (ops_of(now) == d->role->ops)
		return d->role->ops->reload(d->role, now, error);
	if (!conf_is_unpaired(now))
		return begin_gateway(d, now, error);
	conf_error_set(error, d->config_path, 0,
	               "there is no concentrator any more, which takes a restart");
	return -EINVAL;
}

/* Takes now. */
static int apply(struct daemon *d, struct conf *now, struct conf_error *error)
{
	struct conf *old = d->conf;

	interfaces_fill(&d->interfaces, now);
	int err = follow(d, now, error);
	if (err < 0) {
		conf_free(now);
		return err;
	}
	role_changed(d->role);
	interfaces_watch(&d->interfaces, now);
	d->conf = now;
	conf_free(old);
	return 0;
}

/* The present configuration, with other devices. */
static void on_interfaces(void *ctx)
{
	struct daemon *d = ctx;
	struct policy_known known;
	const struct conf_names names = known_names(&known);
	struct conf_error error = { "" };
	struct conf *now = NULL;
	int err = conf_copy(d->conf, &names, &now);

	if (!err)
		err = apply(d, now, &error);
	if (err)
		log_sys("interfaces: %s", *error.text ? error.text : strerror(-err));
	else
		log_info("interfaces: netifd has other devices for them");
}

static int reload(struct daemon *d, struct conf_error *error)
{
	struct conf *now = NULL, *old = d->conf;
	int err = load(d->config_path, &now, error);

	if (err < 0)
		return err;
	const char *key = conf_needs_restart(old, now);
	if (key) {
		conf_error_set(error, d->config_path, 0,
		               "'%s' changed, which takes a restart", key);
		conf_free(now);
		return -EINVAL;
	}
	err = apply(d, now, error);
	if (err < 0)
		return err;
	page_set(&d->page, &now->main);
	log_set_level(now->main.log_level);
	log_info("configuration: %s read again", d->config_path);
	return 0;
}

static void on_sighup(void *ctx)
{
	struct conf_error error = { "" };
	const struct daemon *d = ctx;

	if (d->rests) /* it is for who takes over */
		return;
	if (reload(ctx, &error) < 0)
		log_user("%s; the present configuration stays", error.text);
	else
		warn(ctx, log_warning, NULL);
}

/* As pairing has it. */
static int on_paired(void *ctx, struct conf_error *error)
{
	return reload(ctx, error);
}

/* As verbs_args has it. */
static int on_reload(void *ctx, struct buf *out)
{
	struct conf_error error = { "" };
	int err = reload(ctx, &error);

	if (err < 0) {
		buf_printf(out, "%s\n", error.text);
		return err;
	}
	buf_printf(out, "reloaded\n");
	warn(ctx, answer_warning, out);
	return 0;
}

static int on_web(void *ctx, struct buf *out)
{
	const struct daemon *d = ctx;

	return page_tell(&d->page, out);
}

/* As verbs_args has it. */
static int on_update(void *ctx, struct buf *out)
{
	return update_begin(ctx, out);
}

/* The end ------------------------------------------------------------------ */

static void on_drain(void *ctx)
{
	struct daemon *d = ctx;
	uint64_t now = loop_now_us(d->loop);

	/* Who is between two others stays for what the first says to the last. */
	unsigned streams = d->role->ops->streams(d->role) + d->role->before.streams;

	bool is_due = !streams || now >= d->drain_until_us;

	if (is_due && (!d->role->ops->part || d->role->ops->part(d->role)))
		loop_stop(d->loop);
	else
		loop_timer_arm(d->drain, now + DRAIN_LOOK_US);
}

void daemon_drain(struct daemon *d, uint64_t most_us)
{
	d->drain_until_us = loop_now_us(d->loop) + most_us;
	loop_timer_arm(d->drain, loop_now_us(d->loop) + DRAIN_LOOK_US);
}

static void on_sigterm(void *ctx)
{
	struct daemon *d = ctx;

	uint64_t now = loop_now_us(d->loop);

	if (d->ending) { /* the second time streams are not waited for, the third nobody */
		if (now >= d->drain_until_us)
			loop_stop(d->loop);
		d->drain_until_us = now;
		on_drain(d);
		return;
	}
	d->ending = true;
	if (!d->is_gone)
		notify_ending(&d->notify);
	d->role->ops->drain(d->role);
	role_changed(d->role);
	unsigned streams = d->role->ops->streams(d->role);
	if (streams)
		log_info("ending: %u streams go on for up to %u s", streams,
		         DRAIN_US / 1000000);
	daemon_drain(d, DRAIN_US);
	on_drain(d);
}

/* Beginning ----------------------------------------------------------------- */

static void on_netdev(void *ctx, const struct netdev *dev)
{
	struct daemon *d = ctx;

	if (d->role)
		d->role->ops->on_netdev(d->role, dev);
	interfaces_ask(&d->interfaces);
}

static int open_parts(struct daemon *d)
{
	/* Who has shaken hands here goes on to a worker's thread. */
	d->loop = worker_count(&d->conf->main) > 1 ? loop_create_polled()
	                                           : loop_create();
	if (!d->loop)
		return -errno;
	d->sigterm = loop_signal_create(d->loop, SIGTERM, on_sigterm, d);
	d->sigint = loop_signal_create(d->loop, SIGINT, on_sigterm, d);
	d->sighup = loop_signal_create(d->loop, SIGHUP, on_sighup, d);
	d->drain = loop_timer_create(d->loop, on_drain, d);
	d->update = loop_timer_create(d->loop, update_look, d);
	d->netmon = netmon_create(d->loop, 0, on_netdev, d);
	if (!d->netmon)
		log_sys("rtnetlink: %s", strerror(errno));
	return d->sigterm && d->sigint && d->sighup && d->drain && d->update && d->netmon ?
		0 : -ENOMEM;
}

static void close_parts(struct daemon *d)
{
	notify_finish(&d->notify);
	if (d->update)
		update_finish(d);
	daemon_close(d);
	verbs_finish(&d->verbs);
	if (d->role)
		d->role->ops->destroy(d->role);
	interfaces_end(&d->interfaces);
	netmon_destroy(d->netmon);
	loop_timer_destroy(d->drain);
	loop_timer_destroy(d->update);
	loop_signal_destroy(d->sighup);
	loop_signal_destroy(d->sigint);
	loop_signal_destroy(d->sigterm);
	loop_destroy(d->loop);
	conf_free(d->conf);
	runlock_drop(&d->netns_lock);
	runlock_drop(&d->control_lock);
}

/* 0, or -1: another has it. Where no lock can be made, nothing says that
 * there is another: then it goes on without one. */
static int take_lock(struct daemon *d, struct runlock *lock, const char *path,
                     const char *what)
{
	struct kerr err = { "" };
	int rc = runlock_take(lock, path, d->config_path, &err);

	if (rc == -EBUSY || rc == -EACCES) {
		log_user("%s: %s; nothing was changed", what, err.text);
		return -1;
	}
	if (rc < 0)
		log_sys("without a lock of %s: %s", what, err.text);
	return 0;
}

/* What a second daemon would take from the first: its control socket, and a
 * gateway's rules, routes and table, of which a network namespace has one. */
int daemon_lock(struct daemon *d)
{
	char place[CTL_PATH_MAX + 1], control[sizeof(place) + sizeof(LOCK_SUFFIX)];
	char netns[RUNLOCK_PATH_MAX], what[sizeof(control) + 32];

	if (ctl_socket_place(d->conf->main.control, place) < 0)
		return 0; /* ctl_create() says what is wrong */
	snprintf(control, sizeof(control), "%s" LOCK_SUFFIX, place);
	snprintf(what, sizeof(what), "control socket %s", d->conf->main.control);
	if (take_lock(d, &d->control_lock, control, what) < 0)
		return -1;
	if (d->conf->main.role != CONF_ROLE_GATEWAY ||
	    runlock_netns_path(netns, sizeof(netns), "gateway", "lock") < 0)
		return 0;
	if (take_lock(d, &d->netns_lock, netns,
	              "the gateway of this network namespace") < 0)
		return -1;
	runlock_sweep(RUNLOCK_DIRECTORY);
	return 0;
}

int daemon_open(struct daemon *d)
{
	d->ctl = ctl_create(d->loop, d->conf->main.control, verbs_table,
	                    &d->verbs);
	if (!d->ctl) {
		log_user("control socket %s: %s", d->conf->main.control,
		         ctl_create_text(errno));
		return -1;
	}
	page_set(&d->page, &d->conf->main);
	return 0;
}

void daemon_close(struct daemon *d)
{
	page_end(&d->page);
	ctl_destroy(d->ctl);
	d->ctl = NULL;
}

static int start(struct daemon *d)
{
	struct kerr err = { "" };
	char missing[256];

	signal(SIGPIPE, SIG_IGN);
	descriptors_raise();
	if (daemon_lock(d) < 0)
		return -1;
	if (open_parts(d) < 0)
		return -1;
	if (caps_missing(missing, sizeof(missing)))
		log_sys("without %s", missing);
	const struct role_ops *ops = ops_of(d->conf);
	bool succeeds = d->heir_of >= 0 && ops->updates;
	if (d->conf->main.role == CONF_ROLE_GATEWAY && !succeeds)
		role_cleanup(); /* what a crash left */
	d->role = ops->create(d->loop, d->conf, d->netmon);
	if (!d->role)
		return -1;
	if (succeeds)
		ops->updates->succeed(d->role, d->told);
	inherit_close();
	const struct verbs_args verbs = {
		.role = d->role, .version = AGGD_VERSION, .own_pin = d->own_pin,
		.reload = on_reload, .web = on_web, .update = on_update, .ctx = d,
	};
	d->pairing = (struct pairing){ d->config_path, on_paired, d };
	d->role->pairing = &d->pairing;
	note_own_pin(d);
	verbs_init(&d->verbs, &verbs);
	d->page = (struct page){ .loop = d->loop, .verbs = &d->verbs };
	if (daemon_open(d) < 0)
		return -1;
	d->interfaces = (struct interfaces){ .loop = d->loop, .on_change = on_interfaces,
	                                     .ctx = d };
	interfaces_watch(&d->interfaces, d->conf);
	if (caps_drop(NULL, &err) < 0)
		log_sys("capabilities: %s", err.text);
	log_info("%s %s, %s", d->role->ops->name, AGGD_VERSION, d->config_path);
	if (d->heir_of >= 0 && update_taken(d) < 0)
		return -1;
	notify_ready(&d->notify, d->loop, d->heir_of >= 0);
	return 0;
}

static int run(struct daemon *d)
{
	int rc = start(d) < 0 ? 1 : 0;

	if (rc)
		update_fail(d);
	else if (loop_run(d->loop) < 0)
		rc = 1;
	close_parts(d);
	if (rc == 0)
		log_info("ended");
	return rc;
}

/* Arguments ----------------------------------------------------------------- */

static void print_warning(void *ctx, const char *text)
{
	fprintf(ctx, "warning: %s\n", text);
}

static void usage(FILE *to)
{
	fprintf(to,
	        "usage: aggd [-c FILE] [-t]\n"
	        "       aggd --selftest [--json]\n"
	        "  -c, --config FILE  the configuration (default " CONFIG_PATH ")\n"
	        "  -t, --test         check it, warn of what will not work on this\n"
	        "                     host, and no more; status 0: it is good\n"
	        "      --selftest     say what this machine can do: ciphers, kernel,\n"
	        "                     and how fast it is expected to be\n"
	        "  -V, --version      print the version\n"
	        "  -h, --help         print this\n"
	        "It runs in the foreground and logs on stderr; 'aggctl' asks and\n"
	        "commands it.\n");
}

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "test", no_argument, NULL, 't' },
	{ "selftest", no_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ "take-over", required_argument, NULL, 'o' }, /* handover.h's own */
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL },
};

/* The option at which getopt stopped. */
static int on_bad_option(const char *word, bool lacks_value)
{
	const char *near = words_near_option(options, word);

	if (lacks_value)
		fprintf(stderr, "aggd: %s needs a value\n", word);
	else
		fprintf(stderr, "aggd: unknown option '%s'%s%s%s\n", word,
		        near ? ", did you mean '--" : "", near ? near : "",
		        near ? "'?" : "");
	usage(stderr);
	return 2;
}

static int on_bad_argument(const char *word)
{
	const struct ctl_verb *v = verbs_table;

	while (v->name && strcmp(v->name, word))
		v++;
	if (v->name)
		fprintf(stderr, "aggd: '%s' is a command of aggctl: 'aggctl %s'\n",
		        word, word);
	else
		fprintf(stderr, "aggd: unknown argument '%s'; a configuration is "
		        "named by -c FILE\n", word);
	usage(stderr);
	return 2;
}

static int on_no_configuration(int err, const struct conf_error *error)
{
	fprintf(stderr, "%s\n", error->text);
	if (err == -ENOENT)
		fprintf(stderr, "aggd: 'aggctl setup' makes one for a concentrator, "
		        "'aggctl join' for a\ngateway; docs/examples of its source "
		        "has both; -c FILE names another file\n");
	return 2;
}

static int check(struct daemon *d)
{
	unsigned count = warn(d, print_warning, stderr);

	printf(count ? "%s: good, but %u warning%s\n" : "%s: good\n",
	       d->config_path, count, count == 1 ? "" : "s");
	conf_free(d->conf);
	return 0;
}

static int selftest(bool json)
{
	struct buf out;

	buf_init(&out, SELFTEST_TEXT_MAX);
	int err = selftest_tell(json, AGGD_VERSION, &out);
	if (err < 0)
		fprintf(stderr, "aggd: %s\n", err == -ENOSYS ?
		        "this build, for routers, has no selftest" :
		        strerror(-err));
	if (out.len)
		fwrite(buf_head(&out), 1, out.len, stdout);
	buf_finish(&out);
	return err < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct daemon d = { .config_path = CONFIG_PATH,
	                    .control_lock = RUNLOCK_FREE,
	                    .netns_lock = RUNLOCK_FREE, .heir_of = -1 };
	struct conf_error error = { "" };
	bool check_only = false, selftest_only = false, json = false;
	int c;

	heap_init();
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:tVh", options, NULL)) != -1) {
		switch (c) {
		case 'c': d.config_path = optarg; break;
		case 't': check_only = true; break;
		case 's': selftest_only = true; break;
		case 'j': json = true; break;
		case 'o': d.heir_of = atoi(optarg); break;
		case 'V': printf("aggd " AGGD_VERSION "\n"); return 0;
		case 'h': usage(stdout); return 0;
		default: return on_bad_option(words_stopped_at(argc, argv, optind),
		                              c == ':');
		}
	}
	if (optind < argc)
		return on_bad_argument(argv[optind]);
	if (selftest_only)
		return selftest(json);
	if (json) {
		fprintf(stderr, "aggd: --json is for --selftest\n");
		return 2;
	}
	int err = load(d.config_path, &d.conf, &error);
	if (err < 0)
		return on_no_configuration(err, &error);
	if (check_only)
		return check(&d);
	log_set_level(d.conf->main.log_level);
	warn(&d, log_warning, NULL);
	if (readlink("/proc/self/exe", d.program, sizeof(d.program) - 1) < 0)
		log_sys("updates: this program's place: %s", strerror(errno));
	if (d.heir_of >= 0 && update_wait(&d) < 0)
		return 1;
	return run(&d);
}
