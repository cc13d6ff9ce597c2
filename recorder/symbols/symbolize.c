/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/symbolize.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/symbols.h"
#include "recorder/base/helper_process.h"
#include "recorder/symbols/elf_module.h"
#include "recorder/symbols/kallsyms.h"
#include "recorder/symbols/mappings.h"

/* A user address to look up in a file. */
struct wanted_address {
	int32_t tgid;
	uint64_t address;
	struct mapping mapping;
	uint64_t file_address; /* as the file counts, once @module is known */
	struct elf_module *module; /* borrowed from struct opened_file; NULL: not readable */
};

/* An opened file, whichever process has it mapped. */
struct opened_file {
	dev_t device;
	ino_t inode;
	struct elf_module *module; /* NULL: neither a program nor a library */
};

struct lookup {
	struct wanted_address *wanted; /* by path, then by tgid */
	size_t count;
	struct opened_file *opened;
	size_t opened_count;
	int out_fd;
};

static int add_kernel_symbol(struct ft_symbols *symbols, const struct kallsyms *kallsyms,
			     uint64_t address)
{
	struct ft_symbol symbol = { .tgid = FT_KERNEL_TGID, .address = address };
	uint64_t behind_call;

	symbol.name = kallsyms_find(kallsyms, address, &symbol.offset_bytes, &symbol.module);
	if (symbol.name && symbol.offset_bytes == 0)
		return ft_symbols_add(symbols, &symbol);
	behind_call = address - 1;
	symbol.name = kallsyms_find(kallsyms, behind_call, &symbol.offset_bytes, &symbol.module);
	if (!symbol.name)
		return 0;
	symbol.offset_bytes++;
	return ft_symbols_add(symbols, &symbol);
}

/* Adds what the mapping alone says; the child may find a better symbol. */
static int add_module_symbol(struct ft_symbols *symbols, const struct wanted_address *wanted)
{
	struct ft_symbol symbol = {
		.tgid = wanted->tgid,
		.address = wanted->address,
		.offset_bytes =
			wanted->address - wanted->mapping.start + wanted->mapping.offset_bytes,
		.module = wanted->mapping.path,
	};

	return ft_symbols_add(symbols, &symbol);
}

static int compare_wanted(const void *left, const void *right)
{
	const struct wanted_address *a = left, *b = right;
	int order = strcmp(a->mapping.path, b->mapping.path);

	if (order != 0)
		return order;
	return a->tgid < b->tgid ? -1 : a->tgid > b->tgid;
}

/* Sends a payload of symbols to the parent, behind its length. */
static int send_payload(void *context, const void *payload, size_t payload_bytes)
{
	const struct lookup *lookup = context;
	uint64_t length = payload_bytes;
	int err = helper_process_write(lookup->out_fd, &length, sizeof(length));

	return err < 0 ? err : helper_process_write(lookup->out_fd, payload, payload_bytes);
}

/* Return: the file of @wanted, opened before for another process or now; NULL: not readable. */
static struct elf_module *find_opened_module(struct lookup *lookup,
					     const struct wanted_address *wanted)
{
	int fd = mapping_open(&wanted->mapping, wanted->tgid);
	struct opened_file *opened = lookup->opened;
	struct stat stat;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &stat) < 0) {
		close(fd);
		return NULL;
	}
	for (; opened < lookup->opened + lookup->opened_count; opened++) {
		if (opened->device == stat.st_dev && opened->inode == stat.st_ino) {
			close(fd);
			return opened->module;
		}
	}
	opened->device = stat.st_dev;
	opened->inode = stat.st_ino;
	if (elf_module_open(fd, wanted->mapping.path, &opened->module) < 0)
		opened->module = NULL;
	lookup->opened_count++;
	return opened->module;
}

/* Adds a symbol for @wanted, @with_line with its source line, which may take long at first. */
static int add_user_symbol(struct ft_symbols *symbols, const struct wanted_address *wanted,
			   bool with_line)
{
	struct ft_symbol symbol = { .tgid = wanted->tgid,
				    .address = wanted->address,
				    .module = wanted->mapping.path };

	elf_module_find(wanted->module, wanted->file_address, &symbol);
	if (with_line && elf_module_line(wanted->module, wanted->file_address, &symbol) < 0)
		return 0;
	return ft_symbols_add(symbols, &symbol);
}

/* Return: how many addresses from @first on lie in the same file of the same process. */
static size_t count_group(const struct lookup *lookup, size_t first)
{
	size_t end = first + 1;

	while (end < lookup->count &&
	       compare_wanted(&lookup->wanted[first], &lookup->wanted[end]) == 0)
		end++;
	return end - first;
}

static int send_group(struct lookup *lookup, const struct wanted_address *group, size_t count,
		      bool with_lines)
{
	struct ft_symbols *symbols = NULL;
	int err = ft_symbols_create(&symbols);

	for (size_t i = 0; err == 0 && i < count; i++)
		if (group[i].module)
			err = add_user_symbol(symbols, &group[i], with_lines);
	if (err == 0 && ft_symbols_count(symbols) > 0)
		err = ft_symbols_write(symbols, send_payload, lookup);
	ft_symbols_destroy(symbols);
	return err;
}

static void locate_group(struct lookup *lookup, struct wanted_address *group, size_t count)
{
	struct elf_module *module = find_opened_module(lookup, group);

	for (size_t i = 0; i < count; i++) {
		uint64_t in_file =
			group[i].address - group[i].mapping.start + group[i].mapping.offset_bytes;

		if (module && elf_module_address(module, in_file, &group[i].file_address) == 0)
			group[i].module = module;
	}
}

/* Runs in the child. It sends the names of all files first, and then lines, which take longer. */
static int run_lookup(void *context, int out_fd)
{
	struct lookup *lookup = context;
	struct rlimit files;
	int err = 0;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max; /* each file stays open */
		setrlimit(RLIMIT_NOFILE, &files);
	}
	unsetenv("DEBUGINFOD_URLS"); /* fetch nothing from a server */
	lookup->out_fd = out_fd;
	for (size_t i = 0, count; err == 0 && i < lookup->count; i += count) {
		count = count_group(lookup, i);
		locate_group(lookup, &lookup->wanted[i], count);
		err = send_group(lookup, &lookup->wanted[i], count, false);
	}
	for (size_t i = 0, count; err == 0 && i < lookup->count; i += count) {
		count = count_group(lookup, i);
		err = send_group(lookup, &lookup->wanted[i], count, true);
	}
	return err < 0;
}

/* Adds what the child sent. Its output may end anywhere. */
static int read_payloads(struct ft_symbols *symbols, const char *output, size_t bytes)
{
	uint64_t length;

	while (bytes >= sizeof(length)) {
		int err;

		memcpy(&length, output, sizeof(length));
		output += sizeof(length);
		bytes -= sizeof(length);
		if (length > bytes)
			return 0;
		err = ft_symbols_read(symbols, output, length);
		if (err == -ENOMEM)
			return err;
		output += length;
		bytes -= length;
	}
	return 0;
}

/* Allocates everything that the child needs. */
static int resolve_user(struct ft_symbols *symbols, struct wanted_address *wanted, size_t count,
			int deadline_ms)
{
	struct lookup lookup = { .wanted = wanted, .count = count };
	void *output = NULL;
	size_t output_bytes = 0;
	int err, read_err;

	lookup.opened = calloc(count, sizeof(lookup.opened[0]));
	if (!lookup.opened)
		return -ENOMEM;
	qsort(wanted, count, sizeof(wanted[0]), compare_wanted);
	err = helper_process_run(run_lookup, &lookup, deadline_ms, &output, &output_bytes);
	read_err = read_payloads(symbols, output, output_bytes);
	free(output);
	free(lookup.opened);
	return read_err < 0 ? read_err : err;
}

int symbolize_resolve(struct ft_symbols *symbols, const struct symbolize_address *addresses,
		      size_t count, const struct kallsyms *kallsyms,
		      const struct mappings *mappings, int deadline_ms)
{
	struct wanted_address *wanted = calloc(count ? count : 1, sizeof(wanted[0]));
	size_t wanted_count = 0;
	int err = 0;

	if (!wanted)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < count; i++) {
		struct wanted_address *next = &wanted[wanted_count];

		next->tgid = addresses[i].tgid;
		next->address = addresses[i].address;
		if (next->tgid == FT_KERNEL_TGID)
			err = kallsyms ? add_kernel_symbol(symbols, kallsyms, next->address) : 0;
		else if (mappings_find(mappings, next->tgid, next->address, &next->mapping) == 0) {
			err = add_module_symbol(symbols, next);
			wanted_count++;
		}
	}
	if (err == 0 && wanted_count > 0)
		err = resolve_user(symbols, wanted, wanted_count, deadline_ms);
	free(wanted);
	return err;
}
