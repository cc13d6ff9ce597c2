/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/base/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BYTES_FIRST (64u << 10)

int read_file(int dir_fd, const char *path, size_t bytes_max, char **ret_text, size_t *ret_bytes)
{
	size_t bytes = 0, capacity = 0;
	char *text = NULL;
	ssize_t got = 1;
	int error = 0;

	int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (got) {
		if (capacity - bytes < 2) {
			capacity = capacity ? 2 * capacity : BYTES_FIRST;
			char *larger = realloc(text, capacity);
			if (!larger) {
				error = -ENOMEM;
				goto out;
			}
			text = larger;
		}
		got = read(fd, text + bytes, capacity - bytes - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 || bytes + (size_t)got > bytes_max) {
			error = got < 0 ? -errno : -EFBIG;
			goto out;
		}
		bytes += (size_t)got;
	}
	text[bytes] = '\0';
	*ret_text = text;
	*ret_bytes = bytes;
	text = NULL;
out:
	free(text);
	close(fd);
	return error;
}
