/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/stack_unwinder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/helper_process.h"
#include "recorder/symbols/unwind.h"

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

int stack_unwinder_take(struct stack_dumps *dumps, uint64_t until_ns,
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

void stack_unwinder_note(int error, uint64_t dropped, struct recorder_events *ownlog)
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
