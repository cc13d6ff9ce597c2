# Tests on a running kernel: they need root and skip, with the reason, without it.
# tests/live/lib.sh runs them one at a time.
check_PROGRAMS += tests/live/compare_truth
tests_live_compare_truth_SOURCES = tests/live/compare_truth.c
tests_live_compare_truth_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_live_compare_truth_LDADD = $(JANSSON_LIBS)

KERNEL_SOURCES = tests/live/kernel.c tests/live/kernel.h

check_PROGRAMS += tests/live/modes_lose_nothing
tests_live_modes_lose_nothing_SOURCES = tests/live/modes_lose_nothing.c $(KERNEL_SOURCES)
tests_live_modes_lose_nothing_LDADD = $(RECORDER_LIBS)

check_PROGRAMS += tests/live/governor_steps
tests_live_governor_steps_SOURCES = tests/live/governor_steps.c $(KERNEL_SOURCES)
tests_live_governor_steps_LDADD = $(RECORDER_LIBS)

check_PROGRAMS += tests/live/burners
tests_live_burners_SOURCES = tests/live/burners.c
tests_live_burners_LDFLAGS = -pthread

# Preloaded into a recorder whose clock steps.
check_DATA += tests/live/stepping_clock.so
EXTRA_DIST += tests/live/stepping_clock.c
CLEANFILES += tests/live/stepping_clock.so
tests/live/stepping_clock.so: tests/live/stepping_clock.c
	$(AM_V_CCLD)$(CC) $(DEFAULT_INCLUDES) $(CPPFLAGS) -O2 -Wall -Wextra -fPIC -shared -o $@ \
		$(srcdir)/tests/live/stepping_clock.c

# For make soak alone: a figure that only a quiet host can give.
SOAK_ONLY_TESTS = tests/live/arm-quiet-cost.sh

# Those that have a long form, for make soak.
SOAK_TESTS = $(SOAK_ONLY_TESTS) \
	tests/live/arm-holds-the-onset.sh \
	tests/live/arm-kill-9.sh \
	tests/live/arm-late-trigger.sh \
	tests/live/arm-many-triggers.sh \
	tests/live/arm-redis-stopped.sh

LIVE_TESTS = \
	tests/live/modes_lose_nothing \
	tests/live/arm-clock-steps-back.sh \
	tests/live/arm-frozen.sh \
	tests/live/governor_steps \
	tests/live/arm-holds-the-onset.sh \
	tests/live/arm-kill-9.sh \
	tests/live/arm-late-trigger.sh \
	tests/live/arm-lazy-names-the-culprit.sh \
	tests/live/arm-many-triggers.sh \
	tests/live/arm-mutex-names-the-culprit.sh \
	tests/live/arm-opens-no-dangerous-file.sh \
	tests/live/arm-pid-follows-forks.sh \
	tests/live/arm-redis-busy-script.sh \
	tests/live/arm-redis-debug-sleep.sh \
	tests/live/arm-redis-stopped.sh \
	tests/live/arm-survives.sh \
	tests/live/arm-under-stress.sh \
	tests/live/arm-until-answered.sh \
	tests/live/bad-input.sh \
	tests/live/capture-while-starved.sh \
	tests/live/demo-names-the-culprit.sh \
	tests/live/kernel-log-of-others-is-not-recorded.sh \
	tests/live/killed-recorder-leaves-a-report.sh \
	tests/live/law-of-conservation.sh \
	tests/live/manual-examples.sh \
	tests/live/mmap-lock-events-name-the-owner.sh \
	tests/live/names-hidden.sh \
	tests/live/no-bpf-syscall.sh \
	tests/live/preallocate-is-no-stall.sh \
	tests/live/small-rings-report-loss.sh \
	tests/live/stress-loses-nothing.sh
TESTS += $(LIVE_TESTS)
EXTRA_DIST += $(filter %.sh,$(LIVE_TESTS) $(SOAK_ONLY_TESTS)) tests/live/lib.sh tests/live/lib-arm.sh
EXTRA_DIST += tests/soak.sh
CLEANFILES += tests/live/lock tests/live/*.soak.log
