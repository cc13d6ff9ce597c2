/* SPDX-License-Identifier: Apache-2.0 */
/* The file system of fuse_disk.h: the least that the protocol of /dev/fuse asks for. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "tests/workloads/fuse_disk.h"
#include "tests/workloads/truth.h"

#define FILE_NODE  2
#define FILE_BYTES 4096

static int device;

static void send_answer(uint64_t unique, int error, const void *body, size_t bytes)
{
	struct fuse_out_header header = { .len = (uint32_t)(sizeof(header) + bytes),
					  .error = -error,
					  .unique = unique };
	struct iovec parts[] = { { &header, sizeof(header) }, { (void *)(uintptr_t)body, bytes } };

	if (writev(device, parts, bytes ? 2 : 1) < 0 && errno != ENOENT)
		abort();
}

static struct fuse_attr get_attributes(uint64_t node)
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

	send_answer(unique, 0, &init, sizeof(init));
}

/* Is slow, if it was told to be. */
static void sleep_over_it(void)
{
	uint64_t start_ns = truth_now_ns();

	if (!truth_ordered())
		return;
	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
	truth_order_done();
}

static void answer_read(uint64_t unique)
{
	static const char zeros[FILE_BYTES];

	sleep_over_it();
	send_answer(unique, 0, zeros, sizeof(zeros));
}

/* There is one file; no other can be made. */
static void answer_lookup(const struct fuse_in_header *request)
{
	struct fuse_entry_out entry = { .nodeid = FILE_NODE,
					.entry_valid = 3600,
					.attr_valid = 3600,
					.attr = get_attributes(FILE_NODE) };

	if (strcmp((const char *)(request + 1), FUSE_DISK_FILE))
		send_answer(request->unique, ENOENT, NULL, 0);
	else
		send_answer(request->unique, 0, &entry, sizeof(entry));
}

static void answer_mknod(const struct fuse_in_header *request)
{
	const struct fuse_mknod_in *mknod_in = (const struct fuse_mknod_in *)(request + 1);

	if (!strcmp((const char *)(mknod_in + 1), FUSE_DISK_SLOW))
		sleep_over_it();
	send_answer(request->unique, EPERM, NULL, 0);
}

static void answer_request(const struct fuse_in_header *request)
{
	struct fuse_attr_out attr = { .attr_valid = 3600, .attr = get_attributes(request->nodeid) };
	struct fuse_open_out open_out = { .open_flags = FOPEN_DIRECT_IO };

	switch (request->opcode) {
	case FUSE_INIT:
		answer_init(request->unique);
		break;
	case FUSE_LOOKUP:
		answer_lookup(request);
		break;
	case FUSE_MKNOD:
		answer_mknod(request);
		break;
	case FUSE_GETATTR:
		send_answer(request->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		send_answer(request->unique, 0, &open_out, sizeof(open_out));
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
		send_answer(request->unique, 0, NULL, 0);
		break;
	default:
		send_answer(request->unique, ENOSYS, NULL, 0);
	}
}

static void daemon_main(void)
{
	static char buffer[FUSE_MIN_READ_BUFFER + FILE_BYTES + 1] /* zero at its end */
		__attribute__((aligned(__alignof__(struct fuse_in_header))));
	ssize_t got;

	for (;;) {
		got = read(device, buffer, sizeof(buffer) - 1);
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

int fuse_disk_open(void)
{
	int directory;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0)
		truth_cannot("cannot open /dev/fuse: %s", strerror(errno));
	if (!truth_fork("fused"))
		daemon_main();
	directory = mount_file_system();
	close(device); /* the daemon's alone, so that requests fail where it dies */
	return directory;
}
