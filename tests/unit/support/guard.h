/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies that end at an unmapped page: one byte read too far is a crash.
 */
#ifndef TESTS_UNIT_SUPPORT_GUARD_H
#define TESTS_UNIT_SUPPORT_GUARD_H

#include <stddef.h>

struct guard {
	void *bytes; /* the copy; may be written */
	void *mapping;
	size_t mapping_bytes;
};

/* Asserts that there is memory. @bytes may be NULL: zeros. */
struct guard guard_copy(const void *bytes, size_t count);
void guard_free(struct guard *guard);

#endif
