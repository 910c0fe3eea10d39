/* SPDX-License-Identifier: Apache-2.0
 * A PostgreSQL of our own for `bpmnd dev`: made once in a folder, reached by a socket in it, gone when we are. */
#include "daemon/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

enum {
	START_US = 30000000,	/* longest wait for the server, recovery after a crash included */
	SOCKET_PATH = 100,	/* sun_path holds 108 bytes, ".s.PGSQL.5432" is part of it */
};

struct private_postgres {
	pid_t pid;
};

/* Who runs the server: root may not (initdb refuses), so Debian's account takes its place. */
struct account {
	bool change;
	uid_t uid;
	gid_t gid;
};

static enum status
find_account(struct account *account, struct error *err)
{
	const struct passwd *entry;

	*account = (struct account){.change = geteuid() == 0, .uid = geteuid(), .gid = getegid()};
	if (!account->change)
		return OK;
	entry = getpwnam("postgres");
	if (entry == NULL)
		return FAIL(err, internal, "root may not run PostgreSQL, and there is no account 'postgres'");
	account->uid = entry->pw_uid;
	account->gid = entry->pw_gid;
	return OK;
}

/* The newest of Debian's PostgreSQL versions that has both programs. */
static enum status
find_programs(struct arena *arena, const char **folder, struct error *err)
{
	static const char base[] = "/usr/lib/postgresql";
	const struct dirent *entry;
	DIR *dir = opendir(base);
	int best = 0, version;
	char *path;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		version = (int)strtol(entry->d_name, NULL, 10);
		path = arena_printf(arena, "%s/%d/bin/initdb", base, version);
		if (version > best && access(path, X_OK) == 0)
			best = version;
	}
	if (dir != NULL)
		closedir(dir);
	if (best < 15)
		return FAIL(err, internal, "no PostgreSQL 15 or later under %s; install the package postgresql", base);
	*folder = arena_printf(arena, "%s/%d/bin", base, best);
	return OK;
}

static void
become(const struct account *account)
{
	if (!account->change)
		return;
	if (setgroups(0, NULL) != 0 || setgid(account->gid) != 0 || setuid(account->uid) != 0)
		_exit(126);
}

/* Runs a program as the account, its output into the log file; the child dies with us. */
static pid_t
run(const struct account *account, const char *log, char *const arguments[])
{
	pid_t parent = getpid(), pid = fork();
	int fd;

	if (pid != 0)
		return pid;
	become(account);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
	}
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		dup2(fd, STDIN_FILENO);
	/* a terminal's Ctrl-C is for us: the server goes when the daemon has said goodbye */
	setpgid(0, 0);
	signal(SIGPIPE, SIG_DFL);
	{
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
	}
	prctl(PR_SET_PDEATHSIG, SIGINT);	/* after setuid, which clears it */
	if (getppid() != parent)
		_exit(125);
	execv(arguments[0], arguments);
	_exit(127);
}

static enum status
make_folder(const char *path, const struct account *account, struct error *err)
{
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return FAIL(err, internal, "cannot make the folder '%s': %s", path, strerror(errno));
	if (account->change && chown(path, account->uid, account->gid) != 0)
		return FAIL(err, internal, "cannot give the folder '%s' to postgres: %s", path, strerror(errno));
	return OK;
}

/* Every folder above must let the account through. */
static enum status
check_reachable(const char *path, const struct account *account, struct error *err)
{
	int status = 1;
	pid_t pid;

	if (!account->change)
		return OK;
	pid = fork();
	if (pid == 0) {
		become(account);
		_exit(access(path, R_OK | W_OK | X_OK) == 0 ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return FAIL(err, internal,
			"the account 'postgres' cannot reach '%s'; choose another folder with --data", path);
	return OK;
}

static enum status
init_cluster(const char *programs, const char *cluster, const char *log, const struct account *account,
	struct arena *arena, struct error *err)
{
	char *initdb = arena_printf(arena, "%s/initdb", programs);
	char *arguments[] = {initdb, (char[]){"-D"}, arena_strdup(arena, cluster), (char[]){"-U"},
		(char[]){"bpmnd"}, (char[]){"-A"}, (char[]){"trust"}, (char[]){"-E"}, (char[]){"UTF8"},
		(char[]){"--locale=C.UTF-8"}, (char[]){"--wal-segsize=16"}, (char[]){"--no-instructions"}, NULL};
	char *version = arena_printf(arena, "%s/PG_VERSION", cluster);
	int status = 1;
	pid_t pid;

	if (access(version, F_OK) == 0)
		return OK;
	log_event(LOG_INFO_LEVEL, "database-created", "folder=%s", cluster);
	pid = run(account, log, arguments);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return FAIL(err, internal, "initdb failed; see %s", log);
	return OK;
}

/* Whether the server answers; an own short connection tells. */
static bool
answers(const char *database)
{
	struct settings settings;
	struct reader *reader;
	struct error err;

	settings_init(&settings);
	if (reader_open(database, &settings, &reader, &err) != OK)
		return false;
	reader_close(reader);
	return true;
}

static enum status
await(struct private_postgres *postgres, const char *database, const char *log, struct error *err)
{
	int64_t until_us = monotonic_now() + START_US;
	int status;

	while (monotonic_now() < until_us) {
		if (answers(database))
			return OK;
		if (waitpid(postgres->pid, &status, WNOHANG) == postgres->pid)
			return FAIL(err, internal, "PostgreSQL did not start; see %s", log);
		usleep(10000);
	}
	return FAIL(err, internal, "PostgreSQL did not answer in time; see %s", log);
}

/* A server left behind by a daemon that was killed goes by PDEATHSIG; give it the time to. */
static void
await_former(const char *cluster, struct arena *arena)
{
	char *path = arena_printf(arena, "%s/postmaster.pid", cluster), line[32] = "";
	int64_t until_us = monotonic_now() + START_US;
	FILE *file = fopen(path, "r");
	pid_t pid;

	if (file == NULL)
		return;
	if (fgets(line, sizeof line, file) == NULL)
		line[0] = '\0';
	fclose(file);
	pid = (pid_t)strtol(line, NULL, 10);
	while (pid > 1 && kill(pid, 0) == 0 && access(path, F_OK) == 0 && monotonic_now() < until_us)
		usleep(10000);
}

enum status
private_start(const char *folder, struct private_postgres **started, const char **database, struct arena *arena,
	struct error *err)
{
	char *arguments[32], *cluster, *socket, *log, absolute[PATH_MAX];
	struct private_postgres *postgres = ARENA_NEW(arena, struct private_postgres);
	const char *programs = NULL;
	struct account account;
	int n = 0;

	TRY(find_account(&account, err));
	TRY(find_programs(arena, &programs, err));
	TRY(make_folder(folder, &account, err));
	if (realpath(folder, absolute) == NULL)
		return FAIL(err, internal, "cannot find the folder '%s': %s", folder, strerror(errno));
	TRY(check_reachable(absolute, &account, err));
	cluster = arena_printf(arena, "%s/postgres", absolute);
	log = arena_printf(arena, "%s/postgres.log", absolute);
	socket = absolute;
	if (strlen(absolute) > SOCKET_PATH - sizeof ".s.PGSQL.5432") {
		socket = arena_printf(arena, "/tmp/bpmnd-%08llx",
			(unsigned long long)(hash_text(absolute) & 0xffffffff));
		TRY(make_folder(socket, &account, err));
	}
	TRY(init_cluster(programs, cluster, log, &account, arena, err));
	await_former(cluster, arena);
	arguments[n++] = arena_printf(arena, "%s/postgres", programs);
	arguments[n++] = (char[]){"-D"};
	arguments[n++] = cluster;
	arguments[n++] = (char[]){"-clisten_addresses="};
	arguments[n++] = arena_printf(arena, "-cunix_socket_directories=%s", socket);
	arguments[n++] = (char[]){"-cunix_socket_permissions=0700"};
	arguments[n++] = (char[]){"-cshared_buffers=64MB"};
	arguments[n++] = (char[]){"-cmax_wal_size=1GB"};
	arguments[n++] = (char[]){"-cjit=off"};
	arguments[n] = NULL;
	postgres->pid = run(&account, log, arguments);
	if (postgres->pid < 0)
		return FAIL(err, internal, "cannot start PostgreSQL: %s", strerror(errno));
	*database = arena_printf(arena, "host=%s user=bpmnd dbname=postgres", socket);
	TRY(await(postgres, *database, log, err));
	*started = postgres;
	return OK;
}

void
private_stop(struct private_postgres *postgres)
{
	kill(postgres->pid, SIGINT);	/* fast shutdown */
	waitpid(postgres->pid, NULL, 0);
}
