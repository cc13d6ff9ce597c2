# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test_waitrules
TESTS += tests/unit/test_waitrules
tests_unit_test_waitrules_SOURCES = tests/unit/test_waitrules.c
tests_unit_test_waitrules_LDADD = analyzer/libanalyzer.a $(UNIT_LIBS)
