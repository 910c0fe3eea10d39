/* SPDX-License-Identifier: Apache-2.0
 * Functions nobody may call; a .c file includes this behind everything else.  Memory is got from arenas: only
 * base/ may ask the system, and its files that do so define BASE_ASKS_SYSTEM before.  No include guard, since
 * poisoning twice does no harm. */

#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets atoi
#ifndef BASE_ASKS_SYSTEM
#pragma GCC poison malloc calloc realloc free
#endif
