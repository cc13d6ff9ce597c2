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
};

/* In any other sleep a thread may just have nothing to do. */
static bool is_disk_or_stopped(enum ft_task_state state)
{
	return state == FT_STATE_DISK || state == FT_STATE_STOPPED;
}

static void insert_longest(struct found *found, const struct blocked_thread *thread)
{
	size_t at = found->count < NAMED_MOST ? found->count : NAMED_MOST;
	found->count++;
	while (at > 0 && found->longest[at - 1].since_ns > thread->since_ns) {
		if (at < NAMED_MOST)
			found->longest[at] = found->longest[at - 1];
		at--;
	}
	if (at < NAMED_MOST)
		found->longest[at] = *thread;
}

static void find_blocked(const struct blocked_trigger *trigger, uint64_t drained_ns,
			 struct found *ret_found)
{
	size_t slots = blocked_threads_count(trigger->blocked);
	struct blocked_thread thread;

	ret_found->count = 0;
	for (size_t slot = 0; slot < slots; slot++)
		if (blocked_threads_at(trigger->blocked, slot, &thread) && thread.since_ns &&
		    is_disk_or_stopped(thread.state) &&
		    thread.since_ns + trigger->for_ns <= drained_ns &&
		    target_has(trigger->target, thread.tgid))
			insert_longest(ret_found, &thread);
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
				     thread->state == FT_STATE_DISK ? 'D' : 'T',
				     (double)(drained_ns - thread->since_ns) / 1e9);
		used += wrote > 0 ? (size_t)wrote : 0;
	}
	if (found->count > named && used < text_bytes)
		snprintf(text + used, text_bytes - used, " and more");
}

void blocked_trigger_look(struct blocked_trigger *trigger, uint64_t drained_ns)
{
	struct found found;
	char names[TRIGGER_REASON_BYTES];

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
