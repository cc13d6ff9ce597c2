/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a record of the kernel from its beginning. Both functions return false, and take nothing,
 * where the record has fewer bytes left.
 */
#ifndef RECORDER_RECORD_RECORD_CURSOR_H
#define RECORDER_RECORD_RECORD_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The unread part of a record. */
struct cursor {
	const uint8_t *at, *end;
};

static inline bool take_bytes(struct cursor *cursor, void *ret_value, size_t bytes)
{
	if ((size_t)(cursor->end - cursor->at) < bytes)
		return false;
	memcpy(ret_value, cursor->at, bytes);
	cursor->at += bytes;
	return true;
}

static inline bool take_block(struct cursor *cursor, size_t bytes, const void **ret_block)
{
	if ((size_t)(cursor->end - cursor->at) < bytes)
		return false;
	*ret_block = cursor->at;
	cursor->at += bytes;
	return true;
}

#endif
