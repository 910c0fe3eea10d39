/* SPDX-License-Identifier: Apache-2.0
 * For LD_PRELOAD: makes one statement of a program that uses libpq fail, or ends the program at a parameter.
 *
 * BPMND_FAULT names a file that a test writes into while the program runs: when its countdown reaches 0 the statement
 * at hand meets what is asked for.  BPMND_FAULT_MARKER is a text that ends the program when a parameter contains it. */
#include <dlfcn.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct fault {
	_Atomic int32_t countdown;	/* statements until the one that is hurt; 0 and less: none is */
	_Atomic int32_t met;		/* statements that were hurt, ever */
	char what[8];			/* an SQLSTATE; "ended": the backend; "cut", "lost": the connection */
};

static struct fault *fault;
static const char *marker;
/* In a pipeline nothing is on its way before the Sync: the connection is lost behind that. */
static _Thread_local PGconn *lost_at_sync;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("BPMND_FAULT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *fault, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (path && mapped == MAP_FAILED)
		abort();
	if (fd >= 0)
		close(fd);
	fault = path ? mapped : NULL;
	marker = getenv("BPMND_FAULT_MARKER");
}

/* The function that we stand before. */
static void *
real(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol)
		abort();
	return symbol;
}

static void
cut(PGconn *conn)
{
	shutdown(PQsocket(conn), SHUT_RDWR);
}

/* Whether it is this statement's turn. */
static bool
is_due(void)
{
	if (!fault || atomic_load(&fault->countdown) <= 0 || atomic_fetch_sub(&fault->countdown, 1) != 1)
		return false;
	atomic_fetch_add(&fault->met, 1);
	return true;
}

static bool
asks_for(const char *what)
{
	return !strncmp(fault->what, what, sizeof fault->what);
}

/* What is sent in the place of a statement; NULL when the statement itself is sent. */
static const char *
replacement(PGconn *conn, char text[64])
{
	if (!is_due())
		return NULL;
	if (asks_for("ended"))
		return "do $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(9); end $$";
	if (asks_for("cut")) {
		cut(conn);
		return NULL;
	}
	if (asks_for("lost")) {
		lost_at_sync = conn;
		return NULL;
	}
	snprintf(text, 64, "do $$ begin raise sqlstate '%.5s'; end $$", fault->what);
	return text;
}

static void
look_for_marker(int count, const char *const *values, const int *lengths)
{
	size_t length = marker ? strlen(marker) : 0;

	for (int i = 0; marker && i < count; i++)
		if (values[i] && lengths && memmem(values[i], (size_t)lengths[i], marker, length))
			abort();
}

/* The answer to a statement that was sent alone; with "lost" nobody hears it. */
static PGresult *
unless_lost(PGconn *conn, PGresult *result)
{
	if (lost_at_sync != conn)
		return result;
	lost_at_sync = NULL;
	PQclear(result);
	cut(conn);
	return ((PGresult *(*)(PGconn *, const char *))real("PQexec"))(conn, "select 'nobody hears this'");
}

static PGresult *
run_instead(PGconn *conn, const char *text)
{
	return ((PGresult *(*)(PGconn *, const char *))real("PQexec"))(conn, text);
}

static int
send_instead(PGconn *conn, const char *text)
{
	return ((int (*)(PGconn *, const char *, int, const Oid *, const char *const *, const int *, const int *, int))
		real("PQsendQueryParams"))(conn, text, 0, NULL, NULL, NULL, NULL, 1);
}

int
PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values, const int *lengths,
	const int *formats, int format)
{
	char text[64];
	const char *instead;

	look_for_marker(count, values, lengths);
	instead = replacement(conn, text);
	if (instead)
		return send_instead(conn, instead);
	return ((int (*)(PGconn *, const char *, int, const char *const *, const int *, const int *, int))
		real("PQsendQueryPrepared"))(conn, name, count, values, lengths, formats, format);
}

int
PQsendPrepare(PGconn *conn, const char *name, const char *query, int count, const Oid *types)
{
	char text[64];
	const char *instead = replacement(conn, text);

	/* what is wrong with a statement is found when it is prepared: a name that cannot be has its own SQLSTATE */
	return ((int (*)(PGconn *, const char *, const char *, int, const Oid *))real("PQsendPrepare"))(conn, name,
		instead ? "select missing" : query, instead ? 0 : count, types);
}

int
PQsendQueryParams(PGconn *conn, const char *query, int count, const Oid *types, const char *const *values,
	const int *lengths, const int *formats, int format)
{
	char text[64];
	const char *instead = replacement(conn, text);

	if (instead)
		return send_instead(conn, instead);
	return ((int (*)(PGconn *, const char *, int, const Oid *, const char *const *, const int *, const int *, int))
		real("PQsendQueryParams"))(conn, query, count, types, values, lengths, formats, format);
}

int
PQpipelineSync(PGconn *conn)
{
	int sent = ((int (*)(PGconn *))real("PQpipelineSync"))(conn);

	if (lost_at_sync == conn) {
		lost_at_sync = NULL;
		PQflush(conn);
		cut(conn);
	}
	return sent;
}

PGresult *
PQexec(PGconn *conn, const char *query)
{
	char text[64];
	const char *instead = replacement(conn, text);

	return unless_lost(conn, run_instead(conn, instead ? instead : query));
}

PGresult *
PQexecParams(PGconn *conn, const char *query, int count, const Oid *types, const char *const *values,
	const int *lengths, const int *formats, int format)
{
	char text[64];
	const char *instead = replacement(conn, text);

	if (instead)
		return run_instead(conn, instead);
	return unless_lost(conn, ((PGresult *(*)(PGconn *, const char *, int, const Oid *, const char *const *,
		const int *, const int *, int))real("PQexecParams"))(conn, query, count, types, values, lengths,
		formats, format));
}

PGresult *
PQexecPrepared(PGconn *conn, const char *name, int count, const char *const *values, const int *lengths,
	const int *formats, int format)
{
	char text[64];
	const char *instead;

	look_for_marker(count, values, lengths);
	instead = replacement(conn, text);
	if (instead)
		return run_instead(conn, instead);
	return unless_lost(conn, ((PGresult *(*)(PGconn *, const char *, int, const char *const *, const int *,
		const int *, int))real("PQexecPrepared"))(conn, name, count, values, lengths, formats, format));
}
