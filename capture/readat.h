/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading at an offset, to the end.
 */
#ifndef FT_CAPTURE_READAT_H
#define FT_CAPTURE_READAT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

/* Return: number of bytes, less than @count only at the file's end; or a negative errno. */
static inline ssize_t ft_read_at(int fd, void *buf, size_t count, uint64_t offset)
{
	size_t done = 0;

	while (done < count) {
		ssize_t got = pread(fd, (uint8_t *)buf + done, count - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

#endif
