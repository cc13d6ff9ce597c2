# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_timeline
TESTS += tests/unit/test_timeline
tests_unit_test_timeline_SOURCES = tests/unit/test_timeline.c
tests_unit_test_timeline_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_timeline_law
TESTS += tests/unit/test_timeline_law
tests_unit_test_timeline_law_SOURCES = tests/unit/test_timeline_law.c
tests_unit_test_timeline_law_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_losses
TESTS += tests/unit/test_losses
tests_unit_test_losses_SOURCES = tests/unit/test_losses.c
tests_unit_test_losses_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_merge
TESTS += tests/unit/test_merge
tests_unit_test_merge_SOURCES = tests/unit/test_merge.c
tests_unit_test_merge_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_stacks
TESTS += tests/unit/test_stacks
tests_unit_test_stacks_SOURCES = tests/unit/test_stacks.c
tests_unit_test_stacks_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_threads
TESTS += tests/unit/test_threads
tests_unit_test_threads_SOURCES = tests/unit/test_threads.c
tests_unit_test_threads_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)

check_PROGRAMS += tests/unit/test_source
TESTS += tests/unit/test_source
tests_unit_test_source_SOURCES = tests/unit/test_source.c
tests_unit_test_source_LDADD = $(ANALYZER_LIBS) $(UNIT_LIBS)
