/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/elf_module.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <gelf.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/symbols.h"

#define SEGMENTS_MAX	   16
#define NESTING_MAX	   16 /* so many symbols may start in another that is still found */
#define NAME_BYTES_MAX	   1000
#define BUILD_ID_BYTES_MAX 32

struct segment {
	uint64_t address, bytes, offset;
};

struct function {
	uint64_t start, bytes; /* 0 bytes: not known */
	const char *name; /* borrowed from the module */
	char *readable; /* made when first asked for */
	uint8_t binding;
};

/* A range of code of a compilation unit. */
struct unit_range {
	uint64_t start, end;
	uint64_t bias; /* from the addresses in @die to these */
	Dwarf_Die *die; /* borrowed from the module */
};

struct elf_module {
	Dwfl *dwfl;
	Dwfl_Module *dwfl_module; /* its addresses are those of the file, without bias */
	struct segment segments[SEGMENTS_MAX];
	size_t segment_count;
	uint64_t load_address; /* of its lowest segment */
	struct function *functions; /* by start, one for each start */
	size_t function_count;
	bool units_read;
	struct unit_range *units; /* by start */
	size_t unit_count, unit_capacity;
	char build_id[2 * BUILD_ID_BYTES_MAX + 1];
};

static int read_segments(struct elf_module *module)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(module->dwfl_module, &bias);
	bool loads = false;
	size_t count;

	if (!elf || elf_getphdrnum(elf, &count) < 0)
		return -ENOEXEC;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header))
			break;
		if (header.p_type != PT_LOAD)
			continue;
		if (!loads)
			module->load_address = header.p_vaddr - header.p_vaddr % 4096;
		loads = true;
		if (!(header.p_flags & PF_X) || module->segment_count == SEGMENTS_MAX)
			continue;
		module->segments[module->segment_count++] = (struct segment){
			.address = header.p_vaddr,
			.bytes = header.p_filesz,
			.offset = header.p_offset,
		};
	}
	return module->segment_count > 0 ? 0 : -ENOEXEC;
}

static bool is_code(const struct elf_module *module, uint64_t address)
{
	for (size_t i = 0; i < module->segment_count; i++)
		if (address - module->segments[i].address < module->segments[i].bytes)
			return true;
	return false;
}

static bool is_function(const struct elf_module *module, const GElf_Sym *sym, uint64_t address,
			const char *name)
{
	int type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || !name || name[0] == '\0' || !is_code(module, address))
		return false;
	if (type ==
	    STT_NOTYPE) /* assembly has no type; skip its mapping symbols and local labels */
		return name[0] != '$' && name[0] != '.';
	return type == STT_FUNC || type == STT_GNU_IFUNC;
}

static size_t count_underscores(const char *name)
{
	return strspn(name, "_");
}

/* By start; at one start those with a size, then "read" before "__read", then global ones. */
static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if ((a->bytes == 0) != (b->bytes == 0))
		return a->bytes == 0 ? 1 : -1;
	if (count_underscores(a->name) != count_underscores(b->name))
		return count_underscores(a->name) < count_underscores(b->name) ? -1 : 1;
	if (a->binding != b->binding)
		return a->binding == STB_GLOBAL || b->binding == STB_LOCAL ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void drop_aliases(struct elf_module *module)
{
	size_t kept = 0;

	for (size_t i = 0; i < module->function_count; i++)
		if (i == 0 || module->functions[i].start != module->functions[kept - 1].start)
			module->functions[kept++] = module->functions[i];
	module->function_count = kept;
}

/* A table of our own, because libdwfl searches all symbols for an address, one by one. */
static int read_functions(struct elf_module *module)
{
	int count = dwfl_module_getsymtab(module->dwfl_module);

	if (count <= 0)
		return 0;
	module->functions = calloc((size_t)count, sizeof(module->functions[0]));
	if (!module->functions)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		const char *name = dwfl_module_getsym_info(module->dwfl_module, i, &sym, &address,
							   NULL, NULL, NULL);

		if (!name || !is_function(module, &sym, address, name))
			continue;
		module->functions[module->function_count++] = (struct function){
			.start = address,
			.bytes = sym.st_size,
			.name = name,
			.binding = GELF_ST_BIND(sym.st_info),
		};
	}
	qsort(module->functions, module->function_count, sizeof(module->functions[0]),
	      compare_functions);
	drop_aliases(module);
	return 0;
}

static void read_build_id(struct elf_module *module)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bits;
	GElf_Addr address;
	int bytes = dwfl_module_build_id(module->dwfl_module, &bits, &address);

	for (int i = 0; i < bytes && i < BUILD_ID_BYTES_MAX; i++) {
		module->build_id[2 * i] = digits[bits[i] >> 4];
		module->build_id[2 * i + 1] = digits[bits[i] & 15];
	}
}

static int report_to_dwfl(struct elf_module *module, int fd, const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf, /* not called: the file is given */
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};

	module->dwfl = dwfl_begin(&callbacks);
	if (module->dwfl) {
		dwfl_report_begin(module->dwfl);
		module->dwfl_module = dwfl_report_elf(module->dwfl, path, path, fd, 0, true);
		dwfl_report_end(module->dwfl, NULL, NULL);
	}
	if (!module->dwfl_module)
		close(fd);
	return !module->dwfl ? -ENOMEM : !module->dwfl_module ? -ENOEXEC : 0;
}

static void free_module(struct elf_module *module)
{
	if (!module)
		return;
	for (size_t i = 0; i < module->function_count; i++)
		free(module->functions[i].readable);
	free(module->functions);
	free(module->units);
	dwfl_end(module->dwfl);
	free(module);
}

int elf_module_open(int fd, const char *path, struct elf_module **ret_module)
{
	struct elf_module *module = calloc(1, sizeof(*module));
	int err;

	if (!module) {
		close(fd);
		return -ENOMEM;
	}
	err = report_to_dwfl(module, fd, path);
	if (err < 0)
		goto out;
	err = read_segments(module);
	if (err < 0)
		goto out;
	read_build_id(module);
	err = read_functions(module);
	if (err < 0)
		goto out;
	*ret_module = module;
	module = NULL;
out:
	free_module(module);
	return err;
}

int elf_module_address(const struct elf_module *module, uint64_t offset_bytes,
		       uint64_t *ret_address)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct segment *segment = &module->segments[i];

		if (offset_bytes - segment->offset >= segment->bytes)
			continue;
		*ret_address = segment->address + (offset_bytes - segment->offset);
		return 0;
	}
	return -ENOENT;
}

/* Return: the function that holds @address, NULL where none is known. */
static struct function *find_function(const struct elf_module *module, uint64_t address)
{
	struct function *functions = module->functions;
	size_t low = 0, high = module->function_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < NESTING_MAX; i--)
		if (address - functions[i - 1].start < functions[i - 1].bytes)
			return &functions[i - 1];
	/* A function in assembly may have no size: it goes on to the next symbol. */
	return low > 0 && functions[low - 1].bytes == 0 ? &functions[low - 1] : NULL;
}

/* @ret_at: a byte of the call, or @address itself where a function starts. */
static struct function *find_function_of_return(const struct elf_module *module, uint64_t address,
						uint64_t *ret_at)
{
	struct function *function = find_function(module, address);

	*ret_at = address;
	if (function && function->start == address)
		return function;
	*ret_at = address - 1;
	return find_function(module, address - 1);
}

/* Return: the demangled name without a symbol version, NULL where memory lacks. */
static const char *demangle_name(struct function *function)
{
	size_t bytes = strcspn(function->name, "@");
	char *plain;

	if (function->readable)
		return function->readable;
	if (bytes > NAME_BYTES_MAX)
		bytes = NAME_BYTES_MAX;
	plain = strndup(function->name, bytes);
	if (!plain)
		return NULL;
	function->readable = cplus_demangle(plain, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
	if (!function->readable) {
		function->readable = plain;
		return plain;
	}
	free(plain);
	if (strlen(function->readable) > NAME_BYTES_MAX)
		function->readable[NAME_BYTES_MAX] = '\0';
	return function->readable;
}

void elf_module_find(struct elf_module *module, uint64_t address, struct ft_symbol *ret_symbol)
{
	uint64_t at;
	struct function *function = find_function_of_return(module, address, &at);

	ret_symbol->build_id = module->build_id[0] ? module->build_id : NULL;
	ret_symbol->name = function ? demangle_name(function) : NULL;
	ret_symbol->offset_bytes =
		address - (ret_symbol->name ? function->start : module->load_address);
}

static int add_unit(struct elf_module *module, const struct unit_range *unit)
{
	if (module->unit_count == module->unit_capacity) {
		size_t capacity = module->unit_capacity * 2 + 256;
		struct unit_range *units = realloc(module->units, capacity * sizeof(units[0]));

		if (!units)
			return -ENOMEM;
		module->units = units;
		module->unit_capacity = capacity;
	}
	module->units[module->unit_count++] = *unit;
	return 0;
}

static int compare_units(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/* Another table of our own: libdwfl needs .debug_aranges, which LLVM does not write. */
static int read_units(struct elf_module *module)
{
	Dwarf_Addr bias, base, start, end;
	Dwarf_Die *die = NULL;

	if (module->units_read)
		return 0;
	module->units_read = true;
	while ((die = dwfl_module_nextcu(module->dwfl_module, die, &bias))) {
		ptrdiff_t at = 0;

		while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
			struct unit_range unit = { start + bias, end + bias, bias, die };

			/* The linker leaves ranges that begin at 0 of functions that it dropped. */
			if (is_code(module, unit.start) && add_unit(module, &unit) < 0)
				return -ENOMEM;
		}
	}
	if (module->unit_count > 0)
		qsort(module->units, module->unit_count, sizeof(module->units[0]), compare_units);
	return 0;
}

static const struct unit_range *find_unit(const struct elf_module *module, uint64_t address)
{
	const struct unit_range *units = module->units;
	size_t low = 0, high = module->unit_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (units[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < NESTING_MAX; i--)
		if (address < units[i - 1].end)
			return &units[i - 1];
	return NULL;
}

int elf_module_line(struct elf_module *module, uint64_t address, struct ft_symbol *ret_symbol)
{
	const struct unit_range *unit;
	Dwarf_Line *line;
	const char *source;
	int number = 0;
	uint64_t at;

	if (read_units(module) < 0)
		return -ENOMEM;
	find_function_of_return(module, address, &at);
	unit = find_unit(module, at);
	line = unit ? dwarf_getsrc_die(unit->die, at - unit->bias) : NULL;
	if (!line || dwarf_lineno(line, &number) < 0 || number <= 0)
		return -ENOENT;
	source = dwarf_linesrc(line, NULL, NULL);
	if (!source)
		return -ENOENT;
	ret_symbol->file = source;
	ret_symbol->line = (uint32_t)number;
	return 0;
}
