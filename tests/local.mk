# Programs in tests/unit prove a folder of the product each; tests/cli what users type; tests/live, as root, the running
# kernel; tests/guest other kernels. Workloads freeze in a known way and say the truth.
LOG_DRIVER = $(SHELL) $(top_srcdir)/tests/driver.sh
EXTRA_DIST += tests/driver.sh

include tests/unit/local.mk
include tests/workloads/local.mk
include tests/live/local.mk
include tests/guest/local.mk

# Compares a report with the truth of a workload; a row of the lab's table.
check_PROGRAMS += tests/lab_verdict
tests_lab_verdict_SOURCES = tests/lab_verdict.c
tests_lab_verdict_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_lab_verdict_LDADD = $(JANSSON_LIBS)
check_PROGRAMS += tests/thin_capture
tests_thin_capture_SOURCES = tests/thin_capture.c
tests_thin_capture_LDADD = capture/libcapture.a $(ZLIB_LIBS)
EXTRA_DIST += tests/lab.sh tests/lab_table.awk

# Freezes of known causes; is each report the truth? Minutes, as root. LAB= names some.
lab: all $(LAB_WORKLOADS) $(LAB_MODE_WORKLOADS) tests/lab_verdict tests/thin_capture
	LAB_WORKLOADS='$(LAB_WORKLOADS) $(LAB_SCENARIOS) $(LAB_SERVICES)' LAB_QUICK='$(LAB_QUICK)' srcdir='$(srcdir)' $(srcdir)/tests/lab.sh $(LAB)
.PHONY: lab

SCRIPT_TESTS = tests/layers.sh tests/cli/analyze-options.sh tests/cli/recorder-options.sh
TESTS += $(SCRIPT_TESTS)
EXTRA_DIST += $(SCRIPT_TESTS)

EXTRA_DIST += \
	tests/golden/convoy.txt tests/golden/convoy.json tests/golden/convoy.folded \
	tests/golden/damaged.txt tests/golden/damaged.json tests/golden/damaged.folded \
	tests/golden/empty.txt tests/golden/empty.json tests/golden/empty.folded \
	tests/golden/hostile.txt tests/golden/hostile.json tests/golden/hostile.folded \
	tests/golden/no-stall.txt tests/golden/no-stall.json tests/golden/no-stall.folded

# Not tests: figures (bench), and a program for files to try, or for libFuzzer with
# CC=clang CFLAGS="-fsanitize=fuzzer-no-link -DFT_LIBFUZZER".
EXTRA_PROGRAMS = tests/bench/bench_encode tests/bench/bench_analyze tests/bench/bench_modes \
	tests/bench/bench_waiters tests/fuzz/fuzz_reader
EXTRA_DIST += tests/bench/bench_perf_sched.sh
# So that they do not rot.
check-local: $(EXTRA_PROGRAMS)
CLEANFILES += $(EXTRA_PROGRAMS)
tests_bench_bench_encode_SOURCES = tests/bench/bench_encode.c
tests_bench_bench_encode_LDADD = capture/libcapture.a $(ZLIB_LIBS)
tests_bench_bench_analyze_SOURCES = tests/bench/bench_analyze.c
tests_bench_bench_analyze_LDADD = $(ANALYZER_LIBS)
tests_bench_bench_modes_SOURCES = tests/bench/bench_modes.c
tests_bench_bench_waiters_SOURCES = tests/bench/bench_waiters.c
tests_bench_bench_waiters_LDADD = $(ANALYZER_UNIT_LIBS) -lm
tests_fuzz_fuzz_reader_SOURCES = tests/fuzz/fuzz_reader.c
tests_fuzz_fuzz_reader_LDADD = capture/libcapture.a $(ZLIB_LIBS)
