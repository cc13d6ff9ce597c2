/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input, whatever kind of file it is: keeps the tables of threads, stacks and symbols.
 */
#include "config.h"

#include "analyzer/trace/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/trace/source_error.h"
#include "analyzer/trace/source_private.h"

/* The kinds of file that can be read. Each looks at the first bytes; the first that knows them
 * reads the file. */
static const struct source_ops *const kinds[] = {
	&capture_source_ops,
};

static int create_tables(struct source *source, const char *path)
{
	int error;

	source->path = strdup(path);
	if (!source->path)
		return -ENOMEM;
	error = ft_facts_create(&source->facts);
	if (!error)
		error = ft_symbols_create(&source->symbols);
	if (!error)
		error = stack_table_create(source->symbols, &source->stacks);
	if (!error)
		error = threads_create(&source->threads);
	return error;
}

static int open_input(struct source *source, char **ret_message)
{
	int error = -ENOMSG;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && error == -ENOMSG; i++) {
		source->ops = kinds[i];
		error = source->ops->open(source, ret_message);
	}
	return error;
}

int source_open(const char *path, struct source **ret_source, char **ret_message)
{
	struct source *source = calloc(1, sizeof(*source));
	char *message = NULL;
	int error = source ? create_tables(source, path) : -ENOMEM;

	if (!error)
		error = open_input(source, &message);
	if (error) {
		*ret_message = message ? message : source_refusal_text(path, error, -1);
		source_close(source);
		return error;
	}
	*ret_source = source;
	return 0;
}

void source_close(struct source *source)
{
	if (!source)
		return;
	if (source->ops)
		source->ops->close(source);
	threads_destroy(source->threads);
	stack_table_destroy(source->stacks);
	ft_symbols_destroy(source->symbols);
	ft_facts_destroy(source->facts);
	free(source->path);
	free(source);
}

static void place_mmap_locks(const struct source *source)
{
	for (struct event *event = source->next; event < source->end; event++) {
		struct ft_event *raw = &event->raw;

		if (raw->kind != FT_EVENT_LOCK_HOLD || !(raw->lock_hold.flags & FT_HOLD_OF_MM))
			continue;
		raw->lock_hold.address += source->mmap_lock_offset;
		raw->lock_hold.flags &= ~(uint32_t)FT_HOLD_OF_MM;
	}
}

/* Enter what the event says about the lives and names of threads. 0 or -ENOMEM. */
static int enter_event(struct source *source, struct event *event)
{
	struct ft_event *raw = &event->raw;

	switch (raw->kind) {
	case FT_EVENT_SWITCH:
		if (raw->switch_.prev_state == FT_STATE_DEAD && !event->thread->idle_task)
			threads_died(event->thread, raw->time_ns);
		return 0;
	case FT_EVENT_FORK:
		event->other = threads_born(source->threads, raw->fork.child, raw->time_ns);
		return event->other ? 0 : -ENOMEM;
	case FT_EVENT_COMM:
		memcpy(event->thread->comm, raw->task->comm, sizeof(event->thread->comm));
		return 0;
	case FT_EVENT_EXIT:
		if (!event->thread->died_ns)
			event->thread->died_ns = raw->time_ns;
		return 0;
	default:
		return 0;
	}
}

/* Return: as source_next(). */
static int fetch_events(struct source *source)
{
	int count = source->ops->next(source, &source->next);

	source->end = source->next + (count > 0 ? count : 0);
	if (source->mmap_lock_offset)
		place_mmap_locks(source);
	/* Who changes the threads is alone. */
	return count == 1 && enter_event(source, source->next) ? -ENOMEM : count;
}

int source_next(struct source *source, const struct event **ret_event)
{
	if (source->next == source->end) {
		int result = fetch_events(source);

		if (result <= 0)
			return result;
	}
	*ret_event = source->next++;
	return 1;
}

void source_rewind(struct source *source)
{
	source->ops->rewind(source);
	source->next = source->end = NULL;
	threads_rewind(source->threads);
}

const struct ft_facts *source_facts(const struct source *source)
{
	return source->facts;
}

const struct ft_symbols *source_symbols(const struct source *source)
{
	return source->symbols;
}

struct stack_table *source_stacks(const struct source *source)
{
	return source->stacks;
}

struct threads *source_threads(const struct source *source)
{
	return source->threads;
}

void source_set_mmap_lock_offset(struct source *source, uint64_t offset)
{
	source->mmap_lock_offset = offset;
}

uint64_t source_start_ns(const struct source *source)
{
	return source->start_ns;
}

uint64_t source_end_ns(const struct source *source)
{
	return source->end_ns;
}

int64_t source_start_realtime_ns(const struct source *source)
{
	int64_t realtime_ns = ft_facts_number(source->facts, FT_FACT_START_REALTIME_NS, 0);
	int64_t start_ns = ft_facts_number(source->facts, FT_FACT_START_NS, -1);

	if (realtime_ns <= 0 || start_ns < 0 || realtime_ns > (int64_t)SOURCE_TIME_MAX_NS ||
	    start_ns > (int64_t)source->start_ns)
		return realtime_ns;
	return realtime_ns + ((int64_t)source->start_ns - start_ns);
}

const char *source_ring(const struct source *source)
{
	return source->ring;
}

void source_damage(const struct source *source, struct ft_damage *ret_damage)
{
	source->ops->damage(source, ret_damage);
}

char *source_damage_text(const struct source *source)
{
	return source->ops->damage_text(source);
}
