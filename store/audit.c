/* SPDX-License-Identifier: Apache-2.0
 * The auditor: walks the tables by (part, key) and takes each range through the checks of audit.def, one statement
 * each, so that no snapshot is long.  A statement sees one state of the database, so nothing is half moved in it; a
 * suspect is looked at again all the same.  On the way it marks every id that it meets in a bitmap. */
#include "store/store_priv.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
	RANGE_ROWS = 5000,		/* rows of one range, and more where many share a key */
	TOLD = 20,			/* findings of one check that are told, the others are counted */
	RANGE_PARAMETERS = 4,
	MOST_REST_US = 1000000,
};

enum row_kind { ROW_walk, ROW_audit, ROW_whole };

/* audit.def, in its order. */
static const struct row {
	enum row_kind kind;
	const char *name;		/* of the table or the check */
	const char *key;		/* walk */
	const char *ids, *kept;		/* walk */
	const char *invariant, *shown, *sql, *sentence;		/* checks */
} rows[] = {
#define WALK(table, by, id, where) { .kind = ROW_walk, .name = #table, .key = by, .ids = id, .kept = where },
#define AUDIT(check, code, show, tail, text) \
	{ .kind = ROW_audit, .name = #check, .invariant = code, .shown = show, .sql = tail, .sentence = text },
#define WHOLE(check, code, statement, text) \
	{ .kind = ROW_whole, .name = #check, .invariant = code, .sql = statement, .sentence = text },
#include "store/audit.def"
#undef WALK
#undef AUDIT
#undef WHOLE
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Ids of a part that were met. */
struct seen {
	unsigned char *bits;		/* by (id - first) / ID_STEP */
	size_t capacity;		/* bytes */
	int64_t next_id;		/* of the part, when last read */
};

/* The instances with the smallest hashes so far, so that every one is as likely as another. */
struct sample {
	struct pick {
		uint64_t hash;
		int64_t id;
	} *picks;
	size_t count;
};

struct audit {
	struct reader *reader;
	const struct audit_options *options;
	struct arena *arena;		/* of the whole audit */
	struct arena *scratch;		/* of one range or suspect */
	struct seen seen[PART_COUNT];
	struct audit_summary summaries[ROWS];
	struct audit_summary ids, replay;
	struct sample running, ended;
	int64_t findings;
	struct error *err;
};

/* (part, key) behind low and up to high. */
struct range {
	int64_t low_part, low_key, high_part, high_key;
};

static int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Leaves the server to others for as long as it worked for us. */
static void
rest(int64_t us)
{
	struct timespec pause = { .tv_nsec = (us < MOST_REST_US ? us : MOST_REST_US - 1) * 1000 };

	nanosleep(&pause, NULL);
}

/* Not reader_ask(): a connection made again would not be one that only reads. */
static enum status
ask(struct audit *audit, const char *sql, int count, const char *const *texts, PGresult **result)
{
	int64_t began = clock_us();
	enum status status = pg_ask(audit->reader->conn, sql, count, texts, "auditing", result, audit->err);

	rest(clock_us() - began);
	return status;
}

static void
tell(struct audit *audit, struct audit_summary *summary, const char *ids, const char *sentence)
{
	const struct audit_finding finding = { .check = summary->check, .invariant = summary->invariant, .ids = ids,
		.sentence = sentence };

	audit->findings += strcmp(summary->invariant, "note") != 0;
	if (summary->findings++ < TOLD)
		audit->options->found(audit->options->context, &finding);
}

/* ---- ranges --------------------------------------------------------------------------------------------- */

static void
range_texts(struct audit *audit, const struct range *range, const char **texts)
{
	texts[0] = number_text(audit->scratch, range->low_part);
	texts[1] = number_text(audit->scratch, range->low_key);
	texts[2] = number_text(audit->scratch, range->high_part);
	texts[3] = number_text(audit->scratch, range->high_key);
}

static const char *
range_condition(struct arena *arena, const struct row *walk)
{
	return arena_printf(arena, "(t.part, t.%s) > ($1::int2, $2::int8) and (t.part, t.%s) <= ($3::int2, $4::int8)",
		walk->key, walk->key);
}

/* Since an id begins with its part, the keys themselves are a range too.  Only this the planner can estimate; it takes
 * a comparison of pairs for half a table.  A row with the id of another part is found with the ids. */
static const char *
check_condition(struct arena *arena, const struct row *walk)
{
	return arena_printf(arena, "%s and t.%s > $2::int8 and t.%s <= $4::int8", range_condition(arena, walk),
		walk->key, walk->key);
}

/* Where a range of RANGE_ROWS behind low ends; *more is false when nothing lies there. */
static enum status
next_range(struct audit *audit, const struct row *walk, struct range *range, bool *more)
{
	const char *texts[2];
	const char *sql = arena_printf(audit->scratch, "select part, key from (select t.part, t.%s as key from %s t "
		"where (t.part, t.%s) > ($1::int2, $2::int8) order by t.part, t.%s limit %d) w "
		"order by part desc, key desc limit 1", walk->key, walk->name, walk->key, walk->key, RANGE_ROWS);
	PGresult *result;

	texts[0] = number_text(audit->scratch, range->low_part);
	texts[1] = number_text(audit->scratch, range->low_key);
	TRY(ask(audit, sql, 2, texts, &result));
	*more = PQntuples(result) > 0;
	if (*more) {
		range->high_part = cell_number(result, 0, 0);
		range->high_key = cell_number(result, 0, 1);
	}
	PQclear(result);
	return OK;
}

/* The statement of a check: part, key, what is shown. */
static const char *
check_sql(struct arena *arena, const struct row *walk, const struct row *check)
{
	const char *condition = check_condition(arena, walk);
	struct text sql;

	text_init(&sql, arena);
	text_printf(&sql, "select t.part, t.%s, concat_ws(', ', %s) ", walk->key, check->shown);
	for (const char *at = check->sql; *at; at++) {
		if (*at == '@')
			text_puts(&sql, condition);
		else
			text_putc(&sql, *at);
	}
	return text_string(&sql);
}

/* The same check on the suspect's key alone: whether it is still there. */
static enum status
confirm(struct audit *audit, const char *sql, const PGresult *suspects, int row, bool *confirmed)
{
	int64_t part = cell_number(suspects, row, 0), key = cell_number(suspects, row, 1);
	const struct range range = { part, key - 1, part, key };
	const char *texts[RANGE_PARAMETERS];
	PGresult *result;

	*confirmed = false;
	range_texts(audit, &range, texts);
	TRY(ask(audit, sql, RANGE_PARAMETERS, texts, &result));
	for (int i = 0; i < PQntuples(result); i++)
		*confirmed |= !strcmp(PQgetvalue(result, i, 2), PQgetvalue(suspects, row, 2));
	PQclear(result);
	return OK;
}

/* Of many suspects only those that would be told are worth a second look. */
static enum status
take_suspects(struct audit *audit, const struct row *check, const char *sql, const PGresult *suspects)
{
	struct audit_summary *summary = &audit->summaries[check - rows];

	for (int row = 0; row < PQntuples(suspects); row++) {
		bool confirmed = true;

		if (summary->findings < TOLD)
			TRY(confirm(audit, sql, suspects, row, &confirmed));
		if (confirmed)
			tell(audit, summary, PQgetvalue(suspects, row, 2), check->sentence);
	}
	return OK;
}

static enum status
check_range(struct audit *audit, const struct row *walk, const struct row *check, const struct range *range)
{
	const char *sql = check_sql(audit->scratch, walk, check), *texts[RANGE_PARAMETERS];
	int64_t began = clock_us();
	PGresult *suspects;
	enum status status;

	range_texts(audit, range, texts);
	TRY(ask(audit, sql, RANGE_PARAMETERS, texts, &suspects));
	status = take_suspects(audit, check, sql, suspects);
	PQclear(suspects);
	audit->summaries[check - rows].us += clock_us() - began;
	return status;
}

/* ---- ids ------------------------------------------------------------------------------------------------ */

/* Where an id lies, one row for each place.  An activity that waits behind its end is in history already. */
static const char *
places_sql(struct arena *arena)
{
	struct text sql;

	text_init(&sql, arena);
	for (int i = 0; i < ROWS; i++) {
		if (rows[i].kind != ROW_walk || !rows[i].ids[0])
			continue;
		if (sql.length > 0)
			text_puts(&sql, " union all ");
		text_printf(&sql, "select '%s' from %s t where t.part = $1::int2 and t.%s = $2::int8 and %s",
			rows[i].name, rows[i].name, rows[i].ids, rows[i].kept);
	}
	return text_string(&sql);
}

/* Met twice: in one snapshot, is it? */
static enum status
confirm_twice(struct audit *audit, int64_t part, int64_t id)
{
	const char *texts[] = { number_text(audit->scratch, part), number_text(audit->scratch, id) };
	struct text sentence;
	PGresult *result;

	TRY(ask(audit, places_sql(audit->scratch), 2, texts, &result));
	text_init(&sentence, audit->scratch);
	text_puts(&sentence, "an id used more than once, in");
	for (int i = 0; i < PQntuples(result); i++)
		text_printf(&sentence, " %s", PQgetvalue(result, i, 0));
	if (PQntuples(result) > 1)
		tell(audit, &audit->ids, texts[1], text_string(&sentence));
	PQclear(result);
	return OK;
}

/* What has been handed out of a part by now; 0 when it has no row. */
static enum status
read_next_id(struct audit *audit, int64_t part)
{
	const char *text = number_text(audit->scratch, part);
	PGresult *result;

	TRY(ask(audit, "select max(next_id) from part where part = $1::int2", 1, &text, &result));
	audit->seen[part].next_id = cell_number(result, 0, 0);
	PQclear(result);
	return OK;
}

static bool
mark(struct audit *audit, struct seen *seen, int64_t part, int64_t id)
{
	size_t bit = (size_t)(id - (part << PART_SHIFT)) / ID_STEP - ((size_t)1 << 31), byte = bit / 8;
	unsigned char mask = (unsigned char)(1 << bit % 8);
	bool known;

	if (byte >= seen->capacity) {
		size_t capacity = 2 * byte + 4096;
		unsigned char *bits = arena_alloc(audit->arena, capacity);

		if (seen->capacity > 0)
			memcpy(bits, seen->bits, seen->capacity);
		seen->bits = bits;
		seen->capacity = capacity;
	}
	known = (seen->bits[byte] & mask) != 0;
	seen->bits[byte] |= mask;
	return known;
}

/* Ids grow while we look, so that next_id is read again before an id is called too large. */
static enum status
take_id(struct audit *audit, int64_t part, int64_t id)
{
	int64_t first = (part << PART_SHIFT) + (INT64_C(1) << 32);
	struct seen *seen;

	audit->ids.rows++;
	if (part < 0 || part >= PART_COUNT || id_part(id) != part || id < first || id % ID_STEP != 0) {
		tell(audit, &audit->ids, number_text(audit->scratch, id), "an id that its part cannot have handed out");
		return OK;
	}
	seen = &audit->seen[part];
	if (id >= seen->next_id)
		TRY(read_next_id(audit, part));
	if (id >= seen->next_id) {
		tell(audit, &audit->ids, number_text(audit->scratch, id), "an id at or above next_id of its part");
		return OK;
	}
	return mark(audit, seen, part, id) ? confirm_twice(audit, part, id) : OK;
}

/* ---- the sample ----------------------------------------------------------------------------------------- */

/* SplitMix64 (Steele et al. 2014). */
static uint64_t
hash(uint64_t seed, int64_t id)
{
	uint64_t z = seed + (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
offer(struct audit *audit, struct sample *sample, int64_t id)
{
	const struct pick pick = { .hash = hash(audit->options->seed, id), .id = id };
	size_t at = sample->count;

	if (at == audit->options->sample && (at == 0 || sample->picks[at - 1].hash <= pick.hash))
		return;
	if (at < audit->options->sample)
		sample->count++;
	else
		at--;
	for (; at > 0 && sample->picks[at - 1].hash > pick.hash; at--)
		sample->picks[at] = sample->picks[at - 1];
	sample->picks[at] = pick;
}

static enum status
replay_sample(struct audit *audit, const struct sample *sample)
{
	for (size_t i = 0; i < sample->count; i++) {
		const char *invariant = "I5", *fault = NULL;
		int64_t began = clock_us();

		arena_reset(audit->scratch);
		TRY(audit_replay(audit->reader, sample->picks[i].id, audit->options->definitions, audit->scratch,
			&invariant, &fault, audit->err));
		audit->replay.rows++;
		audit->replay.invariant = invariant;
		if (fault)
			tell(audit, &audit->replay, number_text(audit->scratch, sample->picks[i].id), fault);
		rest(clock_us() - began);
		audit->replay.us += clock_us() - began;
	}
	return OK;
}

/* ---- walks ---------------------------------------------------------------------------------------------- */

static enum status
take_ids(struct audit *audit, const struct row *walk, const PGresult *result)
{
	struct sample *sample = !strcmp(walk->name, "instance") ? &audit->running
		: !strcmp(walk->name, "history_process") ? &audit->ended : NULL;

	for (int i = 0; i < PQntuples(result); i++) {
		int64_t id = cell_number(result, i, 1);

		if (cell_true(result, i, 3))
			TRY(take_id(audit, cell_number(result, i, 0), id));
		if (sample && cell_true(result, i, 2))
			offer(audit, sample, id);
	}
	return OK;
}

/* The ids of a range; of tables of instances, whether each is a root. */
static enum status
read_ids(struct audit *audit, const struct row *walk, const struct range *range, int64_t *count)
{
	bool instances = !strcmp(walk->name, "instance") || !strcmp(walk->name, "history_process");
	const char *texts[RANGE_PARAMETERS], *sql;
	int64_t began = clock_us();
	enum status status;
	PGresult *result;

	sql = arena_printf(audit->scratch, "select t.part, t.%s, %s, %s from %s t where %s",
		walk->ids[0] ? walk->ids : walk->key, instances ? "t.root = t.id" : "false",
		walk->ids[0] ? walk->kept : "false", walk->name, range_condition(audit->scratch, walk));
	range_texts(audit, range, texts);
	TRY(ask(audit, sql, RANGE_PARAMETERS, texts, &result));
	*count = PQntuples(result);
	status = take_ids(audit, walk, result);
	PQclear(result);
	audit->ids.us += clock_us() - began;
	return status;
}

static enum status
walk_table(struct audit *audit, const struct row *walk)
{
	struct range range = { .low_part = -1 };
	const struct row *check;
	int64_t count;
	bool more;

	for (;;) {
		arena_reset(audit->scratch);
		TRY(next_range(audit, walk, &range, &more));
		if (!more)
			break;
		TRY(read_ids(audit, walk, &range, &count));
		for (check = walk + 1; check < rows + ROWS && check->kind == ROW_audit; check++) {
			audit->summaries[check - rows].rows += count;
			TRY(check_range(audit, walk, check, &range));
		}
		range.low_part = range.high_part;
		range.low_key = range.high_key;
	}
	return OK;
}

/* What is looked at as a whole, and again when something seems wrong.  A note may take too long. */
static enum status
check_whole(struct audit *audit, const struct row *check)
{
	struct audit_summary *summary = &audit->summaries[check - rows];
	int64_t began = clock_us();
	enum status status;
	PGresult *result = NULL;

	for (int look = 0; look < 2; look++) {
		PQclear(result);
		status = ask(audit, check->sql, 0, NULL, &result);
		if (status != OK && !strcmp(check->invariant, "note") &&
			PQstatus(audit->reader->conn) == CONNECTION_OK) {
			summary->rows = -1;
			return OK;
		}
		TRY(status);
		if (PQntuples(result) == 0)
			break;
	}
	for (int i = 0; i < PQntuples(result); i++)
		tell(audit, summary, PQgetvalue(result, i, 0), check->sentence);
	PQclear(result);
	summary->rows = 1;
	summary->us = clock_us() - began;
	return OK;
}

static void
tell_summaries(struct audit *audit)
{
	for (int i = 0; i < ROWS; i++)
		if (rows[i].kind != ROW_walk)
			audit->options->checked(audit->options->context, &audit->summaries[i]);
	audit->options->checked(audit->options->context, &audit->ids);
	audit->replay.invariant = "I5";
	audit->options->checked(audit->options->context, &audit->replay);
}

static enum status
run(struct audit *audit)
{
	for (int i = 0; i < ROWS; i++)
		audit->summaries[i] = (struct audit_summary){ .check = rows[i].name, .invariant = rows[i].invariant };
	for (int i = 0; i < ROWS; i++) {
		if (rows[i].kind == ROW_walk)
			TRY(walk_table(audit, &rows[i]));
		if (rows[i].kind == ROW_whole)
			TRY(check_whole(audit, &rows[i]));
	}
	TRY(replay_sample(audit, &audit->running));
	return replay_sample(audit, &audit->ended);
}

/* One core of the server at most, and nothing is written.  A comparison of pairs seems to the planner to leave nearly
 * nothing, so that it would sort all that lies behind a range instead of reading the index in order. */
static const char session[] = "set default_transaction_read_only = on; set max_parallel_workers_per_gather = 0; "
	"set enable_sort = off; "
	"set idle_in_transaction_session_timeout = '60s'; set application_name = 'bpmnd-audit'";

enum status
store_audit(struct reader *reader, const struct audit_options *options, int64_t *findings, struct error *err)
{
	struct arena *arena = arena_new();
	struct audit *audit = ARENA_NEW(arena, struct audit);
	enum status status;

	*audit = (struct audit){
		.reader = reader, .options = options, .arena = arena, .scratch = arena_new(), .err = err,
		.ids = { .check = "ids", .invariant = "I11" }, .replay = { .check = "replay", .invariant = "I5" },
		.running.picks = ARENA_ARRAY(arena, struct pick, options->sample),
		.ended.picks = ARENA_ARRAY(arena, struct pick, options->sample),
	};
	status = store_check_schema(reader, err);
	if (status == OK)
		status = pg_run(reader->conn, session, "setting up a session", err);
	if (status == OK)
		status = sql_prepare(reader->conn, err);
	if (status == OK)
		status = run(audit);
	if (status == OK) {
		tell_summaries(audit);
		*findings = audit->findings;
	}
	arena_free(audit->scratch);
	arena_free(arena);
	return status;
}

void
store_describe_audit(struct text *text)
{
	const char *table = "";

	for (int i = 0; i < ROWS; i++) {
		if (rows[i].kind == ROW_walk)
			table = rows[i].name;
		else
			text_printf(text, "%-4s  %-22s  %-16s  %s\n", rows[i].invariant, rows[i].name,
				rows[i].kind == ROW_audit ? table : "-", rows[i].sentence);
	}
	text_printf(text, "%-4s  %-22s  %-16s  %s\n", "I11", "ids", "all",
		"an id used twice, at or above next_id, or of another part");
	text_printf(text, "%-4s  %-22s  %-16s  %s\n", "I5", "replay", "a sample",
		"an event log that does not give what is stored; a tree that is not sound");
}
