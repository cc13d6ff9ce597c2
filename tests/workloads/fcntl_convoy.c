/* SPDX-License-Identifier: Apache-2.0 */
/* A lock of a file (fcntl), held by a thread that sleeps. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>

#include "tests/workloads/file_lock.h"

static void set_lock(int fd, bool locked)
{
	struct flock lock = { .l_type = locked ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLKW, &lock))
		abort();
}

int main(int argc, char **argv)
{
	return file_lock_main(argc, argv, "A thread holds a lock of a file (fcntl) that all need.",
			      set_lock);
}
