/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/record/translate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "recorder/record/record_cursor.h"

/* Indices of fields[] in struct tier_event, by role. */
enum { SWITCH_PREV_COMM, SWITCH_PREV_PID, SWITCH_PREV_STATE, SWITCH_NEXT_COMM, SWITCH_NEXT_PID };
enum { WAKING_COMM, WAKING_PID };
enum { LOCK_ADDRESS, LOCK_FLAGS, MMAP_LOCK_WRITE = LOCK_FLAGS };

/* common_flags of a tracepoint's record: enum trace_flag_type of the kernel. */
#define FLAG_HARDIRQ 0x08
#define FLAG_SOFTIRQ 0x10

/* Time and identifier end every record that is not a sample. */
#define SAMPLE_ID_BYTES 16
#define SAMPLE_TID_BYTES 8 /* pid and tid, in front of those where the event asks for them */

void translate_init(struct translate *translate, const struct event_plan *plan,
		    struct task_table *tasks)
{
	memset(translate, 0, sizeof(*translate));
	translate->plan = plan;
	translate->tasks = tasks;
	translate->stack.frames = translate->frames;
}

static const struct event_plan_entry *find_event(const struct translate *translate,
						 const struct translate_cpu *cpu, uint64_t id)
{
	/* A linear search: they are few, and the tier's table begins with the frequent ones. */
	for (size_t i = 0; i < translate->plan->count; i++)
		if (cpu->ids[i] == id && id)
			return &translate->plan->events[i];
	return NULL;
}

/* @ret_task gets a copy, since the table may move its entries. */
static void learn_task(struct translate *translate, const struct translate_cpu *cpu, int32_t tid,
		       int32_t tgid, const char *comm, struct ft_task *ret_task)
{
	if (tid > 0) {
		*ret_task = *task_table_learn(translate->tasks, tid, tgid > 0 ? tgid : -1, comm);
		return;
	}
	*ret_task = (struct ft_task){ .tid = 0 };
	snprintf(ret_task->comm, sizeof(ret_task->comm), "swapper/%u", cpu->cpu);
}

/* Some callchain entries name a context and are no address. */
static bool is_context(uint64_t address)
{
	return address >= (uint64_t)PERF_CONTEXT_MAX;
}

static bool take_callchain(struct translate *translate, struct cursor *cursor,
			   const struct ft_stack **ret_stack)
{
	struct ft_stack *stack = &translate->stack;
	uint64_t count;
	const void *block;

	if (!take_bytes(cursor, &count, sizeof(count)) ||
	    count > (size_t)(cursor->end - cursor->at) / sizeof(uint64_t) ||
	    !take_block(cursor, (size_t)count * sizeof(uint64_t), &block))
		return false;
	stack->kernel_count = stack->user_count = 0;
	bool user = false;
	for (size_t i = 0; i < count; i++) {
		uint64_t address;
		memcpy(&address, (const uint8_t *)block + i * sizeof(address), sizeof(address));
		if (is_context(address)) {
			user = address == (uint64_t)PERF_CONTEXT_USER;
			continue;
		}
		size_t used = (size_t)stack->kernel_count + stack->user_count;
		if (used == FT_STACK_FRAMES_MAX)
			break;
		if (user)
			stack->user_count++;
		else if (!stack->user_count)
			stack->kernel_count++;
		else
			break; /* kernel frames behind user frames: no stack that we asked for */
		translate->frames[used] = address;
	}
	*ret_stack = stack->kernel_count || stack->user_count ? stack : NULL;
	return true;
}

static bool take_dump(const struct perf_event_attr *attr, struct cursor *cursor,
		      struct translate_dump *ret_dump)
{
	const void *registers = NULL, *stack = NULL;
	uint64_t abi, bytes, used = 0;
	size_t count = (size_t)__builtin_popcountll(attr->sample_regs_user);

	if (!take_bytes(cursor, &abi, sizeof(abi)))
		return false;
	if (abi != PERF_SAMPLE_REGS_ABI_NONE &&
	    !take_block(cursor, count * sizeof(uint64_t), &registers))
		return false;
	if (!take_bytes(cursor, &bytes, sizeof(bytes)))
		return false;
	if (bytes && (bytes > (size_t)(cursor->end - cursor->at) ||
		      !take_block(cursor, (size_t)bytes, &stack) ||
		      !take_bytes(cursor, &used, sizeof(used))))
		return false;
	/* A 32-bit program's stack cannot be unwound with this architecture's registers. */
	if (abi == PERF_SAMPLE_REGS_ABI_64 && stack && used && used <= bytes)
		*ret_dump = (struct translate_dump){
			.registers = registers,
			.register_count = count,
			.stack = stack,
			.stack_bytes = (size_t)used,
		};
	return true;
}

static void translate_switch(struct translate *translate, const struct translate_cpu *cpu,
			     const struct tracepoint_format *format, const void *raw,
			     size_t raw_bytes, int32_t tgid, struct ft_event *event)
{
	const struct tracepoint_field *fields = format->fields;

	learn_task(translate, cpu,
		   (int32_t)tracepoint_format_number(&fields[SWITCH_PREV_PID], raw, raw_bytes),
		   tgid, tracepoint_format_comm(&fields[SWITCH_PREV_COMM], raw, raw_bytes),
		   &translate->task);
	learn_task(translate, cpu,
		   (int32_t)tracepoint_format_number(&fields[SWITCH_NEXT_PID], raw, raw_bytes), -1,
		   tracepoint_format_comm(&fields[SWITCH_NEXT_COMM], raw, raw_bytes),
		   &translate->other);
	event->kind = FT_EVENT_SWITCH;
	event->switch_.next = &translate->other;
	event->switch_.prev_state = tracepoint_format_state(
		&translate->plan->states,
		tracepoint_format_number(&fields[SWITCH_PREV_STATE], raw, raw_bytes));
	/* The thread never runs again, and its tid may be reused. */
	if (event->switch_.prev_state == FT_STATE_DEAD)
		task_table_forget(translate->tasks, translate->task.tid);
}

static void translate_waking(struct translate *translate, const struct translate_cpu *cpu,
			     const struct tracepoint_format *format, const void *raw,
			     size_t raw_bytes, struct ft_event *event)
{
	uint64_t flags = tracepoint_format_number(&format->common_flags, raw, raw_bytes);

	learn_task(translate, cpu,
		   (int32_t)tracepoint_format_number(&format->fields[WAKING_PID], raw, raw_bytes),
		   -1, tracepoint_format_comm(&format->fields[WAKING_COMM], raw, raw_bytes),
		   &translate->other);
	event->kind = FT_EVENT_WAKING;
	event->waking.wakee = &translate->other;
	event->waking.in_interrupt = flags & (FLAG_HARDIRQ | FLAG_SOFTIRQ);
}

/*
 * After a switch the CPU runs the other thread, so the same switch cannot come twice in a row. The
 * same waking can, but not so soon.
 */
static bool repeats_other_event(const struct translate *translate, struct translate_cpu *cpu,
				const struct event_plan_entry *planned, const void *raw,
				size_t raw_bytes, uint64_t time_ns)
{
	const struct tracepoint_format *format = &planned->format;
	bool is_switch = planned->role == ROLE_SWITCH;
	const struct tracepoint_field *tid =
		is_switch ? &format->fields[SWITCH_PREV_PID] : &format->common_pid;
	const struct tracepoint_field *other =
		&format->fields[is_switch ? SWITCH_NEXT_PID : WAKING_PID];
	const struct occurrence now = {
		.events = 1ull << (planned - translate->plan->events),
		.complete = !planned->filter && !(planned->attr.sample_type & PERF_SAMPLE_CALLCHAIN),
		.tid = (int32_t)tracepoint_format_number(tid, raw, raw_bytes),
		.other = (int32_t)tracepoint_format_number(other, raw, raw_bytes),
		.time_ns = time_ns,
	};
	return is_switch ? occurrence_repeats(&cpu->latest_switch, &now, UINT64_MAX)
			 : occurrence_repeats(&cpu->latest_waking, &now, OCCURRENCE_NS);
}

/* Return: 1 an event, 0 none. */
static int translate_raw(struct translate *translate, struct translate_cpu *cpu,
			 const struct event_plan_entry *planned, const void *raw, size_t raw_bytes,
			 int32_t tgid, struct ft_event *event)
{
	const struct tracepoint_format *format = &planned->format;

	if ((planned->role == ROLE_SWITCH || planned->role == ROLE_WAKING) &&
	    repeats_other_event(translate, cpu, planned, raw, raw_bytes, event->time_ns)) {
		cpu->doubles++;
		return 0;
	}
	if (planned->role == ROLE_SWITCH) {
		translate_switch(translate, cpu, format, raw, raw_bytes, tgid, event);
		return 1;
	}
	/* The pid in the raw record does not depend on the recorder's pid namespace. */
	learn_task(translate, cpu,
		   (int32_t)tracepoint_format_number(&format->common_pid, raw, raw_bytes), tgid,
		   NULL, &translate->task);
	switch (planned->role) {
	case ROLE_WAKING:
		translate_waking(translate, cpu, format, raw, raw_bytes, event);
		return 1;
	case ROLE_LOCK_BEGIN:
		event->kind = FT_EVENT_LOCK_BEGIN;
		event->lock_begin.address =
			tracepoint_format_number(&format->fields[LOCK_ADDRESS], raw, raw_bytes);
		event->lock_begin.flags = (uint32_t)tracepoint_format_number(
			&format->fields[LOCK_FLAGS], raw, raw_bytes);
		return 1;
	case ROLE_LOCK_HOLD:
		event->kind = FT_EVENT_LOCK_HOLD;
		event->lock_hold.address =
			tracepoint_format_number(&format->fields[LOCK_ADDRESS], raw, raw_bytes);
		event->lock_hold.flags = planned->hold;
		if (planned->hold & FT_HOLD_OF_MM)
			event->lock_hold.flags |=
				tracepoint_format_number(&format->fields[MMAP_LOCK_WRITE], raw,
							 raw_bytes)
					? FT_HOLD_WRITE
					: FT_HOLD_READ;
		return 1;
	case ROLE_CALL:
		event->kind = FT_EVENT_CALL;
		event->call.call = planned->call;
		for (size_t i = 0; i < 4; i++)
			event->call.args[i] =
				tracepoint_format_number(&format->fields[i], raw, raw_bytes);
		if (planned->call ==
		    FT_CALL_FUTEX) { /* registers are wider than these two arguments */
			event->call.args[1] &= UINT32_MAX;
			event->call.args[2] &= UINT32_MAX;
		}
		return 1;
	case ROLE_EXTRA:
		event->kind = FT_EVENT_EXTRA;
		event->extra.name = planned->name;
		return 1;
	default:
		return 0;
	}
}

static int translate_sample(struct translate *translate, struct translate_cpu *cpu,
			    struct cursor cursor, struct ft_event *ret_event,
			    struct translate_dump *ret_dump)
{
	struct ft_event event = { .cpu = cpu->cpu, .task = &translate->task };
	uint64_t id;
	struct {
		int32_t pid, tid;
	} by = { .pid = -1 };
	const void *raw = NULL;
	uint32_t raw_bytes = 0;

	if (!take_bytes(&cursor, &id, sizeof(id)))
		return -EBADMSG;
	const struct event_plan_entry *planned = find_event(translate, cpu, id);
	if (!planned)
		return -EBADMSG;
	uint64_t type = planned->attr.sample_type;
	if (((type & PERF_SAMPLE_TID) && !take_bytes(&cursor, &by, sizeof(by))) ||
	    !take_bytes(&cursor, &event.time_ns, sizeof(event.time_ns)))
		return -EBADMSG;
	if ((type & PERF_SAMPLE_CALLCHAIN) && !take_callchain(translate, &cursor, &event.stack))
		return -EBADMSG;
	if ((type & PERF_SAMPLE_RAW) && (!take_bytes(&cursor, &raw_bytes, sizeof(raw_bytes)) ||
					 !take_block(&cursor, raw_bytes, &raw)))
		return -EBADMSG;
	if ((type & PERF_SAMPLE_STACK_USER) && !take_dump(&planned->attr, &cursor, ret_dump))
		return -EBADMSG;
	if (event.time_ns > cpu->last_ns)
		cpu->last_ns = event.time_ns;

	int result;
	if (raw) {
		result = translate_raw(translate, cpu, planned, raw, raw_bytes, by.pid, &event);
	} else {
		/* Neither the idle task nor a task that has lost its pid already. */
		result = by.tid > 0;
		learn_task(translate, cpu, by.tid, by.pid, NULL, &translate->task);
		event.kind = planned->role == ROLE_EXTRA ? FT_EVENT_EXTRA : FT_EVENT_SAMPLE;
		if (planned->role == ROLE_EXTRA)
			event.extra.name = planned->name;
	}
	if (result == 1)
		*ret_event = event;
	return result;
}

static int translate_lost(struct translate_cpu *cpu, uint64_t records, struct ft_event *event)
{
	event->kind = FT_EVENT_LOST;
	event->lost.start_ns = cpu->last_ns < event->time_ns ? cpu->last_ns : event->time_ns;
	event->lost.records = records;
	cpu->lost_records += records;
	cpu->latest_switch.events = cpu->latest_waking.events = 0;
	return 1;
}

/* FORK and EXIT have the same body. */
static int translate_fork_exit(struct translate *translate, const struct translate_cpu *cpu,
			       uint32_t type, struct cursor cursor, struct ft_event *event)
{
	struct {
		int32_t pid, parent_pid, tid, parent_tid;
		uint64_t time_ns;
	} body;

	if (!take_bytes(&cursor, &body, sizeof(body)))
		return -EBADMSG;
	if (type == PERF_RECORD_EXIT) {
		learn_task(translate, cpu, body.tid, body.pid, NULL, &translate->task);
		event->kind = FT_EVENT_EXIT;
		return body.tid > 0;
	}
	learn_task(translate, cpu, body.parent_tid, body.parent_pid, NULL, &translate->task);
	/* A new thread inherits the comm of its creator. */
	learn_task(translate, cpu, body.tid, body.pid, translate->task.comm, &translate->other);
	event->kind = FT_EVENT_FORK;
	event->fork.child = &translate->other;
	return body.tid > 0;
}

/* Copies the rest of @cursor to translate->text and ends it with a zero. */
static bool take_text(struct translate *translate, struct cursor *cursor)
{
	size_t bytes = (size_t)(cursor->end - cursor->at);
	size_t length = strnlen((const char *)cursor->at, bytes);
	if (length == bytes)
		return false;
	if (length >= sizeof(translate->text))
		length = sizeof(translate->text) - 1;
	memcpy(translate->text, cursor->at, length);
	translate->text[length] = '\0';
	return true;
}

static int translate_comm(struct translate *translate, const struct translate_cpu *cpu,
			  uint16_t misc, struct cursor cursor, struct ft_event *event)
{
	struct {
		int32_t pid, tid;
	} body;

	if (!take_bytes(&cursor, &body, sizeof(body)) || !take_text(translate, &cursor))
		return -EBADMSG;
	learn_task(translate, cpu, body.tid, body.pid, translate->text, &translate->task);
	event->kind = FT_EVENT_COMM;
	event->comm.exec = misc & PERF_RECORD_MISC_COMM_EXEC;
	return body.tid > 0;
}

static int translate_mmap(struct translate *translate, const struct translate_cpu *cpu,
			  struct cursor cursor, struct ft_event *event)
{
	struct {
		int32_t pid, tid;
		uint64_t start, length_bytes, offset_bytes;
		uint8_t file[24]; /* device and inode, or build-id */
		uint32_t protection, flags;
	} body;

	if (!take_bytes(&cursor, &body, sizeof(body)) || !take_text(translate, &cursor))
		return -EBADMSG;
	/* "//anon" is code made by a JIT: there is no file to look names up in. */
	if (body.tid <= 0 || !(body.protection & PROT_EXEC) || !strncmp(translate->text, "//", 2))
		return 0;
	learn_task(translate, cpu, body.tid, body.pid, NULL, &translate->task);
	event->kind = FT_EVENT_MMAP;
	event->mmap.start = body.start;
	event->mmap.length_bytes = body.length_bytes;
	event->mmap.offset_bytes = body.offset_bytes;
	event->mmap.path = translate->text;
	return 1;
}

static int translate_throttle(struct translate *translate, struct translate_cpu *cpu,
			      struct ft_event *event)
{
	if (cpu->throttled)
		return 0;
	cpu->throttled = true;
	snprintf(translate->text, sizeof(translate->text),
		 "the kernel held back samples on CPU %u (perf_event_max_sample_rate)", cpu->cpu);
	event->kind = FT_EVENT_NOTE;
	event->note.text = translate->text;
	return 1;
}

/* Cuts off the end of a record that is not a sample. */
static bool cut_sample_id(const struct translate *translate, const struct translate_cpu *cpu,
			  struct cursor *cursor, uint64_t *ret_time_ns)
{
	struct {
		uint64_t time_ns, id;
	} end;
	size_t bytes = SAMPLE_ID_BYTES;

	if ((size_t)(cursor->end - cursor->at) < bytes)
		return false;
	memcpy(&end, cursor->end - sizeof(end), sizeof(end));
	const struct event_plan_entry *planned = find_event(translate, cpu, end.id);
	if (!planned || planned->attr.sample_type & PERF_SAMPLE_TID)
		bytes += SAMPLE_TID_BYTES;
	if ((size_t)(cursor->end - cursor->at) < bytes)
		return false;
	cursor->end -= bytes;
	*ret_time_ns = end.time_ns;
	return true;
}

static int translate_other(struct translate *translate, struct translate_cpu *cpu,
			   const struct perf_event_header *record, struct cursor cursor,
			   struct ft_event *ret_event)
{
	struct ft_event event = { .cpu = cpu->cpu, .task = &translate->task };
	struct {
		uint64_t id, count;
	} lost;
	int result;

	if (!cut_sample_id(translate, cpu, &cursor, &event.time_ns))
		return -EBADMSG;
	translate->task = (struct ft_task){ .tid = 0 };
	switch (record->type) {
	case PERF_RECORD_LOST:
		result = take_bytes(&cursor, &lost, sizeof(lost))
				 ? translate_lost(cpu, lost.count, &event)
				 : -EBADMSG;
		break;
	case PERF_RECORD_LOST_SAMPLES:
		result = take_bytes(&cursor, &lost.count, sizeof(lost.count))
				 ? translate_lost(cpu, lost.count, &event)
				 : -EBADMSG;
		break;
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		result = translate_fork_exit(translate, cpu, record->type, cursor, &event);
		break;
	case PERF_RECORD_COMM:
		result = translate_comm(translate, cpu, record->misc, cursor, &event);
		break;
	case PERF_RECORD_MMAP2:
		result = translate_mmap(translate, cpu, cursor, &event);
		break;
	case PERF_RECORD_THROTTLE:
		result = translate_throttle(translate, cpu, &event);
		break;
	default:
		result = 0;
	}
	if (event.time_ns > cpu->last_ns)
		cpu->last_ns = event.time_ns;
	if (result == 1)
		*ret_event = event;
	return result;
}

int translate_record(struct translate *translate, struct translate_cpu *cpu,
		     const struct perf_event_header *record, struct ft_event *ret_event,
		     struct translate_dump *ret_dump)
{
	struct cursor cursor = {
		.at = (const uint8_t *)record + sizeof(*record),
		.end = (const uint8_t *)record + record->size,
	};

	*ret_dump = (struct translate_dump){ .registers = NULL };
	if (record->size < sizeof(*record))
		return -EBADMSG;
	if (record->type == PERF_RECORD_SAMPLE)
		return translate_sample(translate, cpu, cursor, ret_event, ret_dump);
	return translate_other(translate, cpu, record, cursor, ret_event);
}
