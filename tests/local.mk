# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

# capture/
CAPTURE_TEST_LIBS = capture/libcapture.a $(ZLIB_LIBS) $(UNIT_LIBS)
GUARD_SOURCES = tests/unit/guard.c tests/unit/guard.h
SAMPLE_EVENTS_SOURCES = tests/unit/sample_events.c tests/unit/sample_events.h
SAMPLE_CAPTURE_SOURCES = tests/unit/sample_capture.c tests/unit/sample_capture.h

check_PROGRAMS += tests/unit/test_segment
TESTS += tests/unit/test_segment
tests_unit_test_segment_SOURCES = tests/unit/test_segment.c $(GUARD_SOURCES)
tests_unit_test_segment_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_encoder
TESTS += tests/unit/test_encoder
tests_unit_test_encoder_SOURCES = tests/unit/test_encoder.c $(GUARD_SOURCES) $(SAMPLE_EVENTS_SOURCES)
tests_unit_test_encoder_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_writer
TESTS += tests/unit/test_writer
tests_unit_test_writer_SOURCES = tests/unit/test_writer.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_writer_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_reader
TESTS += tests/unit/test_reader
tests_unit_test_reader_SOURCES = tests/unit/test_reader.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_reader_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_facts
TESTS += tests/unit/test_facts
tests_unit_test_facts_SOURCES = tests/unit/test_facts.c $(GUARD_SOURCES)
tests_unit_test_facts_LDADD = $(CAPTURE_TEST_LIBS)

check_PROGRAMS += tests/unit/test_symbols
TESTS += tests/unit/test_symbols
tests_unit_test_symbols_SOURCES = tests/unit/test_symbols.c $(GUARD_SOURCES) $(SAMPLE_EVENTS_SOURCES)
tests_unit_test_symbols_LDADD = $(CAPTURE_TEST_LIBS)

# reads $(srcdir)/doc/FORMAT.md; automake gives the test srcdir
EXTRA_DIST += doc/FORMAT.md
check_PROGRAMS += tests/unit/test_format
TESTS += tests/unit/test_format
tests_unit_test_format_SOURCES = tests/unit/test_format.c $(SAMPLE_CAPTURE_SOURCES) \
	$(SAMPLE_EVENTS_SOURCES)
tests_unit_test_format_LDADD = $(CAPTURE_TEST_LIBS)

# not a test: prints figures
EXTRA_PROGRAMS = tests/bench/bench_encode tests/fuzz/fuzz_reader
tests_bench_bench_encode_SOURCES = tests/bench/bench_encode.c
tests_bench_bench_encode_LDADD = capture/libcapture.a $(ZLIB_LIBS)

# files to try are arguments; for libFuzzer: CC=clang CFLAGS="-fsanitize=fuzzer-no-link -DFT_LIBFUZZER"
tests_fuzz_fuzz_reader_SOURCES = tests/fuzz/fuzz_reader.c
tests_fuzz_fuzz_reader_LDADD = capture/libcapture.a $(ZLIB_LIBS)
