/* SPDX-License-Identifier: Apache-2.0 */
/* A lock of a file (flock), held by a thread that sleeps. */
#include "config.h"

#include <stdlib.h>
#include <sys/file.h>

#include "tests/workloads/file_lock.h"

static void set_lock(int fd, bool locked)
{
	if (flock(fd, locked ? LOCK_EX : LOCK_UN))
		abort();
}

int main(int argc, char **argv)
{
	return file_lock_main(argc, argv, "A thread holds a lock of a file (flock) that all need.",
			      set_lock);
}
