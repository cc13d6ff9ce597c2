/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct guard guard_copy(const void *bytes, size_t count)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages_bytes = (count + page - 1) / page * page;
	struct guard guard = { .mapping_bytes = pages_bytes + page };

	guard.mapping = mmap(NULL, guard.mapping_bytes, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(guard.mapping != MAP_FAILED);
	assert_int_equal(mprotect((uint8_t *)guard.mapping + pages_bytes, page, PROT_NONE), 0);
	guard.bytes = (uint8_t *)guard.mapping + pages_bytes - count;
	if (bytes && count > 0)
		memcpy(guard.bytes, bytes, count);
	return guard;
}

void guard_free(struct guard *guard)
{
	munmap(guard->mapping, guard->mapping_bytes);
}
