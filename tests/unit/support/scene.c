/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/support/scene.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture/encoder.h"
#include "capture/facts.h"
#include "capture/segment.h"
#include "capture/symbols.h"
#include "capture/writer.h"

#define SCENE_CPUS 8
#define SCENE_NAMES 256
#define SCENE_SEGMENT_BYTES (256u << 10)
#define KERNEL_BASE 0xffffffff81000000ull
#define USER_BASE 0x400000ull

const struct ft_task scene_resizer = { 100, 100, "resizer" };
const struct ft_task scene_workers[SCENE_WORKERS] = {
	{ 101, 100, "worker0" }, { 102, 100, "worker1" }, { 103, 100, "worker2" }, { 104, 100, "worker3" },
};
const struct ft_task scene_idle = { .tid = 0, .tgid = 0, .comm = "swapper" };

struct name {
	char text[64];
	int32_t tgid;
};

/* A segment that is full. */
struct sealed {
	void *segment;
	size_t bytes;
};

struct scene {
	uint32_t cpus;
	struct ft_encoder *encoders[SCENE_CPUS];
	void *buffers[SCENE_CPUS];
	uint64_t sequences[SCENE_CPUS];
	struct sealed *sealed;
	size_t sealed_count;
	struct name names[SCENE_NAMES];	/* its place gives an address */
	size_t name_count;
	const char *trigger_source, *trigger_reason;	/* NULL: none */
	uint64_t trigger_at_ns;
	int32_t recorder_tgid;	/* 0: not known */
	const char *kernel_log;	/* NULL: not known */
	bool sampled, unnamed;
	struct {
		uint32_t cpu;
		uint64_t start_ns, end_ns;	/* 0: nothing is lost */
		bool told;
	} hole;
	char path[64];
};

static void begin_segment(struct scene *scene, uint32_t cpu)
{
	scene->buffers[cpu] = malloc(SCENE_SEGMENT_BYTES);
	assert_non_null(scene->buffers[cpu]);
	ft_encoder_begin(scene->encoders[cpu], scene->buffers[cpu], SCENE_SEGMENT_BYTES, cpu,
			 scene->sequences[cpu]++);
}

struct scene *scene_create(uint32_t cpus)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	assert_true(cpus > 0 && cpus <= SCENE_CPUS);
	scene->cpus = cpus;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		assert_int_equal(ft_encoder_create(&scene->encoders[cpu]), 0);
		begin_segment(scene, cpu);
	}
	return scene;
}

void scene_destroy(struct scene *scene)
{
	for (uint32_t cpu = 0; cpu < scene->cpus; cpu++) {
		ft_encoder_destroy(scene->encoders[cpu]);
		free(scene->buffers[cpu]);
	}
	for (size_t i = 0; i < scene->sealed_count; i++)
		free(scene->sealed[i].segment);
	free(scene->sealed);
	if (*scene->path)
		unlink(scene->path);
	free(scene);
}

static uint64_t address_of(struct scene *scene, int32_t tgid, const char *text, size_t length)
{
	uint64_t base = tgid ? USER_BASE : KERNEL_BASE;

	assert_true(length < sizeof(scene->names[0].text));
	for (size_t i = 0; i < scene->name_count; i++)
		if (scene->names[i].tgid == tgid && strlen(scene->names[i].text) == length &&
		    !memcmp(scene->names[i].text, text, length))
			return base + i * 256 + 16;
	assert_true(scene->name_count < SCENE_NAMES);
	scene->names[scene->name_count].tgid = tgid;
	memcpy(scene->names[scene->name_count].text, text, length);
	return base + scene->name_count++ * 256 + 16;
}

static uint16_t parse_frames(struct scene *scene, int32_t tgid, const char *text, const char *end,
			     uint64_t *frames)
{
	uint16_t count = 0;

	while (text < end) {
		const char *next = strstr(text, " < ");

		if (!next || next > end)
			next = end;
		frames[count++] = address_of(scene, tgid, text, (size_t)(next - text));
		text = next < end ? next + 3 : end;
	}
	return count;
}

/* The first event behind it is preceded by the word that something is lost. */
static bool falls_into_hole(struct scene *scene, const struct ft_event *event)
{
	static const struct ft_task nobody = { 0 };
	const struct ft_event lost = {
		.kind = FT_EVENT_LOST, .cpu = scene->hole.cpu, .task = &nobody,
		.time_ns = SCENE_START_NS + scene->hole.end_ns,
		.lost = { .start_ns = SCENE_START_NS + scene->hole.start_ns },
	};

	if (!scene->hole.end_ns || event->cpu != scene->hole.cpu || event->time_ns < lost.lost.start_ns)
		return false;
	if (!scene->hole.told)
		assert_int_equal(ft_encoder_add(scene->encoders[event->cpu], &lost), 0);
	scene->hole.told = true;
	return event->time_ns < lost.time_ns;
}

/* Keep what @cpu has for scene_write(), and go on in a new segment. */
static void seal_segment(struct scene *scene, uint32_t cpu)
{
	scene->sealed = realloc(scene->sealed, (scene->sealed_count + 1) * sizeof(*scene->sealed));
	assert_non_null(scene->sealed);
	scene->sealed[scene->sealed_count++] = (struct sealed){
		scene->buffers[cpu], ft_encoder_seal(scene->encoders[cpu])
	};
	begin_segment(scene, cpu);
}

static void encode_event(struct scene *scene, const struct ft_event *event)
{
	int r = ft_encoder_add(scene->encoders[event->cpu], event);

	if (r == -ENOBUFS) {
		seal_segment(scene, event->cpu);
		r = ft_encoder_add(scene->encoders[event->cpu], event);
	}
	assert_int_equal(r, 0);
}

static void add_event(struct scene *scene, struct ft_event *event, const char *stack)
{
	uint64_t frames[FT_STACK_FRAMES_MAX];
	struct ft_stack parsed = { .frames = frames };
	const char *user;

	event->time_ns += SCENE_START_NS;
	if (stack && *stack) {
		user = strstr(stack, " | ");
		parsed.kernel_count = parse_frames(scene, FT_KERNEL_TGID, stack,
						   user ? user : stack + strlen(stack), frames);
		if (user)
			parsed.user_count = parse_frames(scene, event->task->tgid, user + 3,
							 user + strlen(user),
							 frames + parsed.kernel_count);
		event->stack = &parsed;
	}
	if (!falls_into_hole(scene, event))
		encode_event(scene, event);
}

void scene_switch(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *prev,
		  enum ft_task_state state, const char *stack, const struct ft_task *next)
{
	struct ft_event event = {
		.kind = FT_EVENT_SWITCH, .cpu = cpu, .time_ns = at_ns, .task = prev,
		.switch_ = { .next = next, .prev_state = state },
	};

	add_event(scene, &event, stack);
}

void scene_waking(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *waker,
		  const char *stack, const struct ft_task *wakee)
{
	struct ft_event event = {
		.kind = FT_EVENT_WAKING, .cpu = cpu, .time_ns = at_ns, .task = waker,
		.waking = { .wakee = wakee },
	};

	add_event(scene, &event, stack);
}

void scene_lock_begin(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		      uint64_t address, uint32_t flags)
{
	struct ft_event event = {
		.kind = FT_EVENT_LOCK_BEGIN, .cpu = cpu, .time_ns = at_ns, .task = task,
		.lock_begin = { .address = address, .flags = flags },
	};

	add_event(scene, &event, NULL);
}

void scene_lock_hold(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		     uint64_t address, uint32_t flags)
{
	struct ft_event event = {
		.kind = FT_EVENT_LOCK_HOLD, .cpu = cpu, .time_ns = at_ns, .task = task,
		.lock_hold = { .address = address, .flags = flags },
	};

	add_event(scene, &event, NULL);
}

void scene_sample(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		  const char *stack)
{
	struct ft_event event = {
		.kind = FT_EVENT_SAMPLE, .cpu = cpu, .time_ns = at_ns, .task = task,
	};

	add_event(scene, &event, stack);
}

void scene_call(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		enum ft_call call, uint64_t bytes, const char *stack)
{
	struct ft_event event = {
		.kind = FT_EVENT_CALL, .cpu = cpu, .time_ns = at_ns, .task = task,
		.call = { .call = call, .args = { 0, bytes, 0, 0 } },
	};

	add_event(scene, &event, stack);
}

void scene_state(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		 enum ft_task_state state, const char *stack)
{
	struct ft_event event = {
		.kind = FT_EVENT_STATE, .cpu = cpu, .time_ns = at_ns, .task = task,
		.state = { .state = state, .syscall = -1 },
	};

	add_event(scene, &event, stack);
}

void scene_futex(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		 uint64_t address, int operation, uint32_t value)
{
	struct ft_event event = {
		.kind = FT_EVENT_CALL, .cpu = cpu, .time_ns = at_ns, .task = task,
		.call = { .call = FT_CALL_FUTEX, .args = { address, (uint64_t)operation, value, 0 } },
	};

	add_event(scene, &event, NULL);
}

void scene_state_futex(struct scene *scene, uint32_t cpu, uint64_t at_ns,
		       const struct ft_task *task, uint64_t address, int operation, uint32_t value,
		       const char *stack)
{
	struct ft_event event = {
		.kind = FT_EVENT_STATE, .cpu = cpu, .time_ns = at_ns, .task = task,
		.state = { .state = FT_STATE_SLEEPING, .syscall = 202,
			   .args = { address, (uint64_t)operation, value } },
	};

	add_event(scene, &event, stack);
}

void scene_fork(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *parent,
		const struct ft_task *child)
{
	struct ft_event event = { .kind = FT_EVENT_FORK, .cpu = cpu, .time_ns = at_ns,
					.task = parent, .fork.child = child };

	add_event(scene, &event, NULL);
}

void scene_comm(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		bool exec)
{
	struct ft_event event = { .kind = FT_EVENT_COMM, .cpu = cpu, .time_ns = at_ns,
					.task = task, .comm.exec = exec };

	add_event(scene, &event, NULL);
}

void scene_note(struct scene *scene, uint32_t cpu, uint64_t at_ns, const char *text)
{
	static const struct ft_task nobody = { 0 };
	struct ft_event event = {
		.kind = FT_EVENT_NOTE, .cpu = cpu, .time_ns = at_ns, .task = &nobody,
		.note = { .text = text },
	};

	add_event(scene, &event, NULL);
}

void scene_span(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		const char *name, bool end, int64_t value)
{
	struct ft_event event = { .kind = FT_EVENT_SPAN, .cpu = cpu, .time_ns = at_ns,
				  .task = task, .span = { name, end, 0, value } };

	add_event(scene, &event, NULL);
}

void scene_counter(struct scene *scene, uint32_t cpu, uint64_t at_ns, const char *name,
		   const char *scope, int64_t value)
{
	struct ft_event event = { .kind = FT_EVENT_COUNTER, .cpu = cpu, .time_ns = at_ns,
				  .task = &ft_nobody, .counter = { name, scope, value } };

	add_event(scene, &event, NULL);
}

void scene_scheduling(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		      uint32_t policy, uint32_t priority, int64_t nice, const char *cpus,
		      const char *group)
{
	struct ft_event event = { .kind = FT_EVENT_SCHEDULING, .cpu = cpu, .time_ns = at_ns,
				  .task = task,
				  .scheduling = { policy, priority, nice, cpus, group } };

	add_event(scene, &event, NULL);
}

void scene_object(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		  enum ft_object object, const char *name, uint32_t ends)
{
	struct ft_event event = { .kind = FT_EVENT_OBJECT, .cpu = cpu, .time_ns = at_ns,
				  .task = task,
				  .object = { .name = name,
					      .device = object == FT_OBJECT_FILE ? "/dev/sda1" : "",
					      .object = object,
					      .flags = FT_OBJECT_ENDS_KNOWN,
					      .number = 1,
					      .major = object == FT_OBJECT_FILE ? 8 : 0,
					      .minor = object == FT_OBJECT_FILE ? 1 : 0,
					      .ends = ends } };

	add_event(scene, &event, NULL);
}

void scene_peer(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		const struct ft_task *peer, uint32_t flags)
{
	struct ft_event event = { .kind = FT_EVENT_PEER, .cpu = cpu, .time_ns = at_ns,
				  .task = task, .peer = { peer, flags } };

	add_event(scene, &event, NULL);
}

void scene_hole(struct scene *scene, uint32_t cpu, uint64_t start_ns, uint64_t end_ns)
{
	scene->hole.cpu = cpu;
	scene->hole.start_ns = start_ns;
	scene->hole.end_ns = end_ns;
}

void scene_lost(struct scene *scene, uint32_t cpu, uint64_t start_ns, uint64_t end_ns,
		uint64_t records)
{
	static const struct ft_task nobody = { 0 };
	struct ft_event event = {
		.kind = FT_EVENT_LOST, .cpu = cpu, .time_ns = end_ns, .task = &nobody,
		.lost = { .start_ns = start_ns + SCENE_START_NS, .records = records },
	};

	add_event(scene, &event, NULL);
}

void scene_trigger(struct scene *scene, const char *source, const char *reason, uint64_t at_ns)
{
	scene->trigger_source = source;
	scene->trigger_reason = reason;
	scene->trigger_at_ns = at_ns;
}

void scene_kernel_log(struct scene *scene, const char *how)
{
	scene->kernel_log = how;
}

void scene_sampled(struct scene *scene)
{
	scene->sampled = true;
}

void scene_unnamed(struct scene *scene)
{
	scene->unnamed = true;
}

void scene_recorder(struct scene *scene, int32_t tgid)
{
	scene->recorder_tgid = tgid;
}

static int write_symbols(void *context, const void *payload, size_t payload_bytes)
{
	return ft_writer_payload(context, FT_SEGMENT_SYMBOLS, payload, payload_bytes);
}

static void add_symbols(const struct scene *scene, struct ft_writer *writer)
{
	struct ft_symbols *symbols = NULL;

	assert_int_equal(ft_symbols_create(&symbols), 0);
	for (size_t i = 0; i < scene->name_count; i++) {
		const struct name *name = &scene->names[i];

		if (scene->unnamed && !name->tgid)
			continue;
		assert_int_equal(ft_symbols_add(symbols,
						&(struct ft_symbol){
							.tgid = name->tgid,
							.address = (name->tgid ? USER_BASE : KERNEL_BASE) +
								   i * 256 + 16,
							.offset_bytes = 16,
							.name = name->text,
						}),
				 0);
	}
	assert_int_equal(ft_symbols_write(symbols, write_symbols, writer), 0);
	ft_symbols_destroy(symbols);
}

static void add_trigger(const struct scene *scene, struct ft_facts *facts)
{
	if (!scene->trigger_source)
		return;
	assert_int_equal(ft_facts_set(facts, FT_FACT_TRIGGER_SOURCE, scene->trigger_source), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_TRIGGER_REASON, scene->trigger_reason), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_TRIGGER_NS,
					     (int64_t)(SCENE_START_NS + scene->trigger_at_ns)),
			 0);
}

static void add_facts(const struct scene *scene, struct ft_writer *writer, const char *target,
		      uint64_t end_ns)
{
	struct ft_facts *facts = NULL;
	const void *payload;
	size_t payload_bytes;

	assert_int_equal(ft_facts_create(&facts), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_TARGET, target), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_TIER, "tracepoint"), 0);
	assert_int_equal(ft_facts_set(facts, FT_FACT_SYSCALLS, "7:poll,202:futex"), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_START_NS, SCENE_START_NS), 0);
	assert_int_equal(ft_facts_set_number(facts, FT_FACT_END_NS,
					     (int64_t)(SCENE_START_NS + end_ns)), 0);
	if (scene->kernel_log)
		assert_int_equal(ft_facts_set(facts, FT_FACT_KERNEL_LOG, scene->kernel_log), 0);
	if (scene->sampled) {
		assert_int_equal(ft_facts_set(facts, FT_FACT_SAMPLE_EVENT, "cpu-clock"), 0);
		assert_int_equal(ft_facts_set_number(facts, FT_FACT_SAMPLE_HZ, 49), 0);
	}
	if (scene->recorder_tgid)
		assert_int_equal(ft_facts_set_number(facts, FT_FACT_RECORDER_TGID,
						     scene->recorder_tgid),
				 0);
	add_trigger(scene, facts);
	payload = ft_facts_payload(facts, &payload_bytes);
	assert_int_equal(ft_writer_payload(writer, FT_SEGMENT_FACTS, payload, payload_bytes), 0);
	ft_facts_destroy(facts);
}

const char *scene_write(struct scene *scene, const char *target, uint64_t end_ns)
{
	struct ft_writer *writer = NULL;
	int fd;

	snprintf(scene->path, sizeof(scene->path), "/tmp/freezetrap-scene-XXXXXX");
	fd = mkstemp(scene->path);
	assert_true(fd >= 0);
	assert_int_equal(ft_writer_create(fd, &writer), 0);
	for (size_t i = 0; i < scene->sealed_count; i++)
		assert_int_equal(ft_writer_segment(writer, scene->sealed[i].segment,
						   scene->sealed[i].bytes), 0);
	for (uint32_t cpu = 0; cpu < scene->cpus; cpu++) {
		size_t bytes;

		if (!ft_encoder_events(scene->encoders[cpu]))
			continue;
		bytes = ft_encoder_seal(scene->encoders[cpu]);
		assert_int_equal(ft_writer_segment(writer, scene->buffers[cpu], bytes), 0);
	}
	add_symbols(scene, writer);
	add_facts(scene, writer, target, end_ns);
	assert_int_equal(ft_writer_end(writer), 0);
	ft_writer_destroy(writer);
	close(fd);
	return scene->path;
}

struct scene_result scene_analyze(struct scene *scene, const char *target, uint64_t end_ns)
{
	return scene_analyze_stall(scene, target, end_ns, 0);
}

struct scene_result scene_analyze_stall(struct scene *scene, const char *target, uint64_t end_ns,
					uint64_t stall_ns)
{
	const struct analysis_options options = { .stall_ns = stall_ns };
	struct scene_result result = { 0 };
	char *message = NULL;
	const char *path = scene_write(scene, target, end_ns);

	assert_int_equal(source_open(path, &result.source, &message), 0);
	assert_int_equal(analysis_run(result.source, path, &options, &result.model, NULL), 0);
	for (size_t i = 0; i < result.model->thread_count; i++) {
		const struct model_thread *thread = &result.model->threads[i];

		assert_int_equal(thread->running_ns + thread->runnable_ns + thread->blocked_ns +
					 thread->unknown_ns,
				 thread->observed_ns);
	}
	return result;
}

bool scene_has_evidence(const struct model_finding *finding, const char *text)
{
	for (size_t i = 0; i < finding->evidence_count; i++)
		if (strstr(finding->evidence[i], text))
			return true;
	return false;
}

void scene_done(struct scene_result *result, struct scene *scene)
{
	model_free(result->model);
	source_close(result->source);
	scene_destroy(scene);
}

void scene_observe(struct scene *scene, uint64_t end_ns, struct scene_observed *ret_observed)
{
	const char *path = scene_write(scene, "", end_ns);
	struct scene_observed *observed = ret_observed;
	char *message = NULL;

	*observed = (struct scene_observed){ .scene = scene };
	assert_int_equal(source_open(path, &observed->source, &message), 0);
	assert_int_equal(stack_infos_create(source_stacks(observed->source),
					    &observed->stack_infos),
			 0);
	assert_int_equal(observations_make(observed->source, observed->stack_infos,
					   NULL, 0, 200 * SCENE_MS, &observed->observations),
			 0);
}

void scene_observed_free(struct scene_observed *observed)
{
	observations_free(&observed->observations);
	stack_infos_destroy(observed->stack_infos);
	source_close(observed->source);
	scene_destroy(observed->scene);
}

struct thread *scene_observed_thread(const struct scene_observed *observed,
				     const struct ft_task *task)
{
	struct thread *thread = threads_find(source_threads(observed->source), task->tid);

	assert_non_null(thread);
	return thread;
}

/* The freeze. */

void scene_freeze_begins(struct scene *scene, const struct scene_freeze *freeze)
{
	scene_switch(scene, 0, 500 * SCENE_MS, &scene_idle, FT_STATE_RUNNING, NULL, &scene_resizer);
	scene_call(scene, 0, 1000 * SCENE_MS, &scene_resizer, FT_CALL_MMAP, SCENE_BYTES,
		   freeze->call);
	for (uint64_t i = 0; i < SCENE_WORKERS; i++) {
		const struct ft_task *worker = &scene_workers[i];
		uint64_t at_ns = (1001 + i) * SCENE_MS;

		scene_waking(scene, 1, at_ns, &scene_idle, NULL, worker);
		scene_switch(scene, 1, at_ns + 10 * SCENE_US, &scene_idle, FT_STATE_RUNNING, NULL,
			     worker);
		scene_lock_begin(scene, 1, at_ns + 20 * SCENE_US, worker, SCENE_LOCK,
				 i % 2 && freeze->odd_flags ? freeze->odd_flags : FT_LOCK_WRITE);
		scene_switch(scene, 1, at_ns + 30 * SCENE_US, worker, FT_STATE_DISK, freeze->wait,
			     &scene_idle);
	}
}

void scene_freeze_ends(struct scene *scene, const struct scene_freeze *freeze)
{
	scene_waking(scene, 0, 3000 * SCENE_MS, &scene_resizer, freeze->first_wakeup,
		     &scene_workers[0]);
	scene_switch(scene, 1, 3000 * SCENE_MS + 5 * SCENE_US, &scene_idle, FT_STATE_RUNNING, NULL,
		     &scene_workers[0]);
	for (uint64_t i = 0; i < SCENE_WORKERS; i++) {
		const struct ft_task *worker = &scene_workers[i];
		bool last = i + 1 == SCENE_WORKERS;
		uint64_t at_ns = 3000 * SCENE_MS + (i + 1) * 30 * SCENE_US;

		if (!last)
			scene_waking(scene, 1, at_ns, worker, freeze->wakeup, worker + 1);
		scene_switch(scene, 1, at_ns + 5 * SCENE_US, worker, FT_STATE_SLEEPING,
			     freeze->sleep, last ? &scene_idle : worker + 1);
	}
	scene_switch(scene, 0, 3200 * SCENE_MS, &scene_resizer, FT_STATE_SLEEPING, freeze->sleep,
		     &scene_idle);
}

void scene_populates(struct scene *scene, uint64_t from_ms, uint64_t to_ms)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 20)
		scene_sample(scene, 0, at_ms * SCENE_MS, &scene_resizer, SCENE_POPULATE);
}

void scene_serves(struct scene *scene, const struct ft_task *task, uint64_t from_ms, uint64_t to_ms,
		  const char *stack)
{
	for (uint64_t at_ms = from_ms; at_ms < to_ms; at_ms += 100) {
		uint64_t at_ns = at_ms * SCENE_MS;

		scene_waking(scene, 0, at_ns, &scene_idle, "", task);
		scene_switch(scene, 0, at_ns + 5 * SCENE_US, &scene_idle, FT_STATE_RUNNING, NULL,
			     task);
		scene_switch(scene, 0, at_ns + 55 * SCENE_US, task, FT_STATE_SLEEPING, stack,
			     &scene_idle);
	}
}
