/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/sample_events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BASE_NS 1000000000000ull

static const struct ft_task idle = { .comm = "swapper/3" };
static const struct ft_task none = { 0 };
static const struct ft_task worker = { .tid = 4243, .tgid = 4242, .comm = "worker" };
static const struct ft_task renamed = { .tid = 4243, .tgid = 4242, .comm = "renamed" };
static const struct ft_task stranger = { .tid = INT32_MAX, .tgid = -1, .comm = "fifteen-letters" };
static const struct ft_task odd = { .tid = INT32_MIN, .tgid = INT32_MAX, .comm = "\x1b[31m\xff" };

static const uint64_t wait_frames[] = { 0xffffffff810ca110, 0xffffffff810caf00,
					0xffffffff81a00123, 0xffffffff81a00130,
					0x00007f1234567890, 0x0000000000401136 };
static const uint64_t extreme_frames[] = { UINT64_MAX, 0, UINT64_MAX, 1ull << 63,
					   0x7fffffffffffffff };
static uint64_t many_frames[FT_STACK_FRAMES_MAX] = { [0] = 7, [190] = UINT64_MAX, [191] = 9 };

static const struct ft_stack wait_stack = { wait_frames, 4, 2 };
static const struct ft_stack kernel_stack = { wait_frames, 4, 0 };
static const struct ft_stack user_stack = { wait_frames + 4, 0, 2 };
static const struct ft_stack extreme_stack = { extreme_frames, 2, 3 };
static const struct ft_stack many_stack = { many_frames, 1, 191 };
static const struct ft_stack no_frames = { NULL, 0, 0 };

#define HEAD(kind_, after_ns, task_, stack_) \
	.kind = (kind_), .cpu = SAMPLE_CPU, .time_ns = BASE_NS + (after_ns), .task = (task_), \
	.stack = (stack_)

const struct ft_event sample_events[] = {
	{ HEAD(FT_EVENT_SWITCH, 5000, &worker, &wait_stack),
	  .switch_ = { &idle, FT_STATE_DISK } },
	{ HEAD(FT_EVENT_SWITCH, 6000, &idle, NULL), .switch_ = { &worker, FT_STATE_RUNNING } },
	{ HEAD(FT_EVENT_SWITCH, 7000, &worker, &wait_stack),
	  .switch_ = { &stranger, FT_STATE_OTHER } },
	{ HEAD(FT_EVENT_SWITCH, 6900, &stranger, &kernel_stack),
	  .switch_ = { &odd, FT_STATE_PREEMPTED } },
	{ HEAD(FT_EVENT_WAKING, 7100, &odd, &no_frames), .waking = { &renamed, false } },
	{ HEAD(FT_EVENT_WAKING, 7100, &odd, &extreme_stack), .waking = { &worker, true } },
	{ HEAD(FT_EVENT_LOCK_BEGIN, 7200, &renamed, &kernel_stack),
	  .lock_begin = { 0xffff888101234567, FT_LOCK_WRITE } },
	{ HEAD(FT_EVENT_LOCK_BEGIN, 7201, &worker, NULL), .lock_begin = { 1, UINT32_MAX } },
	{ HEAD(FT_EVENT_LOCK_HOLD, 7300, &worker, NULL), .lock_hold = { UINT64_MAX, UINT32_MAX } },
	{ HEAD(FT_EVENT_LOCK_HOLD, 7301, &renamed, NULL), .lock_hold = { 0xffff888101234567, 0 } },
	{ HEAD(FT_EVENT_SAMPLE, 7400, &renamed, &many_stack) },
	{ HEAD(FT_EVENT_SAMPLE, 7401, &renamed, &user_stack) },
	{ HEAD(FT_EVENT_CALL, 7500, &worker, &user_stack),
	  .call = { FT_CALL_MMAP, { 0, 3758096384, 3, UINT64_MAX } } },
	{ HEAD(FT_EVENT_FORK, 7600, &worker, NULL), .fork = { &stranger } },
	{ HEAD(FT_EVENT_COMM, 7700, &renamed, NULL), .comm = { false } },
	{ HEAD(FT_EVENT_COMM, 7701, &renamed, NULL), .comm = { true } },
	{ HEAD(FT_EVENT_EXIT, 7800, &renamed, NULL) },
	{ HEAD(FT_EVENT_MMAP, 7900, &worker, NULL),
	  .mmap = { 0x7f0000000000, 0x21000, UINT64_MAX, "/usr/lib/libc.so.6" } },
	{ HEAD(FT_EVENT_MMAP, 7901, &worker, NULL), .mmap = { 1, 2, 3, "/usr/lib/libc.so.6" } },
	{ HEAD(FT_EVENT_LOST, 8000, &none, NULL), .lost = { BASE_NS + 7901, 12345 } },
	{ HEAD(FT_EVENT_LOST, 8001, &none, NULL), .lost = { BASE_NS + 9000, 1 } },
	{ HEAD(FT_EVENT_STATE, 8100, &stranger, &kernel_stack),
	  .state = { FT_STATE_SLEEPING, 202, { 1, 2, 3, 4, UINT64_MAX, 6 }, 77, UINT64_MAX } },
	{ HEAD(FT_EVENT_STATE, 8101, &worker, NULL),
	  .state = { FT_STATE_RUNNING, -1, { 0 }, 0, 0 } },
	{ HEAD(FT_EVENT_STATE, 8102, &worker, NULL),
	  .state = { FT_STATE_OTHER, INT64_MIN, { UINT64_MAX, 0, UINT64_MAX, 0, UINT64_MAX, 1 },
		     UINT64_MAX, UINT64_MAX } },
	{ HEAD(FT_EVENT_UNWOUND, 7500, &worker, &user_stack) },
	{ HEAD(FT_EVENT_EXTRA, 8300, &idle, NULL), .extra = { "block:block_rq_issue" } },
	{ HEAD(FT_EVENT_EXTRA, 8301, &worker, NULL), .extra = { "block:block_rq_issue" } },
	{ HEAD(FT_EVENT_NOTE, 8400, &none, NULL), .note = { "" } },
	{ HEAD(FT_EVENT_NOTE, 8401, &none, NULL), .note = { "a child did not answer" } },
	/* Up to here as in version 0.1.0: tests/data/0.1.0 holds them. */
	{ HEAD(FT_EVENT_SPAN, 8500, &worker, &kernel_stack),
	  .span = { "direct reclaim", false, 1, 0 } },
	{ HEAD(FT_EVENT_SPAN, 8510, &worker, NULL), .span = { "direct reclaim", true, 1, 32 } },
	{ HEAD(FT_EVENT_SPAN, 8511, &stranger, &many_stack),
	  .span = { "", true, UINT64_MAX, INT64_MIN } },
	{ HEAD(FT_EVENT_COUNTER, 8520, &none, NULL),
	  .counter = { "memory.stat:anon", "/system.slice", INT64_MAX } },
	{ HEAD(FT_EVENT_COUNTER, 8520, &none, NULL),
	  .counter = { "memory.stat:file", "/system.slice", -1 } },
	{ HEAD(FT_EVENT_COUNTER, 8521, &none, NULL),
	  .counter = { "memory.stat:anon", "memory.stat:anon", 0 } },
	{ HEAD(FT_EVENT_EXTRA, 8600, &worker, NULL), .extra = { "block:block_rq_issue" } },
	{ HEAD(FT_EVENT_SCHEDULING, 8700, &worker, NULL),
	  .scheduling = { 1, 99, -20, "0-3,8", "/system.slice" } },
	{ HEAD(FT_EVENT_SCHEDULING, 8701, &stranger, NULL),
	  .scheduling = { UINT32_MAX, UINT32_MAX, INT64_MIN, "", "" } },
	{ HEAD(FT_EVENT_OBJECT, 8700, &worker, NULL),
	  .object = { "pipe:[8123]", "", FT_OBJECT_PIPE, FT_OBJECT_WRITABLE | FT_OBJECT_ENDS_KNOWN, 1,
		      8123, 0, 14, 2 } },
	{ HEAD(FT_EVENT_PEER, 8700, &worker, NULL), .peer = { &stranger, FT_PEER_LISTENS } },
	{ HEAD(FT_EVENT_OBJECT, 8701, &stranger, &kernel_stack),
	  .object = { "/var/log/a b", "/dev/sda1", UINT32_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX,
		      UINT32_MAX, UINT32_MAX, UINT32_MAX } },
};
const size_t sample_events_count = sizeof(sample_events) / sizeof(*sample_events);

#define SAMPLER_TASKS 200
#define SAMPLER_STACKS 100
#define SAMPLER_TEXTS 5

struct sampler {
	uint64_t state, time_ns;
	struct ft_task tasks[SAMPLER_TASKS];
	uint64_t frames[SAMPLER_STACKS][FT_STACK_FRAMES_MAX];
	struct ft_stack stacks[SAMPLER_STACKS];
	char texts[SAMPLER_TEXTS][FT_TEXT_BYTES_MAX];
};

static uint64_t random_bits(struct sampler *sampler)
{
	sampler->state ^= sampler->state << 13;
	sampler->state ^= sampler->state >> 7;
	sampler->state ^= sampler->state << 17;
	return sampler->state * 0x2545f4914f6cdd1d;
}

uint32_t sampler_below(struct sampler *sampler, uint32_t bound)
{
	return (uint32_t)((random_bits(sampler) >> 32) * bound >> 32);
}

/* Of any length in bits. */
static uint64_t random_number(struct sampler *sampler)
{
	return random_bits(sampler) >> sampler_below(sampler, 64);
}

struct sampler *sampler_create(uint64_t seed)
{
	struct sampler *sampler = calloc(1, sizeof(*sampler));

	assert_non_null(sampler);
	sampler->state = seed * 2 + 1;
	sampler->time_ns = random_number(sampler);
	for (int i = 0; i < SAMPLER_TASKS; i++) {
		struct ft_task *task = &sampler->tasks[i];

		task->tid = (int32_t)sampler_below(sampler, 100); /* some tids have several names */
		task->tgid = (int32_t)sampler_below(sampler, 10) - 1;
		for (uint32_t at = sampler_below(sampler, FT_COMM_BYTES); at-- > 0;)
			task->comm[at] = (char)(1 + sampler_below(sampler, 255));
	}
	for (int i = 0; i < SAMPLER_STACKS; i++) {
		struct ft_stack *stack = &sampler->stacks[i];
		uint32_t count = sampler_below(sampler, i % 10 ? 30 : FT_STACK_FRAMES_MAX + 1);

		stack->frames = sampler->frames[i];
		stack->kernel_count = (uint16_t)sampler_below(sampler, count + 1);
		stack->user_count = (uint16_t)(count - stack->kernel_count);
		for (uint32_t at = 0; at < count; at++) /* few values: much is shared */
			sampler->frames[i][at] = sampler_below(sampler, 3) ?
							 0xffffffff81000000 + at * 64 :
							 random_number(sampler);
	}
	for (int i = 0; i < SAMPLER_TEXTS; i++)
		memset(sampler->texts[i], 'a' + i, i == 0 ? FT_TEXT_BYTES_MAX - 1 : (size_t)i * 7);
	return sampler;
}

void sampler_destroy(struct sampler *sampler)
{
	free(sampler);
}

static const struct ft_task *random_task(struct sampler *sampler)
{
	return &sampler->tasks[sampler_below(sampler, SAMPLER_TASKS)];
}

static void fill_numbers(struct sampler *sampler, uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		numbers[i] = random_number(sampler);
}

static void fill_fields(struct sampler *sampler, struct ft_event *event)
{
	const char *text = sampler->texts[sampler_below(sampler, SAMPLER_TEXTS)];
	const char *name = sampler->texts[1 + sampler_below(sampler, SAMPLER_TEXTS - 1)];

	switch (event->kind) {
	case FT_EVENT_SWITCH:
		event->switch_.next = random_task(sampler);
		event->switch_.prev_state = (enum ft_task_state)sampler_below(sampler, FT_STATES);
		break;
	case FT_EVENT_WAKING:
		event->waking.wakee = random_task(sampler);
		event->waking.in_interrupt = sampler_below(sampler, 2);
		break;
	case FT_EVENT_LOCK_BEGIN:
		event->lock_begin.address = random_number(sampler);
		event->lock_begin.flags = (uint32_t)random_number(sampler);
		break;
	case FT_EVENT_LOCK_HOLD:
		event->lock_hold.address = random_number(sampler);
		event->lock_hold.flags = (uint32_t)random_number(sampler);
		break;
	case FT_EVENT_CALL:
		event->call.call = (enum ft_call)(1 + sampler_below(sampler, FT_CALLS - 1));
		fill_numbers(sampler, event->call.args, 4);
		break;
	case FT_EVENT_FORK:
		event->fork.child = random_task(sampler);
		break;
	case FT_EVENT_COMM:
		event->comm.exec = sampler_below(sampler, 2);
		break;
	case FT_EVENT_MMAP:
		event->mmap.start = random_number(sampler);
		event->mmap.length_bytes = random_number(sampler);
		event->mmap.offset_bytes = random_number(sampler);
		event->mmap.path = text;
		break;
	case FT_EVENT_LOST:
		event->lost.start_ns = random_number(sampler);
		event->lost.records = random_number(sampler);
		break;
	case FT_EVENT_STATE:
		event->state.state = (enum ft_task_state)sampler_below(sampler, FT_STATES);
		event->state.syscall = (int64_t)random_bits(sampler);
		fill_numbers(sampler, event->state.args, 6);
		event->state.running_ns = random_number(sampler);
		event->state.delay_ns = random_number(sampler);
		break;
	case FT_EVENT_EXTRA:
		event->extra.name = text;
		break;
	case FT_EVENT_NOTE:
		event->note.text = text;
		break;
	case FT_EVENT_SPAN:
		event->span.name = name;
		event->span.end = sampler_below(sampler, 2);
		event->span.key = random_number(sampler);
		event->span.value = (int64_t)random_bits(sampler);
		break;
	case FT_EVENT_COUNTER:
		event->counter.name = name;
		event->counter.scope = sampler->texts[1 + sampler_below(sampler, SAMPLER_TEXTS - 1)];
		event->counter.value = (int64_t)random_number(sampler);
		break;
	case FT_EVENT_SCHEDULING:
		event->scheduling.policy = (uint32_t)random_bits(sampler);
		event->scheduling.priority = (uint32_t)random_bits(sampler);
		event->scheduling.nice = (int64_t)random_bits(sampler);
		event->scheduling.cpus = sampler->texts[1 + sampler_below(sampler, SAMPLER_TEXTS - 1)];
		event->scheduling.group = name;
		break;
	case FT_EVENT_OBJECT:
		event->object.name = name;
		event->object.device = sampler->texts[1];
		event->object.object = sampler_below(sampler, 7);
		event->object.flags = sampler_below(sampler, 8);
		event->object.number = random_number(sampler);
		event->object.inode = random_number(sampler);
		event->object.major = (uint32_t)random_number(sampler);
		event->object.minor = (uint32_t)random_number(sampler);
		event->object.ends = sampler_below(sampler, 9);
		break;
	case FT_EVENT_PEER:
		event->peer.task = random_task(sampler);
		event->peer.flags = (uint32_t)random_number(sampler);
		break;
	default:
		break;
	}
}

void sampler_next(struct sampler *sampler, struct ft_event *ret_event)
{
	sampler->time_ns += random_number(sampler) >> 40;
	if (sampler_below(sampler, 10) == 0)
		sampler->time_ns -= sampler_below(sampler, 5000);
	if (sampler_below(sampler, 1000) == 0)
		sampler->time_ns = random_bits(sampler);
	*ret_event = (struct ft_event){
		.kind = (enum ft_event_kind)(1 + sampler_below(sampler, FT_EVENT_KINDS - 1)),
		.cpu = SAMPLE_CPU,
		.time_ns = sampler->time_ns,
		.task = random_task(sampler),
		.stack = sampler_below(sampler, 2) ?
				 &sampler->stacks[sampler_below(sampler, SAMPLER_STACKS)] :
				 NULL,
	};
	fill_fields(sampler, ret_event);
}

static void assert_same_task(const struct ft_task *task, const struct ft_task *expected)
{
	assert_int_equal(task->tid, expected->tid);
	assert_int_equal(task->tgid, expected->tgid);
	assert_string_equal(task->comm, expected->comm);
}

static void assert_same_stack(const struct ft_stack *stack, const struct ft_stack *expected)
{
	if (!expected) {
		assert_null(stack);
		return;
	}
	assert_non_null(stack);
	assert_int_equal(stack->kernel_count, expected->kernel_count);
	assert_int_equal(stack->user_count, expected->user_count);
	for (int i = 0; i < expected->kernel_count + expected->user_count; i++)
		assert_int_equal(stack->frames[i], expected->frames[i]);
}

static void assert_same_numbers(const uint64_t *numbers, const uint64_t *expected, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(numbers[i], expected[i]);
}

static void assert_same_state(const struct ft_event *event, const struct ft_event *expected)
{
	assert_int_equal(event->state.state, expected->state.state);
	assert_int_equal(event->state.syscall, expected->state.syscall);
	assert_same_numbers(event->state.args, expected->state.args, 6);
	assert_int_equal(event->state.running_ns, expected->state.running_ns);
	assert_int_equal(event->state.delay_ns, expected->state.delay_ns);
}

static void assert_same_mmap(const struct ft_event *event, const struct ft_event *expected)
{
	assert_int_equal(event->mmap.start, expected->mmap.start);
	assert_int_equal(event->mmap.length_bytes, expected->mmap.length_bytes);
	assert_int_equal(event->mmap.offset_bytes, expected->mmap.offset_bytes);
	assert_string_equal(event->mmap.path, expected->mmap.path);
}

static void assert_same_fields(const struct ft_event *event, const struct ft_event *expected)
{
	switch (expected->kind) {
	case FT_EVENT_SWITCH:
		assert_same_task(event->switch_.next, expected->switch_.next);
		assert_int_equal(event->switch_.prev_state, expected->switch_.prev_state);
		break;
	case FT_EVENT_WAKING:
		assert_same_task(event->waking.wakee, expected->waking.wakee);
		assert_int_equal(event->waking.in_interrupt, expected->waking.in_interrupt);
		break;
	case FT_EVENT_LOCK_BEGIN:
		assert_int_equal(event->lock_begin.address, expected->lock_begin.address);
		assert_int_equal(event->lock_begin.flags, expected->lock_begin.flags);
		break;
	case FT_EVENT_LOCK_HOLD:
		assert_int_equal(event->lock_hold.address, expected->lock_hold.address);
		assert_int_equal(event->lock_hold.flags, expected->lock_hold.flags);
		break;
	case FT_EVENT_CALL:
		assert_int_equal(event->call.call, expected->call.call);
		assert_same_numbers(event->call.args, expected->call.args, 4);
		break;
	case FT_EVENT_FORK:
		assert_same_task(event->fork.child, expected->fork.child);
		break;
	case FT_EVENT_COMM:
		assert_int_equal(event->comm.exec, expected->comm.exec);
		break;
	case FT_EVENT_MMAP:
		assert_same_mmap(event, expected);
		break;
	case FT_EVENT_LOST:
		assert_int_equal(event->lost.start_ns, expected->lost.start_ns);
		assert_int_equal(event->lost.records, expected->lost.records);
		break;
	case FT_EVENT_STATE:
		assert_same_state(event, expected);
		break;
	case FT_EVENT_EXTRA:
		assert_string_equal(event->extra.name, expected->extra.name);
		break;
	case FT_EVENT_NOTE:
		assert_string_equal(event->note.text, expected->note.text);
		break;
	case FT_EVENT_SPAN:
		assert_string_equal(event->span.name, expected->span.name);
		assert_int_equal(event->span.end, expected->span.end);
		assert_int_equal(event->span.key, expected->span.key);
		assert_int_equal(event->span.value, expected->span.value);
		break;
	case FT_EVENT_COUNTER:
		assert_string_equal(event->counter.name, expected->counter.name);
		assert_string_equal(event->counter.scope, expected->counter.scope);
		assert_int_equal(event->counter.value, expected->counter.value);
		break;
	case FT_EVENT_SCHEDULING:
		assert_int_equal(event->scheduling.policy, expected->scheduling.policy);
		assert_int_equal(event->scheduling.priority, expected->scheduling.priority);
		assert_int_equal(event->scheduling.nice, expected->scheduling.nice);
		assert_string_equal(event->scheduling.cpus, expected->scheduling.cpus);
		assert_string_equal(event->scheduling.group, expected->scheduling.group);
		break;
	case FT_EVENT_OBJECT:
		assert_string_equal(event->object.name, expected->object.name);
		assert_string_equal(event->object.device, expected->object.device);
		assert_int_equal(event->object.object, expected->object.object);
		assert_int_equal(event->object.flags, expected->object.flags);
		assert_int_equal(event->object.number, expected->object.number);
		assert_int_equal(event->object.inode, expected->object.inode);
		assert_int_equal(event->object.major, expected->object.major);
		assert_int_equal(event->object.minor, expected->object.minor);
		assert_int_equal(event->object.ends, expected->object.ends);
		break;
	case FT_EVENT_PEER:
		assert_same_task(event->peer.task, expected->peer.task);
		assert_int_equal(event->peer.flags, expected->peer.flags);
		break;
	default:
		break;
	}
}

void assert_same_event(const struct ft_event *event, const struct ft_event *expected)
{
	assert_int_equal(event->kind, expected->kind);
	assert_int_equal(event->cpu, expected->cpu);
	assert_int_equal(event->time_ns, expected->time_ns);
	assert_same_task(event->task, expected->task);
	assert_same_stack(event->stack, expected->stack);
	assert_same_fields(event, expected);
}
