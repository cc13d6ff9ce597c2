/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/cli/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "recorder/base/exit_status.h"
#include "recorder/base/message.h"
#include "recorder/base/parse_units.h"

#define RING_BYTES_MIN (64u << 10)
#define RING_BYTES_MAX (1u << 30)

int arguments_usage(const char *command, const char *what, const char *value)
{
	message_error("%s '%s'; recorder %s --help says what is possible.", what, value, command);
	return EXIT_USAGE;
}

int arguments_refuse(const struct arguments *arguments, const char *what, const char *value)
{
	return arguments_usage(arguments->command, what, value);
}

int arguments_pid(struct arguments *arguments, const char *value)
{
	switch (target_parse(&arguments->target, value)) {
	case 0:
		return EXIT_DONE;
	case -E2BIG:
		return arguments_refuse(arguments, "too many process IDs (64 at most):", value);
	default:
		return arguments_refuse(arguments, "not a list of process IDs:", value);
	}
}

int arguments_event(struct arguments *arguments, const char *value)
{
	struct engine_options *engine = &arguments->engine;
	if (engine->extra_count == PLAN_EVENTS_MAX)
		return arguments_refuse(arguments, "too many events:", value);
	arguments->extras[engine->extra_count++] = value;
	engine->extras = arguments->extras;
	return EXIT_DONE;
}

int arguments_kernel_buffer(struct arguments *arguments, const char *value)
{
	size_t bytes;
	if (parse_size(value, &bytes) || !bytes)
		return arguments_refuse(arguments, "not a size such as 512K or 8M:", value);
	if (bytes > RING_BYTES_MAX)
		return arguments_refuse(arguments, "a kernel buffer has at most 1G:", value);
	/* The kernel wants a power of two. */
	arguments->engine.ring_bytes = RING_BYTES_MIN;
	while (arguments->engine.ring_bytes < bytes)
		arguments->engine.ring_bytes *= 2;
	return EXIT_DONE;
}

int arguments_duration(const struct arguments *arguments, const char *value, const char *zero,
		       uint64_t *ret_ns)
{
	uint64_t ns;
	if (parse_duration(value, &ns))
		return arguments_refuse(arguments,
					"not a duration such as 500ms, 15s or 2m:", value);
	if (!ns && zero)
		return arguments_refuse(arguments, zero, value);
	*ret_ns = ns;
	return EXIT_DONE;
}

static const char *const STACKS_NAMES[GOVERNOR_STEPS] = { "full", "sampled", "lazy", "none" };

const char *arguments_stacks_name(enum governor_step step)
{
	return STACKS_NAMES[step];
}

int arguments_stacks(const struct arguments *arguments, const char *value,
		     enum governor_step *ret_step)
{
	for (int step = 0; step < GOVERNOR_STEPS; step++)
		if (!strcmp(value, STACKS_NAMES[step])) {
			*ret_step = (enum governor_step)step;
			return EXIT_DONE;
		}
	return arguments_refuse(arguments, "--stacks is full, sampled, lazy or none, not", value);
}

int arguments_count(const struct arguments *arguments, const char *value, uint32_t least,
		    uint32_t most, uint32_t *ret_count)
{
	char *end;
	errno = 0;
	unsigned long long count = strtoull(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno || count < least || count > most)
		return arguments_refuse(arguments, "not a number that is possible there:", value);
	*ret_count = (uint32_t)count;
	return EXIT_DONE;
}
