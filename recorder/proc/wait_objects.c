/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/wait_objects.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "recorder/base/clock.h"
#include "recorder/proc/file_device.h"
#include "recorder/proc/socket_ends.h"
#include "recorder/proc/sysv_queue.h"
#include "recorder/proc/wait_call.h"

#define BELIEVED_NS 10000000000ull
#define SP_LEAST    (1ull << 32) /* of a program of 64 bits; others number their calls differently */

struct reading {
	const char *proc;
	struct socket_tables tables;
	struct wait_objects_cache *cache;
};

static size_t read_text(const char *proc, const struct ft_task *task, const char *name, char *ret_text,
			size_t text_bytes)
{
	char path[160];
	size_t bytes = 0;

	snprintf(path, sizeof(path), "%s/%d/task/%d/%s", proc, task->tgid, task->tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t got = read(fd, ret_text, text_bytes - 1);
		bytes = got > 0 ? (size_t)got : 0;
		close(fd);
	}
	ret_text[bytes] = '\0';
	return bytes;
}

/* "running", "-1 sp pc" outside of calls, or "number args[6] sp pc". */
static bool parse_syscall(const char *text, int64_t *ret_number, uint64_t *ret_argument)
{
	uint64_t sp;

	return sscanf(text, "%" SCNd64 " %" SCNx64 " %*x %*x %*x %*x %*x %" SCNx64, ret_number,
		      ret_argument, &sp) == 3 &&
	       *ret_number >= 0 && (sizeof(void *) < 8 || sp >= SP_LEAST);
}

/* The number in "pipe:[8123]" where @kind is "pipe:["; 0 where the link is something else. */
static uint64_t parse_inode(const char *link, const char *kind)
{
	size_t bytes = strlen(kind);
	uint64_t inode;
	int used = 0;

	if (strncmp(link, kind, bytes) != 0 ||
	    sscanf(link + bytes, "%" SCNu64 "]%n", &inode, &used) != 1 || !used ||
	    link[bytes + (size_t)used])
		return 0;
	return inode;
}

static void look_for_link(struct wait_object *object, const char *link, uint32_t access)
{
	snprintf(object->ends.link, sizeof(object->ends.link), "%s", link);
	object->ends.access = access;
}

static void read_socket(struct reading *reading, struct wait_object *object)
{
	struct socket_ends ends;
	char link[48];

	object->object = FT_OBJECT_SOCKET;
	if (!socket_ends_find(reading->proc, object->task.tgid, object->inode, &reading->tables,
			      &ends))
		return;
	if (*ends.name)
		memcpy(object->name, ends.name, sizeof(object->name));
	if (ends.other) {
		snprintf(link, sizeof(link), "socket:[%" PRIu64 "]", ends.other);
		look_for_link(object, link, 0);
		object->peer_flags = ends.listens ? FT_PEER_LISTENS : 0;
	}
}

/* A named pipe looks like a file. Where the thread sleeps tells. */
static bool is_in_pipe(const struct reading *reading, const struct ft_task *task)
{
	char text[64];

	read_text(reading->proc, task, "wchan", text, sizeof(text));
	return strstr(text, "pipe_read") || strstr(text, "pipe_write");
}

static void read_file_object(const struct reading *reading, struct wait_object *object,
			     uint32_t wanted)
{
	struct file_device device;

	object->object = FT_OBJECT_FILE;
	if (file_device_find(reading->proc, object->task.tgid, (uint32_t)object->number, &device)) {
		object->major = device.major;
		object->minor = device.minor;
		memcpy(object->device, device.source, sizeof(object->device));
	}
	object->inode = device.inode;
	if (!strcmp(object->device, "mqueue"))
		object->object = FT_OBJECT_QUEUE;
	else if (wanted && is_in_pipe(reading, &object->task))
		object->object = FT_OBJECT_PIPE;
	if (object->object != FT_OBJECT_FILE)
		look_for_link(object, object->name, wanted);
}

static bool read_descriptor(struct reading *reading, struct wait_object *object,
			    enum wait_call call)
{
	/* Whoever is to hand something on has it open for writing. */
	uint32_t wanted = call == WAIT_CALL_READS    ? FT_OBJECT_WRITABLE
			  : call == WAIT_CALL_WRITES ? FT_OBJECT_READABLE
						     : 0;
	char path[160];

	/* A thread may have descriptors of its own. */
	snprintf(path, sizeof(path), "%s/%d/task/%d/fd/%" PRIu64, reading->proc, object->task.tgid,
		 object->task.tid, object->number);
	if (fd_ends_read_link(AT_FDCWD, path, object->name, sizeof(object->name),
			      &object->flags) < 0)
		return false;
	object->inode = parse_inode(object->name, "pipe:[");
	if (object->inode) {
		object->object = FT_OBJECT_PIPE;
		if (wanted)
			look_for_link(object, object->name, wanted);
		return true;
	}
	object->inode = parse_inode(object->name, "socket:[");
	if (object->inode)
		read_socket(reading, object);
	else if (object->name[0] == '/')
		read_file_object(reading, object, wanted);
	else
		object->object = FT_OBJECT_OTHER;
	return true;
}

/* An on-access scanner has to allow it: it is not told which one, but who scans. */
static bool read_permission(const struct reading *reading, struct wait_object *object)
{
	char text[64];

	read_text(reading->proc, &object->task, "wchan", text, sizeof(text));
	if (strncmp(text, "fanotify_", strlen("fanotify_")) != 0)
		return false;
	object->object = FT_OBJECT_PERMISSION;
	snprintf(object->name, sizeof(object->name), "fanotify");
	look_for_link(object, "anon_inode:[fanotify]", 0);
	return true;
}

static void read_queue(const struct reading *reading, struct wait_object *object, enum wait_call call)
{
	int32_t last = sysv_queue_last(reading->proc, object->task.tgid, object->number,
				       call == WAIT_CALL_SENDS);

	object->object = FT_OBJECT_QUEUE;
	snprintf(object->name, sizeof(object->name), "message queue %" PRIu64, object->number);
	if (last <= 0 || !fd_ends_name(reading->proc, last, &object->ends.found[0]))
		return;
	object->ends.count = 1;
	object->peer_flags = FT_PEER_LAST;
}

static bool read_object(struct reading *reading, const struct ft_task *task,
			struct wait_object *ret_object)
{
	struct wait_object object = { .task = *task };
	char before[256], after[256], comm[32];
	int64_t number;
	bool known = true;

	if (!read_text(reading->proc, task, "syscall", before, sizeof(before)) ||
	    !parse_syscall(before, &number, &object.number))
		return false;
	enum wait_call call = wait_call_find(number);
	object.time_ns = clock_now_ns();
	if (call == WAIT_CALL_NONE)
		return false;
	size_t bytes = read_text(reading->proc, task, "comm", comm, sizeof(comm));
	bytes -= bytes && comm[bytes - 1] == '\n';
	memset(object.task.comm, 0, sizeof(object.task.comm));
	memcpy(object.task.comm, comm, bytes < FT_COMM_BYTES ? bytes : FT_COMM_BYTES - 1);
	/* Arguments that are an int may have anything above their 32 bits. */
	object.number &= UINT32_MAX;
	if (wait_call_has_descriptor(call)) {
		known = read_descriptor(reading, &object, call);
	} else if (call == WAIT_CALL_OPENS) {
		object.number = 0;
		known = read_permission(reading, &object);
	} else if (call == WAIT_CALL_SEMAPHORES) {
		object.object = FT_OBJECT_SEMAPHORES;
		snprintf(object.name, sizeof(object.name), "semaphores %" PRIu64, object.number);
	} else {
		read_queue(reading, &object, call);
	}
	if (!known)
		return false;
	/* It is in the same call still: what was read in between is what it waits at. */
	read_text(reading->proc, task, "syscall", after, sizeof(after));
	*ret_object = object;
	return !strcmp(before, after);
}

/* Return: whether it is known who has the link. */
static bool recall_ends(const struct wait_objects_cache *cache, const char *proc, struct fd_ends *ends)
{
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < sizeof(cache->entries) / sizeof(cache->entries[0]); i++) {
		const struct fd_ends *known = &cache->entries[i].ends;
		struct ft_task task;

		if (now_ns - cache->entries[i].time_ns > BELIEVED_NS ||
		    known->access != ends->access || strcmp(known->link, ends->link) != 0)
			continue;
		if (!known->count || !fd_ends_name(proc, known->found[0].tgid, &task))
			return false;
		*ends = *known;
		return true;
	}
	return false;
}

static void keep_ends(struct wait_objects_cache *cache, const struct fd_ends *ends)
{
	size_t at = cache->next++ % (sizeof(cache->entries) / sizeof(cache->entries[0]));

	cache->entries[at].time_ns = clock_now_ns();
	cache->entries[at].ends = *ends;
}

/* Whoever waits is no other end, if there is another process. */
static void leave_out_own(struct wait_object *object)
{
	struct fd_ends *ends = &object->ends;

	for (uint32_t i = 0; i < ends->count && i < FD_ENDS_KEPT && ends->count > 1; i++) {
		if (ends->found[i].tgid != object->task.tgid)
			continue;
		memmove(&ends->found[i], &ends->found[i + 1],
			(FD_ENDS_KEPT - 1 - i) * sizeof(ends->found[0]));
		ends->found[FD_ENDS_KEPT - 1] = (struct ft_task){ 0 };
		ends->count--;
		break;
	}
}

static void find_ends(struct reading *reading, struct wait_object *objects, size_t count)
{
	struct fd_ends *wanted = calloc(count + 1, sizeof(*wanted));
	size_t place[WAIT_OBJECTS_MAX], wanted_count = 0;
	bool complete = false;

	if (!wanted)
		return;
	for (size_t i = 0; i < count; i++) {
		struct fd_ends *ends = &objects[i].ends;

		place[i] = SIZE_MAX;
		if (!*ends->link)
			continue;
		if (recall_ends(reading->cache, reading->proc, ends)) {
			objects[i].flags |= FT_OBJECT_ENDS_KNOWN;
			continue;
		}
		for (place[i] = 0; place[i] < wanted_count; place[i]++)
			if (wanted[place[i]].access == ends->access &&
			    !strcmp(wanted[place[i]].link, ends->link))
				break;
		if (place[i] == wanted_count)
			wanted[wanted_count++] = *ends;
	}
	if (wanted_count)
		complete = fd_ends_find(reading->proc, wanted, wanted_count, FD_ENDS_CPU_NS);
	for (size_t i = 0; i < wanted_count && complete; i++)
		keep_ends(reading->cache, &wanted[i]);
	for (size_t i = 0; i < count; i++)
		if (place[i] != SIZE_MAX) {
			objects[i].ends = wanted[place[i]];
			objects[i].flags |= complete ? FT_OBJECT_ENDS_KNOWN : 0;
		}
	free(wanted);
}

size_t wait_objects_read(const char *proc, const struct ft_task *tasks, size_t count,
			 struct wait_objects_cache *cache, struct wait_object *ret_objects)
{
	struct reading reading = { .proc = proc, .cache = cache };
	size_t known = 0;

	for (size_t i = 0; i < count && i < WAIT_OBJECTS_MAX; i++)
		known += read_object(&reading, &tasks[i], &ret_objects[known]);
	socket_tables_free(&reading.tables);
	find_ends(&reading, ret_objects, known);
	for (size_t i = 0; i < known; i++)
		leave_out_own(&ret_objects[i]);
	return known;
}

void wait_objects_visit(const struct wait_object *object,
			void (*visit)(void *context, const struct ft_event *event), void *context)
{
	visit(context, &(struct ft_event){ .kind = FT_EVENT_OBJECT,
					   .cpu = FT_NO_CPU,
					   .time_ns = object->time_ns,
					   .task = &object->task,
					   .object = { .name = object->name,
						       .device = object->device,
						       .object = object->object,
						       .flags = object->flags,
						       .number = object->number,
						       .inode = object->inode,
						       .major = object->major,
						       .minor = object->minor,
						       .ends = object->ends.count } });
	for (uint32_t i = 0; i < object->ends.count && i < FD_ENDS_KEPT; i++)
		if (object->ends.found[i].tid)
			visit(context, &(struct ft_event){ .kind = FT_EVENT_PEER,
							   .cpu = FT_NO_CPU,
							   .time_ns = object->time_ns,
							   .task = &object->task,
							   .peer = { &object->ends.found[i],
								     object->peer_flags } });
}
