#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes ./configure out of configure.ac.  Needed once after a checkout; a release tarball has it done.
set -eu
cd "$(dirname "$0")"
for tool in aclocal autoconf automake pkg-config; do
	command -v "$tool" >/dev/null || {
		echo "autogen.sh: '$tool' is missing; see tools/packages" >&2
		exit 1
	}
done
mkdir -p build-aux
exec autoreconf --install --force --warnings=all,no-portability "$@"
