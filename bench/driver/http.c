/* SPDX-License-Identifier: Apache-2.0
 * Replies with a length, in chunks, or without a body (RFC 9112, 6.3); nobody asks for anything else here. */
#include "bench/driver/http.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FIRST_ROOM = 16384 };

bool
http_connect(struct connection *connection, const struct sockaddr_in *address)
{
	int on = 1;

	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return false;
	if (connect(connection->fd, (const struct sockaddr *)address, sizeof *address) != 0) {
		close(connection->fd);
		return false;
	}
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connection->bytes == NULL) {
		connection->bytes = malloc(FIRST_ROOM);
		connection->room = FIRST_ROOM;
	}
	connection->length = 0;
	return connection->bytes != NULL;
}

bool
http_post(struct connection *connection, const char *host, const char *path, const char *body, size_t length)
{
	char head[512];
	int head_length = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", path, host, length);
	struct iovec parts[] = {
		{.iov_base = head, .iov_len = (size_t)head_length},
		{.iov_base = (void *)(size_t)body, .iov_len = length},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	connection->length = 0;
	if ((size_t)head_length >= sizeof head)
		return false;
	/* the socket blocks, so all of it goes out */
	return sendmsg(connection->fd, &message, MSG_NOSIGNAL) == (ssize_t)((size_t)head_length + length);
}

static bool
read_more(struct connection *connection)
{
	ssize_t n;

	if (connection->room - connection->length < 2) {
		connection->room *= 2;
		connection->bytes = realloc(connection->bytes, connection->room);
		if (connection->bytes == NULL)
			abort();
	}
	n = recv(connection->fd, connection->bytes + connection->length, connection->room - connection->length - 1,
		MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	connection->length += (size_t)n;
	connection->bytes[connection->length] = '\0';
	return true;
}

/* The value of a header between the status line and the blank line, or NULL. */
static const char *
header(const char *head, const char *end, const char *name)
{
	size_t length = strlen(name);
	const char *line = head;

	while ((line = strstr(line, "\r\n")) != NULL && line < end) {
		line += 2;
		if (strncasecmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1 + strspn(line + length + 1, " ");
	}
	return NULL;
}

/* Joins the chunks where they lie. */
static enum received
take_chunks(char *at, const char *end, struct reply *reply)
{
	char *to = at, *text;
	size_t size;

	reply->body = at;
	for (;;) {
		size = strtoul(at, &text, 16);
		if (text == at)
			return *at == '\0' ? RECEIVED_part : RECEIVED_end;
		text = strstr(text, "\r\n");
		if (text == NULL || (size_t)(end - text) < size + 4)
			return RECEIVED_part;
		if (size == 0)
			break;
		memmove(to, text + 2, size);
		to += size;
		at = text + 2 + size + 2;
	}
	*to = '\0';
	reply->length = (size_t)(to - reply->body);
	return RECEIVED_reply;
}

/* Chunks are joined in place only once all are there, since joining destroys their sizes. */
static bool
has_last_chunk(const char *at, const char *end)
{
	char *text;
	size_t size;

	for (;;) {
		size = strtoul(at, &text, 16);
		text = strstr(text, "\r\n");
		if (text == NULL || (size_t)(end - text) < size + 4)
			return false;
		if (size == 0)
			return true;
		at = text + 2 + size + 2;
	}
}

static enum received
take_reply(struct connection *connection, struct reply *reply)
{
	char *end = connection->bytes + connection->length;
	char *blank = strstr(connection->bytes, "\r\n\r\n");
	const char *length, *coding;

	if (blank == NULL)
		return RECEIVED_part;
	if (strncmp(connection->bytes, "HTTP/1.1 ", 9) != 0)
		return RECEIVED_end;
	reply->status = atoi(connection->bytes + 9);
	reply->body = blank + 4;
	coding = header(connection->bytes, blank, "Transfer-Encoding");
	if (coding != NULL && strncasecmp(coding, "chunked", 7) == 0)
		return has_last_chunk(reply->body, end) ? take_chunks(reply->body, end, reply) : RECEIVED_part;
	length = header(connection->bytes, blank, "Content-Length");
	reply->length = length != NULL ? strtoul(length, NULL, 10) : 0;
	return (size_t)(end - reply->body) >= reply->length ? RECEIVED_reply : RECEIVED_part;
}

enum received
http_receive(struct connection *connection, struct reply *reply)
{
	if (!read_more(connection))
		return RECEIVED_end;
	return connection->length > 0 ? take_reply(connection, reply) : RECEIVED_part;
}
