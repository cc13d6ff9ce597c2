/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At which objects threads wait, and who has the other ends: the system call and its first argument, the descriptor's
 * link, and for the other end the tables of sockets and the links of all processes. Nothing takes mmap_lock, and
 * nothing is opened that a descriptor leads to.
 */
#ifndef RECORDER_PROC_WAIT_OBJECTS_H
#define RECORDER_PROC_WAIT_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"
#include "recorder/proc/fd_ends.h"

#define WAIT_OBJECTS_MAX 64 /* threads at once */

struct wait_object {
	struct ft_task task;
	uint64_t time_ns;	/* at which it waited there */
	uint32_t object;	/* enum ft_object */
	uint32_t flags;		/* FT_OBJECT_* */
	uint64_t number, inode;
	uint32_t major, minor;
	char name[FT_NAME_BYTES_MAX];
	char device[128];
	struct fd_ends ends;	/* link "": no other end can be looked for */
	uint32_t peer_flags;	/* FT_PEER_*, of each */
};

/* What was found out about a link is believed for a while: the same threads wait at the same objects as a rule. */
struct wait_objects_cache {
	struct {
		uint64_t time_ns;
		struct fd_ends ends;
	} entries[16];
	size_t next;
};

/**
 * wait_objects_read() - the objects of some threads.
 *
 * @proc:  "/proc", or another directory for a test.
 * @tasks: tid and tgid of each, at most WAIT_OBJECTS_MAX.
 * @ret_objects: room for @count.
 *
 * Return: of how many threads an object is known; the others wait for something else, or not at all.
 */
size_t wait_objects_read(const char *proc, const struct ft_task *tasks, size_t count,
			 struct wait_objects_cache *cache, struct wait_object *ret_objects);

/* Its events: what it is, then its peers. They borrow from @object. */
void wait_objects_visit(const struct wait_object *object,
			void (*visit)(void *context, const struct ft_event *event), void *context);

#endif
