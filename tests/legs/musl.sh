# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# The leg of tests/long for another C library.

# musl: all programs, each with the library musl inside it, and tests of the
# whole daemon: what it serves, as whom, and how it hands over.  The unit tests
# are left out, as Debian has no Check for that library.
musl() {
	picked musl || return
	began=$(date +%s)
	if ! command -v musl-gcc >/dev/null; then
		name=musl
		printf 'musl: skipped, as there is no musl-gcc\n'
		add 0 0 1
		return
	fi
	only="TESTS=$(printf 'tests/system/test_%s.py ' serve privileges \
	    handover)"
	suite musl --host="$(uname -m)-linux-musl" CC=musl-gcc \
	    LDFLAGS=-static PKG_CONFIG=false
	only=tool_tests=
}
