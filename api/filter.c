/* SPDX-License-Identifier: Apache-2.0
 * What libmicrohttpd lets through and a proxy in front may read otherwise: heads that smuggle a second request. */
#include "api/http.h"

#include <microhttpd.h>
#include <string.h>
#include <strings.h>

struct head {
	int lengths, encodings, hosts;
	bool bad_name, bad_encoding;
};

static enum MHD_Result
see(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct head *head = context;

	(void)kind;
	if (name[0] == '\0' || name[strspn(name, token)] != '\0')
		head->bad_name = true;
	head->lengths += strcasecmp(name, "Content-Length") == 0;
	if (strcasecmp(name, "Transfer-Encoding") == 0) {
		head->encodings++;
		head->bad_encoding |= value == NULL || strcasecmp(value, "chunked") != 0;
	}
	head->hosts += strcasecmp(name, "Host") == 0;
	return MHD_YES;
}

const char *
head_problem(struct exchange *exchange)
{
	struct head head = {0};

	MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, see, &head);
	if (exchange->method[strspn(exchange->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
		return "the method is malformed";
	if (head.bad_name)
		return "a header's name is malformed";
	if (head.lengths > 1 || head.encodings > 1 || head.hosts > 1)
		return "a header that may stand once stands twice";
	if (head.lengths + head.encodings > 1)
		return "Content-Length and Transfer-Encoding exclude each other";
	/* of any other it is not known where the body ends */
	if (head.bad_encoding)
		return "Transfer-Encoding is chunked or nothing";
	return head.hosts == 1 ? NULL : "the header Host is missing";
}
