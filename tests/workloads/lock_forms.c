/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks that are waited for in unusual ways. Modes: polled (try, sleep, try again), timed (in slices of a time limit),
 * starved (readers overlap, a writer never gets in), lost (signals too few), owner_killed (who has it is killed).
 */
#include "config.h"

#include <signal.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

#define WORKERS 4

static struct shared_lock {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	unsigned int items;
	atomic_bool taken;
} *shared_lock;

static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_bool freezing;
static pid_t owner;

static void make_shared_lock(void)
{
	pthread_mutexattr_t attributes;
	pthread_condattr_t condition;

	shared_lock = mmap(NULL, sizeof(*shared_lock), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared_lock == MAP_FAILED)
		abort();
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&shared_lock->mutex, &attributes);
	pthread_condattr_init(&condition);
	pthread_cond_init(&shared_lock->work, &condition);
}

static void sleep_holding(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

/* polled */

static void poll_lock(void)
{
	uint64_t start_ns = truth_now_ns();

	while (atomic_exchange(&shared_lock->taken, true))
		usleep(10000);
	truth_waited(start_ns);
	truth_burn_ns(TRUTH_MS / 5);
	shared_lock->taken = false;
}

static void hold_polled(void)
{
	while (atomic_exchange(&shared_lock->taken, true))
		usleep(1000);
	sleep_holding();
	shared_lock->taken = false;
}

/* timed */

static void lock_in_slices(void)
{
	uint64_t start_ns = truth_now_ns();
	struct timespec until;

	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 50 * (long)TRUTH_MS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
	} while (pthread_mutex_timedlock(&shared_lock->mutex, &until));
	truth_waited(start_ns);
	pthread_mutex_unlock(&shared_lock->mutex);
}

static void hold_mutex(void)
{
	pthread_mutex_lock(&shared_lock->mutex);
	sleep_holding();
	pthread_mutex_unlock(&shared_lock->mutex);
}

/* starved: glibc lets readers in as long as there is one */

static void read_long(void)
{
	uint64_t start_ns = truth_now_ns();

	pthread_rwlock_rdlock(&rwlock);
	if (freezing)
		truth_held(start_ns);
	truth_sleep_ns((freezing ? 40 : 1) * (uint64_t)TRUTH_MS);
	pthread_rwlock_unlock(&rwlock);
}

static void *writer_main(void *argument)
{
	while (!truth_stopping()) {
		uint64_t start_ns = truth_now_ns();

		pthread_rwlock_wrlock(&rwlock);
		truth_waited(start_ns);
		pthread_rwlock_unlock(&rwlock);
		truth_sleep_ns(5 * TRUTH_MS);
	}
	return argument;
}

static void overlap_readers(void)
{
	freezing = true;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	freezing = false;
	truth_sleep_ns(100 * TRUTH_MS);
}

/* lost: four pass one item on, never to themselves, and for a while nobody is told of it */

static void pass_item(void)
{
	static __thread char self;
	static const char *last; /* protected by the mutex */
	uint64_t start_ns = truth_now_ns();

	pthread_mutex_lock(&shared_lock->mutex);
	while (!shared_lock->items || last == &self)
		pthread_cond_wait(&shared_lock->work, &shared_lock->mutex);
	shared_lock->items = 0;
	pthread_mutex_unlock(&shared_lock->mutex);
	truth_waited(start_ns);
	truth_burn_ns(TRUTH_MS / 2);
	pthread_mutex_lock(&shared_lock->mutex);
	shared_lock->items = 1;
	last = &self;
	if (!freezing)
		pthread_cond_signal(&shared_lock->work);
	pthread_mutex_unlock(&shared_lock->mutex);
}

static void *passer_main(void *argument)
{
	while (!truth_stopping())
		pass_item();
	return argument;
}

static void lose_signal(void)
{
	freezing = true;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	freezing = false;
	pthread_cond_broadcast(&shared_lock->work);
}

/* owner_killed */

static void *waiter_main(void *argument)
{
	for (;; truth_sleep_ns(5 * TRUTH_MS)) {
		truth_wait_begin();
		pthread_mutex_lock(&shared_lock->mutex);
		truth_wait_end();
		truth_burn_ns(TRUTH_MS / 10);
		pthread_mutex_unlock(&shared_lock->mutex);
	}
	return argument;
}

static void owner_main(void)
{
	for (;; truth_sleep_ns(5 * TRUTH_MS)) {
		pthread_mutex_lock(&shared_lock->mutex);
		truth_burn_ns(TRUTH_MS / 10);
		if (truth_ordered()) {
			truth_held(truth_now_ns());
			truth_order_done();
			raise(SIGKILL);
		}
		pthread_mutex_unlock(&shared_lock->mutex);
	}
}

static void kill_owner(void)
{
	truth_order();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

static int run_owner_killed(void)
{
	char name[16];

	owner = truth_fork("owner");
	if (!owner)
		owner_main();
	truth_target(owner);
	for (unsigned int i = 0; i < WORKERS; i++) {
		snprintf(name, sizeof(name), "waiter%u", i);
		truth_thread(name, waiter_main, NULL);
	}
	truth_never_thaws();
	truth_verdict("frozen", "plausible", false);
	return truth_run("director", "dead-owner", kill_owner);
}

static int run_lost(void)
{
	char name[16];

	shared_lock->items = 1;
	for (unsigned int i = 0; i < WORKERS; i++) {
		snprintf(name, sizeof(name), "passer%u", i);
		truth_thread(name, passer_main, NULL);
	}
	truth_never_thaws(); /* three of four wait for the item at the end */
	truth_verdict("frozen|not-sure", "plausible", true);
	return truth_run("watchdog", "lost-wakeup", lose_signal);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv,
		      "Locks that are waited for in unusual ways. Modes: polled, timed, starved, lost, "
		      "owner_killed.",
		      2);
	make_shared_lock();
	if (truth_mode("owner_killed"))
		return run_owner_killed();
	if (truth_mode("lost"))
		return run_lost();
	if (truth_mode("starved")) {
		truth_thread("writer", writer_main, NULL);
		truth_serve(6, read_long);
		truth_verdict("frozen|not-sure", "plausible", true);
		return truth_run("director", "futex-convoy|standstill", overlap_readers);
	}
	if (truth_mode("timed")) {
		truth_serve(WORKERS, lock_in_slices);
		truth_verdict("frozen", "strong", false);
		return truth_run("holder", "futex-convoy", hold_mutex);
	}
	truth_serve(WORKERS, poll_lock);
	truth_verdict("frozen|not-sure", "plausible", true);
	return truth_run("holder", "backoff", hold_polled);
}
