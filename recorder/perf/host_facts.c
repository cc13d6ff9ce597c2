/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/host_facts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "capture/facts.h"

static const struct {
	int64_t number;
	const char *name;
} SYSCALLS[] = {
#include "recorder/syscalls.inc"
};

/* Left out where it cannot be read. */
static int set_from_file(struct ft_facts *facts, const char *name, const char *path)
{
	FILE *file = fopen(path, "re");
	int error = 0, value;

	if (file && fscanf(file, "%d", &value) == 1)
		error = ft_facts_set_number(facts, name, value);
	if (file)
		fclose(file);
	return error;
}

int host_facts_set(struct ft_facts *facts)
{
	struct utsname name;
	struct tm local;
	time_t now = time(NULL);
	int error = 0;

	uname(&name);
	localtime_r(&now, &local);
	error |= ft_facts_set(facts, FT_FACT_HOST, name.nodename);
	error |= ft_facts_set(facts, FT_FACT_KERNEL, name.release);
	error |= ft_facts_set(facts, FT_FACT_KERNEL_VERSION, name.version);
	error |= ft_facts_set(facts, FT_FACT_ARCH, name.machine);
	error |= ft_facts_set(facts, FT_FACT_RECORDER, PACKAGE_VERSION);
	error |= ft_facts_set_number(facts, FT_FACT_RECORDER_TGID, getpid());
	error |= ft_facts_set_number(facts, FT_FACT_UTC_OFFSET_S, local.tm_gmtoff);
	error |= set_from_file(facts, FT_FACT_RT_RUNTIME_US, "/proc/sys/kernel/sched_rt_runtime_us");
	error |= set_from_file(facts, FT_FACT_RT_PERIOD_US, "/proc/sys/kernel/sched_rt_period_us");
	return error ? -ENOMEM : 0;
}

static const char *find_syscall_name(int64_t number)
{
	for (size_t i = 0; i < sizeof(SYSCALLS) / sizeof(SYSCALLS[0]); i++)
		if (SYSCALLS[i].number == number)
			return SYSCALLS[i].name;
	return NULL;
}

int host_facts_set_syscalls(struct ft_facts *facts, const int64_t *numbers, size_t count)
{
	char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);
	if (!stream)
		return -ENOMEM;
	const char *comma = "";
	for (size_t i = 0; i < count; i++) {
		const char *name = find_syscall_name(numbers[i]);
		if (!name)
			continue;
		fprintf(stream, "%s%lld:%s", comma, (long long)numbers[i], name);
		comma = ",";
	}
	int error = fclose(stream) ? -ENOMEM : ft_facts_set(facts, FT_FACT_SYSCALLS, text);
	free(text);
	return error;
}
