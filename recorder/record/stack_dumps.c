/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/stack_dumps.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "recorder/base/helper_process.h"
#include "recorder/symbols/unwind.h"

/* A place is FREE or WAITING when nobody touches it; whoever moves it to BUSY may. */
enum place_state { FREE, BUSY, WAITING };

struct place {
	_Atomic int state;
	struct stack_dump dump;
};

struct stack_dumps {
	_Atomic uint64_t dropped;
	struct place places[DUMPS_MAX];
};

int stack_dumps_create(struct stack_dumps **ret_dumps)
{
	/* Shared: a fork() while recording must not make the recording path copy pages. */
	struct stack_dumps *dumps = mmap(NULL, sizeof(*dumps), PROT_READ | PROT_WRITE,
					 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (dumps == MAP_FAILED)
		return -ENOMEM;
	*ret_dumps = dumps;
	return 0;
}

void stack_dumps_destroy(struct stack_dumps *dumps)
{
	if (!dumps)
		return;
	explicit_bzero(dumps, sizeof(*dumps));
	munmap(dumps, sizeof(*dumps));
}

static uint64_t call_length(const struct ft_event *call)
{
	uint64_t length = call->call.args[1];
	if (call->call.call == FT_CALL_MREMAP && call->call.args[2] > length)
		length = call->call.args[2];
	return length;
}

static bool seize(struct place *place)
{
	int waiting = WAITING;
	return atomic_compare_exchange_strong_explicit(&place->state, &waiting, BUSY,
						       memory_order_acquire, memory_order_relaxed);
}

static bool is_less(const struct stack_dump *dump, const struct stack_dump *than)
{
	if (dump->length_bytes != than->length_bytes)
		return dump->length_bytes < than->length_bytes;
	return dump->time_ns < than->time_ns;
}

/* A place in state BUSY, or NULL: only this thread makes places WAITING, so what it reads of one that waits
 * does not change. */
static struct place *find_room(struct stack_dumps *dumps, uint64_t length_bytes)
{
	struct place *least = NULL;
	for (size_t i = 0; i < DUMPS_MAX; i++) {
		struct place *place = &dumps->places[i];
		int state = atomic_load_explicit(&place->state, memory_order_acquire);
		if (state == FREE) {
			place->state = BUSY;
			return place;
		}
		if (state == WAITING && (!least || is_less(&place->dump, &least->dump)))
			least = place;
	}
	dumps->dropped++;
	return least && length_bytes >= least->dump.length_bytes && seize(least) ? least : NULL;
}

void stack_dumps_add(struct stack_dumps *dumps, const struct ft_event *call,
		     const struct translate_dump *dump)
{
	if (!dump->registers || dump->register_count > DUMP_REGISTERS_MAX ||
	    dump->stack_bytes > TIER_DUMP_BYTES)
		return;
	struct place *place = find_room(dumps, call_length(call));
	if (!place)
		return;
	struct stack_dump *kept = &place->dump;
	kept->task = *call->task;
	kept->time_ns = call->time_ns;
	kept->length_bytes = call_length(call);
	memcpy(kept->registers, dump->registers, dump->register_count * sizeof(uint64_t));
	kept->stack_bytes = dump->stack_bytes;
	memcpy(kept->stack, dump->stack, dump->stack_bytes);
	atomic_store_explicit(&place->state, WAITING, memory_order_release);
}

bool stack_dumps_take(struct stack_dumps *dumps, uint64_t until_ns, struct stack_dump *ret_dump)
{
	for (size_t i = 0; i < DUMPS_MAX; i++) {
		struct place *place = &dumps->places[i];
		if (!seize(place))
			continue;
		bool wanted = place->dump.time_ns <= until_ns;
		if (wanted) {
			*ret_dump = place->dump;
			explicit_bzero(&place->dump, sizeof(place->dump));
		}
		atomic_store_explicit(&place->state, wanted ? FREE : WAITING, memory_order_release);
		if (wanted)
			return true;
	}
	return false;
}

uint64_t stack_dumps_dropped(const struct stack_dumps *dumps)
{
	return dumps->dropped;
}

/* What the child says of one dump, followed by its frames. */
struct answer {
	uint32_t dump;
	uint32_t count;
};

struct question {
	const struct mappings *mappings;
	size_t count;
	struct stack_dump dumps[DUMPS_MAX];
};

static int unwind_all(void *context, int out_fd)
{
	static uint64_t frames[FT_STACK_FRAMES_MAX];
	const struct question *question = context;

	for (size_t i = 0; i < question->count; i++) {
		const struct stack_dump *dump = &question->dumps[i];
		int count =
			unwind_stack(question->mappings, dump->task.tgid, dump->registers,
				     dump->stack, dump->stack_bytes, frames, FT_STACK_FRAMES_MAX);
		struct answer answer = { (uint32_t)i, (uint32_t)count };

		if (count <= 0)
			continue;
		if (helper_process_write(out_fd, &answer, sizeof(answer)) ||
		    helper_process_write(out_fd, frames, (size_t)count * sizeof(*frames)))
			return 1;
	}
	return 0;
}

/* Whole answers only: the child may have been killed in the middle of one. */
static void visit_answers(const struct question *question, const char *output, size_t bytes,
			  int (*visit)(void *context, const struct ft_event *event), void *context)
{
	uint64_t frames[FT_STACK_FRAMES_MAX];
	struct answer answer;

	while (bytes >= sizeof(answer)) {
		struct ft_stack stack = { .frames = frames };

		memcpy(&answer, output, sizeof(answer));
		output += sizeof(answer);
		bytes -= sizeof(answer);
		if (answer.dump >= question->count || answer.count > FT_STACK_FRAMES_MAX ||
		    answer.count * sizeof(*frames) > bytes)
			return;
		memcpy(frames, output, answer.count * sizeof(*frames));
		output += answer.count * sizeof(*frames);
		bytes -= answer.count * sizeof(*frames);
		stack.user_count = (uint16_t)answer.count;
		if (visit(context,
			  &(struct ft_event){ .kind = FT_EVENT_UNWOUND,
					      .cpu = FT_NO_CPU,
					      .time_ns = question->dumps[answer.dump].time_ns,
					      .task = &question->dumps[answer.dump].task,
					      .stack = &stack }))
			return;
	}
}

int stack_dumps_unwind(struct stack_dumps *dumps, uint64_t until_ns,
			const struct mappings *mappings, int deadline_ms,
			int (*visit)(void *context, const struct ft_event *event), void *context)
{
	struct question *question = malloc(sizeof(*question));
	void *output = NULL;
	size_t output_bytes = 0;
	int error = 0;

	if (!question)
		return -ENOMEM;
	question->mappings = mappings;
	question->count = 0;
	while (question->count < DUMPS_MAX &&
	       stack_dumps_take(dumps, until_ns, &question->dumps[question->count]))
		question->count++;
	if (question->count)
		error = helper_process_run(unwind_all, question, deadline_ms, &output,
					   &output_bytes);
	visit_answers(question, output, output_bytes, visit, context);
	explicit_bzero(question->dumps, question->count * sizeof(question->dumps[0]));
	free(question);
	free(output);
	return error;
}

void stack_dumps_note_missing(int error, uint64_t dropped, struct recorder_events *ownlog)
{
	if (error)
		recorder_events_note(ownlog,
				     "not all user stacks of large calls could be unwound: %s",
				     strerror(-error));
	if (dropped)
		recorder_events_note(
			ownlog,
			"of more than %d large calls only the largest had their stack unwound:"
			" %llu without",
			DUMPS_MAX, (unsigned long long)dropped);
}
