# SPDX-License-Identifier: ISC
# What is tested and measured, and with what: the second half of Makefile.am,
# which includes this.  All names are those seen from there.

# Tests.  Unit tests use Check; those of the whole daemon are in Python.  All
# speak TAP.
unit_tests = \
	tests/unit/base/check_log_file \
	tests/unit/base/check_log_lines \
	tests/unit/base/check_log_stream \
	tests/unit/base/check_log_syslog \
	tests/unit/base/check_log_threads \
	tests/unit/base/check_passage \
	tests/unit/base/check_processors \
	tests/unit/base/check_say \
	tests/unit/base/check_status_line \
	tests/unit/base/check_sys \
	tests/unit/config/check_cli \
	tests/unit/config/check_config_file \
	tests/unit/config/check_nearest \
	tests/unit/config/check_option \
	tests/unit/config/check_values \
	tests/unit/http/check_request \
	tests/unit/net/check_address \
	tests/unit/net/check_dial \
	tests/unit/net/check_prefix \
	tests/unit/net/check_race \
	tests/unit/reactor/check_bell \
	tests/unit/reactor/check_loop_deadlines \
	tests/unit/reactor/check_loop_turns \
	tests/unit/reactor/check_loop_watches \
	tests/unit/reactor/check_poller_interest \
	tests/unit/reactor/check_poller_open \
	tests/unit/reactor/check_poller_readiness \
	tests/unit/reactor/check_poller_wait \
	tests/unit/reactor/check_signals \
	tests/unit/reactor/check_timer \
	tests/unit/upcase/check_kernels \
	tests/unit/upcase/check_library \
	tests/unit/upcase/check_upcase \
	tests/unit/upcase/check_upcase_stream \
	tests/unit/server/check_announce \
	tests/unit/server/check_busy_poll \
	tests/unit/server/check_conn \
	tests/unit/server/check_conn_deadlines \
	tests/unit/server/check_conn_delivery \
	tests/unit/server/check_conn_ends \
	tests/unit/server/check_conn_state \
	tests/unit/server/check_drain \
	tests/unit/server/check_duplicates \
	tests/unit/server/check_eviction \
	tests/unit/server/check_handover \
	tests/unit/server/check_inventory \
	tests/unit/server/check_limits \
	tests/unit/server/check_listener \
	tests/unit/server/check_listener_start \
	tests/unit/server/check_held \
	tests/unit/server/check_listening \
	tests/unit/server/check_log_limits \
	tests/unit/server/check_metrics \
	tests/unit/server/check_pool \
	tests/unit/server/check_record \
	tests/unit/server/check_server \
	tests/unit/server/check_server_start \
	tests/unit/server/check_slots \
	tests/unit/server/check_trim \
	tests/unit/server/check_turns \
	tests/unit/server/check_unpacking \
	tests/unit/server/check_wake \
	tests/unit/server/check_worker \
	tests/unit/daemon/check_activation \
	tests/unit/daemon/check_notify \
	tests/unit/daemon/check_options \
	tests/unit/daemon/check_privileges \
	tests/unit/client/check_answer \
	tests/unit/daemon/check_status_text \
	tests/unit/daemon/check_store \
	tests/unit/daemon/check_supervision \
	tests/unit/client/check_client \
	tests/unit/bench/check_duplex \
	tests/unit/bench/check_exchange \
	tests/unit/bench/check_histogram \
	tests/unit/bench/check_results \
	tests/unit/bench/check_schedule \
	tests/unit/bench/check_text
daemon_tests = \
	tests/fuzz/test_fuzz.py \
	tests/reports/test_reports.py \
	tests/system/test_addresses.py \
	tests/system/test_clock.py \
	tests/system/test_config.py \
	tests/system/test_crowd.py \
	tests/system/test_drain.py \
	tests/system/test_each_call.py \
	tests/system/test_exit_status.py \
	tests/system/test_handover.py \
	tests/system/test_held.py \
	tests/system/test_inherited.py \
	tests/system/test_injected.py \
	tests/system/test_leave.py \
	tests/system/test_library.py \
	tests/system/test_limits.py \
	tests/system/test_log.py \
	tests/system/test_log_connections.py \
	tests/system/test_many.py \
	tests/system/test_memory.py \
	tests/system/test_metrics.py \
	tests/system/test_messages.py \
	tests/system/test_netcats.py \
	tests/system/test_network.py \
	tests/system/test_pages.py \
	tests/system/test_partial.py \
	tests/system/test_reload.py \
	tests/system/test_rows.py \
	tests/system/test_restarts.py \
	tests/system/test_serve.py \
	tests/system/test_service_manager.py \
	tests/system/test_signals.py \
	tests/system/test_start.py \
	tests/system/test_status_line.py \
	tests/system/test_store.py \
	tests/system/test_syslog.py \
	tests/system/test_systemd.py \
	tests/system/test_tuning.py \
	tests/system/test_upc.py \
	tests/system/test_upc_faults.py \
	tests/system/test_upc_files.py \
	tests/system/test_upc_filter.py \
	tests/system/test_upc_foreign.py \
	tests/system/test_upc_silent.py \
	tests/system/test_upc_terminal.py \
	tests/system/test_versions.py \
	tests/unicode_test.py
# Those of what is around the daemon and the client, which are the same in every
# build; `make check tool_tests=' leaves them out.
tool_tests = \
	tests/bench/test_alternatives.py \
	tests/bench/test_bench.py \
	tests/bench/server/test_compare.py \
	tests/system/test_bootstrap.py \
	tests/system/test_build.py \
	tests/system/test_completions.py \
	tests/bench/test_whole.py \
	tests/system/test_haproxy.py \
	tests/system/test_interrupts.py \
	tests/system/test_model.py \
	tests/system/test_upcbench.py \
	tests/system/test_upcbench_faults.py
python_tests = $(tool_tests) $(daemon_tests)
python_modules = tests/system/bootstrap_case.py tests/system/client.py \
	tests/system/config_file.py tests/system/crowd.py \
	tests/system/daemon.py tests/system/faketime.py \
	tests/system/haproxy.py tests/system/injection.py \
	tests/system/inventory.py tests/system/namespaces.py \
	tests/system/ports.py tests/system/refusal.py \
	tests/system/screen.py tests/system/scripted.py \
	tests/system/service_manager.py tests/system/stream.py \
	tests/system/tap.py tests/system/upc_case.py \
	tests/system/upcbench_case.py

TESTS =
check_PROGRAMS =
check_LIBRARIES = libkernel.a liboracle.a
TEST_EXTENSIONS = .py
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/tests/timed \
	$(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_COMPILER = $(PYTHON)
AM_PY_LOG_FLAGS = -B
AM_TESTS_ENVIRONMENT = \
	UPCASED='$(abs_builddir)/upcased$(EXEEXT)'; export UPCASED; \
	UPC='$(abs_builddir)/upc$(EXEEXT)'; export UPC; \
	UPCBENCH='$(abs_builddir)/upcbench$(EXEEXT)'; export UPCBENCH; \
	UPCASED_KQUEUE='$(kqueue_daemon)'; export UPCASED_KQUEUE; \
	SHIM='$(abs_builddir)/short_io.so'; export SHIM; \
	FAILING_MALLOC='$(abs_builddir)/failing_malloc.so'; \
	export FAILING_MALLOC; \
	SANITIZERS='$(sanitizers)'; export SANITIZERS; \
	CC='$(CC)'; export CC; \
	builddir='$(abs_builddir)'; export builddir;

# Where there is no kqueue, its back end runs against a stand-in, in the unit
# tests and in a daemon of its own.  For that other system the reactor is
# compiled a second time.
if HAVE_KQUEUE
test_reactor = libreactor.a
kqueue_daemon =
else
test_reactor = libkqueue_reactor.a
kqueue_daemon = $(abs_builddir)/upcased-kqueue$(EXEEXT)
check_LIBRARIES += libkqueue_reactor.a
libkqueue_reactor_a_SOURCES = $(reactor_sources) \
	src/reactor/poller_kqueue.c tests/fake/kqueue.c tests/fake/sys/event.h
libkqueue_reactor_a_CPPFLAGS = -I$(top_srcdir)/tests/fake -DHAVE_KQUEUE \
	$(AM_CPPFLAGS)
check_PROGRAMS += upcased-kqueue
upcased_kqueue_SOURCES = src/daemon/main.c
upcased_kqueue_LDADD = libdaemon.a libserver.a libnet.a \
	libkqueue_reactor.a libupcase.a libconfig.a libbase.a
endif

if HAVE_CHECK
TESTS += $(unit_tests)
check_PROGRAMS += $(unit_tests)
check_LIBRARIES += libserver_tests.a libtests.a
endif

# What several unit tests share, and the kernel that those of the server run
# on: it takes the place of sys.c and of the poller.
libtests_a_SOURCES = \
	tests/unit/backends.c tests/unit/backends.h \
	tests/unit/capture.c tests/unit/capture.h \
	tests/unit/runner.c tests/unit/runner.h \
	tests/unit/base/log_fixture.c tests/unit/base/log_fixture.h \
	tests/unit/net/loopback.c tests/unit/net/loopback.h \
	tests/unit/reactor/loop_fixture.c tests/unit/reactor/loop_fixture.h \
	tests/unit/upcase/each_kernel.c tests/unit/upcase/each_kernel.h \
	tests/unit/upcase/pairs.c tests/unit/upcase/pairs.h
libtests_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
libserver_tests_a_SOURCES = \
	tests/unit/server/conn_fixture.c tests/unit/server/conn_fixture.h
libserver_tests_a_CFLAGS = $(libtests_a_CFLAGS)
libkernel_a_SOURCES = tests/fake/kernel.c tests/fake/kernel.h \
	tests/fake/kernel_poller.c tests/fake/kernel_sys.c
liboracle_a_SOURCES = tests/unit/upcase/upcase_oracle.c \
	tests/unit/upcase/upcase_oracle.h

# The simulation of the server: see tests/sim/world.h.
if HAVE_MAKECONTEXT
TESTS += simulate
check_PROGRAMS += simulate
endif
simulate_SOURCES = tests/sim/simulate.c \
	tests/sim/choices.c tests/sim/choices.h \
	tests/sim/draw.c tests/sim/draw.h \
	tests/sim/faults.c tests/sim/faults.h \
	tests/sim/peers.c tests/sim/peers.h \
	tests/sim/places.c tests/sim/places.h \
	tests/sim/plan.c tests/sim/plan.h \
	tests/sim/reloads.c tests/sim/reloads.h \
	tests/sim/calm.c tests/sim/resets.c \
	tests/sim/rules.c tests/sim/rules.h \
	tests/sim/spans.c tests/sim/spans.h \
	tests/sim/threads.c tests/sim/threads.h \
	tests/sim/world.c tests/sim/world.h
simulate_LDADD = libserver.a libkernel.a libnet.a libreactor.a libupcase.a \
	libbase.a

# Each of the errors in this list is planted, and the simulation must find it.
check-mutations: simulate$(EXEEXT)
	srcdir='$(abs_srcdir)' COMPILE='$(COMPILE)' \
	    LINK='$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(AM_LDFLAGS) $(LDFLAGS)' \
	    OBJECTS='$(simulate_OBJECTS) $(simulate_LDADD) $(LIBS)' \
	    $(PYTHON) -B $(srcdir)/tests/plant/planting.py sim $(MUTATIONS)
.PHONY: check-mutations

# PLANTS errors are picked at random, from the seed SEED, and planted one
# at a time.  PLANT_IN has parts of the names of sources to draw from.
check-drawn:
	$(AM_TESTS_ENVIRONMENT) srcdir='$(abs_srcdir)' PLANTS='$(PLANTS)' \
	    SEED='$(SEED)' $(PYTHON) -B $(srcdir)/tests/plant/drawn.py $(PLANT_IN)
.PHONY: check-drawn

# A unit test is made of the file of its name.  Most are linked with the libraries
# as they are; those below run on the kernel that takes the place of sys.c.
LDADD = libtests.a liboracle.a libdaemon.a libbench.a libclient.a libserver.a \
	libnet.a $(test_reactor) libupcase.a libconfig.a libbase.a \
	$(CHECK_LIBS)
on_kernel = libserver_tests.a libtests.a libserver.a libkernel.a libnet.a libreactor.a \
	libupcase.a libbase.a $(CHECK_LIBS)
tests_unit_server_check_busy_poll_LDADD = $(on_kernel)
tests_unit_server_check_conn_LDADD = $(on_kernel)
tests_unit_server_check_conn_deadlines_LDADD = $(on_kernel)
tests_unit_server_check_conn_delivery_LDADD = $(on_kernel)
tests_unit_server_check_conn_ends_LDADD = $(on_kernel)
tests_unit_server_check_drain_LDADD = $(on_kernel)
tests_unit_server_check_eviction_LDADD = $(on_kernel)
tests_unit_server_check_slots_LDADD = $(on_kernel)
tests_unit_server_check_trim_LDADD = $(on_kernel)
tests_unit_server_check_limits_LDADD = $(on_kernel)
listener_fixture = tests/unit/server/listener_fixture.c \
	tests/unit/server/listener_fixture.h
tests_unit_server_check_listener_SOURCES = \
	tests/unit/server/check_listener.c $(listener_fixture)
tests_unit_server_check_listener_LDADD = $(on_kernel)
tests_unit_server_check_listener_start_SOURCES = \
	tests/unit/server/check_listener_start.c $(listener_fixture)
tests_unit_server_check_listener_start_LDADD = $(on_kernel)
tests_unit_server_check_listening_SOURCES = \
	tests/unit/server/check_listening.c $(listener_fixture)
tests_unit_server_check_listening_LDADD = $(on_kernel)
tests_unit_server_check_held_SOURCES = \
	tests/unit/server/check_held.c $(listener_fixture)
tests_unit_server_check_held_LDADD = $(on_kernel)
tests_unit_server_check_log_limits_LDADD = $(on_kernel)
tests_unit_server_check_record_LDADD = $(on_kernel)
tests_unit_server_check_server_LDADD = $(on_kernel)
tests_unit_server_check_server_start_LDADD = $(on_kernel)
tests_unit_server_check_turns_LDADD = $(on_kernel)
tests_unit_server_check_unpacking_LDADD = $(on_kernel)
tests_unit_daemon_check_supervision_LDADD = libdaemon.a libserver_tests.a \
	libtests.a libserver.a libkernel.a libnet.a libreactor.a libupcase.a \
	libconfig.a libbase.a $(CHECK_LIBS)

# The fuzzer of the transform: see tests/fuzz/target.h.  The suite runs what it
# begins with.  What TIME (seconds) and RUNS (inputs) bound is made of the same
# with Clang, in a build of its own: see tests/fuzz/run.
check_PROGRAMS += replay
EXTRA_PROGRAMS = fuzz-upcase
fuzz_target = tests/fuzz/target.c tests/fuzz/target.h
replay_SOURCES = tests/fuzz/replay.c $(fuzz_target)
replay_LDADD = liboracle.a libupcase.a
fuzz_upcase_SOURCES = $(fuzz_target)
fuzz_upcase_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_upcase_LDADD = $(replay_LDADD)
fuzz fuzz-planted:
	srcdir='$(abs_srcdir)' PYTHON='$(PYTHON)' TIME='$(TIME)' RUNS='$(RUNS)' \
	    $(SHELL) $(srcdir)/tests/fuzz/run $@

# Each of the errors in this list is planted, and the fuzzer must find it.
check-planted: fuzz-upcase$(EXEEXT)
	srcdir='$(abs_srcdir)' TIME='$(TIME)' \
	    COMPILE='$(COMPILE) $(AVX2_CFLAGS) $(AVX512_CFLAGS)' \
	    LINK='$(CCLD) $(AM_CFLAGS) $(CFLAGS) $(fuzz_upcase_LDFLAGS) $(LDFLAGS)' \
	    OBJECTS='$(fuzz_upcase_OBJECTS) $(fuzz_upcase_LDADD) $(LIBS)' \
	    $(PYTHON) -B $(srcdir)/tests/plant/planting.py fuzz $(PLANTED)
.PHONY: check-planted fuzz fuzz-planted

# The models take the table of a connection from the daemon.
print_states_SOURCES = tests/model/print_states.c
print_states_LDADD = libserver.a

# The completions are in the tree, as they are made from the options by Python.
print_options_SOURCES = contrib/completions/print_options.c
print_options_LDADD = libdaemon.a libbench.a libclient.a libserver.a libnet.a \
	libreactor.a libupcase.a libconfig.a libbase.a
completions: print_options$(EXEEXT)
	./print_options$(EXEEXT) | $(PYTHON) -B \
	    $(srcdir)/contrib/completions/generate $(srcdir)/contrib/completions
.PHONY: completions

if HAVE_PYTHON
TESTS += $(python_tests)
check_DATA = $(shims)
check_PROGRAMS += print_options print_states
endif
shims = failing_malloc.so short_io.so
CLEANFILES += $(shims)
# Its last calls have to be jumps, so that a sanitizer sees who called it.
failing_malloc.so: $(srcdir)/tests/shim/failing_malloc.c
	$(AM_V_CCLD)$(make_shim) -O2 $(srcdir)/tests/shim/failing_malloc.c $(LIBS)
short_io.so: $(srcdir)/tests/shim/short_io.c
	$(AM_V_CCLD)$(make_shim) $(srcdir)/tests/shim/short_io.c
make_shim = $(CC) $(DEFAULT_INCLUDES) $(CPPFLAGS) $(CFLAGS) -fPIC -shared -o $@

# The benchmark of the transform: see tests/bench/bench.py.  The programs with
# the libraries that configure found are made for it alone.
check_PROGRAMS += bench-ours
EXTRA_PROGRAMS += bench-icu bench-glib bench-unistring
bench_programs = bench-ours$(EXEEXT)
if HAVE_ICU
bench_programs += bench-icu$(EXEEXT)
endif
if HAVE_GLIB
bench_programs += bench-glib$(EXEEXT)
endif
if HAVE_UNISTRING
bench_programs += bench-unistring$(EXEEXT)
endif
CLEANFILES += $(EXTRA_PROGRAMS)
contender = tests/bench/contender.c tests/bench/contender.h
bench_ours_SOURCES = tests/bench/ours.c $(contender)
bench_ours_LDADD = libupcase.a
bench_icu_SOURCES = tests/bench/icu.c $(contender)
bench_icu_CPPFLAGS = $(AM_CPPFLAGS) $(ICU_CFLAGS)
bench_icu_LDADD = $(ICU_LIBS)
bench_glib_SOURCES = tests/bench/glib.c $(contender)
bench_glib_CPPFLAGS = $(AM_CPPFLAGS) $(GLIB_CFLAGS)
bench_glib_LDADD = $(GLIB_LIBS)
bench_unistring_SOURCES = tests/bench/unistring.c $(contender)
bench_unistring_LDADD = -lunistring

bench_scripts = tests/bench/alternatives.py tests/bench/balance.py \
	tests/bench/bench.py \
	tests/bench/contenders.py \
	tests/bench/machine.py tests/bench/results.py tests/bench/texts.py \
	tests/bench/chart.gp tests/bench/upper.go tests/bench/upper.js \
	tests/bench/upper.py tests/bench/upper.rs \
	tests/bench/server/charts.py tests/bench/server/compare.py \
	tests/bench/server/counts.py tests/bench/server/curves.gp \
	tests/bench/server/echo.go tests/bench/server/echo.js \
	tests/bench/server/echo.py tests/bench/server/figures.py \
	tests/bench/server/idle.py tests/bench/server/lecture.py \
	tests/bench/server/load.py \
	tests/bench/server/network.py tests/bench/server/peers.py \
	tests/bench/server/process.py tests/bench/server/report.py \
	tests/bench/server/rows.gp tests/bench/server/scenarios.py \
	tests/bench/server/tokio/Cargo.toml tests/bench/server/tokio/echo.rs

# The servers that the daemon is compared with: see tests/bench/server.
bench_servers = upcased$(EXEEXT) upcbench$(EXEEXT)
if HAVE_EPOLL
peers = bench-echo-epoll
if HAVE_LIBEV
peers += bench-echo-libev
endif
if HAVE_LIBEVENT
peers += bench-echo-libevent
endif
if HAVE_LIBUV
peers += bench-echo-libuv
endif
check_PROGRAMS += $(peers)
bench_servers += $(peers)
endif
peer = tests/bench/server/peer.c tests/bench/server/peer.h
bench_echo_epoll_SOURCES = tests/bench/server/echo_epoll.c $(peer)
bench_echo_epoll_LDADD =
bench_echo_libev_SOURCES = tests/bench/server/echo_libev.c $(peer)
bench_echo_libev_LDADD = -lev
bench_echo_libevent_SOURCES = tests/bench/server/echo_libevent.c $(peer)
bench_echo_libevent_LDADD = -levent_core
bench_echo_libuv_SOURCES = tests/bench/server/echo_libuv.c $(peer)
bench_echo_libuv_LDADD = -luv

# The texts and the results are in ./bench; BENCH and BENCH_SERVER have the
# options.
bench-programs: $(bench_programs) $(bench_servers)
bench-upcase: bench-programs
	builddir='$(abs_builddir)' srcdir='$(abs_srcdir)' \
	    $(PYTHON) -B $(srcdir)/tests/bench/bench.py $(BENCH)
bench: bench-programs
	builddir='$(abs_builddir)' srcdir='$(abs_srcdir)' \
	    $(PYTHON) -B $(srcdir)/tests/bench/server/compare.py $(BENCH_SERVER)
# What haproxy costs: see contrib/haproxy/README.
bench-haproxy: all
	$(AM_TESTS_ENVIRONMENT) UPCBENCH='$(abs_builddir)/upcbench$(EXEEXT)' \
	    srcdir='$(abs_srcdir)' \
	    $(PYTHON) -B $(srcdir)/tests/bench/balance.py $(BENCH)
# The tables of README.
bench-alternatives: all
	builddir='$(abs_builddir)' \
	    $(PYTHON) -B $(srcdir)/tests/bench/alternatives.py $(BENCH)
clean-local:
	rm -rf bench drawn fuzz
.PHONY: bench bench-alternatives bench-haproxy bench-programs bench-upcase

# What takes longer than a developer waits: see tests/long.
check-long:
	srcdir='$(abs_srcdir)' PYTHON='$(PYTHON)' $(SHELL) $(srcdir)/tests/long
.PHONY: check-long

# What is not compiled here and belongs to the archive all the same.
EXTRA_DIST += $(python_tests) $(python_modules) $(bench_scripts) \
	tests/fake/kqueue.c tests/fake/sys/event.h \
	tests/bench/results/RESULTS tests/bench/results/cpu.svg \
	tests/bench/results/curves.svg tests/bench/results/memory.svg \
	tests/bench/results/rate.svg \
	tests/COVERAGE tests/README tests/analysers tests/coverage \
	tests/administrator tests/first-hour tests/long tests/packagers \
	tests/legs/distribution.sh tests/legs/emulated.sh \
	tests/fuzz/planted.py tests/fuzz/run tests/fuzz/seeds.py \
	tests/model/accept.pml tests/model/connection.pml \
	tests/model/threads.pml \
	tests/plant/drafts.py tests/plant/drawn.py tests/plant/planting.py \
	tests/reports/REPORTS tests/results tests/timed \
	tests/sim/mutations.py tests/whole.py tests/under-qemu tests/under-valgrind \
	tests/shim/failing_malloc.c tests/shim/short_io.c \
	tests/system/sandbox-systemd
