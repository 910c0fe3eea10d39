/* SPDX-License-Identifier: Apache-2.0
 * Replies with a length, in chunks, or without a body (RFC 9112, 6.3); nobody asks for anything else here. */
#include "bench/driver/http.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_ROOM = 16384, CHUNK_MOST = 1 << 30 };

bool
http_connect(struct connection *connection, const struct sockaddr_in *address)
{
	int on = 1;

	connection->length = connection->head = connection->unsent_length = 0;
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connection->fd < 0)
		return false;
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(connection->fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EINPROGRESS)
		return true;
	http_close(connection);
	return false;
}

int
http_connected(const struct connection *connection)
{
	struct pollfd now = {.fd = connection->fd, .events = POLLOUT};
	int error = 0;
	socklen_t length = sizeof error;

	if (poll(&now, 1, 0) <= 0)
		return EINPROGRESS;
	getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

void
http_close(struct connection *connection)
{
	int error = errno;

	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
	errno = error;
}

void
http_free(struct connection *connection)
{
	http_close(connection);
	free(connection->bytes);
	free(connection->unsent);
}

/* ---- out ------------------------------------------------------------------------------------------------- */

/* How much the socket took, or -1. */
static ssize_t
try_send(struct connection *connection, const char *bytes, size_t length)
{
	ssize_t n = send(connection->fd, bytes, length, MSG_NOSIGNAL);

	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
}

bool
http_send(struct connection *connection, const char *bytes, size_t length)
{
	ssize_t n = try_send(connection, bytes, length);

	connection->length = connection->head = 0;
	connection->unsent_at = connection->unsent_length = 0;
	if (n < 0 || (size_t)n == length)
		return n >= 0;
	connection->unsent_length = length - (size_t)n;
	if (connection->unsent_room < connection->unsent_length) {
		connection->unsent_room = length;
		connection->unsent = realloc(connection->unsent, length);
		if (connection->unsent == NULL)
			abort();
	}
	memcpy(connection->unsent, bytes + n, connection->unsent_length);
	return true;
}

bool
http_flush(struct connection *connection)
{
	ssize_t n;

	while (connection->unsent_at < connection->unsent_length) {
		n = try_send(connection, connection->unsent + connection->unsent_at,
			connection->unsent_length - connection->unsent_at);
		if (n <= 0)
			return n == 0;
		connection->unsent_at += (size_t)n;
	}
	return true;
}

/* ---- in -------------------------------------------------------------------------------------------------- */

static void
make_room(struct connection *connection)
{
	if (connection->room - connection->length >= 2)
		return;
	connection->room = connection->room > 0 ? 2 * connection->room : FIRST_ROOM;
	connection->bytes = realloc(connection->bytes, connection->room);
	if (connection->bytes == NULL)
		abort();
}

/* Until the socket is empty, since its events tell of changes only: a read that leaves room has emptied it. */
static bool
read_all(struct connection *connection)
{
	size_t room;
	ssize_t n;

	do {
		make_room(connection);
		room = connection->room - connection->length - 1;
		n = recv(connection->fd, connection->bytes + connection->length, room, 0);
		if (n == 0)
			errno = ECONNRESET;
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		connection->length += (size_t)n;
		connection->bytes[connection->length] = '\0';
	} while ((size_t)n == room);
	return true;
}

/* The value when that header is on the line, else NULL. */
static const char *
header(const char *line, const char *name, size_t length)
{
	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	return line + length + 1 + strspn(line + length + 1, " \t");
}

#define HEADER(line, name) header(line, name, sizeof name - 1)

/* False when it is no reply, or one whose end we would not find. */
static bool
take_head(struct connection *connection, const char *blank)
{
	const char *line = connection->bytes, *value;
	struct reply *reply = &connection->reply;
	bool chunked = false, has_end;

	if (strncmp(line, "HTTP/1.1 ", 9) != 0)
		return false;
	*reply = (struct reply){.status = atoi(line + 9), .body = blank + 4};
	has_end = reply->status == 204 || reply->status == 304;
	connection->head = connection->whole = (size_t)(reply->body - connection->bytes);
	while ((line = strstr(line, "\r\n")) != blank) {
		line += 2;
		/* few headers matter: the first letter keeps the others cheap */
		if ((*line | 0x20) == 'c' && (value = HEADER(line, "Content-Length")) != NULL) {
			connection->whole = connection->head + strtoul(value, NULL, 10);
			has_end = true;
		} else if ((*line | 0x20) == 'c' && (value = HEADER(line, "Connection")) != NULL) {
			reply->closing = strncasecmp(value, "close", 5) == 0;
		} else if ((*line | 0x20) == 't' && (value = HEADER(line, "Transfer-Encoding")) != NULL) {
			has_end = chunked = strncasecmp(value, "chunked", 7) == 0;
		}
	}
	if (chunked)
		connection->whole = 0;
	return has_end;
}

/* Whether all chunks are there.  They are joined at `to` where it is not NULL, which destroys their sizes. */
static enum received
walk_chunks(char *at, const char *end, char *to)
{
	char *text;
	size_t size;

	for (;;) {
		if (*at != '\0' && !isxdigit((unsigned char)*at))
			return RECEIVED_end;
		size = strtoul(at, &text, 16);
		text = strstr(text, "\r\n");
		if (size > CHUNK_MOST)
			return RECEIVED_end;
		if (text == NULL || (size_t)(end - text) < size + 4)
			return RECEIVED_part;
		if (to != NULL) {
			memmove(to, text + 2, size);
			to += size;
			*to = '\0';
		}
		if (size == 0)
			return RECEIVED_reply;
		at = text + 2 + size + 2;
	}
}

static enum received
take_chunks(struct connection *connection)
{
	char *body = connection->bytes + connection->head;
	enum received received = walk_chunks(body, connection->bytes + connection->length, NULL);

	if (received == RECEIVED_reply)
		walk_chunks(body, connection->bytes + connection->length, body);
	return received;
}

enum received
http_receive(struct connection *connection)
{
	const char *blank;

	if (!read_all(connection))
		return RECEIVED_end;
	if (connection->length == 0)
		return RECEIVED_part;
	if (connection->head == 0) {
		blank = strstr(connection->bytes, "\r\n\r\n");
		if (blank == NULL)
			return RECEIVED_part;
		if (!take_head(connection, blank)) {
			errno = EPROTO;
			return RECEIVED_end;
		}
	}
	connection->reply.body = connection->bytes + connection->head;	/* the bytes may have moved */
	if (connection->whole == 0)
		return take_chunks(connection);
	return connection->length >= connection->whole ? RECEIVED_reply : RECEIVED_part;
}
