/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/proc/proc_locks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/syscall.h>

#include "capture/event.h"
#include "capture/filelock.h"
#include "recorder/base/clock.h"
#include "recorder/proc/proc_task.h"
#include "recorder/proc/target.h"
#include "recorder/symbols/kallsyms.h"

/* The kernel is asked again for each 4 KiB. A host with more locks has other troubles. */
#define LINES_MAX   4096
#define NOTES_MAX   256
#define HOLDERS_MAX 16
#define READ_BYTES  4096 /* as much as the kernel gives at once; stdio would ask for less */

bool proc_locks_waits(const struct ft_event *event)
{
	uint64_t command = event->state.args[1];

	if (event->state.state != FT_STATE_SLEEPING && event->state.state != FT_STATE_DISK)
		return false;
	if (event->state.syscall == SYS_flock)
		return true;
	return event->state.syscall == SYS_fcntl &&
	       (command == F_SETLKW || command == F_OFD_SETLKW);
}

static bool parse_kind(const char *name, enum ft_filelock_kind *ret_kind)
{
	static const char *const names[FT_FILELOCK_KINDS] = {
		[FT_FILELOCK_FLOCK] = "FLOCK",
		[FT_FILELOCK_POSIX] = "POSIX",
		[FT_FILELOCK_OFD] = "OFDLCK",
	};

	for (unsigned int kind = 0; kind < FT_FILELOCK_KINDS; kind++) {
		if (strcmp(name, names[kind]) != 0)
			continue;
		*ret_kind = (enum ft_filelock_kind)kind;
		return true;
	}
	return false; /* leases */
}

/*
 * "1: FLOCK  ADVISORY  WRITE 123 08:01:456 0 EOF" is a lock. The same with "->" behind the number
 * is a process that waits for the lock above; it is further to the right where it waits for a
 * waiter.
 */
static bool parse_line(const char *line, struct ft_filelock *ret_lock, int32_t *ret_pid,
		       bool *ret_waits)
{
	const char *rest = strchr(line, ':');
	char name[16];

	if (!rest)
		return false;
	rest += 1 + strspn(rest + 1, " ");
	*ret_waits = strncmp(rest, "->", 2) == 0;
	if (*ret_waits)
		rest += 2;
	return sscanf(rest, "%15s %*s %*s %" SCNd32 " %" SCNx32 ":%" SCNx32 ":%" SCNu64, name,
		      ret_pid, &ret_lock->major, &ret_lock->minor, &ret_lock->inode) == 5 &&
	       parse_kind(name, &ret_lock->kind);
}

int proc_locks_read(FILE *locks, int (*visit)(void *context, const struct ft_event *event),
		    void *context)
{
	const uint64_t now_ns = clock_now_ns();
	struct ft_filelock held = { 0 };
	char line[256], text[FT_FILELOCK_TEXT_BYTES];
	unsigned int notes = 0;
	int r = 0;

	for (unsigned int i = 0; i < LINES_MAX && notes < NOTES_MAX && !r; i++) {
		struct ft_filelock lock = { 0 };
		int32_t pid;
		bool waits;

		if (!fgets(line, sizeof(line), locks))
			break;
		if (!parse_line(line, &lock, &pid, &waits)) {
			held = (struct ft_filelock){ 0 };
			continue;
		}
		if (!waits) {
			held = lock;
			held.holder = pid > 0 ? pid : 0;
			continue;
		}
		if (lock.inode != held.inode || lock.major != held.major ||
		    lock.minor != held.minor)
			continue; /* the list changed between two readings */
		lock.waiter = pid > 0 ? pid : 0;
		lock.holder = held.holder;
		ft_filelock_text(&lock, text);
		notes++;
		r = visit(context, &(struct ft_event){ .kind = FT_EVENT_NOTE,
						       .cpu = FT_NO_CPU,
						       .time_ns = now_ns,
						       .task = &ft_nobody,
						       .note.text = text });
	}
	return r;
}

struct holders {
	const struct target *target;
	int32_t tgids[HOLDERS_MAX];
	size_t count;
	int (*visit)(void *context, const struct ft_event *event);
	void *context;
};

static bool is_known_holder(const struct holders *holders, int32_t tgid)
{
	for (size_t i = 0; i < holders->count; i++)
		if (holders->tgids[i] == tgid)
			return true;
	return target_has(holders->target, tgid);
}

static int note_holder(void *context, const struct ft_event *event)
{
	struct holders *holders = context;
	struct ft_filelock lock;

	if (ft_filelock_parse(event->note.text, &lock) && lock.holder &&
	    holders->count < HOLDERS_MAX && !is_known_holder(holders, lock.holder))
		holders->tgids[holders->count++] = lock.holder;
	return holders->visit(holders->context, event);
}

void proc_locks_look(const struct target *target, const struct kallsyms *kallsyms,
		     int (*visit)(void *context, const struct ft_event *event), void *context)
{
	struct holders holders = { .target = target, .visit = visit, .context = context };
	FILE *locks = fopen("/proc/locks", "re");
	int r;

	if (!locks)
		return;
	setvbuf(locks, NULL, _IOFBF, READ_BYTES);
	r = proc_locks_read(locks, note_holder, &holders);
	fclose(locks);
	for (size_t i = 0; i < holders.count && (!r || r == -ESRCH); i++)
		r = proc_task_visit(holders.tgids[i], kallsyms, visit, context);
}
