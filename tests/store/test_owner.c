/* SPDX-License-Identifier: Apache-2.0
 * Who may write: claims, fences, and what has become of a transaction whose connection was lost in the middle. */
#include "tests/store/world.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fixture/pg.h"

static struct world *world;
static const struct lane_range all = { .lane = 0, .first_part = 0, .last_part = PART_COUNT - 1 };
static const struct lane_range low = { .lane = 1, .first_part = 0, .last_part = 127 };
static const struct lane_range high = { .lane = 2, .first_part = 128, .last_part = PART_COUNT - 1 };
enum { MINUTE_US = 60000000 };

static const char one_task[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work'/>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";

static void
setup(void)
{
	world = world_open("owner");
}

static void
teardown(void)
{
	world_close(world);
}

static struct store *
another(void)
{
	struct store *store;

	ck_assert_msg(store_open_postgres(world->database, &world->settings, &store, &world->error) == OK, "%s",
		world->error.message);
	return store;
}

static enum status
claim(struct store *store, const struct lane_range *range, int64_t owner, int64_t takeover_us)
{
	struct claim *ignored = ARENA_NEW(world->arena, struct claim);

	return store->ops->claim(store, range, owner, takeover_us, ignored, &world->error);
}

static enum status
renew(struct store *store)
{
	int64_t now_us;

	return store->ops->renew(store, &now_us, &world->error);
}

/* A tree that is begun and not saved. */
static struct tree *
begin(void)
{
	return world_start(world, world_deploy(world, one_task), (struct entries){ 0 });
}

static int64_t
instances(void)
{
	return world_number(world, "select count(*) from instance");
}

/* ---- claims --------------------------------------------------------------------------------------------- */

START_TEST(test_a_living_owner_keeps_its_lane)
{
	struct store *other = another();

	ck_assert_int_eq(claim(other, &all, 99, MINUTE_US), E_fenced);
	ck_assert_int_eq(renew(world->store), OK);
	ck_assert_int_eq(renew(other), E_fenced);
	other->ops->close(other);
}
END_TEST

/* Time passes in the database only. */
START_TEST(test_a_silent_owner_loses_it)
{
	struct store *other = another();
	struct tree *tree = begin();

	pg_fixture_run(world->database, "update lane set seen = seen - interval '2 minutes'");
	ck_assert_int_eq(claim(other, &all, 99, MINUTE_US), OK);
	ck_assert_int_eq(world_save(world), E_fenced);
	ck_assert_int_eq(renew(world->store), E_fenced);
	ck_assert_int_eq(instances(), 0);
	ck_assert_int_eq(renew(other), OK);
	tree_free(tree);
	other->ops->close(other);
}
END_TEST

/* Whoever takes over ends the connection of the one before, whatever it is doing. */
START_TEST(test_the_previous_backend_is_ended)
{
	struct store *other = another();
	int pid = ((struct postgres *)world->store)->pid;

	ck_assert_int_eq(world_number(world, "select count(*) from pg_stat_activity where pid = %d", pid), 1);
	ck_assert_int_eq(claim(other, &all, 99, 0), OK);
	ck_assert_int_eq(world_number(world, "select count(*) from pg_stat_activity where pid = %d", pid), 0);
	other->ops->close(other);
}
END_TEST

/* Both believe in a fence that is not theirs any more: also without the connection being ended. */
START_TEST(test_a_fenced_batch_writes_nothing)
{
	struct tree *tree = begin();

	world_must_save(world);
	ck_assert_int_eq(world_run(world, tree, (struct command){ .kind = COMMAND_complete_task,
		.target = tree->root->activity.first->id }), OK);
	pg_fixture_run(world->database, "update lane set owner = 99, seq = 0");
	ck_assert_int_eq(world_save(world), E_fenced);
	ck_assert_int_eq(instances(), 1);
	ck_assert_int_eq(world_number(world, "select count(*) from event"), 1);
	ck_assert_int_eq(world_save(world), E_fenced);	/* and it stays so */
	tree_free(tree);
}
END_TEST

START_TEST(test_release)
{
	struct store *other = another();

	ck_assert_int_eq(world->store->ops->release(world->store, &world->error), OK);
	ck_assert_int_eq(renew(world->store), E_fenced);
	ck_assert_int_eq(claim(other, &all, 99, MINUTE_US), OK);
	other->ops->close(other);
}
END_TEST

START_TEST(test_the_same_owner_claims_again)
{
	struct tree *tree = begin();

	ck_assert_int_eq(claim(world->store, &all, 77, MINUTE_US), OK);
	world_must_save(world);
	ck_assert_int_eq(instances(), 1);
	tree_free(tree);
}
END_TEST

/* Another division of the parts: nobody else may live in the range, and the dead are fenced. */
START_TEST(test_ranges_that_overlap)
{
	struct store *other = another(), *third = another();

	ck_assert_int_eq(claim(other, &low, 99, MINUTE_US), E_fenced);
	pg_fixture_run(world->database, "update lane set seen = seen - interval '2 minutes'");
	ck_assert_int_eq(claim(other, &low, 99, MINUTE_US), OK);
	ck_assert_int_eq(claim(third, &high, 98, MINUTE_US), OK);
	ck_assert_int_eq(renew(world->store), E_fenced);
	ck_assert_int_eq(claim(world->store, &all, 77, MINUTE_US), E_fenced);
	ck_assert_int_eq(renew(other), OK);
	ck_assert_int_eq(renew(third), OK);
	other->ops->close(other);
	third->ops->close(third);
}
END_TEST

START_TEST(test_another_number_of_parts)
{
	pg_fixture_run(world->database, "update setting set value = '128' where name = 'parts'");
	ck_assert_int_eq(claim(world->store, &all, 77, 0), E_engine);
}
END_TEST

/* Time is the database's, and a claim makes the partitions that its first batch needs. */
START_TEST(test_what_a_claim_finds)
{
	ck_assert_int_eq(world->claim.owner, 77);
	ck_assert(llabs(world->claim.now_us - world_number(world, "select (extract(epoch from now()) * 1e6)::int8")) <
		MINUTE_US);
	ck_assert_int_eq(world_number(world, "select count(*) from pg_inherits where inhparent = 'event'::regclass"),
		3);
	ck_assert_int_eq(world_number(world, "select count(*) from part"), PART_COUNT);
}
END_TEST

/* The time of a batch is that of its end: how long its statements took is no part of what a lane lags behind. */
START_TEST(test_the_time_of_a_slow_batch)
{
	struct tree *tree = begin();
	int64_t before_us = world->now_us;

	pg_fixture_run(world->database, "create function wait() returns trigger language plpgsql as $$ begin perform "
		"pg_sleep(0.5); return new; end $$; create trigger slow before insert on instance for each row execute "
		"function wait()");
	world_must_save(world);
	ck_assert_int_ge(world->now_us - before_us, 500000);
	tree_free(tree);
}
END_TEST

/* ---- connections that are lost ------------------------------------------------------------------------------ */

START_TEST(test_an_idle_connection_that_died)
{
	struct tree *tree = begin(), *loaded;

	world_terminate(world, ((struct postgres *)world->store)->conn);
	ck_assert_int_eq(world_save(world), E_weather);
	world_must_save(world);
	ck_assert_int_eq(instances(), 1);
	world_terminate(world, ((struct postgres *)world->store)->conn);
	ck_assert_int_eq(renew(world->store), E_weather);
	ck_assert_int_eq(renew(world->store), OK);
	loaded = world_load(world, tree->root->id);
	ck_assert_ptr_nonnull(loaded);
	tree_free(loaded);
	tree_free(tree);
}
END_TEST

/* What a second process does while our transaction is under way. */
struct meddler {
	bool before_commit;		/* the transaction is held at its fence; else in COMMIT, durable already */
	bool take_over;			/* and claims the lane before we can ask */
};

static void
must_run(PGconn *conn, const char *sql)
{
	PGresult *result = PQexec(conn, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK) {
		fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
		_exit(1);
	}
	PQclear(result);
}

static bool
is_waiting(PGconn *conn, int pid, const char *event)
{
	char sql[256];
	PGresult *result;
	bool waiting;

	snprintf(sql, sizeof sql, "select 1 from pg_stat_activity where pid = %d and (wait_event = '%s' or "
		"wait_event_type = '%s')", pid, event, event);
	result = PQexec(conn, sql);
	waiting = PQntuples(result) == 1;
	PQclear(result);
	return waiting;
}

/* Nobody else can connect while `conn` does this, so that what follows comes first. */
static void
lock_out(PGconn *conn, bool out)
{
	must_run(conn, out ? "alter database owner allow_connections false"
		: "alter database owner allow_connections true");
}

/* From now on commits are held.  A reload comes some time after it was asked for: when a commit of `probe` is held. */
static void
hold_commits(PGconn *conn, PGconn *probe)
{
	must_run(conn, "alter system set synchronous_standby_names = 'nobody'");
	must_run(conn, "select pg_reload_conf()");
	while (!is_waiting(conn, PQbackendPID(probe), "SyncRep")) {
		if (PQtransactionStatus(probe) == PQTRANS_IDLE)
			PQsendQuery(probe, "update counter set next = next");
		PQconsumeInput(probe);
		while (!PQisBusy(probe) && PQtransactionStatus(probe) == PQTRANS_ACTIVE)
			PQclear(PQgetResult(probe));
	}
}

static int
meddle(const struct meddler *meddler, int pid, int ready)
{
	PGconn *holder = PQconnectdb(world->database), *conn = PQconnectdb(pg_fixture_conninfo("postgres"));
	struct store *other = meddler->take_over ? another() : NULL;
	char sql[64];

	must_run(conn, "set synchronous_commit = local");
	if (meddler->before_commit)
		must_run(holder, "begin; select 1 from lane for update");
	else
		hold_commits(conn, holder);
	close(ready);
	while (!is_waiting(conn, pid, meddler->before_commit ? "Lock" : "SyncRep"))
		usleep(1000);
	if (meddler->take_over)
		lock_out(conn, true);
	snprintf(sql, sizeof sql, "select pg_terminate_backend(%d, 5000)", pid);
	must_run(conn, sql);
	must_run(conn, "alter system reset synchronous_standby_names");
	must_run(conn, "select pg_reload_conf()");
	PQfinish(holder);
	if (meddler->take_over) {
		if (claim(other, &all, 99, 0) != OK)
			return 1;
		lock_out(conn, false);
	}
	return 0;
}

/* Saves while the meddler is at work. */
static enum status
save_beside(struct meddler meddler)
{
	int pid = ((struct postgres *)world->store)->pid, ready[2], code;
	enum status status;
	pid_t child;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		close(ready[0]);
		_exit(meddle(&meddler, pid, ready[1]));
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	status = world_save(world);
	ck_assert_int_eq(waitpid(child, &code, 0), child);
	ck_assert_int_eq(code, 0);
	return status;
}

START_TEST(test_killed_before_commit)
{
	struct tree *tree = begin();

	ck_assert_int_eq(save_beside((struct meddler){ .before_commit = true }), E_weather);
	ck_assert_int_eq(instances(), 0);
	world_must_save(world);		/* the same again */
	ck_assert_int_eq(instances(), 1);
	tree_free(tree);
}
END_TEST

/* The answer to COMMIT is lost, what it did is not: it is told once, and the next one follows. */
START_TEST(test_killed_behind_commit)
{
	struct tree *tree = begin(), *next;

	ck_assert_int_eq(save_beside((struct meddler){ .before_commit = false }), OK);
	ck_assert_int_eq(instances(), 1);
	next = begin();
	world_must_save(world);
	ck_assert_int_eq(instances(), 2);
	ck_assert_int_eq(world_number(world, "select count(*) from event"), 2);
	tree_free(next);
	tree_free(tree);
}
END_TEST

START_TEST(test_taken_before_commit)
{
	struct tree *tree = begin();

	ck_assert_int_eq(save_beside((struct meddler){ .before_commit = true, .take_over = true }), E_fenced);
	ck_assert_int_eq(instances(), 0);
	ck_assert_int_eq(renew(world->store), E_fenced);
	tree_free(tree);
}
END_TEST

/* The new owner kept how far we had come, so the worker can still be told the truth. */
START_TEST(test_taken_behind_commit)
{
	struct tree *tree = begin();

	ck_assert_int_eq(save_beside((struct meddler){ .before_commit = false, .take_over = true }), OK);
	ck_assert_int_eq(instances(), 1);
	ck_assert_int_eq(renew(world->store), E_fenced);
	tree_free(tree);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_a_living_owner_keeps_its_lane, test_a_silent_owner_loses_it,
		test_the_previous_backend_is_ended, test_a_fenced_batch_writes_nothing, test_release,
		test_the_same_owner_claims_again, test_ranges_that_overlap, test_another_number_of_parts,
		test_what_a_claim_finds, test_the_time_of_a_slow_batch, test_an_idle_connection_that_died,
		test_killed_before_commit,
		test_killed_behind_commit, test_taken_before_commit, test_taken_behind_commit, NULL };

	world_prepare();
	return world_suite_with("owner", setup, teardown, tests);
}
