/* SPDX-License-Identifier: Apache-2.0 */
/* Threads start children with vfork(), and these dawdle before they end: who started one stands still. */
#include "config.h"

#include <sys/wait.h>

#include "tests/workloads/truth.h"

#define STARTERS 3

static atomic_bool slow;
static struct {
	_Atomic pid_t pid;
	_Atomic uint64_t since_ns;
} children[STARTERS];

/* In the child, which has the parent's memory. */
static void prepare_child(unsigned int self)
{
	if (slow) {
		children[self].pid = getpid();
		children[self].since_ns = truth_now_ns();
		usleep((useconds_t)(truth_seconds() * 1e6));
	}
	_exit(0);
}

static void start_child(void)
{
	static atomic_uint starters;
	static __thread unsigned int self;
	uint64_t start_ns = truth_now_ns();
	pid_t child;

	if (!self)
		self = ++starters;
	child = vfork();
	if (!child)
		prepare_child(self - 1);
	truth_waited(start_ns);
	waitpid(child, NULL, 0);
}

static void dawdle(void)
{
	slow = true;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9) - 200 * TRUTH_MS);
	slow = false;
	truth_sleep_ns(400 * TRUTH_MS);
	for (unsigned int i = 0; i < STARTERS; i++)
		if (children[i].pid)
			truth_culprit(children[i].pid, "worker", truth_now_ns() - children[i].since_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Children of vfork() dawdle.", 2);
	truth_serve(STARTERS, start_child);
	truth_verdict("frozen", "strong", true);
	return truth_run("director", "request-stall", dawdle);
}
