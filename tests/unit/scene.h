/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up recording: a test says what happened, the scene becomes a capture
 * file. Times in milliseconds or microseconds since its start.
 */
#ifndef TESTS_UNIT_SCENE_H
#define TESTS_UNIT_SCENE_H

#include <stddef.h>
#include <stdint.h>

#include "capture/event.h"

struct scene;

#define SCENE_START_NS 1000000000ull
#define SCENE_MS 1000000ull
#define SCENE_US 1000ull

/* @cpus at most 8; each stays in time order by itself. Every failure ends the test. */
struct scene *scene_create(uint32_t cpus);
void scene_destroy(struct scene *scene);

/* "leaf < caller < ..." in kernel names, then " | leaf < caller" in user names of @task's process; "" or NULL for none. */
void scene_switch(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *prev,
		  enum ft_task_state state, const char *stack, const struct ft_task *next);
void scene_waking(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *waker,
		  const char *stack, const struct ft_task *wakee);
void scene_lock_begin(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		      uint64_t address, uint32_t flags);
void scene_sample(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		  const char *stack);
void scene_call(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		enum ft_call call, uint64_t bytes, const char *stack);
void scene_state(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		 enum ft_task_state state, const char *stack);
void scene_note(struct scene *scene, uint32_t cpu, uint64_t at_ns, const char *text);
void scene_lost(struct scene *scene, uint32_t cpu, uint64_t start_ns, uint64_t end_ns,
		uint64_t records);

/* What made the recorder write a capture. Texts are borrowed until scene_write(). */
void scene_trigger(struct scene *scene, const char *source, const char *reason, uint64_t at_ns);

/* Write the capture; @end_ns is the end of the recording. The path is the scene's, gone with it. */
const char *scene_write(struct scene *scene, const char *target, uint64_t end_ns);

extern const struct ft_task scene_idle;

#endif
