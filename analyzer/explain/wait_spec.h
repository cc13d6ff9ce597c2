/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The argument of --explain, "TID" or "TID:TIME": which wait is to be explained.
 */
#ifndef ANALYZER_EXPLAIN_WAIT_SPEC_H
#define ANALYZER_EXPLAIN_WAIT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

struct wait_spec {
	int32_t tid;
	bool has_time;
	bool of_day;		/* at_ns counts from midnight where the host was */
	uint64_t at_ns;		/* else from the start of the capture */
};

/**
 * wait_spec_parse() - read "31519", "31519:2.5", "31519:2.5s", "31519:00:18:27.204".
 *
 * Return: 0 or -EINVAL.
 */
int wait_spec_parse(const char *text, struct wait_spec *ret_spec);

/**
 * wait_spec_since_start() - turn the time of @spec into ns since the start of the capture.
 *
 * @start_realtime_ns: of the capture; 0: not known.
 *
 * A time of day is the first one after the start, so the capture may go past midnight.
 *
 * Return: 0, -ENODATA (@spec is a time of day, and the capture does not know its own),
 * -ERANGE (the time is not in the capture).
 */
int wait_spec_since_start(const struct wait_spec *spec, int64_t start_realtime_ns,
			  int32_t utc_offset_s, uint64_t duration_ns, uint64_t *ret_ns);

#endif
