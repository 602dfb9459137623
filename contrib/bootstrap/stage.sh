# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# Commands that take long, for ./bootstrap: their output goes to a log, what is
# printed is how they get on, and whatever ends the script ends them.

# The name of the signal that has come, and whether it has to wait.
asked=
held=
scratch=
# Where the logs are.
logs=
stage=
stage_signal=
progress=

interrupted() {
	asked=$1
	[ -n "$held" ] || end_by "$asked"
}

# end_by SIGNAL: ends by the signal that has come.  After an exit, whatever its
# status is, a shell would go on with the loop or the list that this is part of.
end_by() {
	clean_up
	trap - EXIT HUP INT PIPE TERM
	kill -s "$1" "$$"
	# Process 1 of a container is not ended by its own signals.
	exit 1
}

# Between these, a process is started and its number noted.
hold_signals() {
	held=yes
}

release_signals() {
	held=
	[ -z "$asked" ] || end_by "$asked"
}

set_traps() {
	trap clean_up EXIT
	trap 'interrupted HUP' HUP
	trap 'interrupted INT' INT
	trap 'interrupted PIPE' PIPE
	trap 'interrupted TERM' TERM
	scratch=$(mktemp -d)
	logs=$scratch
}

# end_group PROCESS: ends it and all that it has started in its session.
end_group() {
	kill -s TERM -- "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null || :
	for _ in 1 2 3 4 5; do
		kill -s 0 -- "-$1" 2>/dev/null || return 0
		sleep 1
	done
	kill -s KILL -- "-$1" 2>/dev/null || :
}

end_progress() {
	[ -n "$progress" ] || return 0
	# Before it is ready, it would print nothing at its end.
	while [ ! -f "$stage_log.ready" ] && kill -0 "$progress" 2>/dev/null; do
		sleep 0.05
	done
	rm -f "$stage_log.ready"
	kill -s TERM -- "-$progress" 2>/dev/null ||
		kill -TERM "$progress" 2>/dev/null || :
	wait "$progress" 2>/dev/null || :
	progress=
}

end_stage() {
	end_progress
	[ -n "$stage" ] || return 0
	if [ -n "$stage_signal" ]; then
		# Half an installation is worse than a moment more.
		printf 'bootstrap: waiting for apt-get to end\n' >&2
		kill -s "$stage_signal" "$stage" 2>/dev/null || :
		while kill -0 "$stage" 2>/dev/null; do
			wait "$stage" 2>/dev/null || :
		done
	else
		end_group "$stage"
		wait "$stage" 2>/dev/null || :
	fi
	stage=
}

# start_stage NAME PREFIX COMMAND...: the command begins, in the background.
start_stage() {
	stage_log=$logs/bootstrap-$1.log prefix=$2
	shift 2
	hold_signals
	$prefix "$@" </dev/null >"$stage_log" 2>&1 &
	stage=$!
	release_signals
}

# wait_for_stage KIND WORDS: returns the status of what has begun.
wait_for_stage() {
	hold_signals
	setsid contrib/bootstrap/progress "$1" "$2" "$stage_log" &
	progress=$!
	release_signals
	status=0
	wait "$stage" || status=$?
	stage=
	end_progress
	rm -f "$stage_log.status"
	return "$status"
}

# run_stage KIND NAME WORDS COMMAND...: runs the command and returns its status.
# The log has the name; the words are what is done.
run_stage() {
	kind=$1 name=$2 words=$3
	shift 3
	stage_signal=
	# In a session of its own, so that Ctrl-C reaches this script alone; and
	# with the signals that the shell ignores in what it does not wait for.
	defaults='env --default-signal=INT,QUIT'
	$defaults true 2>/dev/null || defaults=
	start_stage "$name" "setsid $defaults" "$@"
	wait_for_stage "$kind" "$words"
}

# keep_logs: from now on, logs are kept in ./build.
keep_logs() {
	mkdir -p build 2>/dev/null || die "cannot make the folder $PWD/build;" \
	    "the sources must be where you may write"
	logs=$PWD/build
	for file in "$logs" "$logs"/bootstrap-*.log "$logs/Makefile"; do
		[ ! -e "$file" ] || [ -w "$file" ] ||
			die "you may not write to $file; remove ./build," \
			    "or become its owner"
	done
}

# stage_failed SENTENCE: ends with the end of the log and where it is.
stage_failed() {
	tail -n 30 "$stage_log" >&2
	[ "$logs" != "$scratch" ] || die "$*, see above"
	die "$*, see above and $stage_log"
}
