/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk of slow_disk.h.
 *
 * The control group that is throttled is the root's: the journal of ext4 is written by
 * a thread of the kernel. The rule is about this one loop device.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "tests/workloads/slow_disk.h"
#include "tests/workloads/truth.h"

#define SLOW_BYTES_PER_S 8192 /* so slow that it is slow until told not to be */
#define DISK_BYTES	 (64u << 20)
#define THROTTLES	 "/sys/fs/cgroup/blkio/blkio.throttle."

static char device[32];
static dev_t number;
static _Atomic uint64_t slow_until_ns; /* 0: is not */

static int open_loop(void)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop = -1;
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int free_number, memory = memfd_create("disk", MFD_CLOEXEC);

	if (control < 0 || memory < 0 || ftruncate(memory, DISK_BYTES))
		truth_cannot("cannot use loop devices: %s", strerror(errno));
	config.fd = (__u32)memory;
	/* Somebody else may take the free one first. */
	for (unsigned int tries = 0; tries < 10 && loop < 0; tries++) {
		free_number = ioctl(control, LOOP_CTL_GET_FREE);
		snprintf(device, sizeof(device), "/dev/loop%d", free_number);
		loop = open(device, O_RDWR | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config)) {
			close(loop);
			loop = -1;
		}
	}
	if (loop < 0)
		truth_cannot("cannot set up a loop device: %s", strerror(errno));
	close(control);
	close(memory);
	return loop;
}

static bool write_rule(const char *direction, uint64_t bytes_per_s)
{
	char path[128], rule[64];
	int fd, length;
	bool written;

	snprintf(path, sizeof(path), THROTTLES "%s_bps_device", direction);
	length = snprintf(rule, sizeof(rule), "%u:%u %ju", major(number), minor(number),
			  (uintmax_t)bytes_per_s);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd >= 0 && write(fd, rule, (size_t)length) == length;
	if (fd >= 0)
		close(fd);
	return written;
}

/* So fast from now on, reading and writing each; 0: as fast as it can. */
static void throttle_disk(uint64_t bytes_per_s)
{
	if (!write_rule("write", bytes_per_s) || !write_rule("read", bytes_per_s))
		fprintf(stderr, "cannot throttle %s: %s\n", device, strerror(errno));
}

/* A rule outlives who made it: a process that notices the end of this one takes it away. */
static void start_cleaner(void)
{
	int end[2];
	char byte;

	if (pipe2(end, O_CLOEXEC))
		abort();
	if (fork()) {
		close(end[0]);
		return; /* end[1] stays open until the end */
	}
	setsid(); /* so that what kills the group spares it */
	close(end[1]);
	close(STDOUT_FILENO);
	while (read(end[0], &byte, 1) < 0 && errno == EINTR)
		;
	throttle_disk(0);
	_exit(0);
}

static void format_disk(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execlp("mkfs.ext4", "mkfs.ext4", "-q", "-F", device, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		truth_cannot("mkfs.ext4 is not installed, or failed");
}

/* How long a throttled write takes cannot be foretold: what the device has done before counts. */
static void *disk_main(void *argument)
{
	for (; !truth_stopping(); truth_sleep_ns(TRUTH_MS)) {
		uint64_t until_ns = slow_until_ns;

		if (!until_ns || truth_now_ns() < until_ns)
			continue;
		throttle_disk(0);
		slow_until_ns = 0;
	}
	return argument;
}

void slow_disk_slow_down(void)
{
	throttle_disk(SLOW_BYTES_PER_S);
	slow_until_ns = truth_now_ns() + (uint64_t)(truth_seconds() * 1e9);
}

int slow_disk_open(const char *flag)
{
	int loop = open_loop(), context, mounted, root;
	struct stat about;

	if (fstat(loop, &about))
		abort();
	number = about.st_rdev;
	if (!write_rule("write", 0) || !write_rule("read", 0))
		truth_cannot("cannot throttle a device: " THROTTLES
			     "* is not there or not allowed");
	start_cleaner();
	format_disk();
	context = fsopen("ext4", FSOPEN_CLOEXEC);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) ||
	    (flag && fsconfig(context, FSCONFIG_SET_FLAG, flag, NULL, 0)) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		truth_cannot("cannot mount ext4: %s", strerror(errno));
	mounted = fsmount(context, FSMOUNT_CLOEXEC, 0);
	root = openat(mounted, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		truth_cannot("cannot mount ext4: %s", strerror(errno));
	close(context);
	close(loop);
	truth_thread("disk", disk_main, NULL);
	return root; /* the mount lives as long as what is open in it; mounted is never closed */
}

int slow_disk_file(int directory, const char *name, size_t bytes)
{
	int fd = openat(directory, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600), direct;
	char *zeros = calloc(1, bytes);

	if (fd < 0 || !zeros || pwrite(fd, zeros, bytes, 0) != (ssize_t)bytes || fsync(fd))
		truth_cannot("cannot write a file of ext4: %s", strerror(errno));
	free(zeros);
	direct = openat(directory, name, O_RDWR | O_DIRECT | O_CLOEXEC);
	close(fd);
	return direct;
}
