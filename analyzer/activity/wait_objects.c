/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/activity/wait_objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/array.h"

#define OBJECTS_MAX 16384u /* a recorder reads 32 a second; a made-up capture may have any number */
#define TEXTS_MAX   2048u
#define NAME_SHOWN  160 /* of a long path, half of it from each end */

void wait_objects_free(struct wait_objects *objects)
{
	for (size_t i = 0; i < objects->text_count; i++)
		free(objects->texts[i]);
	free(objects->texts);
	free(objects->list);
	per_thread_free(&objects->latest);
	*objects = (struct wait_objects){ .list = NULL };
}

/* A copy of @text, once for all that are equal; NULL on lack of memory, "" where there are too many. */
static const char *keep_text(struct wait_objects *objects, const char *text)
{
	char *copy;

	for (size_t i = objects->text_count; i-- > 0;)
		if (!strcmp(objects->texts[i], text))
			return objects->texts[i];
	if (objects->text_count == TEXTS_MAX)
		return "";
	if (array_grow(objects->texts, objects->text_count, objects->text_room))
		return NULL;
	copy = strdup(text);
	if (copy)
		objects->texts[objects->text_count++] = copy;
	return copy;
}

static int add_object(struct wait_objects *objects, const struct event *event)
{
	size_t *latest;
	struct wait_object *object;
	const char *name, *device;

	if (objects->count == OBJECTS_MAX)
		return 0;
	name = keep_text(objects, event->raw.object.name);
	device = keep_text(objects, event->raw.object.device);
	objects->latest.entry_bytes = sizeof(*latest);
	latest = per_thread_get(&objects->latest, event->thread);
	if (!name || !device || !latest ||
	    array_grow(objects->list, objects->count, objects->room))
		return -ENOMEM;
	object = &objects->list[objects->count];
	*object = (struct wait_object){
		.thread = event->thread,
		.time_ns = event->raw.time_ns,
		.object = event->raw.object.object,
		.flags = event->raw.object.flags,
		.major = event->raw.object.major,
		.minor = event->raw.object.minor,
		.number = event->raw.object.number,
		.ends = event->raw.object.ends,
		.name = name,
		.device = device,
	};
	*latest = ++objects->count;
	return 0;
}

static void add_peer(struct wait_objects *objects, const struct event *event)
{
	const size_t *latest = per_thread_find(&objects->latest, event->thread);
	struct wait_object *object = latest && *latest ? &objects->list[*latest - 1] : NULL;

	if (!object || object->time_ns != event->raw.time_ns)
		return;
	object->peer_flags = event->raw.peer.flags;
	for (size_t i = 0; i < WAIT_OBJECT_PEERS; i++)
		if (!object->peers[i]) {
			object->peers[i] = event->other;
			return;
		}
}

int wait_objects_event(struct wait_objects *objects, const struct event *event)
{
	if (event->raw.kind == FT_EVENT_OBJECT)
		return add_object(objects, event);
	if (event->raw.kind == FT_EVENT_PEER)
		add_peer(objects, event);
	return 0;
}

static int compare_objects(const void *left, const void *right)
{
	const struct wait_object *a = left, *b = right;

	if (a->thread != b->thread)
		return a->thread->index < b->thread->index ? -1 : 1;
	return (a->time_ns > b->time_ns) - (a->time_ns < b->time_ns);
}

void wait_objects_finish(struct wait_objects *objects)
{
	if (objects->count)
		qsort(objects->list, objects->count, sizeof(*objects->list), compare_objects);
}

const struct wait_object *wait_objects_find(const struct wait_objects *objects,
					    const struct thread *thread, uint64_t start_ns,
					    uint64_t end_ns)
{
	const struct wait_object wanted = { .thread = thread, .time_ns = end_ns };
	size_t from = 0, to = objects->count;
	const struct wait_object *last;

	/* The first one behind the wanted time. */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (compare_objects(&objects->list[middle], &wanted) <= 0)
			from = middle + 1;
		else
			to = middle;
	}
	last = from ? &objects->list[from - 1] : NULL;
	return last && last->thread == thread && last->time_ns >= start_ns ? last : NULL;
}

bool wait_objects_same(const struct wait_object *a, const struct wait_object *b)
{
	/* Equal texts are kept once. */
	return a->object == b->object && a->name == b->name && a->major == b->major &&
	       a->minor == b->minor;
}

/* What stands for a descriptor in any program. */
static const char *find_stream(const struct wait_object *object)
{
	static const char *const streams[] = { " (stdin)", " (stdout)", " (stderr)" };
	bool has_descriptor = object->object == FT_OBJECT_FILE ||
			      object->object == FT_OBJECT_PIPE ||
			      object->object == FT_OBJECT_SOCKET;

	return has_descriptor && object->number < 3 ? streams[object->number] : "";
}

struct wait_object_text wait_object_text(const struct wait_object *object)
{
	size_t bytes = strlen(object->name), half = NAME_SHOWN / 2;
	struct wait_object_text text;
	char device[112] = "", name[NAME_SHOWN + 8];

	if (bytes > NAME_SHOWN)
		snprintf(name, sizeof(name), "%.*s...%s", (int)half, object->name,
			 object->name + bytes - half);
	else
		snprintf(name, sizeof(name), "%s", object->name);
	if (object->object == FT_OBJECT_FILE && (*object->device || object->major))
		snprintf(device, sizeof(device), " on %.80s%s(%" PRIu32 ":%" PRIu32 ")",
			 object->device, *object->device ? " " : "device ", object->major,
			 object->minor);
	snprintf(text.text, sizeof(text.text), "%s%s%s", name, device, find_stream(object));
	return text;
}

static const char *name_ends(const struct wait_object *object)
{
	if (object->peer_flags & FT_PEER_LISTENS)
		return "listens there";
	if (object->peer_flags & FT_PEER_LAST)
		return "was last at its other end";
	return object->object == FT_OBJECT_PERMISSION ? "is asked" : "has its other end";
}

struct wait_object_text wait_object_peers_text(const struct wait_object *object)
{
	struct wait_object_text text = { "" };
	size_t used = 0;
	bool only = object->ends == 1;

	if (!object->peers[0])
		return text;
	used += (size_t)snprintf(text.text, sizeof(text.text), only ? "process" : "one of %" PRIu32 " processes",
				 object->ends);
	for (size_t i = 0; i < WAIT_OBJECT_PEERS && object->peers[i]; i++)
		used += (size_t)snprintf(text.text + used, sizeof(text.text) - used,
					 "%s %" PRId32 " (%.15s)", i ? "," : only ? "" : ":",
					 object->peers[i]->tgid, object->peers[i]->comm);
	snprintf(text.text + used, sizeof(text.text) - used, "%s %s%s",
		 object->ends > WAIT_OBJECT_PEERS ? " ..." : "",
		 only && object->flags & FT_OBJECT_ENDS_KNOWN ? "alone " : "", name_ends(object));
	return text;
}
