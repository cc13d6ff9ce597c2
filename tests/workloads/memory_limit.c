/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service at the memory limit of its control group (v1), where nothing can be freed and the OOM killer is off: whoever
 * needs memory sleeps until somebody raises the limit.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/workloads/truth.h"

#define MEMORY	"/sys/fs/cgroup/memory"
#define LIMIT	(96u << 20)
#define WORKERS 8
#define PIECE	(8u << 20)

static char group[64];
static atomic_bool *hungry; /* the director, who ends it, must not be in the group */

static void remove_group(void)
{
	for (unsigned int tries = 0; rmdir(group) && errno == EBUSY && tries < 100; tries++)
		truth_sleep_ns(10 * TRUTH_MS);
}

static void make_group(pid_t service)
{
	char text[32];

	snprintf(group, sizeof(group), MEMORY "/freezetrap-lab-%d", getpid());
	if (access(MEMORY "/memory.oom_control", F_OK) || mkdir(group, 0755))
		truth_cannot("there are no memory control groups of version 1");
	truth_at_end(remove_group);
	snprintf(text, sizeof(text), "%u", LIMIT);
	if (!truth_write_text(group, "memory.limit_in_bytes", text))
		truth_cannot("cannot limit memory: %s", strerror(errno));
	if (!truth_write_text(group, "memory.oom_control", "1"))
		truth_cannot("cannot turn the OOM killer off: %s", strerror(errno));
	snprintf(text, sizeof(text), "%d", service);
	if (!truth_write_text(group, "cgroup.procs", text))
		truth_cannot("cannot put a process into a control group: %s", strerror(errno));
}

/* Each keeps what it allocated while there is not enough for all. */
static void allocate_piece(void)
{
	static __thread char *kept[16];
	static __thread unsigned int count;
	struct truth_shares shares = truth_shares();
	uint64_t start_ns = truth_now_ns();
	bool keep = *hungry && count < 16;
	size_t bytes = *hungry ? PIECE : 65536;
	char *piece = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (piece == MAP_FAILED)
		return;
	for (size_t i = 0; i < bytes; i += 4096)
		piece[i] = 1;
	truth_blocked(start_ns, shares);
	if (keep)
		kept[count++] = piece;
	else
		munmap(piece, bytes);
	if (!*hungry)
		while (count)
			munmap(kept[--count], PIECE);
}

static void starve_memory(void)
{
	*hungry = true;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	*hungry = false;
	truth_write_text(group, "memory.limit_in_bytes", "-1");
	truth_sleep_ns(300 * TRUTH_MS);
}

static void service_main(void)
{
	/* Its group exists by then. */
	truth_sleep_ns(200 * TRUTH_MS);
	truth_serve(WORKERS, allocate_piece);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	pid_t service;

	truth_options(argc, argv, "A service at its memory limit, and the OOM killer is off.", 2.5);
	hungry = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (hungry == MAP_FAILED)
		abort();
	service = truth_fork("service");
	if (!service)
		service_main();
	truth_only_target(service);
	make_group(service);
	truth_sleep_ns(300 * TRUTH_MS);
	truth_verdict("frozen", "strong", true);
	return truth_run("director", "memcg-reclaim-stall", starve_memory);
}
