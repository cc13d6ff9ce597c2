/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/blocked_trigger.h"

#include <ctype.h>
#include <stdio.h>

#define NAMED_MOST 5

/* The threads that have been blocked longest. */
struct found {
	uint32_t count;
	struct blocked_thread longest[NAMED_MOST];
	char letter[NAMED_MOST]; /* of their states */
};

/* In a sleep of which nothing is known a thread may just have nothing to do. Return: since when it
 * cannot go on; 0: it may be idle. */
static uint64_t stuck_since(const struct blocked_trigger *trigger, size_t slot,
			    const struct blocked_thread *thread, char *ret_letter)
{
	switch (thread->state) {
	case FT_STATE_DISK:
		*ret_letter = 'D';
		return thread->since_ns;
	case FT_STATE_STOPPED:
		*ret_letter = 'T';
		return thread->since_ns;
	case FT_STATE_TRACED:
		*ret_letter = 't';
		return thread->since_ns;
	case FT_STATE_SLEEPING:
		return trigger->sleepers && thread->since_ns
			       ? sleeper_watch_since(trigger->sleepers, slot, thread, ret_letter)
			       : 0;
	default:
		return 0;
	}
}

static void insert_longest(struct found *found, const struct blocked_thread *thread, char letter)
{
	size_t at = found->count < NAMED_MOST ? found->count : NAMED_MOST;
	found->count++;
	while (at > 0 && found->longest[at - 1].since_ns > thread->since_ns) {
		if (at < NAMED_MOST)
			found->longest[at] = found->longest[at - 1],
			found->letter[at] = found->letter[at - 1];
		at--;
	}
	if (at < NAMED_MOST) {
		found->longest[at] = *thread;
		found->letter[at] = letter;
	}
}

static void find_blocked(const struct blocked_trigger *trigger, uint64_t drained_ns,
			 struct found *ret_found)
{
	size_t slots = blocked_threads_count(trigger->blocked);
	struct blocked_thread thread;

	ret_found->count = 0;
	for (size_t slot = 0; slot < slots; slot++) {
		char letter = 'S';

		if (!blocked_threads_at(trigger->blocked, slot, &thread) ||
		    !target_has(trigger->target, thread.tgid))
			continue;
		thread.since_ns = stuck_since(trigger, slot, &thread, &letter);
		if (thread.since_ns && thread.since_ns + trigger->for_ns <= drained_ns)
			insert_longest(ret_found, &thread, letter);
	}
}

/* "101 worker0 (D 1.4 s), 102 ..." */
static void format_names(const struct found *found, uint64_t drained_ns, char *text,
			 size_t text_bytes)
{
	size_t named = found->count < NAMED_MOST ? found->count : NAMED_MOST, used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < named && used < text_bytes; i++) {
		const struct blocked_thread *thread = &found->longest[i];
		char comm[FT_COMM_BYTES];
		snprintf(comm, sizeof(comm), "%s", thread->comm);
		for (char *c = comm; *c; c++)
			if (iscntrl((unsigned char)*c))
				*c = '?';
		int wrote = snprintf(text + used, text_bytes - used, "%s%d %s (%c %.1f s)",
				     i ? ", " : "", thread->tid, comm,
				     found->letter[i],
				     (double)(drained_ns - thread->since_ns) / 1e9);
		used += wrote > 0 ? (size_t)wrote : 0;
	}
	if (found->count > named && used < text_bytes)
		snprintf(text + used, text_bytes - used, " and more");
}

static void look_for_standstill(struct blocked_trigger *trigger, uint64_t drained_ns)
{
	uint64_t since_ns = sleeper_watch_still_ns(trigger->sleepers, trigger->target,
						   trigger->for_ns, drained_ns);

	if (since_ns && !trigger->fired_still)
		trigger_queue_post(trigger->triggers, "blocked", drained_ns,
				   "the target stands still: no thread of it has run, and none "
				   "waits for input, for %.1f s",
				   (double)(drained_ns - since_ns) / 1e9);
	trigger->fired_still = since_ns != 0;
}

void blocked_trigger_look(struct blocked_trigger *trigger, uint64_t drained_ns)
{
	struct found found;
	char names[TRIGGER_REASON_BYTES];

	if (trigger->sleepers) {
		sleeper_watch_look(trigger->sleepers, trigger->target, drained_ns);
		look_for_standstill(trigger, drained_ns);
	}
	find_blocked(trigger, drained_ns, &found);
	if (found.count < trigger->threads || !found.count) {
		trigger->fired = false;
		return;
	}
	if (trigger->fired)
		return;
	format_names(&found, drained_ns, names, sizeof(names));
	trigger->fired = trigger_queue_post(trigger->triggers, "blocked", drained_ns,
					    "%u %s blocked for %.1f s or more: %s", found.count,
					    found.count == 1 ? "thread" : "threads",
					    (double)trigger->for_ns / 1e9, names) != 0;
}
