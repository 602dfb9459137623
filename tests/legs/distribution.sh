# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# The legs of tests/long that are about the release archive.

# Two archives of the same tree must be the same file, and have all that is
# under version control.
reproducible() {
	rm -rf long-dist
	mkdir long-dist long-dist/one long-dist/two
	for half in one two; do
		(cd "long-dist/$half" && "$srcdir/configure" -q &&
		    make -s dist) || return 1
	done
	cmp long-dist/one/upcased-*.tar.xz long-dist/two/upcased-*.tar.xz ||
		return 1
	if git -C "$srcdir" ls-files >long-dist/tracked; then
		tar -tf long-dist/one/upcased-*.tar.xz | sed 's|^[^/]*/||' |
			LC_ALL=C sort >long-dist/packed
		! LC_ALL=C sort long-dist/tracked |
			LC_ALL=C comm -23 - long-dist/packed |
			grep -v '^\.gitignore$' || return 1
	fi
	rm -rf long-dist
}

# The archive builds, installs and uninstalls by itself, and what it has is
# tested; the rest of the tests runs elsewhere.  The sandbox is required here, in
# programs as they are installed.
distcheck() {
	rm -rf long-distcheck
	mkdir long-distcheck
	(cd long-distcheck && "$srcdir/configure" -q &&
	    UPCASED_SANDBOX=require make -j"$at_once" distcheck \
	    DISTCHECK_CONFIGURE_FLAGS="--enable-werror PYTHON=$PYTHON" \
	    TESTS="\$(unit_tests) tests/unicode_test.py $(printf \
		'tests/system/test_%s.py ' handover pages reload serve \
		start upc)") &&
	    rm -rf long-distcheck && return
	"$results" why distcheck long-distcheck >>long-why
	"$results" failed distcheck long-distcheck >>long-failed
	return 1
}
