# SPDX-License-Identifier: Apache-2.0
# The few macros that configure.ac needs beyond autoconf and pkg-config.

# BPMND_COMPILE_FLAGS(VARIABLE, FLAGS): appends to VARIABLE each of FLAGS that the compiler takes
# without a murmur.
AC_DEFUN([BPMND_COMPILE_FLAGS],
[for bpmnd_flag in $2
do
	bpmnd_saved_CFLAGS=$CFLAGS
	CFLAGS="-Werror $bpmnd_flag"
	AC_MSG_CHECKING([whether $CC takes $bpmnd_flag])
	AC_COMPILE_IFELSE([AC_LANG_PROGRAM],
		[AC_MSG_RESULT([yes])
		$1="$$1 $bpmnd_flag"],
		[AC_MSG_RESULT([no])])
	CFLAGS=$bpmnd_saved_CFLAGS
done])

# BPMND_SANITIZER(NAME, FLAG, WHAT): --enable-NAME adds -fsanitize=FLAG to SANITIZER_CFLAGS, or stops
# when a program cannot be linked with it.
AC_DEFUN([BPMND_SANITIZER],
[AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [build with the $3 sanitizer])],
	[], [enable_$1=no])
AS_IF([test "x$enable_$1" = xyes],
	[bpmnd_saved_CFLAGS=$CFLAGS
	CFLAGS="$CFLAGS -fsanitize=$2"
	AC_MSG_CHECKING([whether $CC links with -fsanitize=$2])
	AC_LINK_IFELSE([AC_LANG_PROGRAM],
		[AC_MSG_RESULT([yes])],
		[AC_MSG_RESULT([no])
		AC_MSG_ERROR([--enable-$1: $CC cannot link with -fsanitize=$2])])
	CFLAGS=$bpmnd_saved_CFLAGS
	SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fsanitize=$2"])])

# BPMND_LIBRARY(VARIABLE, MODULE, PACKAGE): a library we cannot do without, with the name of its Debian
# package when it is missing.
AC_DEFUN([BPMND_LIBRARY],
[PKG_CHECK_MODULES([$1], [$2], [],
	[AC_MSG_ERROR([$2 not found (Debian: apt-get install $3)])])])
