/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waits for locks of files, written as the text of a note and parsed from it.
 */
#include "capture/filelock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const kinds[FT_FILELOCK_KINDS] = {
	[FT_FILELOCK_FLOCK] = "flock",
	[FT_FILELOCK_POSIX] = "posix",
	[FT_FILELOCK_OFD] = "ofd",
};

void ft_filelock_text(const struct ft_filelock *lock, char ret_text[FT_FILELOCK_TEXT_BYTES])
{
	snprintf(ret_text, FT_FILELOCK_TEXT_BYTES,
		 FT_NOTE_FILE_LOCK "%s %02" PRIx32 ":%02" PRIx32 ":%" PRIu64 " wanted by %" PRId32
				   ", held by %" PRId32,
		 kinds[lock->kind], lock->major, lock->minor, lock->inode, lock->waiter,
		 lock->holder);
}

bool ft_filelock_parse(const char *text, struct ft_filelock *ret_lock)
{
	struct ft_filelock lock = { 0 };
	char kind[8];
	int end = -1;

	if (sscanf(text,
		   FT_NOTE_FILE_LOCK "%7s %8" SCNx32 ":%8" SCNx32 ":%20" SCNu64
				     " wanted by %10" SCNd32 ", held by %10" SCNd32 "%n",
		   kind, &lock.major, &lock.minor, &lock.inode, &lock.waiter, &lock.holder,
		   &end) != 6 ||
	    end < 0 || text[end] || lock.waiter < 0 || lock.holder < 0)
		return false;
	while (strcmp(kind, kinds[lock.kind]) != 0)
		if (++lock.kind == FT_FILELOCK_KINDS)
			return false;
	*ret_lock = lock;
	return true;
}
