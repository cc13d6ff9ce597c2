/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/locks/hung_task.h"

#include <ctype.h>
#include <string.h>

#include "capture/format.h"

#define TID_DIGITS_MAX 10

/* Part of a line; not terminated. */
struct part {
	const char *text;
	size_t bytes;
};

static bool ends(struct part part, const char *with)
{
	size_t bytes = strlen(with);

	return part.bytes >= bytes && !memcmp(part.text + part.bytes - bytes, with, bytes);
}

static bool drop_end(struct part *part, const char *end)
{
	if (!ends(*part, end))
		return false;
	part->bytes -= strlen(end);
	return true;
}

/* What stands before and behind @middle, which is longer than any name and so in none. */
static bool split(struct part line, const char *middle, struct part *ret_before,
		  struct part *ret_behind)
{
	const char *found = memmem(line.text, line.bytes, middle, strlen(middle));

	if (!found)
		return false;
	*ret_before = (struct part){ line.text, (size_t)(found - line.text) };
	found += strlen(middle);
	*ret_behind = (struct part){ found, line.bytes - (size_t)(found - line.text) };
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The log writes "\x2e" for bytes that cannot be printed and for the backslash itself. */
static bool read_comm(struct part part, char comm[FT_COMM_BYTES])
{
	size_t length = 0;

	memset(comm, 0, FT_COMM_BYTES);
	for (size_t i = 0; i < part.bytes; i++) {
		char c = part.text[i];

		if (length == FT_COMM_BYTES - 1)
			return false;
		if (c == '\\') {
			int high, low;

			if (part.bytes - i < 4 || part.text[i + 1] != 'x')
				return false;
			high = hex_digit(part.text[i + 2]);
			low = hex_digit(part.text[i + 3]);
			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 3;
		}
		if (!c)
			return false;
		comm[length++] = c;
	}
	return true;
}

/* "NAME:PID"; the name may have colons in it. */
static bool read_name(struct part part, struct hung_name *ret_name)
{
	size_t digits = 0;
	int64_t tid = 0;

	while (digits < part.bytes && isdigit((unsigned char)part.text[part.bytes - 1 - digits]))
		digits++;
	if (!digits || digits > TID_DIGITS_MAX || digits == part.bytes ||
	    part.text[part.bytes - 1 - digits] != ':')
		return false;
	for (size_t i = part.bytes - digits; i < part.bytes; i++)
		tid = tid * 10 + (part.text[i] - '0');
	if (tid <= 0 || tid > INT32_MAX)
		return false;
	part.bytes -= digits + 1;
	ret_name->tid = (int32_t)tid;
	return read_comm(part, ret_name->comm);
}

static bool read_mutex(struct part line, struct hung_task *hung)
{
	struct part waiter, owner;

	hung->family = WAIT_LOCK_MUTEX;
	return split(line, " is blocked on a mutex likely owned by task ", &waiter, &owner) &&
	       drop_end(&owner, ".") && read_name(waiter, &hung->waiter) &&
	       read_name(owner, &hung->owner);
}

static bool read_rwsem(struct part line, struct hung_task *hung)
{
	struct part waiter, owner;

	hung->family = WAIT_LOCK_RWSEM;
	if (!split(line, " blocked on an rw-semaphore likely owned by task ", &waiter, &owner))
		return false;
	hung->owner_reads = drop_end(&owner, " <reader>");
	return (hung->owner_reads || drop_end(&owner, " <writer>")) &&
	       (drop_end(&waiter, " <reader>") || drop_end(&waiter, " <writer>")) &&
	       read_name(waiter, &hung->waiter) && read_name(owner, &hung->owner);
}

/* What stands behind the line's beginning. */
static bool line_of(const char *note, struct part *ret_line)
{
	static const char BEGIN[] = FT_NOTE_KERNEL_LOG "INFO: task ";

	if (strncmp(note, BEGIN, strlen(BEGIN)) != 0)
		return false;
	ret_line->text = note + strlen(BEGIN);
	ret_line->bytes = strlen(ret_line->text);
	return true;
}

bool hung_task_parse(const char *note, struct hung_task *ret_hung)
{
	struct hung_task hung = { 0 };
	struct part line;

	if (!line_of(note, &line))
		return false;
	if (!read_mutex(line, &hung)) {
		hung = (struct hung_task){ 0 };
		if (!read_rwsem(line, &hung))
			return false;
	}
	*ret_hung = hung;
	return true;
}

bool hung_task_waiter(const char *note, struct hung_name *ret_waiter)
{
	struct part line, waiter, seconds;
	struct hung_name name = { 0 };
	struct hung_task hung;

	if (hung_task_parse(note, &hung)) {
		*ret_waiter = hung.waiter;
		return true;
	}
	if (!line_of(note, &line) || !split(line, " blocked for more than ", &waiter, &seconds) ||
	    !read_name(waiter, &name))
		return false;
	*ret_waiter = name;
	return true;
}

struct thread *hung_task_thread(const struct threads *threads, const struct hung_name *name,
				bool *ret_another)
{
	struct thread *thread = threads_find(threads, name->tid);

	*ret_another = thread && strncmp(thread->comm, name->comm, FT_COMM_BYTES) != 0;
	return *ret_another ? NULL : thread;
}
