# Tests on a running kernel: they need root and skip, with the reason, without it.
# A lock lets them run one at a time (tests/live/lib.sh); check.sh, which sets LIVE_CALM, two calm ones.
check_PROGRAMS += tests/live/compare_truth
tests_live_compare_truth_SOURCES = tests/live/compare_truth.c
tests_live_compare_truth_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_live_compare_truth_LDADD = $(JANSSON_LIBS)

KERNEL_SOURCES = tests/live/kernel.c tests/live/kernel.h

check_PROGRAMS += tests/live/modes_lose_nothing
tests_live_modes_lose_nothing_SOURCES = tests/live/modes_lose_nothing.c $(KERNEL_SOURCES)
tests_live_modes_lose_nothing_LDADD = $(RECORDER_LIBS)

check_PROGRAMS += tests/live/sampled_stacks
tests_live_sampled_stacks_SOURCES = tests/live/sampled_stacks.c $(KERNEL_SOURCES)
tests_live_sampled_stacks_LDADD = $(RECORDER_LIBS)

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

# Three lists for check.sh. In each the longest come first.

# Beside builds. They look at exit statuses, messages, files that stay whole and numbers that must add up: not at how soon
# something runs, nor at why a service was slow, nor at memory. Most load the CPUs themselves, so that they are not calm.
LIVE_TESTS_BESIDE_BUILDS = \
	tests/live/arm-survives.sh \
	tests/live/arm-kill-9.sh \
	tests/live/bad-input.sh \
	tests/live/small-rings-report-loss.sh \
	tests/live/no-bpf-syscall.sh \
	tests/live/arm-clock-steps-back.sh \
	tests/live/kernel-log-of-others-is-not-recorded.sh

# Two at a time, calm ones: they wait most of their time, and take a CPU for three seconds at most. What they look at is a
# service of their own, of one thread, which is stopped, sleeps or computes: a second such test leaves it a CPU. The
# first one looks at the host, and needs one that makes few events, as those beside it do.
LIVE_TESTS_CALM = \
	tests/live/governor_steps \
	tests/live/manual-examples.sh \
	tests/live/arm-mutex-names-the-culprit.sh \
	tests/live/both-ends-of-a-wait.sh \
	tests/live/arm-redis-busy-script.sh \
	tests/live/arm-redis-debug-sleep.sh \
	tests/live/arm-pid-follows-forks.sh \
	tests/live/arm-frozen.sh \
	tests/live/arm-until-answered.sh \
	tests/live/names-hidden.sh

# Alone. They freeze a service of many threads in gigabytes of memory, and compare what the report says of its time with
# what it measured; or they load every CPU, and nothing may be lost, late or slow. The first looks at the memory of a
# recorder that remembers every thread it saw: thousands, beside builds.
LIVE_TESTS_ALONE = \
	tests/live/arm-many-triggers.sh \
	tests/live/arm-holds-the-onset.sh \
	tests/live/arm-redis-stopped.sh \
	tests/live/demo-names-the-culprit.sh \
	tests/live/arm-under-stress.sh \
	tests/live/arm-lazy-names-the-culprit.sh \
	tests/live/stress-loses-nothing.sh \
	tests/live/mmap-lock-events-name-the-owner.sh \
	tests/live/killed-recorder-leaves-a-report.sh \
	tests/live/preallocate-is-no-stall.sh \
	tests/live/law-of-conservation.sh \
	tests/live/arm-opens-no-dangerous-file.sh \
	tests/live/sampled_stacks \
	tests/live/arm-lock-names-the-waker.sh \
	tests/live/arm-late-trigger.sh \
	tests/live/capture-while-starved.sh \
	tests/live/modes_lose_nothing

LIVE_TESTS = $(LIVE_TESTS_BESIDE_BUILDS) $(LIVE_TESTS_CALM) $(LIVE_TESTS_ALONE)
TESTS += $(LIVE_TESTS)
EXTRA_DIST += $(filter %.sh,$(LIVE_TESTS) $(SOAK_ONLY_TESTS)) tests/live/lib.sh tests/live/lib-arm.sh
EXTRA_DIST += tests/soak.sh
CLEANFILES += tests/live/lock tests/live/*.soak.log
