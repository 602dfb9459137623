# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# The legs of tests/long for other processors, under qemu.

# debian_check ARCHITECTURE FOLDER: Debian's Check library for another processor.
# What apt learns of it stays in the folder, so the system is as it was.
debian_check() {
	mkdir -p "$2/lists/partial" "$2/cache/archives/partial"
	(cd "$2" || exit
	for command in update 'download check libsubunit-dev'; do
		# shellcheck disable=SC2086 # words
		timeout 90 apt-get -q -o APT::Architecture="$1" \
		    -o APT::Architectures="$1" -o Dir::State::Lists="$2/lists" \
		    -o Dir::State::status=/dev/null -o Dir::Cache="$2/cache" \
		    -o Acquire::Retries=3 $command || exit
	done
	for package in ./*.deb; do
		dpkg-deb -x "$package" . || exit
	done)
}

# The unit tests, and tests of the whole daemon, with the emulator around them.
# The kernel of the transform that is meant must be among those tested.
check_emulated() {
	# shellcheck disable=SC2016 # a variable of the Makefile
	UPCASED=$srcdir/tests/under-qemu DAEMON=$PWD/upcased SANITIZERS=qemu \
	    UPCASED_KQUEUE='' SHIM='' QEMU=$qemu QEMU_LD_PREFIX=/usr/$triplet \
	    builddir=$PWD \
	    make -s -j"$at_once" check-TESTS AM_TESTS_ENVIRONMENT= \
	    LOG_COMPILER="$qemu" \
	    TESTS='$(unit_tests) tests/fuzz/test_fuzz.py
		tests/system/test_serve.py' &&
	    grep -q "^ok .*places, $kernel:" tests/unit/upcase/check_kernels.log
}

# emulated ARCHITECTURE TRIPLET KERNEL: for another processor, under qemu.
emulated() {
	name=$1 triplet=$2 kernel=$3
	qemu=qemu-${triplet%%-*}-static
	picked "$name" || return
	began=$(date +%s)
	for tool in "$qemu" "$triplet-gcc" apt-get dpkg-deb; do
		command -v "$tool" >/dev/null && continue
		printf '%s: skipped, as there is no %s\n' "$1" "$tool"
		add 0 0 1
		return
	done
	root=$PWD/long-$1-check
	rm -rf "$root"
	if ! debian_check "$1" "$root" >"$root.log" 2>&1; then
		printf '%s: skipped, as apt-get has no Check for it\n' "$1"
		add 0 0 1
		rm -rf "$root" "$root.log"
		return
	fi
	lib=usr/lib/$triplet
	check=check_emulated
	suite "$1" --host="$triplet" PKG_CONFIG=false \
	    CHECK_CFLAGS="-I$root/usr/include -I$root/usr/include/$triplet" \
	    CHECK_LIBS="-L$root/$lib -l:libcheck.a -l:libsubunit.a -lm -lrt"
	check=run_suite
	rm -rf "$root" "$root.log"
}
