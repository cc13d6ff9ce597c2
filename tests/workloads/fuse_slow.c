/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system in user space (FUSE) whose daemon is slow: workers read a file of it. The
 * daemon, another process, sleeps before it answers one read, and it has one thread.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tests/workloads/truth.h"

#define FILE_NODE  2
#define FILE_BYTES 4096

static int device, file;

static void answer(uint64_t unique, int error, const void *body, size_t bytes)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + bytes),
					  .error = -error,
					  .unique = unique };
	struct iovec parts[] = { { &header, sizeof(header) }, { (void *)(uintptr_t)body, bytes } };

	if (writev(device, parts, bytes ? 2 : 1) < 0 && errno != ENOENT)
		abort();
}

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){ .ino = node,
				   .size = FILE_BYTES,
				   .mode = node == FILE_NODE ? S_IFREG | 0444 : S_IFDIR | 0555,
				   .nlink = 1 };
}

static void answer_init(uint64_t unique)
{
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION,
				      .minor = FUSE_KERNEL_MINOR_VERSION,
				      .max_write = FILE_BYTES };

	answer(unique, 0, &init, sizeof(init));
}

static void answer_read(uint64_t unique)
{
	static const char zeros[FILE_BYTES];

	if (truth_ordered()) {
		uint64_t start_ns = truth_now_ns();

		truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
		truth_held(start_ns);
		truth_order_done();
	}
	answer(unique, 0, zeros, sizeof(zeros));
}

static void answer_request(const struct fuse_in_header *request)
{
	struct fuse_entry_out entry = { .nodeid = FILE_NODE,
					.entry_valid = 3600,
					.attr_valid = 3600,
					.attr = attributes(FILE_NODE) };
	struct fuse_attr_out attr = { .attr_valid = 3600, .attr = attributes(request->nodeid) };
	struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };

	switch (request->opcode) {
	case FUSE_INIT:
		answer_init(request->unique);
		break;
	case FUSE_LOOKUP:
		answer(request->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(request->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(request->unique, 0, &open_out, sizeof(open_out));
		break;
	case FUSE_READ:
		answer_read(request->unique);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break; /* no answer is wanted */
	case FUSE_RELEASE:
	case FUSE_FLUSH:
		answer(request->unique, 0, NULL, 0);
		break;
	default:
		answer(request->unique, ENOSYS, NULL, 0);
	}
}

static void daemon_main(void)
{
	static char buffer[FUSE_MIN_READ_BUFFER + FILE_BYTES]
		__attribute__((aligned(__alignof__(struct fuse_in_header))));
	ssize_t got;

	for (;;) {
		got = read(device, buffer, sizeof(buffer));
		if (got >= (ssize_t)sizeof(struct fuse_in_header))
			answer_request((const struct fuse_in_header *)buffer);
		else if (got < 0 && errno == EPERM)
			truth_sleep_ns(TRUTH_MS); /* not mounted yet */
		else if (got < 0 && errno != EINTR && errno != ENOENT && errno != EAGAIN)
			_exit(0);
	}
}

/* Mounted nowhere: it goes with the process. */
static int mount_file_system(void)
{
	int context = fsopen("fuse", FSOPEN_CLOEXEC), mounted;
	char number[16];

	snprintf(number, sizeof(number), "%d", device);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "fd", number, 0) ||
	    fsconfig(context, FSCONFIG_SET_STRING, "rootmode", "40000", 0) ||
	    fsconfig(context, FSCONFIG_SET_STRING, "user_id", "0", 0) ||
	    fsconfig(context, FSCONFIG_SET_STRING, "group_id", "0", 0) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		truth_cannot("cannot mount a FUSE file system: %s", strerror(errno));
	mounted = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (mounted < 0)
		truth_cannot("cannot mount a FUSE file system: %s", strerror(errno));
	close(context);
	return mounted;
}

static void request(void)
{
	char block[FILE_BYTES];
	uint64_t start_ns = truth_now_ns();

	if (pread(file, block, sizeof(block), 0) != sizeof(block))
		abort();
	truth_waited(start_ns);
}

int main(int argc, char **argv)
{
	truth_options(argc, argv, "Threads read a FUSE file system whose daemon sleeps.", 1.5);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		truth_cannot("cannot open /dev/fuse: %s", strerror(errno));
	if (!truth_fork("fused"))
		daemon_main();
	file = openat(mount_file_system(), "file", O_RDONLY | O_CLOEXEC);
	if (file < 0)
		truth_cannot("cannot open a file of FUSE: %s", strerror(errno));
	close(device); /* the daemon's alone, so that reads fail where it dies */
	truth_serve(4, request);
	return truth_run("director", "io-stall|slow-producer", truth_order);
}
