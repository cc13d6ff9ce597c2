/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The characters of text that may hold any bytes.
 */
#include "analyzer/util/utf8.h"

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t character)
{
	for (size_t i = 0; i < count; i++)
		if (character >= ranges[i].first && character <= ranges[i].last)
			return true;
	return false;
}
#define IN_RANGES(ranges, character) \
	in_ranges(ranges, sizeof(ranges) / sizeof(*(ranges)), character)

size_t utf8_decode(const char *text, uint32_t *ret_character)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t character;
	size_t length;

	if (bytes[0] == 0)
		return 0;
	if (bytes[0] < 0x80) {
		*ret_character = bytes[0];
		return 1;
	}
	length = (bytes[0] & 0xe0) == 0xc0   ? 2
		 : (bytes[0] & 0xf0) == 0xe0 ? 3
		 : (bytes[0] & 0xf8) == 0xf0 ? 4
					     : 0;
	if (length == 0)
		return 0;
	character = bytes[0] & (0x7fU >> length);
	for (size_t i = 1; i < length; i++) { /* the terminating zero is no continuation */
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3f);
	}
	if (character < smallest[length] || character > 0x10ffff ||
	    (character >= 0xd800 && character <= 0xdfff))
		return 0;
	*ret_character = character;
	return length;
}

bool utf8_visible(uint32_t character)
{
	static const struct range invisible[] = {
		{ 0x00, 0x1f },	       { 0x7f, 0x9f },	   { 0xad, 0xad },     { 0x61c, 0x61c },
		{ 0x115f, 0x1160 },    { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f },    { 0x3164, 0x3164 }, { 0xd800, 0xf8ff }, { 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },    { 0xffa0, 0xffa0 }, { 0xfff0, 0xfffb }, { 0xfffe, 0xffff },
		{ 0xe0000, 0x10ffff },
	};

	return !IN_RANGES(invisible, character);
}

unsigned int utf8_columns(uint32_t character)
{
	static const struct range combining[] = {
		{ 0x300, 0x36f },   { 0x483, 0x489 },	{ 0x591, 0x5bd },   { 0x64b, 0x65f },
		{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff }, { 0xfe20, 0xfe2f },
	};
	static const struct range wide[] = {
		{ 0x1100, 0x115f },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },
		{ 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },   { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};

	if (character < 0x300)
		return 1;
	return IN_RANGES(combining, character) ? 0 : IN_RANGES(wide, character) ? 2 : 1;
}
