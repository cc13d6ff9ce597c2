/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes that the report is about.
 */
#include "analyzer/trace/target.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* No more are followed: who forks thousands is better analyzed with the whole host as target. */
#define FORKED_MAX 256

/* Append the tgids of @text, which are separated by commas; anything else ends the list. */
static int parse_tgids(struct target *target, const char *text)
{
	for (;;) {
		char *end;
		long tgid = strtol(text, &end, 10);
		int32_t *tgids;

		if (end == text || tgid <= 0 || tgid > INT_MAX)
			return 0;
		tgids = reallocarray(target->tgids, target->count + 1, sizeof(*tgids));
		if (!tgids)
			return -ENOMEM;
		target->tgids = tgids;
		tgids[target->count++] = (int32_t)tgid;
		if (*end != ',')
			return 0;
		text = end + 1;
	}
}

int target_choose(struct target *target, const struct ft_facts *facts, const int32_t *tgids,
		  size_t count)
{
	const char *recorded = ft_facts_get(facts, FT_FACT_TARGET);

	*target = (struct target){
		.recorder_tgid = (int32_t)ft_facts_number(facts, FT_FACT_RECORDER_TGID, 0),
	};
	if (!count) {
		int r = recorded ? parse_tgids(target, recorded) : 0;

		target->chosen = target->count;
		return r;
	}
	target->tgids = calloc(count, sizeof(*tgids));
	if (!target->tgids)
		return -ENOMEM;
	memcpy(target->tgids, tgids, count * sizeof(*tgids));
	target->count = target->chosen = count;
	return 0;
}

/* The place in the list; count: it is not there. */
static size_t find_place(const struct target *target, int32_t tgid)
{
	size_t place = 0;

	while (place < target->count && target->tgids[place] != tgid)
		place++;
	return place;
}

static int add_forked(struct target *target, const struct thread *child)
{
	size_t forked = target->count - target->chosen;
	char(*names)[FT_COMM_BYTES];
	int32_t *tgids;

	if (forked == FORKED_MAX)
		return 0;
	tgids = reallocarray(target->tgids, target->count + 1, sizeof(*tgids));
	if (!tgids)
		return -ENOMEM;
	target->tgids = tgids;
	names = reallocarray(target->forked_as, forked + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	target->forked_as = names;
	memcpy(names[forked], child->comm, sizeof(names[forked]));
	tgids[target->count++] = child->tgid;
	return 0;
}

static void remove_forked(struct target *target, size_t place)
{
	size_t last = --target->count;

	target->tgids[place] = target->tgids[last];
	memmove(target->forked_as[place - target->chosen], target->forked_as[last - target->chosen],
		FT_COMM_BYTES);
}

/* Whether two names are equal up to a colon. */
static bool names_match(const char *name, const char *other)
{
	size_t length = strcspn(name, ":");

	return length == strcspn(other, ":") && !strncmp(name, other, length);
}

int target_event(struct target *target, const struct event *event)
{
	bool is_fork = event->raw.kind == FT_EVENT_FORK;
	const struct thread *thread = is_fork ? event->other : event->thread;
	size_t place;

	if (!target->chosen || (!is_fork && event->raw.kind != FT_EVENT_COMM) ||
	    thread->tid != thread->tgid)
		return 0;
	place = find_place(target, thread->tgid);
	if (place < target->chosen)
		return 0;
	/* The process has executed another program, or a new process has its ID. */
	if (place < target->count &&
	    (is_fork || !names_match(target->forked_as[place - target->chosen], thread->comm)))
		remove_forked(target, place);
	return is_fork && find_place(target, event->thread->tgid) < target->count
		       ? add_forked(target, thread)
		       : 0;
}

void target_free(struct target *target)
{
	free(target->tgids);
	free(target->forked_as);
	*target = (struct target){ 0 };
}

bool target_counts(void *context, const struct thread *thread)
{
	const struct target *target = context;

	if (thread->idle_task)
		return false;
	for (size_t i = 0; i < target->count; i++)
		if (target->tgids[i] == thread->tgid)
			return true;
	if (target->count)
		return false;
	return !target->recorder_tgid || thread->tgid != target->recorder_tgid;
}
