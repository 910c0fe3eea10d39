/* SPDX-License-Identifier: Apache-2.0
 * Jobs: execution on demand, retries, due dates, why they failed (api.md 2.7). */
#include "api/command.h"
#include "api/handlers.h"
#include "api/list.h"

#include "base/when.h"

static bool
prepare(struct exchange *exchange, enum command_kind kind, enum manner manner)
{
	exchange->request.command.kind = kind;
	if (path_id(exchange, 0, &exchange->request.command.target))
		return true;
	complain_missing(exchange, manner, exchange->params[0]);
	return false;
}

void
execute_job_now(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (prepare(exchange, COMMAND_execute_job, MANNER_job_execute))
		command_send(exchange, MANNER_job_execute, exchange->params[0], NULL);
}

/* A member that is a date: absent (false), null (WHEN_NONE) or an instant; *bad when it is none of these. */
static bool
take_date(struct exchange *exchange, const char *name, int64_t *us, bool *bad)
{
	const struct value *member = value_get(&exchange->json, name);
	struct error err;

	*bad = false;
	if (member == NULL)
		return false;
	*us = WHEN_NONE;
	if (member->type != VALUE_null &&
	    (member->type != VALUE_string || when_parse_strict(member->text, us, &err) != OK)) {
		reply_bad_json(exchange);
		*bad = true;
	}
	return true;
}

void
set_job_retries(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;
	int64_t retries = 0;
	bool bad;
	int given;

	(void)reader;
	if (!has_body(exchange))
		return;
	given = body_number(exchange, "retries", &retries);
	command->set_due = take_date(exchange, "dueDate", &command->due_us, &bad);
	if (bad)
		return;
	if (given < 0) {
		reply_bad_json(exchange);
		return;
	}
	if (given == 0 || retries < 0 || retries > INT32_MAX) {
		exchange_error_as(exchange, 500, "InvalidRequestException", -1, arena_printf(exchange->arena,
			"ENGINE-13054 The number of job retries must be a non-negative Integer, but '%s' has been "
			"provided.",
			given == 0 ? "null" : body_text(exchange, "retries")));
		return;
	}
	if (!prepare(exchange, COMMAND_set_job_retries, MANNER_job_set))
		return;
	command->retries = (int32_t)retries;
	command_send(exchange, MANNER_job_set, exchange->params[0], NULL);
}

void
set_job_due_date(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;
	bool bad;

	(void)reader;
	if (!has_body(exchange))
		return;
	if (body_flag(exchange, "cascade", false)) {
		reply_error(exchange, E_invalid_request, "'cascade' is not supported yet");
		return;
	}
	if (!take_date(exchange, "duedate", &command->due_us, &bad))
		command->due_us = WHEN_NONE;
	if (!bad && prepare(exchange, COMMAND_set_job_due, MANNER_job_set))
		command_send(exchange, MANNER_job_set, exchange->params[0], NULL);
}

/* There is no Java stack; what there is to say about the failure is its message. */
void
get_job_stacktrace(struct exchange *exchange, struct reader *reader)
{
	struct error err;
	bool found;

	if (field_reply(exchange, reader, QUERY_job, "jobId", "exceptionMessage", &found, &err) != OK)
		exchange_error(exchange, &err);
	else if (!found)
		reply_error(exchange, E_invalid_missing, "No job found with id %s", exchange->params[0]);
}
