/* SPDX-License-Identifier: Apache-2.0
 * A word to a thread that sleeps in poll(): an event descriptor (Linux eventfd), readable once something was said. */
#ifndef BASE_WAKE_H
#define BASE_WAKE_H

/* The descriptor, closed by close(); -1 with errno when there is none. */
int wake_new(void);

/* Says it, from any thread; many words are as good as one until they are heard. */
void wake_say(int wake);

/* Takes what was said, without waiting. */
void wake_hear(int wake);

#endif
