# Programs that freeze in a known way and say the truth. Never sanitized: their
# stacks are part of what the tests look at, so they keep every frame.
WORKLOAD_CFLAGS = -std=gnu17 -Wall -Wextra -Wshadow $(WERROR_CFLAGS) \
	-fno-omit-frame-pointer -fno-optimize-sibling-calls

check_PROGRAMS += tests/workloads/hashmap_resize
tests_workloads_hashmap_resize_SOURCES = \
	tests/workloads/hashmap_resize.c \
	tests/workloads/truth.h
tests_workloads_hashmap_resize_CFLAGS = $(WORKLOAD_CFLAGS)
tests_workloads_hashmap_resize_LDFLAGS = -pthread
