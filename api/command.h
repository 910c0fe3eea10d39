/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: commands to lanes, and Camunda's way of complaining when they fail. */
#ifndef API_COMMAND_H
#define API_COMMAND_H

#include "api/exchange.h"

enum manner {
#define MANNER(name, missing_http, missing_type, missing_code, missing, http, type, code, prefix) MANNER_##name,
#include "api/manners.def"
#undef MANNER
};

/* A reply as that manner has it: for an unknown target, and for any other failure. id: as the client gave it. */
void complain_missing(struct exchange *exchange, enum manner manner, const char *id);
void complain(struct exchange *exchange, enum manner manner, const char *id, const struct error *err);

/* Sends exchange->request.command to the lane.  When it has run, done() is called, or 204 is answered when that is
 * NULL; when it failed the complaint is sent. */
void command_send(struct exchange *exchange, enum manner manner, const char *id,
	void (*done)(struct exchange *exchange));

/* Sends the command, with each of the targets in turn, those that are gone by then excepted; then done(). */
void command_send_all(struct exchange *exchange, enum manner manner, const int64_t *targets, size_t count,
	void (*done)(struct exchange *exchange));

/* The target of a path: ids of executions, instances and jobs as they are; of tasks one more than their activity's. */
bool path_id(const struct exchange *exchange, int param, int64_t *id);
bool path_task(const struct exchange *exchange, int param, int64_t *activity);

/* Whether the request has a body that is a JSON object (absent or null: false and a complaint, where Camunda has a
 * NullPointerException). */
bool has_body(struct exchange *exchange);

/* A failure that is the client's: the empty message of Camunda for JSON of the wrong type. */
void reply_bad_json(struct exchange *exchange);

/* Replies with an error of a status and text. */
void reply_error(struct exchange *exchange, enum status status, const char *format, ...) PRINTF_LIKE(3, 4);

/* Reads "variables" and the like of the body; false when a complaint was sent, as Camunda does: an unknown type is a
 * RestException unless prefix is given. */
bool body_variables(struct exchange *exchange, const char *name, const char *prefix, struct entries *entries);

/* The member links of an object that was just made: one, to itself. */
void put_self_link(struct exchange *exchange, const char *resource, int64_t id);

/* Content-Disposition of a download (RFC 6266, RFC 8187): the last part of the name. */
const char *attachment(struct exchange *exchange, const char *name);

/* The content of a File or Bytes as a download; anything else is no binary value, says Camunda. id: in its complaint.
 * */
void reply_content(struct exchange *exchange, const struct value *value, const char *id);

#endif
