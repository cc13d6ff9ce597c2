/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads of a scene that work, wait and wake each other. Each has a CPU, which it may share with others that never
 * run at the same time.
 */
#ifndef TESTS_UNIT_SUPPORT_ACTORS_H
#define TESTS_UNIT_SUPPORT_ACTORS_H

#include "tests/unit/support/scene.h"

#define PIPE_READ  SLEEP "anon_pipe_read < vfs_read < ksys_read < __x64_sys_read < do_syscall_64"
#define PIPE_WRITE SLEEP "anon_pipe_write < vfs_write < ksys_write < __x64_sys_write < do_syscall_64"
#define SEMAPHORE  SLEEP "__do_semtimedop < do_semtimedop < __x64_sys_semop < do_syscall_64"
#define EPOLL      SLEEP "ep_poll < do_epoll_wait < __x64_sys_epoll_wait < do_syscall_64"
#define SEND                                                                                 \
	SLEEP "sock_alloc_send_pskb < unix_stream_sendmsg < __sys_sendto < __x64_sys_sendto < " \
	      "do_syscall_64"
#define FILLS_PIPE  "try_to_wake_up < anon_pipe_write < vfs_write < __x64_sys_write < do_syscall_64"
#define DRAINS_PIPE "try_to_wake_up < anon_pipe_read < vfs_read < __x64_sys_read < do_syscall_64"
#define POSTS       "try_to_wake_up < wake_up_sem_queue_do < do_semtimedop < __x64_sys_semop < do_syscall_64"
#define TIMER_FIRES \
	"try_to_wake_up < hrtimer_wakeup < __hrtimer_run_queues < asm_sysvec_apic_timer_interrupt"
#define PACKET_COMES "try_to_wake_up < sock_def_readable < handle_softirqs < asm_common_interrupt"

/* A worker runs for so long, and those of a round begin so far apart. */
#define ACTOR_RUN_NS  (50 * SCENE_US)
#define ACTOR_STEP_NS (100 * SCENE_US)

struct actor {
	struct ft_task task;
	uint32_t cpu;
};

/* @who gets the CPU, of which nothing was seen before. */
void actor_comes(struct scene *scene, const struct actor *who, uint64_t at_ns);
void actor_waits(struct scene *scene, const struct actor *who, uint64_t at_ns, const char *stack);
/* Its thread ends. */
void actor_ends(struct scene *scene, const struct actor *who, uint64_t at_ns);

/* @waker, which runs, wakes @wakee in @stack; that one runs 5 us later. */
void actor_wakes(struct scene *scene, const struct actor *waker, uint64_t at_ns, const char *stack,
		 const struct actor *wakee);
/* An interrupt on the CPU of @wakee wakes it. */
void actor_interrupted(struct scene *scene, const struct actor *wakee, uint64_t at_ns,
		       const char *stack);

/* A packet wakes @feeder, which wakes each of @workers, by their order; each works and waits in @stack. */
struct round {
	const struct actor *feeder, *workers;
	size_t count;
	const char *stack;
};

void round_runs(struct scene *scene, const struct round *round, uint64_t at_ns);
/* One each @every_ms. */
void rounds_run(struct scene *scene, const struct round *round, uint64_t from_ms, uint64_t to_ms,
		uint64_t every_ms);

#endif
