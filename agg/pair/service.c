/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see service.h. systemd, and OpenWrt's procd.
 */
#include "agg/pair/service.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NAME "aggd"             /* of the unit, of the user and of his group */
#define CONFIG "/etc/config/aggd" /* that the unit and the script start it with */
#define INIT_SCRIPT "/etc/init.d/" NAME

/* Without its words; its status, -1: it could not be run. */
static int run(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		execvp(argv[0], (char *const *)(const void *)argv);
		_exit(127);
	}
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum service service_find(const char *config)
{
	static const char *const cat[] = { "systemctl", "cat", NAME, NULL };

	if (strcmp(config, CONFIG))
		return SERVICE_NONE;
	if (!access("/run/systemd/system", F_OK) && !run(cat))
		return SERVICE_SYSTEMD;
	if (!access(INIT_SCRIPT, X_OK))
		return SERVICE_PROCD;
	return SERVICE_NONE;
}

int service_start(enum service service)
{
	static const char *const steps[][4] = {
		[2 * SERVICE_SYSTEMD] = { "systemctl", "enable", NAME },
		[2 * SERVICE_SYSTEMD + 1] = { "systemctl", "restart", NAME },
		[2 * SERVICE_PROCD] = { INIT_SCRIPT, "enable" },
		[2 * SERVICE_PROCD + 1] = { INIT_SCRIPT, "restart" },
	};

	if (service == SERVICE_NONE)
		return -EIO;
	return run(steps[2 * service]) || run(steps[2 * service + 1]) ? -EIO : 0;
}

const char *service_command(enum service service)
{
	switch (service) {
	case SERVICE_SYSTEMD: return "systemctl enable --now " NAME;
	case SERVICE_PROCD: return INIT_SCRIPT " enable && " INIT_SCRIPT " start";
	case SERVICE_NONE: break;
	}
	return "";
}

int service_give_file(const char *path)
{
	const struct group *group = getuid() ? NULL : getgrnam(NAME);

	return group && chown(path, (uid_t)-1, group->gr_gid) < 0 ? -errno : 0;
}

int service_give_directory(const char *path)
{
	const struct passwd *user = getuid() ? NULL : getpwnam(NAME);

	return user && chown(path, user->pw_uid, user->pw_gid) < 0 ? -errno : 0;
}

int service_share_directory(const char *path)
{
	const struct group *group = getuid() ? NULL : getgrnam(NAME);

	if (!group)
		return 0;
	return chown(path, (uid_t)-1, group->gr_gid) < 0 ||
	       chmod(path, 0775) < 0 ? -errno : 0;
}
