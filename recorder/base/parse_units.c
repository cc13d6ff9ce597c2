/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/parse_units.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DURATION_MAX_NS (100.0 * 365 * 24 * 3600 * 1e9)

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit DURATION_UNITS[] = {
	{ "", 1000000000 },
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000 },
	{ "m", 60 * 1000000000ull },
	{ "min", 60 * 1000000000ull },
	{ "h", 3600 * 1000000000ull },
};

static const struct unit SIZE_UNITS[] = {
	{ "", 1 },	    { "b", 1 },	       { "k", 1 << 10 },   { "kb", 1 << 10 },
	{ "kib", 1 << 10 }, { "m", 1 << 20 },  { "mb", 1 << 20 },  { "mib", 1 << 20 },
	{ "g", 1 << 30 },   { "gb", 1 << 30 }, { "gib", 1 << 30 },
};

static uint64_t find_factor(const struct unit *units, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcasecmp(units[i].name, name))
			return units[i].factor;
	return 0;
}

int parse_duration(const char *text, uint64_t *ret_ns)
{
	/* strtod() would also take signs, hexadecimal, "inf" and leading blanks. */
	size_t digits = strspn(text, "0123456789.");
	if (!digits || text[0] == '.')
		return -EINVAL;

	char *end;
	double value = strtod(text, &end);
	if (end != text + digits)
		return -EINVAL;
	uint64_t factor = find_factor(DURATION_UNITS,
				      sizeof(DURATION_UNITS) / sizeof(DURATION_UNITS[0]), end);
	if (!factor)
		return -EINVAL;
	if (value * (double)factor > DURATION_MAX_NS)
		return -ERANGE;
	*ret_ns = (uint64_t)(value * (double)factor + 0.5);
	return 0;
}

int parse_size(const char *text, size_t *ret_bytes)
{
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;

	char *end;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	uint64_t factor = find_factor(SIZE_UNITS, sizeof(SIZE_UNITS) / sizeof(SIZE_UNITS[0]), end);
	if (!factor)
		return -EINVAL;
	size_t bytes;
	if (__builtin_mul_overflow(value, factor, &bytes))
		return -ERANGE;
	*ret_bytes = bytes;
	return 0;
}
