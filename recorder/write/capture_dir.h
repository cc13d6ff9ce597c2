/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of an armed recorder's captures: names, and how many stay.
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

/* What made room for a newer one. */
struct capture_dir_removed {
	uint32_t count;
	char names[CAPTURE_REMOVED_MAX][CAPTURE_NAME_BYTES]; /* of the first ones */
};

/* Makes the directory (0700) where it is missing, and gives captures that a killed recorder left unfinished
 * there (no lock on NAME.part, but a capture's first bytes) their name: they are torn, yet readable.
 * Return: 0, or errno of opening or writing to the directory, which is then not kept. */
int capture_dir_open(const struct capture_dir_options *options, struct capture_dir **ret_dir);
void capture_dir_close(struct capture_dir *dir);

/* How many of those capture_dir_open() found. */
uint32_t capture_dir_torn(const struct capture_dir *dir);

/**
 * capture_dir_create() - a new file for a capture, DIR/<utc-time>-<reason>.dat.part, mode 0600, never an existing one.
 *
 * @source: of the trigger; made safe for a file's name.
 * A second one in the same second, whatever its reason, is called <utc-time>-<reason>-2.dat. Works also where
 * the directory was removed.
 *
 * Return: a descriptor, which holds a lock on the file, or -errno. @ret_name: name in the directory without ".part".
 */
int capture_dir_create(struct capture_dir *dir, const char *source, int64_t realtime_ns, char *ret_name,
		uint32_t name_bytes);

/* The capture is whole: give it its name, and an mtime later than any other's, then remove the oldest ones that this
 * directory's limits do not allow: only files it named itself and that are captures, never @name. The oldest is the one
 * with the earliest mtime: its name may lie, where the wall clock was set back. @ret_removed: may be NULL. Return: 0 or -errno of the rename. */
int capture_dir_finish(struct capture_dir *dir, const char *name, struct capture_dir_removed *ret_removed);

/* It came to nothing: remove the part file. */
void capture_dir_abandon(struct capture_dir *dir, const char *name);

#endif
