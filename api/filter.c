/* SPDX-License-Identifier: Apache-2.0
 * What libmicrohttpd lets through and a proxy in front may read otherwise: heads that smuggle a second request. */
#include "api/http.h"

#include <microhttpd.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct head {
	int lengths, encodings, hosts;
	bool folded, bad_name, bad_value, bad_encoding;
};

/* A carriage return alone, which others take for the end of a line, or another control byte. */
static bool
has_control(const char *value)
{
	for (; *value != '\0'; value++)
		if (((unsigned char)*value < 0x20 && *value != '\t') || *value == 0x7f)
			return true;
	return false;
}

/* Of a header that goes on in a second line (obs-fold, RFC 9112 5.2) libmicrohttpd joins that line to the name: then
 * "Content-Length: 2" is none.  It moves the name behind the value for that. */
static bool
is_folded(const char *name, const char *value)
{
	return value != NULL && (uintptr_t)value < (uintptr_t)name;
}

static enum MHD_Result
see(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	struct head *head = context;

	(void)kind;
	if (name[0] == '\0' || name[strspn(name, token)] != '\0')
		head->bad_name = true;
	head->bad_value |= value != NULL && has_control(value);
	head->folded |= is_folded(name, value);
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
	if (head.folded)
		return "a header is folded over two lines";
	if (head.bad_name)
		return "a header's name is malformed";
	if (head.bad_value)
		return "a header's value is malformed";
	if (head.lengths > 1 || head.encodings > 1 || head.hosts > 1)
		return "a header that may stand once stands twice";
	if (head.lengths + head.encodings > 1)
		return "Content-Length and Transfer-Encoding exclude each other";
	/* of any other it is not known where the body ends */
	if (head.bad_encoding)
		return "Transfer-Encoding is chunked or nothing";
	return head.hosts == 1 ? NULL : "the header Host is missing";
}
