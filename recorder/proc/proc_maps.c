/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/proc_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recorder/base/helper_process.h"
#include "recorder/base/read_file.h"
#include "recorder/symbols/mappings.h"

#define FILE_BYTES_MAX (1u << 30)
#define READERS	       16 /* so many processes may hang before others are not read */

/* The child sends this for each process, and then the executable lines of its maps. */
struct maps_record {
	uint32_t place; /* in the list of processes */
	uint32_t bytes;
	int32_t error; /* 0 or negative errno */
};

struct maps_reading {
	const int32_t *tgids;
	size_t count;
	atomic_size_t next;
	int out_fd;
	pthread_mutex_t out_lock;
};

/* "start-end perms ..." of an executable mapping of a file, or the vdso. @line ends at @end. */
static bool is_wanted(const char *line, const char *end)
{
	const char *perms = memchr(line, ' ', (size_t)(end - line));

	if (!perms || end - perms < 5 || perms[3] != 'x')
		return false;
	return memchr(perms, '/', (size_t)(end - perms)) ||
	       memmem(perms, (size_t)(end - perms), "[vdso]", 6);
}

/* Keeps the wanted lines of the @bytes of @text. Return: their bytes. */
static size_t keep_wanted(char *text, size_t bytes)
{
	char *end = text + bytes, *kept = text;

	for (char *line = text; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		char *next = newline ? newline + 1 : end;
		size_t line_bytes = (size_t)(next - line);

		if (is_wanted(line, next)) {
			memmove(kept, line, line_bytes);
			kept += line_bytes;
		}
		line = next;
	}
	return (size_t)(kept - text);
}

static int read_maps(int32_t tgid, char **ret_text, size_t *ret_bytes)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/maps", tgid);
	int err = read_file(AT_FDCWD, path, FILE_BYTES_MAX, ret_text, ret_bytes);
	if (!err)
		*ret_bytes = keep_wanted(*ret_text, *ret_bytes);
	return err;
}

/* A thread of the child. A process whose maps hang holds up only the thread that reads them. */
static void *read_maps_in_turn(void *argument)
{
	struct maps_reading *reading = argument;

	for (;;) {
		size_t place = atomic_fetch_add(&reading->next, 1);
		struct maps_record record = { .place = (uint32_t)place };
		char *text = NULL;
		size_t bytes = 0;

		if (place >= reading->count)
			return NULL;
		record.error = read_maps(reading->tgids[place], &text, &bytes);
		record.bytes = (uint32_t)bytes;
		pthread_mutex_lock(&reading->out_lock);
		if (helper_process_write(reading->out_fd, &record, sizeof(record)) < 0 ||
		    helper_process_write(reading->out_fd, text, bytes) < 0)
			_exit(1);
		pthread_mutex_unlock(&reading->out_lock);
		free(text);
	}
}

static int read_all_maps(void *context, int out_fd)
{
	struct maps_reading *reading = context;
	pthread_t readers[READERS];
	size_t started = 0;

	reading->out_fd = out_fd;
	while (started < READERS && started < reading->count &&
	       pthread_create(&readers[started], NULL, read_maps_in_turn, reading) == 0)
		started++;
	if (started == 0)
		read_maps_in_turn(reading);
	for (size_t i = 0; i < started; i++)
		pthread_join(readers[i], NULL);
	return 0;
}

/* @line: "start-end perms offset device inode path", zero-terminated. */
static int add_maps_line(struct mappings *mappings, int32_t tgid, const char *line)
{
	uint64_t start, end, offset_bytes;
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*4s %" SCNx64 " %*s %*s %n", &start, &end,
		   &offset_bytes, &path) < 3 ||
	    path == 0 || line[path] == '\0' || end <= start)
		return 0;
	return mappings_add(mappings, tgid, start, end - start, offset_bytes, line + path);
}

static int add_maps_text(struct mappings *mappings, int32_t tgid, char *text, size_t bytes)
{
	for (char *line = text, *end = text + bytes; line < end;) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		int err;

		if (!newline)
			return 0;
		*newline = '\0';
		err = add_maps_line(mappings, tgid, line);
		if (err < 0)
			return err;
		line = newline + 1;
	}
	return 0;
}

/* Marks in @ret_read the processes whose maps are in @output, which may end anywhere. */
static int add_output(struct mappings *mappings, const int32_t *tgids, size_t count, char *output,
		      size_t bytes, bool *ret_read)
{
	struct maps_record record;

	while (bytes >= sizeof(record)) {
		memcpy(&record, output, sizeof(record));
		output += sizeof(record);
		bytes -= sizeof(record);
		if (record.bytes > bytes || record.place >= count)
			return 0;
		if (add_maps_text(mappings, tgids[record.place], output, record.bytes) < 0)
			return -ENOMEM;
		ret_read[record.place] = record.error == 0;
		output += record.bytes;
		bytes -= record.bytes;
	}
	return 0;
}

int proc_maps_read(struct mappings *mappings, const int32_t *tgids, size_t count, int deadline_ms,
		   int32_t *ret_unreadable)
{
	struct maps_reading reading = { .tgids = tgids,
					.count = count,
					.out_lock = PTHREAD_MUTEX_INITIALIZER };
	bool *read = calloc(count ? count : 1, sizeof(read[0]));
	void *output = NULL;
	size_t output_bytes = 0;
	int unreadable = 0;

	if (!read)
		return -ENOMEM;
	/* However the child ended, what came in time is good, and the rest is unreadable. */
	helper_process_run(read_all_maps, &reading, deadline_ms, &output, &output_bytes);
	if (add_output(mappings, tgids, count, output, output_bytes, read) < 0) {
		unreadable = -ENOMEM;
		goto out;
	}
	for (size_t i = 0; i < count; i++)
		if (!read[i])
			ret_unreadable[unreadable++] = tgids[i];
out:
	free(output);
	free(read);
	return unreadable;
}
