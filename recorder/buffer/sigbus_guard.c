/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/buffer/sigbus_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Read by the signal handler in any thread. */
static struct {
	_Atomic uintptr_t start, end; /* 0: none */
	_Atomic uintptr_t lost_from; /* memory from here to the end */
	uintptr_t page_bytes;
	struct sigaction former;
} guarded;

/*
 * A file that was cut at one place is cut everywhere behind it. Two threads may get here at once,
 * and the second may replace memory that the first has already written to. So readers of the
 * mapping check what they get.
 */
static bool replace_lost_memory(uintptr_t at)
{
	uintptr_t from = at & ~(guarded.page_bytes - 1);
	uintptr_t lost_from = guarded.lost_from;
	if (from >= lost_from)
		return true; /* another thread was faster */
	/* Shared, so that a fork() does not make the recording path copy pages. */
	if (mmap((void *)from, lost_from - from, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	guarded.lost_from = from;
	return true;
}

static void on_sigbus(int signal_number, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	uintptr_t at = (uintptr_t)info->si_addr;
	(void)context;
	/* The access is tried again on return; without this handler it then ends the process. */
	if (info->si_code != BUS_ADRERR || at < guarded.start || at >= guarded.end ||
	    !replace_lost_memory(at))
		sigaction(signal_number, &guarded.former, NULL);
	errno = saved_errno;
}

int sigbus_guard_begin(void *memory, size_t bytes)
{
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	if (guarded.start)
		return -EBUSY;
	guarded.page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	guarded.end = (uintptr_t)memory + bytes;
	guarded.lost_from =
		((uintptr_t)memory + bytes + guarded.page_bytes - 1) & ~(guarded.page_bytes - 1);
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &guarded.former) < 0)
		return -errno;
	guarded.start = (uintptr_t)memory;
	return 0;
}

void sigbus_guard_end(void)
{
	if (!guarded.start)
		return;
	guarded.start = 0;
	sigaction(SIGBUS, &guarded.former, NULL);
}

bool sigbus_guard_lost(void)
{
	return guarded.start && guarded.lost_from < guarded.end;
}
