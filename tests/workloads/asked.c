/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel asks a process, for the threads of the service, and it does not answer for a while. Modes: fanotify (may
 * this file be opened), seccomp (may this call be made), lease (give the file back), userfault (what is in this page).
 */
#include "config.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/workloads/truth.h"

#define WORKERS 5

static char path[64];
static int asks = -1;		/* the descriptor that questions come from */
static char *pages;		/* one for each worker */
static size_t page_bytes;
static void (*answer)(void);

static void remove_file(void)
{
	unlink(path);
}

static void make_file(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/freezetrap-lab-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		abort();
	close(fd);
	truth_at_end(remove_file);
}

static void open_file(void)
{
	uint64_t start_ns = truth_now_ns();
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	truth_waited(start_ns);
	if (fd >= 0)
		close(fd);
}

__attribute__((noinline)) static void look_it_up(void)
{
	uint64_t start_ns = truth_now_ns();

	truth_sleep_ns((uint64_t)(truth_seconds() * 1e9));
	truth_held(start_ns);
}

static void dawdle_if_ordered(void)
{
	if (!truth_ordered())
		return;
	look_it_up();
	truth_order_done();
}

/* fanotify */

static void make_fanotify(void)
{
	make_file();
	asks = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
	if (asks < 0 || fanotify_mark(asks, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, path))
		truth_cannot("cannot use fanotify permissions: %s", strerror(errno));
}

static void answer_fanotify(void)
{
	struct fanotify_event_metadata events[16], *event = events;
	ssize_t length = read(asks, events, sizeof(events));

	for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length)) {
		struct fanotify_response response = { .fd = event->fd, .response = FAN_ALLOW };

		dawdle_if_ordered();
		if (write(asks, &response, sizeof(response)) < 0)
			abort();
		close(event->fd);
	}
}

/* seccomp */

static void make_seccomp(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_umask, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { .len = sizeof(code) / sizeof(*code), .filter = code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	asks = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	if (asks < 0)
		truth_cannot("cannot be told of system calls: %s", strerror(errno));
}

static void answer_seccomp(void)
{
	struct seccomp_notif question;
	struct seccomp_notif_resp response;

	memset(&question, 0, sizeof(question));
	if (ioctl(asks, SECCOMP_IOCTL_NOTIF_RECV, &question))
		return;
	dawdle_if_ordered();
	memset(&response, 0, sizeof(response));
	response.id = question.id;
	response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	ioctl(asks, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void call_umask(void)
{
	uint64_t start_ns = truth_now_ns();

	umask(022);
	truth_waited(start_ns);
}

/* lease */

static void make_lease(void)
{
	sigset_t signals;

	make_file();
	sigemptyset(&signals);
	sigaddset(&signals, SIGIO);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

/* Has the file to itself until somebody opens it. */
static void answer_lease(void)
{
	static int fd = -1;
	sigset_t signals;
	int got;

	if (fd < 0)
		fd = open(path, O_RDWR | O_CLOEXEC);
	sigemptyset(&signals);
	sigaddset(&signals, SIGIO);
	while (fcntl(fd, F_SETLEASE, F_WRLCK))
		truth_sleep_ns(TRUTH_MS / 2);
	sigwait(&signals, &got);
	dawdle_if_ordered();
	fcntl(fd, F_SETLEASE, F_UNLCK);
}

/* userfault */

static void make_userfault(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	pages = mmap(NULL, WORKERS * page_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	asks = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (asks < 0 || ioctl(asks, UFFDIO_API, &api))
		truth_cannot("cannot be told of page faults: %s", strerror(errno));
	range.range.start = (uintptr_t)pages;
	range.range.len = WORKERS * page_bytes;
	if (pages == MAP_FAILED || ioctl(asks, UFFDIO_REGISTER, &range))
		abort();
}

static void answer_userfault(void)
{
	static char source[65536] __attribute__((aligned(65536)));
	struct uffd_msg question;
	struct uffdio_copy copy = { .src = (uintptr_t)source, .len = page_bytes };

	if (read(asks, &question, sizeof(question)) != sizeof(question))
		return;
	dawdle_if_ordered();
	copy.dst = question.arg.pagefault.address & ~(page_bytes - 1);
	ioctl(asks, UFFDIO_COPY, &copy);
}

static void touch_page(void)
{
	static atomic_uint workers;
	static __thread char *page;
	uint64_t start_ns;

	if (!page)
		page = pages + page_bytes * workers++;
	madvise(page, page_bytes, MADV_DONTNEED);
	start_ns = truth_now_ns();
	*(volatile char *)page = 1;
	truth_waited(start_ns);
}

int main(int argc, char **argv)
{
	void (*request)(void) = open_file;

	truth_options(argc, argv,
		      "A process does not answer the kernel. Modes: fanotify, seccomp, lease, userfault.",
		      2);
	answer = answer_fanotify;
	if (truth_mode("seccomp")) {
		make_seccomp();
		answer = answer_seccomp;
		request = call_umask;
	} else if (truth_mode("lease")) {
		make_lease();
		answer = answer_lease;
	} else if (truth_mode("userfault")) {
		make_userfault();
		answer = answer_userfault;
		request = touch_page;
	} else {
		make_fanotify();
	}
	if (!truth_fork("answerer"))
		for (;;)
			answer();
	truth_serve(WORKERS, request);
	/* Who opens a leased file for reading only is let go by a timer, every few milliseconds. */
	truth_verdict("frozen", "strong", truth_mode("lease"));
	return truth_run("director", "request-stall", truth_order);
}
