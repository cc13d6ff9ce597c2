/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/perf/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CPU_MAX 65535 /* more than any kernel is built for */

static int append_range(uint32_t **cpus, size_t *count, unsigned long first, unsigned long last)
{
	uint32_t *larger = realloc(*cpus, (*count + last - first + 1) * sizeof(**cpus));
	if (!larger)
		return -ENOMEM;
	*cpus = larger;
	for (unsigned long cpu = first; cpu <= last; cpu++)
		larger[(*count)++] = (uint32_t)cpu;
	return 0;
}

int cpus_parse(const char *list, uint32_t **ret_cpus, size_t *ret_count)
{
	uint32_t *cpus = NULL;
	size_t count = 0;
	int error = 0;
	char *at = (char *)list;

	do {
		if (!isdigit((unsigned char)*at))
			goto bad;
		unsigned long first = strtoul(at, &at, 10), last = first;
		if (*at == '-') {
			if (!isdigit((unsigned char)at[1]))
				goto bad;
			last = strtoul(at + 1, &at, 10);
		}
		if (last < first || last > CPU_MAX || (count && first <= cpus[count - 1]))
			goto bad;
		error = append_range(&cpus, &count, first, last);
		if (error)
			goto out;
	} while (*at++ == ',');
	if (at[-1] != '\0' && at[-1] != '\n')
		goto bad;
	*ret_cpus = cpus;
	*ret_count = count;
	return 0;
bad:
	error = -EBADMSG;
out:
	free(cpus);
	return error;
}

int cpus_online(uint32_t **ret_cpus, size_t *ret_count)
{
	FILE *file = fopen("/sys/devices/system/cpu/online", "re");
	if (!file)
		return -errno;
	char *line = NULL;
	size_t capacity = 0;
	int error =
		getline(&line, &capacity, file) < 0 ? -EIO : cpus_parse(line, ret_cpus, ret_count);
	free(line);
	fclose(file);
	return error;
}
