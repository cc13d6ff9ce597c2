/* SPDX-License-Identifier: Apache-2.0 */
/* Processes, or threads, share a semaphore; one of them has it and sleeps. Modes: sysv, posix, threads. */
#include "config.h"

#include <errno.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>

#include "tests/workloads/truth.h"

#define TAKERS 5

static int set;
static sem_t *semaphore;

static void remove_set(void)
{
	semctl(set, 0, IPC_RMID);
}

static void make_semaphore(void)
{
	semaphore = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (semaphore == MAP_FAILED || sem_init(semaphore, 1, 1))
		abort();
	if (!truth_mode("sysv"))
		return;
	set = semget(IPC_PRIVATE, 1, 0600);
	if (set < 0 || semctl(set, 0, SETVAL, 1))
		truth_cannot("cannot make a System V semaphore");
	truth_at_end(remove_set);
}

static void take_semaphore(void)
{
	struct sembuf down = { .sem_op = -1, .sem_flg = SEM_UNDO };

	if (!truth_mode("sysv"))
		while (sem_wait(semaphore) && errno == EINTR)
			;
	else if (semop(set, &down, 1))
		_exit(EXIT_FAILURE);
}

static void give_semaphore(void)
{
	struct sembuf up = { .sem_op = 1, .sem_flg = SEM_UNDO };

	if (!truth_mode("sysv"))
		sem_post(semaphore);
	else if (semop(set, &up, 1))
		_exit(EXIT_FAILURE);
}

static void use_semaphore(void)
{
	uint64_t start_ns = truth_now_ns();

	take_semaphore();
	truth_waited(start_ns);
	truth_burn_ns(TRUTH_MS / 5);
	give_semaphore();
}

static void taker_main(void)
{
	for (;; truth_sleep_ns(4 * TRUTH_MS))
		use_semaphore();
}

__attribute__((noinline)) static void keep_semaphore(void)
{
	uint64_t start_ns;

	take_semaphore();
	start_ns = truth_now_ns();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	give_semaphore();
}

static void keeper_main(void)
{
	for (;; truth_sleep_ns(4 * TRUTH_MS)) {
		if (truth_ordered()) {
			keep_semaphore();
			truth_order_done();
		}
		use_semaphore();
	}
}

int main(int argc, char **argv)
{
	pid_t keeper;

	truth_options(argc, argv, "One has a semaphore and sleeps. Modes: sysv, posix, threads.", 2);
	make_semaphore();
	/* A semaphore's count does not say who has it. */
	truth_verdict("frozen", "strong", false);
	if (truth_mode("threads")) {
		truth_serve(TAKERS, use_semaphore);
		return truth_run("keeper", "futex-convoy|standstill", keep_semaphore);
	}
	keeper = truth_fork("keeper");
	if (!keeper)
		keeper_main();
	truth_only_target(keeper);
	for (unsigned int i = 0; i < TAKERS; i++) {
		char name[16];
		pid_t pid;

		snprintf(name, sizeof(name), "taker%u", i);
		pid = truth_fork(name);
		if (!pid)
			taker_main();
		truth_target(pid);
	}
	return truth_run("director", "kernel-lock-convoy|standstill", truth_order);
}
