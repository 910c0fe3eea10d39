/* SPDX-License-Identifier: Apache-2.0
 * What people do with their tasks: complete, claim, assign, report errors (api.md 2.6). */
#include "api/command.h"
#include "api/handlers.h"

#include "api/variables.h"

static bool
prepare(struct exchange *exchange, enum command_kind kind, enum manner manner)
{
	exchange->request.command.kind = kind;
	if (path_task(exchange, 0, &exchange->request.command.target))
		return true;
	complain_missing(exchange, manner, exchange->params[0]);
	return false;
}

static void
completed(struct exchange *exchange)
{
	if (!exchange->request.command.want_variables) {
		exchange_empty(exchange);
		return;
	}
	variables_write(&exchange->writer, exchange->arena, &exchange->request.outcome.variables, false);
	exchange_json(exchange);
}

void
complete_task(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;
	const char *prefix = arena_printf(exchange->arena, "Cannot complete task %s: ", exchange->params[0]);

	(void)reader;
	if (!has_body(exchange) || !body_variables(exchange, "variables", prefix, &command->variables) ||
	    !prepare(exchange, COMMAND_complete_user, MANNER_task_complete))
		return;
	command->want_variables = body_flag(exchange, "withVariablesInReturn", false);
	command_send(exchange, MANNER_task_complete, exchange->params[0], completed);
}

void
error_task(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;

	(void)reader;
	if (!has_body(exchange) || !body_variables(exchange, "variables", NULL, &command->variables))
		return;
	command->error_code = body_text(exchange, "errorCode");
	command->error_message = body_text(exchange, "errorMessage");
	if (command->error_code == NULL || command->error_code[0] == '\0') {
		exchange_error_as(exchange, 400, "RestException", 0,
			command->error_code == NULL ? "errorCode is null" : "errorCode is empty");
		return;
	}
	if (prepare(exchange, COMMAND_error_user, MANNER_task_error))
		command_send(exchange, MANNER_task_error, exchange->params[0], NULL);
}

static void
assign(struct exchange *exchange, enum manner manner, const char *user, bool claim)
{
	if (!prepare(exchange, COMMAND_assign_user, manner))
		return;
	exchange->request.command.user = user;
	exchange->request.command.claim = claim;
	command_send(exchange, manner, exchange->params[0], NULL);
}

void
claim_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (has_body(exchange))
		assign(exchange, MANNER_task_claim, body_text(exchange, "userId"), true);
}

void
unclaim_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	assign(exchange, MANNER_task_assign, NULL, false);
}

void
assign_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (has_body(exchange))
		assign(exchange, MANNER_task_assign, body_text(exchange, "userId"), false);
}
