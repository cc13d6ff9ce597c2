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

#define SEGMENTS_MAX	   16
#define NESTING_MAX	   16 /* symbols that may start inside another one, before it is not found */
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

/* Code of a compilation unit. */
struct unit_range {
	uint64_t start, end;
	uint64_t bias; /* of these addresses to those in @die */
	Dwarf_Die *die; /* borrowed from the module */
};

struct elf_module {
	Dwfl *dwfl;
	Dwfl_Module *module; /* addresses in it are those of the file: no bias */
	struct segment segments[SEGMENTS_MAX];
	size_t segment_count;
	uint64_t load_address; /* of its lowest segment */
	struct function *functions; /* by start, one for each */
	size_t function_count;
	bool units_read;
	struct unit_range *units; /* by start */
	size_t unit_count, unit_capacity;
	char build_id[2 * BUILD_ID_BYTES_MAX + 1];
};

static int read_segments(struct elf_module *file)
{
	GElf_Addr bias;
	Elf *elf = dwfl_module_getelf(file->module, &bias);
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
			file->load_address = header.p_vaddr - header.p_vaddr % 4096;
		loads = true;
		if (!(header.p_flags & PF_X) || file->segment_count == SEGMENTS_MAX)
			continue;
		file->segments[file->segment_count++] = (struct segment){
			.address = header.p_vaddr,
			.bytes = header.p_filesz,
			.offset = header.p_offset,
		};
	}
	return file->segment_count > 0 ? 0 : -ENOEXEC;
}

static bool is_code(const struct elf_module *file, uint64_t address)
{
	for (size_t i = 0; i < file->segment_count; i++)
		if (address - file->segments[i].address < file->segments[i].bytes)
			return true;
	return false;
}

static bool is_function(const struct elf_module *file, const GElf_Sym *sym, uint64_t address,
			const char *name)
{
	int type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || !name || name[0] == '\0' || !is_code(file, address))
		return false;
	if (type == STT_NOTYPE) /* assembly; but not its mapping symbols and local labels */
		return name[0] != '$' && name[0] != '.';
	return type == STT_FUNC || type == STT_GNU_IFUNC;
}

static size_t underscores(const char *name)
{
	return strspn(name, "_");
}

/* By start. Of equal ones first that with a size, then "read" before "__read", then global ones. */
static int compare_functions(const void *left, const void *right)
{
	const struct function *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if ((a->bytes == 0) != (b->bytes == 0))
		return a->bytes == 0 ? 1 : -1;
	if (underscores(a->name) != underscores(b->name))
		return underscores(a->name) < underscores(b->name) ? -1 : 1;
	if (a->binding != b->binding)
		return a->binding == STB_GLOBAL || b->binding == STB_LOCAL ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void keep_best(struct elf_module *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->function_count; i++)
		if (i == 0 || file->functions[i].start != file->functions[kept - 1].start)
			file->functions[kept++] = file->functions[i];
	file->function_count = kept;
}

/* Our own table: libdwfl looks for an address through all symbols, one by one. */
static int read_functions(struct elf_module *file)
{
	int count = dwfl_module_getsymtab(file->module);

	if (count <= 0)
		return 0;
	file->functions = calloc((size_t)count, sizeof(file->functions[0]));
	if (!file->functions)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		GElf_Sym sym;
		GElf_Addr address;
		const char *name =
			dwfl_module_getsym_info(file->module, i, &sym, &address, NULL, NULL, NULL);

		if (!name || !is_function(file, &sym, address, name))
			continue;
		file->functions[file->function_count++] = (struct function){
			.start = address,
			.bytes = sym.st_size,
			.name = name,
			.binding = GELF_ST_BIND(sym.st_info),
		};
	}
	qsort(file->functions, file->function_count, sizeof(file->functions[0]), compare_functions);
	keep_best(file);
	return 0;
}

static void read_build_id(struct elf_module *file)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *bits;
	GElf_Addr address;
	int bytes = dwfl_module_build_id(file->module, &bits, &address);

	for (int i = 0; i < bytes && i < BUILD_ID_BYTES_MAX; i++) {
		file->build_id[2 * i] = digits[bits[i] >> 4];
		file->build_id[2 * i + 1] = digits[bits[i] & 15];
	}
}

static int report(struct elf_module *file, int fd, const char *path)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf, /* not called: the file is given */
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};

	file->dwfl = dwfl_begin(&callbacks);
	if (file->dwfl) {
		dwfl_report_begin(file->dwfl);
		file->module = dwfl_report_elf(file->dwfl, path, path, fd, 0, true);
		dwfl_report_end(file->dwfl, NULL, NULL);
	}
	if (!file->module)
		close(fd);
	return !file->dwfl ? -ENOMEM : !file->module ? -ENOEXEC : 0;
}

int elf_module_open(int fd, const char *path, struct elf_module **ret_file)
{
	struct elf_module *file = calloc(1, sizeof(*file));
	int err;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	err = report(file, fd, path);
	if (err < 0)
		goto out;
	err = read_segments(file);
	if (err < 0)
		goto out;
	read_build_id(file);
	err = read_functions(file);
	if (err < 0)
		goto out;
	*ret_file = file;
	file = NULL;
out:
	elf_module_close(file);
	return err;
}

void elf_module_close(struct elf_module *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->function_count; i++)
		free(file->functions[i].readable);
	free(file->functions);
	free(file->units);
	dwfl_end(file->dwfl);
	free(file);
}

int elf_module_address(const struct elf_module *file, uint64_t offset_bytes, uint64_t *ret_address)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct segment *segment = &file->segments[i];

		if (offset_bytes - segment->offset >= segment->bytes)
			continue;
		*ret_address = segment->address + (offset_bytes - segment->offset);
		return 0;
	}
	return -ENOENT;
}

/* The function that holds @address, NULL where none is known. */
static struct function *function_at(const struct elf_module *file, uint64_t address)
{
	struct function *functions = file->functions;
	size_t low = 0, high = file->function_count;

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
	/* Assembly tells no size: it goes on to the next symbol. */
	return low > 0 && functions[low - 1].bytes == 0 ? &functions[low - 1] : NULL;
}

/* @ret_at: the byte that the call is in, or @address itself where a function starts. */
static struct function *function_of_return(const struct elf_module *file, uint64_t address,
					   uint64_t *ret_at)
{
	struct function *function = function_at(file, address);

	*ret_at = address;
	if (function && function->start == address)
		return function;
	*ret_at = address - 1;
	return function_at(file, address - 1);
}

/* Demangled, without a symbol version. NULL: no memory. */
static const char *readable_name(struct function *function)
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

void elf_module_find(struct elf_module *file, uint64_t address, struct ft_symbol *ret_symbol)
{
	uint64_t at;
	struct function *function = function_of_return(file, address, &at);

	ret_symbol->build_id = file->build_id[0] ? file->build_id : NULL;
	ret_symbol->name = function ? readable_name(function) : NULL;
	ret_symbol->offset_bytes =
		address - (ret_symbol->name ? function->start : file->load_address);
}

static int add_unit(struct elf_module *file, const struct unit_range *unit)
{
	if (file->unit_count == file->unit_capacity) {
		size_t capacity = file->unit_capacity * 2 + 256;
		struct unit_range *units = realloc(file->units, capacity * sizeof(units[0]));

		if (!units)
			return -ENOMEM;
		file->units = units;
		file->unit_capacity = capacity;
	}
	file->units[file->unit_count++] = *unit;
	return 0;
}

static int compare_units(const void *left, const void *right)
{
	const struct unit_range *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

/*
 * Our own table again: libdwfl finds units only by .debug_aranges, and LLVM, so Rust too, writes none.
 */
static int read_units(struct elf_module *file)
{
	Dwarf_Addr bias, base, start, end;
	Dwarf_Die *die = NULL;

	if (file->units_read)
		return 0;
	file->units_read = true;
	while ((die = dwfl_module_nextcu(file->module, die, &bias))) {
		ptrdiff_t at = 0;

		while ((at = dwarf_ranges(die, at, &base, &start, &end)) > 0) {
			struct unit_range unit = { start + bias, end + bias, bias, die };

			/* Ranges of functions that the linker dropped begin at 0. */
			if (is_code(file, unit.start) && add_unit(file, &unit) < 0)
				return -ENOMEM;
		}
	}
	if (file->unit_count > 0)
		qsort(file->units, file->unit_count, sizeof(file->units[0]), compare_units);
	return 0;
}

static const struct unit_range *unit_at(const struct elf_module *file, uint64_t address)
{
	const struct unit_range *units = file->units;
	size_t low = 0, high = file->unit_count;

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

int elf_module_line(struct elf_module *file, uint64_t address, struct ft_symbol *ret_symbol)
{
	const struct unit_range *unit;
	Dwarf_Line *line;
	const char *source;
	int number = 0;
	uint64_t at;

	if (read_units(file) < 0)
		return -ENOMEM;
	function_of_return(file, address, &at);
	unit = unit_at(file, at);
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
