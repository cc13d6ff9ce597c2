/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executable mappings of processes: read before the recording (recorder/proc/proc_maps.h), then
 * kept up to date from PERF_RECORD_MMAP2 and FORK.
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
void mappings_exec(struct mappings *mappings, int32_t tgid);	/* drops its mappings */

/* The process keeps its mappings until mappings_forget_exited() is called for a later time. */
void mappings_exit(struct mappings *mappings, int32_t tgid, uint64_t time_ns);
void mappings_forget_exited(struct mappings *mappings, uint64_t before_ns);

/* A second table with the same mappings. Return: 0 or -ENOMEM. */
int mappings_copy(const struct mappings *mappings, struct mappings **ret_copy);

/* The latest mapping of @tgid that holds @address. Return: 0, -ENOENT. */
int mappings_find(const struct mappings *mappings, int32_t tgid, uint64_t address,
		  struct mapping *ret_mapping);

/**
 * mapping_open() - open the mapped file for reading, as its process sees it: in a container by
 * /proc/PID/root, or by the path alone where the process is gone.
 *
 * May block for long on a stalled file system.
 *
 * Return: a descriptor, -ENOENT (no file, or a deleted one: a file there now would be another), or
 * another negative errno.
 */
int mapping_open(const struct mapping *mapping, int32_t tgid);

#endif
