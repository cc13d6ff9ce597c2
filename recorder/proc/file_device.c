/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/file_device.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/read_file.h"

#define FDINFO_BYTES_MAX    (64u << 10)
#define MOUNTINFO_BYTES_MAX (4u << 20) /* a host with many containers has thousands of mounts */

static char *read_text(const char *proc, int32_t tgid, const char *name, size_t bytes_max)
{
	char path[160], *text;
	size_t bytes;

	snprintf(path, sizeof(path), "%s/%d/%s", proc, tgid, name);
	return read_file(AT_FDCWD, path, bytes_max, &text, &bytes) ? NULL : text;
}

/* The number behind @key at the start of a line; 0 where there is none. */
static uint64_t find_number(const char *text, const char *key)
{
	const char *line = text;

	for (; line && *line; line = strchr(line, '\n'), line += !!line)
		if (!strncmp(line, key, strlen(key)))
			return strtoull(line + strlen(key), NULL, 10);
	return 0;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext4 /dev/root rw,errors=continue" */
static bool parse_mount(char *line, uint64_t mount, struct file_device *device)
{
	uint64_t number;
	char *source, *end;

	if (sscanf(line, "%" SCNu64 " %*u %" SCNu32 ":%" SCNu32, &number, &device->major,
		   &device->minor) != 3 ||
	    number != mount)
		return false;
	source = strstr(line, " - ");
	source = source ? strchr(source + 3, ' ') : NULL;
	if (!source)
		return true;
	source++;
	end = strpbrk(source, " \n");
	snprintf(device->source, sizeof(device->source), "%.*s",
		 (int)(end ? end - source : (ptrdiff_t)strlen(source)), source);
	return true;
}

bool file_device_find(const char *proc, int32_t tgid, uint32_t fd, struct file_device *ret_device)
{
	char name[32], *text, *rest, *line;
	uint64_t mount;
	bool found = false;

	*ret_device = (struct file_device){ .source = "" };
	snprintf(name, sizeof(name), "fdinfo/%" PRIu32, fd);
	text = read_text(proc, tgid, name, FDINFO_BYTES_MAX);
	mount = text ? find_number(text, "mnt_id:") : 0;
	ret_device->inode = text ? find_number(text, "ino:") : 0;
	free(text);
	text = rest = mount ? read_text(proc, tgid, "mountinfo", MOUNTINFO_BYTES_MAX) : NULL;
	while (!found && (line = strsep(&rest, "\n")))
		found = parse_mount(line, mount, ret_device);
	free(text);
	return found;
}
