/* SPDX-License-Identifier: Apache-2.0
 * The daemon's entry. */
#include <stdio.h>

int
main(void)
{
	puts(PACKAGE_STRING);
	return 0;
}
