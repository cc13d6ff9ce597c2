# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

# capture/
CAPTURE_TEST_LIBS = capture/libcapture.a $(ZLIB_LIBS) $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_segment tests/unit/test_encoder
TESTS += tests/unit/test_segment tests/unit/test_encoder
tests_unit_test_segment_SOURCES = tests/unit/test_segment.c tests/unit/guard.c tests/unit/guard.h
tests_unit_test_segment_LDADD = $(CAPTURE_TEST_LIBS)
tests_unit_test_encoder_SOURCES = tests/unit/test_encoder.c tests/unit/guard.c tests/unit/guard.h \
	tests/unit/sample_events.c tests/unit/sample_events.h
tests_unit_test_encoder_LDADD = $(CAPTURE_TEST_LIBS)
