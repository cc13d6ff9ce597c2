/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rare half of reading varints; bytes.h has the other.
 */
#include "capture/bytes.h"

bool ft_get_long_varint(struct ft_bytes *bytes, uint64_t *ret_value)
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
