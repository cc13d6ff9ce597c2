/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A made-up recording: a test says what happened, the scene becomes a capture
 * file. Times in milliseconds or microseconds since its start.
 */
#ifndef TESTS_UNIT_SUPPORT_SCENE_H
#define TESTS_UNIT_SUPPORT_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyzer/analysis.h"
#include "capture/event.h"

struct scene;

#define SCENE_START_NS 1000000000ull
#define SCENE_MS 1000000ull
#define SCENE_US 1000ull

/* Where threads sleep and wake others, as the kernel has it. */
#define SLEEP "__schedule < schedule < "
#define WAIT_MUNMAP                                                                             \
	SLEEP "schedule_preempt_disabled < rwsem_down_write_slowpath < down_write_killable < " \
	      "__vm_munmap < __x64_sys_munmap < do_syscall_64"
#define RELEASE_POPULATE                                                                        \
	"try_to_wake_up < wake_up_q < rwsem_wake < up_read < __mm_populate < vm_mmap_pgoff < " \
	"ksys_mmap_pgoff < __x64_sys_mmap < do_syscall_64"
#define RELEASE_MUNMAP                                                                            \
	"try_to_wake_up < wake_up_q < rwsem_wake < up_write < __vm_munmap < __x64_sys_munmap < " \
	"do_syscall_64"
#define NANOSLEEP SLEEP "do_nanosleep < hrtimer_nanosleep < __x64_sys_clock_nanosleep < do_syscall_64"
#define WAIT_FUTEX                                                                        \
	SLEEP "futex_do_wait < __futex_wait < futex_wait < do_futex < __x64_sys_futex < " \
	      "do_syscall_64"
#define WAKE "try_to_wake_up < wake_up_q < futex_wake < do_futex < __x64_sys_futex < do_syscall_64"

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
/* @flags: FT_HOLD_* */
void scene_lock_hold(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		     uint64_t address, uint32_t flags);
void scene_sample(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		  const char *stack);
void scene_call(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		enum ft_call call, uint64_t bytes, const char *stack);
void scene_state(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		 enum ft_task_state state, const char *stack);
/* About to wait on a futex; @operation and @value as in futex(2). */
void scene_futex(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		 uint64_t address, int operation, uint32_t value);
/* A snapshot of a thread that sleeps in futex(2) (on x86_64). */
void scene_state_futex(struct scene *scene, uint32_t cpu, uint64_t at_ns,
		       const struct ft_task *task, uint64_t address, int operation, uint32_t value,
		       const char *stack);
void scene_fork(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *parent,
		const struct ft_task *child);
/* It has another name, and if @exec runs another program. */
void scene_comm(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		bool exec);
void scene_note(struct scene *scene, uint32_t cpu, uint64_t at_ns, const char *text);
void scene_span(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		const char *name, bool end, int64_t value);
void scene_counter(struct scene *scene, uint32_t cpu, uint64_t at_ns, const char *name,
		   const char *scope, int64_t value);
/* By which rules @task gets a CPU. */
void scene_scheduling(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		      uint32_t policy, uint32_t priority, int64_t nice, const char *cpus,
		      const char *group);
/* @task waits there; then who has the other end, at the same time. */
void scene_object(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task, enum ft_object object,
		  const char *name, uint32_t ends);
void scene_peer(struct scene *scene, uint32_t cpu, uint64_t at_ns, const struct ft_task *task,
		const struct ft_task *peer, uint32_t flags);
void scene_lost(struct scene *scene, uint32_t cpu, uint64_t start_ns, uint64_t end_ns,
		uint64_t records);

/* Of what is added from now on to @cpu, all in that span is lost; how much is not known. */
void scene_hole(struct scene *scene, uint32_t cpu, uint64_t start_ns, uint64_t end_ns);

/* What made the recorder write a capture. Texts are borrowed until scene_write(). */
void scene_trigger(struct scene *scene, const char *source, const char *reason, uint64_t at_ns);

/* The process whose threads recorded it. */
void scene_recorder(struct scene *scene, int32_t tgid);

/* The kernel's functions have no names, as without CAP_SYSLOG. */
void scene_unnamed(struct scene *scene);

/* "read", or why the kernel's log could not be. Borrowed until scene_write(). */
void scene_kernel_log(struct scene *scene, const char *how);

/* It says that its CPUs are sampled 49 times a second. */
void scene_sampled(struct scene *scene);

/* Write the capture; @end_ns is the end of the recording. The path is the scene's, gone with it. */
const char *scene_write(struct scene *scene, const char *target, uint64_t end_ns);

extern const struct ft_task scene_idle;

/* What the analyzer makes of it; scene_done() frees both. The states of each thread add up. */
struct scene_result {
	struct source *source;
	struct model *model;
};

struct scene_result scene_analyze(struct scene *scene, const char *target, uint64_t end_ns);
/* ... with --stall=@stall_ns. */
struct scene_result scene_analyze_stall(struct scene *scene, const char *target, uint64_t end_ns,
					uint64_t stall_ns);
void scene_done(struct scene_result *result, struct scene *scene);

/* Does a line of it contain @text? */
bool scene_has_evidence(const struct model_finding *finding, const char *text);

/* What the analyzer observes in it, without a target; scene_observed_free() frees all, and the scene. */
struct scene_observed {
	struct scene *scene;
	struct source *source;
	struct stack_infos *stack_infos;
	struct observations observations;
};

void scene_observe(struct scene *scene, uint64_t end_ns, struct scene_observed *ret_observed);
void scene_observed_free(struct scene_observed *observed);

/* The thread of @task, which must be there. */
struct thread *scene_observed_thread(const struct scene_observed *observed,
				     const struct ft_task *task);

/*
 * The freeze: process 100 has a resizer, which runs from 500 ms on and at 1000 ms asks for a mapping of
 * SCENE_BYTES, and workers that want the address-space lock meanwhile: worker i from 1001 + i ms on. At
 * 3000 ms the resizer wakes the first one, each worker the next 30 us later. CPUs 0 and 1.
 */
#define SCENE_WORKERS 4
#define SCENE_LOCK    0xffff888012345678ull
#define SCENE_BYTES   3758096384ull
#define SCENE_POPULATE                                                                             \
	"clear_page_erms < folio_zero_user < do_anonymous_page < handle_mm_fault < "              \
	"faultin_page < __get_user_pages < populate_vma_page_range < __mm_populate < "            \
	"vm_mmap_pgoff < ksys_mmap_pgoff < __x64_sys_mmap < do_syscall_64"

extern const struct ft_task scene_resizer, scene_workers[SCENE_WORKERS];

struct scene_freeze {
	uint32_t odd_flags;	/* of the lock, for each second worker; else FT_LOCK_WRITE */
	/* Stacks, NULL where none was taken. */
	const char *call, *wait, *first_wakeup, *wakeup, *sleep;
};

void scene_freeze_begins(struct scene *scene, const struct scene_freeze *freeze);
void scene_freeze_ends(struct scene *scene, const struct scene_freeze *freeze);
void scene_populates(struct scene *scene, uint64_t from_ms, uint64_t to_ms);	/* samples of it */

/* @task, on CPU 0: woken each 100 ms, it works for 50 us, then sleeps in @stack. */
void scene_serves(struct scene *scene, const struct ft_task *task, uint64_t from_ms, uint64_t to_ms,
		  const char *stack);

#endif
