/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as they lie in a file: little-endian words and varints.
 *
 * A varint holds 7 bits a byte, least significant first; the top bit of a byte says that another
 * follows.
 * A signed number is zigzagged first, so that small ones of either sign stay short.
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

/* The 7 bits of each byte of @word, of which the first @bits bits are a number. */
static inline uint64_t ft_join_varint(uint64_t word, unsigned int bits)
{
	word &= UINT64_MAX >> (64 - bits);
	word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
	word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
	return (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
}

/* ft_get_varint() of a number of any length, byte by byte. */
bool ft_get_long_varint(struct ft_bytes *bytes, uint64_t *ret_value);

/* false: the bytes end inside the number, or it has more than 64 bits. */
static inline bool ft_get_varint(struct ft_bytes *bytes, uint64_t *ret_value)
{
	uint64_t word, stop;

	if (ft_bytes_left(bytes) < sizeof(word))
		return ft_get_long_varint(bytes, ret_value);
	/* Most numbers have one or two bytes, and nearly all of the others at most 8. */
	if (bytes->next[0] < 0x80) {
		*ret_value = *bytes->next++;
		return true;
	}
	if (bytes->next[1] < 0x80) {
		*ret_value = (bytes->next[0] & 0x7fu) | (uint64_t)bytes->next[1] << 7;
		bytes->next += 2;
		return true;
	}
	word = ft_get_le64(bytes->next);
	stop = ~word & 0x8080808080808080;
	if (!stop)
		return ft_get_long_varint(bytes, ret_value);
	*ret_value = ft_join_varint(word, (unsigned int)__builtin_ctzll(stop) + 1);
	bytes->next += (unsigned int)__builtin_ctzll(stop) / 8 + 1;
	return true;
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
