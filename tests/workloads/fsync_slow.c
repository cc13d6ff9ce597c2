/* SPDX-License-Identifier: Apache-2.0 */
/* Workers append to files and fsync them; the disk becomes slow. No thread is to blame. */
#include "config.h"

#include <fcntl.h>

#include "tests/workloads/slow_disk.h"
#include "tests/workloads/truth.h"

static int directory;
static __thread int file = -1;

static void serve_request(void)
{
	static const char line[512] = "a line of a log";
	uint64_t start_ns;

	if (file < 0) {
		char name[16];

		snprintf(name, sizeof(name), "log%d", gettid());
		file = openat(directory, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	}
	start_ns = truth_now_ns();
	if (write(file, line, sizeof(line)) != sizeof(line) || fsync(file))
		abort();
	truth_waited(start_ns);
}

static void slow_down(void)
{
	slow_disk_slow_down();
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Threads fsync files on a disk that becomes slow.", 1.5);
	directory = slow_disk_open(NULL);
	truth_serve(4, serve_request);
	return truth_run("director", "io-stall", slow_down);
}
