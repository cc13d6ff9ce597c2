/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At which objects threads were seen to wait, and who had the other ends, as the recorder read it in /proc.
 */
#ifndef ANALYZER_ACTIVITY_WAIT_OBJECTS_H
#define ANALYZER_ACTIVITY_WAIT_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/trace/per_thread.h"
#include "analyzer/trace/source.h"

#define WAIT_OBJECT_PEERS 4

struct wait_object {
	const struct thread *thread;
	uint64_t time_ns;	/* the thread waited there then */
	uint32_t object;	/* enum ft_object, or a later one */
	uint32_t flags;		/* FT_OBJECT_* */
	uint32_t peer_flags;	/* FT_PEER_* */
	uint32_t major, minor;
	uint64_t number;
	const char *name, *device;
	uint32_t ends;		/* processes that have the other end, or more where it is not known */
	struct thread *peers[WAIT_OBJECT_PEERS]; /* the first thread of each of the first ones; NULL: no more */
};

/* All zero: none yet. Free with wait_objects_free(). */
struct wait_objects {
	struct wait_object *list; /* once finished, by thread and time */
	size_t count, room;
	struct per_thread latest; /* number of the latest one, plus 1 */
	char **texts;
	size_t text_count, text_room;
};

/* Feed every event, in order. 0 or -ENOMEM. */
int wait_objects_event(struct wait_objects *objects, const struct event *event);
/* No more events; before wait_objects_find(). */
void wait_objects_finish(struct wait_objects *objects);
void wait_objects_free(struct wait_objects *objects);

/* At what @thread waited between @start_ns and @end_ns, as it was seen last; NULL: not seen. Borrowed. */
const struct wait_object *wait_objects_find(const struct wait_objects *objects, const struct thread *thread,
					    uint64_t start_ns, uint64_t end_ns);

/* Whether both are the same pipe, socket, file ... */
bool wait_objects_same(const struct wait_object *a, const struct wait_object *b);

struct wait_object_text {
	char text[320];
};

/* "pipe:[8123] (stdout)", "/var/log/x.log on /dev/sda1 (8:1)": a long path lacks its middle. */
struct wait_object_text wait_object_text(const struct wait_object *object);

/* "its only other end is process 13093 (logship)", "its other end is one of 3 processes: 5 (a), 6 (b) and others"; ""
 * where nobody is known. */
struct wait_object_text wait_object_peers_text(const struct wait_object *object);

#endif
