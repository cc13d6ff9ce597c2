/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole files of unknown size: those of /proc and tracefs report a size of 0.
 */
#ifndef RECORDER_BASE_READ_FILE_H
#define RECORDER_BASE_READ_FILE_H

#include <stddef.h>

/**
 * read_file() - the text of the file @path in the directory @dir_fd, as openat() finds it.
 *
 * @ret_text: malloc'ed, and ends with a zero that @ret_bytes does not count.
 *
 * Return: 0, -EFBIG (more than @bytes_max), -ENOMEM, or the errno of open or read.
 */
int read_file(int dir_fd, const char *path, size_t bytes_max, char **ret_text, size_t *ret_bytes);

#endif
