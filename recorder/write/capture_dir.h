/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of an armed recorder's captures: names, and how many stay.
 */
#ifndef RECORDER_KEEP_H
#define RECORDER_KEEP_H

#include <stdint.h>

struct keep_options {
	const char *dir;
	uint32_t max_captures;	/* 0: no limit */
	uint64_t max_bytes;	/* 0: no limit */
};

struct keep;

#define KEEP_NAME_BYTES	 80
#define KEEP_REMOVED_MAX 32

/* What made room for a newer one. */
struct keep_removed {
	uint32_t count;
	char names[KEEP_REMOVED_MAX][KEEP_NAME_BYTES]; /* of the first ones */
};

/* Makes the directory (0700) where it is missing, and gives captures that a killed recorder left unfinished
 * there (no lock on NAME.part, but a capture's first bytes) their name: they are torn, yet readable.
 * Return: 0, or errno of opening or writing to the directory, which is then not kept. */
int keep_open(const struct keep_options *options, struct keep **ret_keep);
void keep_close(struct keep *keep);

/* How many of those keep_open() found. */
uint32_t keep_torn(const struct keep *keep);

/**
 * keep_create() - a new file for a capture, DIR/<utc-time>-<reason>.dat.part, mode 0600, never an existing one.
 *
 * @source: of the trigger; made safe for a file's name.
 * A second one in the same second, whatever its reason, is called <utc-time>-<reason>-2.dat. Works also where
 * the directory was removed.
 *
 * Return: a descriptor, which holds a lock on the file, or -errno. @ret_name: name in the directory without ".part".
 */
int keep_create(struct keep *keep, const char *source, int64_t realtime_ns, char *ret_name,
		uint32_t name_bytes);

/* The capture is whole: give it its name, and an mtime later than any other's, then remove the oldest ones that this
 * directory's limits do not allow: only files it named itself and that are captures, never @name. The oldest is the one
 * with the earliest mtime: its name may lie, where the wall clock was set back. @ret_removed: may be NULL. Return: 0 or -errno of the rename. */
int keep_finish(struct keep *keep, const char *name, struct keep_removed *ret_removed);

/* It came to nothing: remove the part file. */
void keep_abandon(struct keep *keep, const char *name);

#endif
