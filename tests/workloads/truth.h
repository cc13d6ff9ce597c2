/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a workload says the truth about itself: one JSON object a line on
 * standard output, times in ns of CLOCK_MONOTONIC, the clock of a capture.
 *
 * A workload is one source file, so this is a header of static functions.
 * Texts put into a line are the workload's own and need no escaping.
 */
#ifndef TESTS_WORKLOADS_TRUTH_H
#define TESTS_WORKLOADS_TRUTH_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t truth_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/*
 * Print one line in one write, so that lines of threads do not mix. Takes no
 * lock and allocates nothing: saying the truth must not add to a freeze.
 */
__attribute__((format(printf, 1, 2))) static inline void truth_print(const char *format, ...)
{
	char line[512];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(line) - 1)
		abort();
	line[length++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)length) != length)
		_exit(EXIT_FAILURE); /* nobody listens any more */
}

#endif
