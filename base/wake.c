/* SPDX-License-Identifier: Apache-2.0
 * An eventfd adds up what is written to it; nobody here looks at the sum. */
#include "base/wake.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
wake_new(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void
wake_say(int wake)
{
	static const uint64_t one = 1;

	while (write(wake, &one, sizeof one) < 0 && errno == EINTR)
		;
}

void
wake_hear(int wake)
{
	uint64_t count;

	while (read(wake, &count, sizeof count) < 0 && errno == EINTR)
		;
}
