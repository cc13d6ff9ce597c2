/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/trigger/blocked_trigger.h"

#include <ctype.h>
#include <stdio.h>

#define NAMED_MOST 5

/* Those who have been blocked longest. */
struct found {
	uint32_t count;
	struct blocked_thread longest[NAMED_MOST];
};

/* Wants what it waits for, and soon; any other sleep may be that of a thread with nothing to do. */
static bool hurts(enum ft_task_state state)
{
	return state == FT_STATE_DISK || state == FT_STATE_STOPPED;
}

static void add(struct found *found, const struct blocked_thread *sleeper)
{
	size_t at = found->count < NAMED_MOST ? found->count : NAMED_MOST;
	found->count++;
	while (at > 0 && found->longest[at - 1].since_ns > sleeper->since_ns) {
		if (at < NAMED_MOST)
			found->longest[at] = found->longest[at - 1];
		at--;
	}
	if (at < NAMED_MOST)
		found->longest[at] = *sleeper;
}

static void find(const struct blocked_trigger *blocked, uint64_t drained_ns,
		 struct found *ret_found)
{
	size_t places = blocked_threads_count(blocked->sleepers);
	struct blocked_thread sleeper;

	ret_found->count = 0;
	for (size_t place = 0; place < places; place++)
		if (blocked_threads_at(blocked->sleepers, place, &sleeper) && sleeper.since_ns &&
		    hurts(sleeper.state) && sleeper.since_ns + blocked->for_ns <= drained_ns &&
		    target_has(blocked->target, sleeper.tgid))
			add(ret_found, &sleeper);
}

/* ": 101 worker0 (D 1.4 s), 102 ..." */
static void name_them(const struct found *found, uint64_t drained_ns, char *text, size_t text_bytes)
{
	size_t named = found->count < NAMED_MOST ? found->count : NAMED_MOST, used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < named && used < text_bytes; i++) {
		const struct blocked_thread *sleeper = &found->longest[i];
		char comm[FT_COMM_BYTES];
		snprintf(comm, sizeof(comm), "%s", sleeper->comm);
		for (char *c = comm; *c; c++)
			if (iscntrl((unsigned char)*c))
				*c = '?';
		int wrote = snprintf(text + used, text_bytes - used, "%s%d %s (%c %.1f s)",
				     i ? ", " : "", sleeper->tid, comm,
				     sleeper->state == FT_STATE_DISK ? 'D' : 'T',
				     (double)(drained_ns - sleeper->since_ns) / 1e9);
		used += wrote > 0 ? (size_t)wrote : 0;
	}
	if (found->count > named && used < text_bytes)
		snprintf(text + used, text_bytes - used, " and more");
}

void blocked_trigger_look(struct blocked_trigger *blocked, uint64_t drained_ns)
{
	struct found found;
	char names[TRIGGER_REASON_BYTES];

	find(blocked, drained_ns, &found);
	if (found.count < blocked->threads || !found.count) {
		blocked->told = false;
		return;
	}
	if (blocked->told)
		return;
	name_them(&found, drained_ns, names, sizeof(names));
	blocked->told = trigger_queue_post(blocked->triggers, "blocked", drained_ns,
					   "%u %s blocked for %.1f s or more: %s", found.count,
					   found.count == 1 ? "thread" : "threads",
					   (double)blocked->for_ns / 1e9, names) != 0;
}
