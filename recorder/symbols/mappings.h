/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file is mapped where in which process: read before recording (maps.h),
 * then kept up by PERF_RECORD_MMAP2 and FORK.
 */
#ifndef RECORDER_SYMBOLS_MAPPINGS_H
#define RECORDER_SYMBOLS_MAPPINGS_H

#include <stddef.h>
#include <stdint.h>

struct mappings;

struct mapping {
	uint64_t start, end, offset_bytes;	/* offset of start in the file */
	const char *path;			/* borrowed; "[vdso]" and the like too */
};

int mappings_create(struct mappings **ret_mappings);
void mappings_destroy(struct mappings *mappings);

int mappings_add(struct mappings *mappings, int32_t tgid, uint64_t start, uint64_t length_bytes,
		 uint64_t offset_bytes, const char *path);
int mappings_fork(struct mappings *mappings, int32_t parent_tgid, int32_t child_tgid);
void mappings_exec(struct mappings *mappings, int32_t tgid);	/* forget what it had */

/* Its addresses keep their names until mappings_forget_exited() is told of a later time. */
void mappings_exit(struct mappings *mappings, int32_t tgid, uint64_t time_ns);
void mappings_forget_exited(struct mappings *mappings, uint64_t before_ns);

/* A table of its own with the same mappings. Return: 0 or -ENOMEM. */
int mappings_copy(const struct mappings *mappings, struct mappings **ret_copy);

/* The latest mapping of @tgid that holds @address. Return: 0, -ENOENT. */
int mappings_find(const struct mappings *mappings, int32_t tgid, uint64_t address,
		  struct mapping *ret_mapping);

/* All mappings of @tgid, in no order. Stops when @visit returns other than 0 and returns that. */
int mappings_each(const struct mappings *mappings, int32_t tgid,
		  int (*visit)(void *context, const struct mapping *mapping), void *context);

/**
 * mapping_open() - the mapped file, for reading, as its process sees it (in a container
 * by /proc/PID/root), or by its path alone where the process is gone.
 *
 * May block for long on a stalled file system.
 *
 * Return: a descriptor, -ENOENT (not a file, or deleted: a file there now would be another), or
 * another negative errno.
 */
int mapping_open(const struct mapping *mapping, int32_t tgid);

#endif
