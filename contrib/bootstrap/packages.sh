# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# What ./bootstrap installs, and how.

# What autoreconf needs, what configure and make need.
autotools='autoconf automake autoconf-archive pkg-config'
build_packages='gcc libc6-dev make'
# What the tests need besides, none of which is needed to run upcased; valgrind
# does nothing without libc6-dbg.
test_packages='check pkg-config python3 mandoc netcat-openbsd
	netcat-traditional ncat
	socat valgrind strace systemd iproute2 procps unicode-data xz-utils
	libc6-dbg nftables faketime spin haproxy'
# What those that take longer need besides, with compilers for other processors.
long_packages='autoconf automake autoconf-archive
	clang clang-format clang-tidy clang-tools cppcheck gcovr
	libclang-rt-dev shellcheck qemu-user-static gcc-aarch64-linux-gnu
	libc6-dev-arm64-cross gcc-s390x-linux-gnu libc6-dev-s390x-cross
	git mmdebstrap musl-tools zsh fish'
# What the packages for Debian need, which are tried on demand.
debian_packages='debhelper dpkg-dev lintian blhc'
# What the benchmarks need besides: what they compare with, what counts, and the
# charts.
bench_packages='pkg-config python3 libicu-dev libglib2.0-dev libunistring-dev
	golang-go rustc nodejs gnuplot-nox libuv1-dev libevent-dev libev-dev cargo
	librust-tokio-dev socat xinetd valgrind strace iproute2'

# Prints those of the packages that are not installed.
missing_of() {
	for package in "$@"; do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" \
		    2>/dev/null) || status=none
		[ "$status" = installed ] || printf '%s ' "$package"
	done
}

# apt WORDS ARGUMENT...: runs apt-get, which counts on descriptor 3.
apt() {
	words=$1
	shift
	# Its own rule for an interrupt: to end while it fetches, and not while
	# it installs.
	stage_signal=INT
	session=setsid
	# sudo asks for no password again in the session where it was given.
	[ -z "$as_root" ] || session=
	count='-o APT::Status-Fd=3'
	# Nor does it pass on more descriptors than the first three.
	[ -z "$as_root" ] || count=
	# shellcheck disable=SC2016,SC2086 # for the other shell, and words
	start_stage apt-get "$session" env --default-signal=INT \
	    sh -c 'exec 3>"$0"; exec "$@"' "$PWD/build/bootstrap-apt-get.log.status" \
	    $as_root env LC_ALL=C DEBIAN_FRONTEND=noninteractive \
	    apt-get -q -y $count \
	    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3 \
	    -o Acquire::Languages=none -o APT::Update::Error-Mode=any "$@"
	wait_for_stage apt "$words"
}

# True when apt-get knows the packages since less than a day.
lists_are_fresh() {
	[ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' \
	    -mtime 0 2>/dev/null | head -n 1)" ]
}

# The first error of apt-get, without its letter.
apt_error() {
	grep -E '^(E|Err|W):' "$stage_log" | grep -v 'Some index files' |
		head -n 1 | sed 's/^[EW]: //'
}

# True when the last error was that of a network.
network_failed() {
	grep -q -E 'Temporary failure resolving|Could not (resolve|connect)|Network is unreachable|Connection (failed|timed out)|Cannot initiate the connection|Unable to connect' \
	    "$stage_log"
}

install_packages() {
	if lists_are_fresh && apt 'installing with apt-get' install \
	    --no-install-recommends "$@"; then
		return 0
	fi
	# A mirror may fail for a moment, so all of it is tried three times.
	for wait in 3 10 0; do
		if apt 'asking with apt-get' update &&
		    apt 'installing with apt-get' install \
		    --no-install-recommends "$@"; then
			return 0
		fi
		[ "$wait" != 0 ] || return 1
		say "apt-get failed ($(apt_error)); trying again in $wait s"
		sleep "$wait"
	done
}

need_packages() {
	if ! command -v dpkg-query >/dev/null ||
	    ! command -v apt-get >/dev/null; then
		say "This is not Debian, so nothing is installed; needed are: $*"
		return 0
	fi
	missing=$(missing_of "$@")
	[ -n "$missing" ] || return 0
	as_root=
	if [ "$(id -u)" != 0 ]; then
		as_root=sudo
		command -v sudo >/dev/null || die "packages are missing and" \
		    "only root can install them; as root:" \
		    "apt-get install --no-install-recommends $missing"
		# Asks for the password here, where it can be seen.
		sudo true || die "sudo does not let you install: $missing"
	fi
	say "Installing with apt-get what is missing: $missing"
	# shellcheck disable=SC2086 # a list of names
	install_packages $missing && return
	! network_failed || die "apt-get cannot reach the packages:" \
	    "$(apt_error); is this machine connected to a network?" \
	    "Missing are: $missing"
	stage_failed "apt-get could not install: $missing"
}

# True where aclocal looks for macros and finds the file.
has_macros() {
	dir=$(aclocal --print-ac-dir 2>/dev/null) || dir=/usr/share/aclocal
	old_ifs=$IFS
	IFS=":
"
	for place in m4 $dir ${ACLOCAL_PATH-} \
	    $(sed 's/$/:/' "$dir/dirlist" 2>/dev/null); do
		if [ -f "$place/$1" ]; then
			IFS=$old_ifs
			return 0
		fi
	done
	IFS=$old_ifs
	return 1
}

# Prints the packages that are missing for autoreconf.
missing_autotools() {
	command -v autoreconf >/dev/null || printf 'autoconf '
	{ command -v aclocal && command -v automake; } >/dev/null ||
		printf 'automake '
	has_macros ax_append_compile_flags.m4 || printf 'autoconf-archive '
	has_macros pkg.m4 || printf 'pkg-config '
}
