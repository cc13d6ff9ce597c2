/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of an armed recorder's captures: their names, and which are removed.
 */
#ifndef RECORDER_WRITE_CAPTURE_DIR_H
#define RECORDER_WRITE_CAPTURE_DIR_H

#include <stdint.h>

struct capture_dir_options {
	const char *dir;
	uint32_t max_captures;	/* 0: no limit */
	uint64_t max_bytes;	/* 0: no limit */
};

struct capture_dir;

#define CAPTURE_NAME_BYTES	 80
#define CAPTURE_REMOVED_MAX 32

/* Captures that were removed to make room for a newer one. */
struct capture_dir_removed {
	uint32_t count;
	char names[CAPTURE_REMOVED_MAX][CAPTURE_NAME_BYTES]; /* of the first of them */
};

/**
 * capture_dir_open() - make the directory (0700) if it is missing, and name torn captures.
 *
 * A torn capture was left by a recorder that was killed: NAME.part is not locked and begins as
 * captures do. It is readable, so it loses its ".part".
 *
 * Return: 0, or a negative errno if the directory cannot be opened or written to.
 */
int capture_dir_open(const struct capture_dir_options *options, struct capture_dir **ret_dir);
void capture_dir_close(struct capture_dir *dir);

/* How many torn captures capture_dir_open() named. */
uint32_t capture_dir_torn(const struct capture_dir *dir);

/**
 * capture_dir_create() - create the file of a capture, DIR/<utc-time>-<source>.dat.part, mode 0600.
 *
 * @source:   of the trigger; made safe for a file name.
 * @ret_name: name in the directory, without ".part".
 *
 * The file never exists before. The second one within a second, whatever its source, is called
 * <utc-time>-<source>-2.dat. A directory that was removed is made again.
 *
 * Return: a descriptor, which holds a lock on the file, or a negative errno.
 */
int capture_dir_create(struct capture_dir *dir, const char *source, int64_t realtime_ns,
		       char *ret_name, uint32_t name_bytes);

/**
 * capture_dir_finish() - the capture is whole: give it its name, remove those that are too many.
 *
 * @ret_removed: may be NULL.
 *
 * The capture gets an mtime later than that of any other. The oldest is the one with the earliest
 * mtime, since names lie if the wall clock was set back. Only captures with a name of this
 * directory's form are removed, never @name.
 *
 * Return: 0, or a negative errno of the rename.
 */
int capture_dir_finish(struct capture_dir *dir, const char *name,
		       struct capture_dir_removed *ret_removed);

/* Remove the file of a capture that failed. */
void capture_dir_abandon(struct capture_dir *dir, const char *name);

#endif
