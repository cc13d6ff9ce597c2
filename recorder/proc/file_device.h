/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the file of a descriptor is on: from fdinfo and mountinfo, so that no file system is asked.
 */
#ifndef RECORDER_PROC_FILE_DEVICE_H
#define RECORDER_PROC_FILE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file_device {
	uint32_t major, minor;
	uint64_t inode;		/* 0: a kernel before 5.14 */
	char source[128];	/* what was mounted: "/dev/sda1", "server:/export", "tmpfs" */
};

/**
 * file_device_find() - of descriptor @fd of process @tgid.
 *
 * @proc: "/proc", or another directory for a test.
 *
 * Return: false where it is not told.
 */
bool file_device_find(const char *proc, int32_t tgid, uint32_t fd, struct file_device *ret_device);

#endif
