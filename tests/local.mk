# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_human
TESTS += tests/unit/test_human
tests_unit_test_human_SOURCES = tests/unit/test_human.c
tests_unit_test_human_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_json
TESTS += tests/unit/test_json
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_json_LDADD = $(ANALYZER_LIBS) $(JANSSON_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_terminal
TESTS += tests/unit/test_terminal
tests_unit_test_terminal_SOURCES = tests/unit/test_terminal.c
tests_unit_test_terminal_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_calls
TESTS += tests/unit/test_calls
tests_unit_test_calls_SOURCES = tests/unit/test_calls.c
tests_unit_test_calls_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_ownership
TESTS += tests/unit/test_ownership
tests_unit_test_ownership_SOURCES = tests/unit/test_ownership.c
tests_unit_test_ownership_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_stall
TESTS += tests/unit/test_stall
tests_unit_test_stall_SOURCES = tests/unit/test_stall.c
tests_unit_test_stall_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_analysis
TESTS += tests/unit/test_analysis
tests_unit_test_analysis_SOURCES = tests/unit/test_analysis.c tests/unit/scene.c tests/unit/scene.h
tests_unit_test_analysis_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)
