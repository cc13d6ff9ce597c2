/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/explain/wait_spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/human.h"

#define NS_PER_S 1000000000ull
#define DAY_NS	 (24 * 3600 * NS_PER_S)

/* Larger offsets count as 0, as in human.c. */
#define EARTHLY_OFFSET_S (18 * 3600)

/* A report cuts its times to milliseconds, so what a time names begins up to one later. */
#define PRINTED_NS 1000000ull

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read exactly two digits below @limit and, unless it is 0, the character @behind them. */
static bool parse_two_digits(const char **text, unsigned int limit, char behind,
			     unsigned int *ret_value)
{
	const char *at = *text;

	if (!is_digit(at[0]) || !is_digit(at[1]) || (behind && at[2] != behind))
		return false;
	*ret_value = (unsigned int)(at[0] - '0') * 10 + (unsigned int)(at[1] - '0');
	*text = at + 2 + (behind != 0);
	return *ret_value < limit;
}

/* Read "HH:MM:SS" and an optional fraction of the second. */
static int parse_time_of_day(const char *text, uint64_t *ret_ns)
{
	unsigned int hour, minute, second;
	uint64_t place = NS_PER_S / 10, fraction = 0;

	if (!parse_two_digits(&text, 24, ':', &hour) ||
	    !parse_two_digits(&text, 60, ':', &minute) || !parse_two_digits(&text, 60, 0, &second))
		return -EINVAL;
	if (*text == '.' && is_digit(text[1]))
		for (text++; is_digit(*text); text++, place /= 10)
			fraction += place * (uint64_t)(*text - '0');
	if (*text)
		return -EINVAL;
	*ret_ns = ((hour * 60 + minute) * 60 + second) * NS_PER_S + fraction;
	return 0;
}

/* Read a duration; a number without a unit is seconds. */
static int parse_since_start(const char *text, uint64_t *ret_ns)
{
	char with_unit[64];
	size_t bytes = strlen(text);

	if (!bytes || bytes + 2 > sizeof(with_unit))
		return -EINVAL;
	memcpy(with_unit, text, bytes + 1);
	if (is_digit(text[bytes - 1]))
		memcpy(with_unit + bytes, "s", 2);
	return human_parse_duration(with_unit, ret_ns) ? -EINVAL : 0;
}

int wait_spec_parse(const char *text, struct wait_spec *ret_spec)
{
	struct wait_spec spec = { 0 };
	char *end;
	long tid;
	int r = 0;

	if (!is_digit(*text))
		return -EINVAL;
	errno = 0;
	tid = strtol(text, &end, 10);
	if (errno || tid <= 0 || tid > INT32_MAX || (*end && *end != ':'))
		return -EINVAL;
	spec.tid = (int32_t)tid;
	if (*end) {
		spec.has_time = true;
		spec.of_day = strchr(end + 1, ':');
		r = spec.of_day ? parse_time_of_day(end + 1, &spec.at_ns)
				: parse_since_start(end + 1 + (end[1] == '+'), &spec.at_ns);
	}
	if (!r)
		*ret_spec = spec;
	return r;
}

/* Return: the ns from midnight, where the host was, to the start of the capture. */
static uint64_t start_time_of_day(int64_t start_realtime_ns, int32_t utc_offset_s)
{
	int64_t of_day = start_realtime_ns % (int64_t)DAY_NS;

	if (utc_offset_s >= -EARTHLY_OFFSET_S && utc_offset_s <= EARTHLY_OFFSET_S)
		of_day += utc_offset_s * (int64_t)NS_PER_S;
	of_day %= (int64_t)DAY_NS;
	return (uint64_t)(of_day < 0 ? of_day + (int64_t)DAY_NS : of_day);
}

int wait_spec_since_start(const struct wait_spec *spec, int64_t start_realtime_ns,
			  int32_t utc_offset_s, uint64_t duration_ns, uint64_t *ret_ns)
{
	uint64_t at_ns = spec->at_ns;

	if (spec->of_day && !start_realtime_ns)
		return -ENODATA;
	if (spec->of_day) {
		at_ns = (at_ns + DAY_NS - start_time_of_day(start_realtime_ns, utc_offset_s)) %
			DAY_NS;
		if (at_ns > DAY_NS - PRINTED_NS)
			at_ns = 0;
	}
	if (at_ns > duration_ns)
		return -ERANGE;
	*ret_ns = at_ns;
	return 0;
}
