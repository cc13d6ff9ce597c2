/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as text for a person.
 */
#include "analyzer/util/human.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NS_PER_US	 1000ULL
#define NS_PER_MS	 1000000ULL
#define NS_PER_S	 1000000000ULL
#define NS_PER_MIN	 (60 * NS_PER_S)
#define NS_PER_H	 (60 * NS_PER_MIN)
#define UTC_OFFSET_S_MAX (18 * 3600)

/* Half rounds up. It does not overflow near the end of the range. */
static uint64_t divide_rounded(uint64_t value, uint64_t by)
{
	return value / by + (value % by >= by - value % by);
}

static void format_hours(struct human *human, uint64_t ns)
{
	uint64_t tenths = divide_rounded(ns, NS_PER_H / 10);

	if (tenths < 1000)
		snprintf(human->text, sizeof(human->text), "%" PRIu64 ".%" PRIu64 " h", tenths / 10,
			 tenths % 10);
	else
		snprintf(human->text, sizeof(human->text), "%" PRIu64 " h",
			 divide_rounded(ns, NS_PER_H));
}

static void format_seconds(struct human *human, uint64_t ns)
{
	uint64_t hundredths = divide_rounded(ns, NS_PER_S / 100);
	uint64_t tenths = divide_rounded(ns, NS_PER_S / 10);

	if (hundredths < 1000)
		snprintf(human->text, sizeof(human->text), "%" PRIu64 ".%02" PRIu64 " s",
			 hundredths / 100, hundredths % 100);
	else if (tenths < 1000)
		snprintf(human->text, sizeof(human->text), "%" PRIu64 ".%" PRIu64 " s", tenths / 10,
			 tenths % 10);
	else
		snprintf(human->text, sizeof(human->text), "%" PRIu64 " s",
			 divide_rounded(ns, NS_PER_S));
}

static void format_milliseconds(struct human *human, uint64_t ns)
{
	uint64_t tenths = divide_rounded(ns, NS_PER_MS / 10);

	if (tenths < 100 && tenths % 10)
		snprintf(human->text, sizeof(human->text), "%" PRIu64 ".%" PRIu64 " ms",
			 tenths / 10, tenths % 10);
	else
		snprintf(human->text, sizeof(human->text), "%" PRIu64 " ms",
			 divide_rounded(ns, NS_PER_MS));
}

struct human human_duration(uint64_t ns)
{
	struct human human = { "0" };

	/* Each unit ends where rounding would show 1000 of it. */
	if (ns >= 2 * NS_PER_H)
		format_hours(&human, ns);
	else if (divide_rounded(ns, NS_PER_MS) >= 1000)
		format_seconds(&human, ns);
	else if (divide_rounded(ns, NS_PER_US) >= 1000)
		format_milliseconds(&human, ns);
	else if (ns >= 1000)
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " us",
			 divide_rounded(ns, NS_PER_US));
	else if (ns)
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " ns", ns);
	return human;
}

struct human human_count(uint64_t count)
{
	struct human human = { "" };
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			human.text[used++] = ',';
		human.text[used++] = digits[i];
	}
	return human;
}

/* @bytes >> @shift with three digits, without zeros at the end. */
static void format_size(struct human *human, uint64_t bytes, unsigned int shift, const char *unit)
{
	double value = (double)bytes / (double)(1ULL << shift);
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
	int length = snprintf(human->text, sizeof(human->text), "%.*f", decimals, value);

	while (decimals && human->text[length - 1] == '0')
		length--, decimals--;
	if (human->text[length - 1] == '.')
		length--;
	snprintf(human->text + length, sizeof(human->text) - (size_t)length, " %s", unit);
}

struct human human_size(uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	struct human human = { "" };
	unsigned int unit = 0;

	if (bytes < 1024) {
		snprintf(human.text, sizeof(human.text), "%" PRIu64 " bytes", bytes);
		return human;
	}
	/* 1023.5 would be shown as 1024. */
	while (unit < 5 && (double)bytes / (double)(1ULL << (10 * (unit + 1))) >= 1023.5)
		unit++;
	format_size(&human, bytes, 10 * (unit + 1), units[unit]);
	return human;
}

struct human human_bytes(uint64_t bytes)
{
	struct human human = human_count(bytes);
	size_t used = strlen(human.text);

	if (bytes < 1024)
		return human_size(bytes);
	snprintf(human.text + used, sizeof(human.text) - used, " bytes (%.16s)",
		 human_size(bytes).text);
	return human;
}

struct human human_share(uint64_t part, uint64_t whole)
{
	struct human human = { "0 %" };
	double percent = whole ? 100.0 * (double)part / (double)whole : 0;

	if (part && part >= whole)
		snprintf(human.text, sizeof(human.text), "100 %%");
	else if (part && percent < 0.1)
		snprintf(human.text, sizeof(human.text), "<0.1 %%");
	else if (percent > 99.9)
		snprintf(human.text, sizeof(human.text), "99.9 %%");
	else if (part)
		snprintf(human.text, sizeof(human.text), "%.1f %%", percent);
	return human;
}

static int32_t limit_offset(int32_t utc_offset_s)
{
	return utc_offset_s >= -UTC_OFFSET_S_MAX && utc_offset_s <= UTC_OFFSET_S_MAX ? utc_offset_s
										     : 0;
}

/* As strftime(). Return: nanoseconds within the second. */
static int64_t format_time(struct human *human, const char *format, int64_t realtime_ns,
			   int32_t utc_offset_s)
{
	int64_t s = realtime_ns / (int64_t)NS_PER_S;
	int64_t ns = realtime_ns % (int64_t)NS_PER_S;
	time_t local;
	struct tm tm;

	if (ns < 0) {
		s--;
		ns += (int64_t)NS_PER_S;
	}
	local = s + limit_offset(utc_offset_s);
	gmtime_r(&local, &tm);
	strftime(human->text, sizeof(human->text), format, &tm);
	return ns;
}

struct human human_clock(int64_t realtime_ns, int32_t utc_offset_s)
{
	struct human human;
	int64_t ns = format_time(&human, "%H:%M:%S", realtime_ns, utc_offset_s);
	size_t used = strlen(human.text);

	snprintf(human.text + used, sizeof(human.text) - used, ".%03" PRId64,
		 ns / (int64_t)NS_PER_MS);
	return human;
}

struct human human_date(int64_t realtime_ns, int32_t utc_offset_s)
{
	struct human human;

	format_time(&human, "%Y-%m-%d", realtime_ns, utc_offset_s);
	return human;
}

static void format_offset(int32_t utc_offset_s, char *buffer, size_t buffer_bytes)
{
	int32_t offset_min = limit_offset(utc_offset_s) / 60;
	int32_t absolute = offset_min < 0 ? -offset_min : offset_min;

	snprintf(buffer, buffer_bytes, "%c%02d:%02d", offset_min < 0 ? '-' : '+', absolute / 60,
		 absolute % 60);
}

struct human human_rfc3339(int64_t realtime_ns, int32_t utc_offset_s)
{
	struct human human;
	int64_t ns = format_time(&human, "%Y-%m-%dT%H:%M:%S", realtime_ns, utc_offset_s);
	size_t used = strlen(human.text);
	char zone[32] = "Z";

	if (limit_offset(utc_offset_s))
		format_offset(utc_offset_s, zone, sizeof(zone));
	snprintf(human.text + used, sizeof(human.text) - used, ".%09" PRId64 "%s", ns, zone);
	return human;
}

struct human human_zone(int32_t utc_offset_s)
{
	struct human human = { "UTC" };

	if (limit_offset(utc_offset_s))
		format_offset(utc_offset_s, human.text, sizeof(human.text));
	return human;
}

static int parse_unit(const char *unit, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 },	   { "us", NS_PER_US },	  { "ms", NS_PER_MS },
		{ "s", NS_PER_S }, { "m", NS_PER_MIN },	  { "min", NS_PER_MIN },
		{ "h", NS_PER_H },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].name) == 0) {
			*ret_ns = units[i].ns;
			return 0;
		}
	}
	return -EINVAL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int human_parse_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t value = 0, scale, fraction = 0, place;
	const char *unit = text;

	while (is_digit(*unit))
		unit++;
	if (unit == text)
		return -EINVAL;
	if (*unit == '.' && is_digit(unit[1]))
		for (unit++; is_digit(*unit);)
			unit++;
	if (parse_unit(unit + (*unit == ' '), &scale))
		return -EINVAL;

	for (; is_digit(*text); text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return -ERANGE;
	if (*text == '.')
		for (text++, place = scale / 10; is_digit(*text); text++, place /= 10)
			fraction += place * (uint64_t)(*text - '0');
	if (__builtin_mul_overflow(value, scale, &value) ||
	    __builtin_add_overflow(value, fraction, &value))
		return -ERANGE;
	*ret_ns = value;
	return 0;
}
