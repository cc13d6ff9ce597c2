/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for whose lock of a file, as /proc/locks has it. It is recorded as the text of a note, so
 * that every reader can show it.
 */
#ifndef FT_CAPTURE_FILELOCK_H
#define FT_CAPTURE_FILELOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FT_NOTE_FILE_LOCK "file lock: "
#define FT_FILELOCK_TEXT_BYTES 128

enum ft_filelock_kind { FT_FILELOCK_FLOCK, FT_FILELOCK_POSIX, FT_FILELOCK_OFD, FT_FILELOCK_KINDS };

struct ft_filelock {
	enum ft_filelock_kind kind;
	uint32_t major, minor;	/* of the device that the file is on */
	uint64_t inode;
	int32_t waiter, holder;	/* processes; 0: not known, as of the locks of open files (OFD) */
};

/* "file lock: flock 08:01:1234 wanted by 5, held by 6" */
void ft_filelock_text(const struct ft_filelock *lock, char ret_text[FT_FILELOCK_TEXT_BYTES]);

/* Return: whether @text is one of those. */
bool ft_filelock_parse(const char *text, struct ft_filelock *ret_lock);

#endif
