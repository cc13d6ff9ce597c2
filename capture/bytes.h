/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as they lie in a file: little-endian words and varints.
 *
 * A varint holds 7 bits a byte, least significant first; the top bit says that more follow.
 * Signed numbers are zigzagged first, so that small ones of either sign stay short.
 * Differences wrap at 64 bits, hence any pair of numbers has one.
 */
#ifndef FT_CAPTURE_BYTES_H
#define FT_CAPTURE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FT_VARINT_BYTES_MAX 10 /* of a 64-bit number */

static inline uint32_t ft_get_le32(const void *from)
{
	uint32_t word;

	memcpy(&word, from, sizeof(word));
	return le32toh(word);
}

static inline uint64_t ft_get_le64(const void *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return le64toh(word);
}

static inline void ft_put_le32(void *to, uint32_t value)
{
	uint32_t word = htole32(value);

	memcpy(to, &word, sizeof(word));
}

static inline void ft_put_le64(void *to, uint64_t value)
{
	uint64_t word = htole64(value);

	memcpy(to, &word, sizeof(word));
}

static inline uint64_t ft_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t ft_unzigzag(uint64_t value)
{
	return (int64_t)((value >> 1) ^ -(value & 1));
}

/* @to: FT_VARINT_BYTES_MAX bytes of room. Return: the byte after the number. */
static inline uint8_t *ft_put_varint(uint8_t *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	*to++ = (uint8_t)value;
	return to;
}

static inline uint8_t *ft_put_signed(uint8_t *to, int64_t value)
{
	return ft_put_varint(to, ft_zigzag(value));
}

/* Bytes from outside, being read. */
struct ft_bytes {
	const uint8_t *next, *end;
};

static inline size_t ft_bytes_left(const struct ft_bytes *bytes)
{
	return (size_t)(bytes->end - bytes->next);
}

/* false: the bytes end inside the number, or it has more than 64 bits. */
static inline bool ft_get_varint(struct ft_bytes *bytes, uint64_t *ret_value)
{
	const uint8_t *next = bytes->next;
	uint64_t value = 0;
	unsigned int shift;

	for (shift = 0; shift < 64 && next < bytes->end; shift += 7) {
		uint8_t byte = *next++;

		if (shift == 63 && byte > 1)
			return false;
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			bytes->next = next;
			*ret_value = value;
			return true;
		}
	}
	return false;
}

static inline bool ft_get_signed(struct ft_bytes *bytes, int64_t *ret_value)
{
	uint64_t value;

	if (!ft_get_varint(bytes, &value))
		return false;
	*ret_value = ft_unzigzag(value);
	return true;
}

/* A number of at most @max. */
static inline bool ft_get_bounded(struct ft_bytes *bytes, uint64_t max, uint32_t *ret_value)
{
	uint64_t value;

	if (!ft_get_varint(bytes, &value) || value > max)
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

/* @count bytes of text whose last one is its only zero. Borrowed from @bytes. */
static inline bool ft_get_text(struct ft_bytes *bytes, size_t count, const char **ret_text)
{
	const char *text = (const char *)bytes->next;

	if (count == 0 || count > ft_bytes_left(bytes) || strnlen(text, count) != count - 1)
		return false;
	bytes->next += count;
	*ret_text = text;
	return true;
}

#endif
