/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/wait_call.h"

#include <stddef.h>
#include <sys/syscall.h>

static const struct {
	int64_t number;
	enum wait_call call;
} calls[] = {
	{ SYS_read, WAIT_CALL_READS },
	{ SYS_readv, WAIT_CALL_READS },
	{ SYS_pread64, WAIT_CALL_READS },
	{ SYS_preadv, WAIT_CALL_READS },
	{ SYS_preadv2, WAIT_CALL_READS },
	{ SYS_recvfrom, WAIT_CALL_READS },
	{ SYS_recvmsg, WAIT_CALL_READS },
	{ SYS_recvmmsg, WAIT_CALL_READS },
	{ SYS_accept, WAIT_CALL_READS },
	{ SYS_accept4, WAIT_CALL_READS },
	{ SYS_splice, WAIT_CALL_READS },
	{ SYS_tee, WAIT_CALL_READS },
	{ SYS_copy_file_range, WAIT_CALL_READS },
	{ SYS_getdents64, WAIT_CALL_READS },
	{ SYS_readahead, WAIT_CALL_READS },
	{ SYS_mq_timedreceive, WAIT_CALL_READS },
	{ SYS_write, WAIT_CALL_WRITES },
	{ SYS_writev, WAIT_CALL_WRITES },
	{ SYS_pwrite64, WAIT_CALL_WRITES },
	{ SYS_pwritev, WAIT_CALL_WRITES },
	{ SYS_pwritev2, WAIT_CALL_WRITES },
	{ SYS_sendto, WAIT_CALL_WRITES },
	{ SYS_sendmsg, WAIT_CALL_WRITES },
	{ SYS_sendmmsg, WAIT_CALL_WRITES },
	{ SYS_sendfile, WAIT_CALL_WRITES },
	{ SYS_vmsplice, WAIT_CALL_WRITES },
	{ SYS_connect, WAIT_CALL_WRITES },
	{ SYS_mq_timedsend, WAIT_CALL_WRITES },
	{ SYS_fsync, WAIT_CALL_CHANGES },
	{ SYS_fdatasync, WAIT_CALL_CHANGES },
	{ SYS_sync_file_range, WAIT_CALL_CHANGES },
	{ SYS_syncfs, WAIT_CALL_CHANGES },
	{ SYS_fallocate, WAIT_CALL_CHANGES },
	{ SYS_ftruncate, WAIT_CALL_CHANGES },
	{ SYS_fstat, WAIT_CALL_CHANGES },
	{ SYS_ioctl, WAIT_CALL_CHANGES },
	{ SYS_flock, WAIT_CALL_CHANGES },
	{ SYS_fcntl, WAIT_CALL_CHANGES },
	{ SYS_msgrcv, WAIT_CALL_RECEIVES },
	{ SYS_msgsnd, WAIT_CALL_SENDS },
	{ SYS_semop, WAIT_CALL_SEMAPHORES },
	{ SYS_semtimedop, WAIT_CALL_SEMAPHORES },
	{ SYS_openat, WAIT_CALL_OPENS },
	{ SYS_openat2, WAIT_CALL_OPENS },
	{ SYS_execve, WAIT_CALL_OPENS },
	{ SYS_execveat, WAIT_CALL_OPENS },
#ifdef SYS_open /* not on aarch64 */
	{ SYS_open, WAIT_CALL_OPENS },
#endif
};

enum wait_call wait_call_find(int64_t number)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return calls[i].call;
	return WAIT_CALL_NONE;
}

bool wait_call_has_descriptor(enum wait_call call)
{
	return call == WAIT_CALL_READS || call == WAIT_CALL_WRITES || call == WAIT_CALL_CHANGES;
}
