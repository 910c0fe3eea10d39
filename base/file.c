/* SPDX-License-Identifier: Apache-2.0
 * See file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/text.h"

enum { BLOCK = 64 * 1024 };

enum status
file_read(struct arena *arena, const char *path, const char **bytes, size_t *length, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), cause;
	struct text text;
	char block[BLOCK];
	ssize_t n;

	if (fd < 0)
		return FAIL(err, invalid_request, "cannot open '%s': %s", path, strerror(errno));
	text_init(&text, arena);
	while ((n = read(fd, block, sizeof block)) > 0)
		text_put(&text, block, (size_t)n);
	cause = errno;
	close(fd);
	if (n < 0)
		return FAIL(err, invalid_request, "cannot read '%s': %s", path, strerror(cause));
	*bytes = text_string(&text);
	*length = text.length;
	return OK;
}
