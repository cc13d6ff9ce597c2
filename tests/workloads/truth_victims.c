/* SPDX-License-Identifier: Apache-2.0 */
/* Who waited for whom in a workload of the lab, and the line that says so. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "tests/workloads/truth_private.h"

#define WAIT_MIN_NS (10 * TRUTH_MS) /* shorter, a wait is the host's noise */

static __thread struct truth_victim *self;

static struct {
	const char *syscall;
	uint64_t bytes;
	const char *verdicts, *grade;
	bool unnamed;
} saying;

void truth_forget_self(void)
{
	self = NULL;
}

static struct truth_victim *get_self(void)
{
	unsigned int i;

	if (self)
		return self;
	i = truth_shared->victims++;
	if (i >= TRUTH_THREADS_MAX)
		abort();
	self = &truth_shared->victim[i];
	self->tid = gettid();
	prctl(PR_GET_NAME, self->comm);
	return self;
}

static void note_wait(uint64_t since_ns, uint64_t on_cpu_ns)
{
	uint64_t now_ns = truth_now_ns(), start_ns = truth_shared->start_ns, end_ns = truth_shared->end_ns;
	uint64_t waited_ns;

	if (now_ns < since_ns || !start_ns || now_ns - since_ns < WAIT_MIN_NS ||
	    now_ns < start_ns || (end_ns && since_ns > end_ns))
		return;
	/* A wait that was going on before the cause began is its victim only from then on. */
	waited_ns = now_ns - (since_ns > start_ns ? since_ns : start_ns);
	get_self()->blocked_ns += waited_ns > on_cpu_ns ? waited_ns - on_cpu_ns : 0;
}

void truth_waited(uint64_t since_ns)
{
	note_wait(since_ns, 0);
}

void truth_blocked(uint64_t since_ns, struct truth_shares shares)
{
	note_wait(since_ns, truth_on_cpu_ns(shares));
}

void truth_waited_too(pid_t tid, const char *comm, uint64_t since_ns)
{
	unsigned int i = truth_shared->victims++;

	if (i >= TRUTH_THREADS_MAX)
		abort();
	truth_shared->victim[i].tid = tid;
	snprintf(truth_shared->victim[i].comm, sizeof(truth_shared->victim[i].comm), "%s", comm);
	truth_shared->victim[i].blocked_ns = truth_now_ns() - since_ns;
}

void truth_wait_begin(void)
{
	get_self()->since_ns = truth_now_ns();
}

void truth_wait_end(void)
{
	struct truth_victim *victim = get_self();
	uint64_t since_ns = victim->since_ns;

	victim->since_ns = 0;
	truth_waited(since_ns);
}

void truth_culprit(pid_t tid, const char *comm, uint64_t hold_ns)
{
	uint64_t longest_ns = truth_shared->hold_ns;
	unsigned int count = truth_shared->culprits;

	while (longest_ns < hold_ns &&
	       !atomic_compare_exchange_weak(&truth_shared->hold_ns, &longest_ns, hold_ns))
		;
	for (unsigned int i = 0; i < count; i++)
		if (truth_shared->culprit[i].tid == tid)
			return;
	count = truth_shared->culprits++;
	if (count >= TRUTH_CULPRITS_MAX)
		abort();
	snprintf(truth_shared->culprit[count].comm, sizeof(truth_shared->culprit[count].comm), "%s", comm);
	truth_shared->culprit[count].tid = tid;
}

void truth_held(uint64_t since_ns)
{
	uint64_t hold_ns = truth_now_ns() - since_ns;
	char comm[16];

	prctl(PR_GET_NAME, comm);
	truth_culprit(gettid(), comm, hold_ns);
}

void truth_verdict(const char *verdicts, const char *grade, bool unnamed)
{
	saying.verdicts = verdicts;
	saying.grade = grade;
	saying.unnamed = unnamed;
}

void truth_call(const char *syscall, uint64_t bytes)
{
	saying.syscall = syscall;
	saying.bytes = bytes;
}

struct line {
	char text[4000];
	size_t length;
};

__attribute__((format(printf, 2, 3)))
static void add_text(struct line *line, const char *format, ...)
{
	va_list args;
	int added;

	va_start(args, format);
	added = vsnprintf(line->text + line->length, sizeof(line->text) - line->length, format,
			  args);
	va_end(args);
	if (added < 0 || (size_t)added >= sizeof(line->text) - line->length)
		abort();
	line->length += (size_t)added;
}

static void add_kinds(struct line *line, const char *kinds)
{
	add_text(line, "\"kinds\":[\"");
	for (const char *c = kinds; *c; c++) {
		if (*c == '|')
			add_text(line, "\",\"");
		else
			add_text(line, "%c", *c);
	}
	add_text(line, "\"]");
}

static void add_culprits(struct line *line)
{
	unsigned int count = truth_shared->culprits < TRUTH_CULPRITS_MAX ? truth_shared->culprits : TRUTH_CULPRITS_MAX;

	add_text(line, ",\"culprits\":[");
	for (unsigned int i = 0; i < count; i++)
		add_text(line, "%s{\"tid\":%d,\"comm\":\"%s\"}", i ? "," : "",
			 truth_shared->culprit[i].tid, truth_shared->culprit[i].comm);
	add_text(line, "]");
}

static void add_victims(struct line *line)
{
	unsigned int count = truth_shared->victims < TRUTH_THREADS_MAX ? truth_shared->victims : TRUTH_THREADS_MAX;
	uint64_t blocked_ns = 0;
	const char *separator = "";

	add_text(line, ",\"victims\":[");
	for (unsigned int i = 0; i < count; i++) {
		const struct truth_victim *victim = &truth_shared->victim[i];

		if (!victim->blocked_ns && !victim->since_ns)
			continue;
		add_text(line, "%s{\"tid\":%d,\"comm\":\"%s\",\"blocked_ns\":%ju,\"since_ns\":%ju}",
			 separator, victim->tid, victim->comm, (uintmax_t)victim->blocked_ns,
			 (uintmax_t)victim->since_ns);
		blocked_ns += victim->blocked_ns;
		separator = ",";
	}
	add_text(line, "],\"blocked_ns\":%ju", (uintmax_t)blocked_ns);
}

void truth_tell(const char *kinds, const char *mode)
{
	struct line line = { 0 };

	add_text(&line, "{\"event\":\"truth\",\"cause\":\"%s%s%s\",\"pid\":%d,",
		 program_invocation_short_name, mode ? "." : "", mode ? mode : "", getpid());
	add_kinds(&line, kinds);
	add_culprits(&line);
	add_text(&line, ",\"start_ns\":%ju,\"end_ns\":%ju,\"hold_ns\":%ju",
		 (uintmax_t)truth_shared->start_ns, (uintmax_t)truth_shared->end_ns,
		 (uintmax_t)truth_shared->hold_ns);
	add_victims(&line);
	if (saying.verdicts)
		add_text(&line, ",\"verdicts\":\"%s\",\"grade\":\"%s\",\"unnamed\":%s",
			 saying.verdicts, saying.grade, saying.unnamed ? "true" : "false");
	if (saying.syscall)
		add_text(&line, ",\"syscall\":\"%s\",\"bytes\":%ju}", saying.syscall,
			 (uintmax_t)saying.bytes);
	else
		add_text(&line, ",\"syscall\":null,\"bytes\":0}");
	truth_print("%s", line.text);
}
