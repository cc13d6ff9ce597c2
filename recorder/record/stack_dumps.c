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

/* Nobody touches a slot that is FREE or WAITING. Who sets BUSY owns it. */
enum slot_state { FREE, BUSY, WAITING };

struct slot {
	_Atomic int state;
	struct stack_dump dump;
};

struct stack_dumps {
	_Atomic uint64_t dropped;
	struct slot slots[DUMPS_MAX];
};

int stack_dumps_create(struct stack_dumps **ret_dumps)
{
	/* MAP_SHARED: after a fork() the drain must not copy pages on write. */
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

static uint64_t get_call_length(const struct ft_event *call)
{
	uint64_t length = call->call.args[1];
	if (call->call.call == FT_CALL_MREMAP && call->call.args[2] > length)
		length = call->call.args[2];
	return length;
}

static bool claim_slot(struct slot *slot)
{
	int waiting = WAITING;
	return atomic_compare_exchange_strong_explicit(&slot->state, &waiting, BUSY,
						       memory_order_acquire, memory_order_relaxed);
}

static bool is_smaller(const struct stack_dump *dump, const struct stack_dump *than)
{
	if (dump->length_bytes != than->length_bytes)
		return dump->length_bytes < than->length_bytes;
	return dump->time_ns < than->time_ns;
}

/* Return: a slot in state BUSY, or NULL. Only the calling thread makes slots WAITING, so the
 * content of a WAITING slot does not change while it is compared. */
static struct slot *find_slot(struct stack_dumps *dumps, uint64_t length_bytes)
{
	struct slot *least = NULL;
	for (size_t i = 0; i < DUMPS_MAX; i++) {
		struct slot *slot = &dumps->slots[i];
		int state = atomic_load_explicit(&slot->state, memory_order_acquire);
		if (state == FREE) {
			slot->state = BUSY;
			return slot;
		}
		if (state == WAITING && (!least || is_smaller(&slot->dump, &least->dump)))
			least = slot;
	}
	dumps->dropped++;
	return least && length_bytes >= least->dump.length_bytes && claim_slot(least) ? least
										      : NULL;
}

void stack_dumps_add(struct stack_dumps *dumps, const struct ft_event *call,
		     const struct translate_dump *dump)
{
	if (!dump->registers || dump->register_count > DUMP_REGISTERS_MAX ||
	    dump->stack_bytes > TIER_DUMP_BYTES)
		return;
	struct slot *slot = find_slot(dumps, get_call_length(call));
	if (!slot)
		return;
	struct stack_dump *kept = &slot->dump;
	kept->task = *call->task;
	kept->time_ns = call->time_ns;
	kept->length_bytes = get_call_length(call);
	memcpy(kept->registers, dump->registers, dump->register_count * sizeof(uint64_t));
	kept->stack_bytes = dump->stack_bytes;
	memcpy(kept->stack, dump->stack, dump->stack_bytes);
	atomic_store_explicit(&slot->state, WAITING, memory_order_release);
}

bool stack_dumps_take(struct stack_dumps *dumps, uint64_t until_ns, struct stack_dump *ret_dump)
{
	for (size_t i = 0; i < DUMPS_MAX; i++) {
		struct slot *slot = &dumps->slots[i];
		if (!claim_slot(slot))
			continue;
		bool wanted = slot->dump.time_ns <= until_ns;
		if (wanted) {
			*ret_dump = slot->dump;
			explicit_bzero(&slot->dump, sizeof(slot->dump));
		}
		atomic_store_explicit(&slot->state, wanted ? FREE : WAITING, memory_order_release);
		if (wanted)
			return true;
	}
	return false;
}

uint64_t stack_dumps_dropped(const struct stack_dumps *dumps)
{
	return dumps->dropped;
}

/* What the child writes for one dump; the frames follow. */
struct unwind_answer {
	uint32_t dump;
	uint32_t count;
};

struct unwind_request {
	const struct mappings *mappings;
	size_t count;
	struct stack_dump dumps[DUMPS_MAX];
};

static int unwind_all(void *context, int out_fd)
{
	static uint64_t frames[FT_STACK_FRAMES_MAX];
	const struct unwind_request *request = context;

	for (size_t i = 0; i < request->count; i++) {
		const struct stack_dump *dump = &request->dumps[i];
		int count =
			unwind_stack(request->mappings, dump->task.tgid, dump->registers,
				     dump->stack, dump->stack_bytes, frames, FT_STACK_FRAMES_MAX);
		struct unwind_answer answer = { (uint32_t)i, (uint32_t)count };

		if (count <= 0)
			continue;
		if (helper_process_write(out_fd, &answer, sizeof(answer)) ||
		    helper_process_write(out_fd, frames, (size_t)count * sizeof(*frames)))
			return 1;
	}
	return 0;
}

/* Takes whole answers only: the child may have been killed in the middle of one. */
static void visit_answers(const struct unwind_request *request, const char *output, size_t bytes,
			  int (*visit)(void *context, const struct ft_event *event), void *context)
{
	uint64_t frames[FT_STACK_FRAMES_MAX];
	struct unwind_answer answer;

	while (bytes >= sizeof(answer)) {
		struct ft_stack stack = { .frames = frames };

		memcpy(&answer, output, sizeof(answer));
		output += sizeof(answer);
		bytes -= sizeof(answer);
		if (answer.dump >= request->count || answer.count > FT_STACK_FRAMES_MAX ||
		    answer.count * sizeof(*frames) > bytes)
			return;
		memcpy(frames, output, answer.count * sizeof(*frames));
		output += answer.count * sizeof(*frames);
		bytes -= answer.count * sizeof(*frames);
		stack.user_count = (uint16_t)answer.count;
		if (visit(context,
			  &(struct ft_event){ .kind = FT_EVENT_UNWOUND,
					      .cpu = FT_NO_CPU,
					      .time_ns = request->dumps[answer.dump].time_ns,
					      .task = &request->dumps[answer.dump].task,
					      .stack = &stack }))
			return;
	}
}

int stack_dumps_unwind(struct stack_dumps *dumps, uint64_t until_ns,
		       const struct mappings *mappings, int deadline_ms,
		       int (*visit)(void *context, const struct ft_event *event), void *context)
{
	struct unwind_request *request = malloc(sizeof(*request));
	void *output = NULL;
	size_t output_bytes = 0;
	int error = 0;

	if (!request)
		return -ENOMEM;
	request->mappings = mappings;
	request->count = 0;
	while (request->count < DUMPS_MAX &&
	       stack_dumps_take(dumps, until_ns, &request->dumps[request->count]))
		request->count++;
	if (request->count)
		error = helper_process_run(unwind_all, request, deadline_ms, &output,
					   &output_bytes);
	visit_answers(request, output, output_bytes, visit, context);
	explicit_bzero(request->dumps, request->count * sizeof(request->dumps[0]));
	free(request);
	free(output);
	return error;
}

void stack_dumps_note_missing(int error, uint64_t dropped, struct recorder_events *own_events)
{
	if (error)
		recorder_events_note(own_events,
				     "not all user stacks of large calls could be unwound: %s",
				     strerror(-error));
	if (dropped)
		recorder_events_note(
			own_events,
			"of more than %d large calls only the largest had their stack unwound:"
			" %llu without",
			DUMPS_MAX, (unsigned long long)dropped);
}
