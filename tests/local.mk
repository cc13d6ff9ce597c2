# Unit tests are cmocka programs, one a module, called tests/unit/test_<module>.
# Workloads are programs that freeze in a known way and say the truth.
UNIT_LIBS = $(CMOCKA_LIBS)

include tests/workloads/local.mk
include tests/live/local.mk

TESTS += tests/cli/recorder-options.sh
EXTRA_DIST += tests/cli/recorder-options.sh
