/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All threads of a service are taken off at once. Modes: ptrace (a debugger stops them), freezer (their control group is
 * frozen), core (the process crashed and writes a core dump).
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/workloads/truth.h"

#define WORKERS	  4
#define CORE_SIZE (1536ull << 20)
#define FREEZER	  "/sys/fs/cgroup/freezer"

static pid_t service;
static char group[64], core_directory[64];

/* What it is taken off in is the pause between two. */
static void serve_request(void)
{
	truth_burn_ns(TRUTH_MS / 10);
}

/* ptrace */

static pid_t stopped[64];
static unsigned int stopped_count;

static void stop_threads(void)
{
	char path[64];
	DIR *tasks;
	struct dirent *entry;

	snprintf(path, sizeof(path), "/proc/%d/task", service);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)) && stopped_count < 64) {
		pid_t tid = atoi(entry->d_name);

		if (tid && !ptrace(PTRACE_SEIZE, tid, NULL, NULL) &&
		    !ptrace(PTRACE_INTERRUPT, tid, NULL, NULL))
			stopped[stopped_count++] = tid;
	}
	if (tasks)
		closedir(tasks);
	for (unsigned int i = 0; i < stopped_count; i++)
		waitpid(stopped[i], NULL, __WALL);
}

static void debug_service(void)
{
	uint64_t start_ns = truth_now_ns();

	stop_threads();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	for (unsigned int i = 0; i < stopped_count; i++)
		ptrace(PTRACE_DETACH, stopped[i], NULL, NULL);
	truth_held(start_ns);
}

/* freezer */

static void remove_group(void)
{
	rmdir(group);
}

static void make_group(void)
{
	char pid[16];

	snprintf(group, sizeof(group), FREEZER "/freezetrap-lab-%d", getpid());
	if (mkdir(group, 0755))
		truth_cannot("cannot make a control group that freezes: %s", strerror(errno));
	truth_at_end(remove_group);
	snprintf(pid, sizeof(pid), "%d", service);
	if (!truth_write_text(group, "cgroup.procs", pid))
		truth_cannot("cannot put a process into a control group: %s", strerror(errno));
}

static void freeze_group(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_write_text(group, "freezer.state", "FROZEN");
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_write_text(group, "freezer.state", "THAWED");
	truth_held(start_ns);
}

/* core */

static void remove_core(void)
{
	char path[128];
	DIR *files = opendir(core_directory);
	struct dirent *entry;

	while (files && (entry = readdir(files))) {
		snprintf(path, sizeof(path), "%s/%.50s", core_directory, entry->d_name);
		unlink(path);
	}
	if (files)
		closedir(files);
	rmdir(core_directory);
}

static void *crash_when_ordered(void *argument)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	char *memory = mmap(NULL, CORE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED || setrlimit(RLIMIT_CORE, &all) || chdir(core_directory))
		abort();
	for (size_t i = 0; i < CORE_SIZE; i += 512)
		memory[i] = 1;
	for (;; truth_sleep_ns(TRUTH_MS))
		if (truth_ordered()) {
			truth_held(truth_now_ns());
			raise(SIGSEGV);
		}
	return argument;
}

static void make_core_directory(void)
{
	char pattern[128] = "";
	int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, pattern, sizeof(pattern) - 1) <= 0 || strchr("|/@", pattern[0]))
		truth_cannot("cores do not go to the directory of who crashed (core_pattern)");
	close(fd);
	snprintf(core_directory, sizeof(core_directory), "/tmp/freezetrap-lab-XXXXXX");
	if (!mkdtemp(core_directory))
		abort();
	truth_at_end(remove_core);
}

/* Its threads cannot say that they stood still. */
static void let_crash(void)
{
	truth_sleep_ns(200 * TRUTH_MS);
	uint64_t start_ns = truth_now_ns();
	char path[64];
	DIR *tasks;
	struct dirent *entry;
	pid_t tids[WORKERS + 2];
	unsigned int count = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", service);
	tasks = opendir(path);
	while (tasks && (entry = readdir(tasks)) && count < WORKERS + 2)
		if (atoi(entry->d_name) && atoi(entry->d_name) != service)
			tids[count++] = atoi(entry->d_name);
	if (tasks)
		closedir(tasks);
	truth_order_nowait();
	waitpid(service, NULL, 0);
	for (unsigned int i = 0; i < count; i++)
		truth_waited_too(tids[i], "worker", start_ns);
}

static void service_main(void)
{
	if (truth_mode("core"))
		truth_thread("crasher", crash_when_ordered, NULL);
	truth_serve(WORKERS, serve_request);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "A service is taken off. Modes: ptrace, freezer, core.", 2);
	if (truth_mode("core"))
		make_core_directory();
	service = truth_fork("service");
	if (!service)
		service_main();
	truth_only_target(service);
	if (truth_mode("freezer"))
		make_group();
	truth_verdict("frozen", "exact", true);
	return truth_run("director", "process-stopped",
			 truth_mode("core")	 ? let_crash
			 : truth_mode("freezer") ? freeze_group
						 : debug_service);
}
