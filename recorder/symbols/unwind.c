/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "recorder/symbols/unwind.h"

#include <errno.h>

#include "recorder/symbols/mappings.h"

#if defined(__x86_64__) || defined(__aarch64__)

#include <asm/perf_regs.h>
#include <fcntl.h>
#include <gelf.h>
#include <libunwind.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HASH_NONFATAL_OOM 1 /* an element that was not added has no table */
#include <uthash.h>

#define SEGMENTS_MAX 16
#define VISITED_MAX  64 /* modules in one stack */
#define BLOCK_BYTES  4096
#define BLOCKS	     512

/* Encodings of a pointer in .eh_frame_hdr, as every linker writes it. */
#define DW_EH_PE_UDATA4		0x03
#define DW_EH_PE_SDATA4_PCREL	0x1b
#define DW_EH_PE_SDATA4_DATAREL 0x3b
#define EH_FRAME_HDR_BYTES	12 /* version, three encodings, pointer, count; then the table */
#define EH_FRAME_ENTRY_BYTES	8

/* libunwind exports this for a table that is elsewhere, but declares it in no header. */
extern int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t space, unw_word_t ip,
					      unw_dyn_info_t *info, unw_proc_info_t *ret_proc,
					      int need_unwind_info, void *argument);

/* A PT_LOAD: @bytes of the file from @offset on are at @address before relocation. */
struct segment {
	uint64_t address, bytes, offset;
	bool executable;
};

/* A mapped file. It is opened once and kept, because thousands of stacks come from a few files. */
struct module {
	char *key;
	int fd; /* -1: cannot be read */
	struct segment segments[SEGMENTS_MAX];
	size_t segment_count;
	uint64_t eh_frame_hdr; /* address before relocation, 0 none */
	UT_hash_handle hh;
};

/* A cache of pieces of files, because libunwind reads byte by byte. */
struct block {
	const struct module *module;
	uint64_t number;
	size_t bytes;
	unsigned char data[BLOCK_BYTES];
};

static struct module *modules;
static struct block *blocks;
static unw_addr_space_t address_space;

/* The stack that is being unwound. */
struct unwinding {
	const struct mappings *mappings;
	int32_t tgid;
	const uint64_t *registers;
	const unsigned char *stack;
	uint64_t stack_start;
	size_t stack_bytes;
	struct {
		const struct module *module;
		uint64_t bias;
	} visited[VISITED_MAX];
	size_t visited_count;
};

#ifdef __x86_64__
/* No flags and segment registers: they do not help, and the kernel refuses some. */
#define REGISTERS_MASK                           \
	(((1ull << (PERF_REG_X86_IP + 1)) - 1) | \
	 (((1ull << PERF_REG_X86_64_MAX) - 1) & ~((1ull << PERF_REG_X86_R8) - 1)))

/* libunwind's register -> perf's */
static const uint8_t perf_register[] = {
	[UNW_X86_64_RAX] = PERF_REG_X86_AX,  [UNW_X86_64_RDX] = PERF_REG_X86_DX,
	[UNW_X86_64_RCX] = PERF_REG_X86_CX,  [UNW_X86_64_RBX] = PERF_REG_X86_BX,
	[UNW_X86_64_RSI] = PERF_REG_X86_SI,  [UNW_X86_64_RDI] = PERF_REG_X86_DI,
	[UNW_X86_64_RBP] = PERF_REG_X86_BP,  [UNW_X86_64_RSP] = PERF_REG_X86_SP,
	[UNW_X86_64_R8] = PERF_REG_X86_R8,   [UNW_X86_64_R9] = PERF_REG_X86_R9,
	[UNW_X86_64_R10] = PERF_REG_X86_R10, [UNW_X86_64_R11] = PERF_REG_X86_R11,
	[UNW_X86_64_R12] = PERF_REG_X86_R12, [UNW_X86_64_R13] = PERF_REG_X86_R13,
	[UNW_X86_64_R14] = PERF_REG_X86_R14, [UNW_X86_64_R15] = PERF_REG_X86_R15,
	[UNW_X86_64_RIP] = PERF_REG_X86_IP,
};
#else
#define REGISTERS_MASK ((1ull << PERF_REG_ARM64_MAX) - 1)

/* The same numbers in both: x0 to x30, sp, pc. */
static const uint8_t perf_register[] = {
	0,  1,	2,  3,	4,  5,	6,  7,	8,  9,	10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
};
#endif

uint64_t unwind_registers_mask(void)
{
	return REGISTERS_MASK;
}

/* Return: the value of libunwind's register @number, which is in perf_register[]. */
static uint64_t read_register(const uint64_t *registers, unw_regnum_t number)
{
	uint64_t below = (1ull << perf_register[number]) - 1;

	return registers[__builtin_popcountll(REGISTERS_MASK & below)];
}

static const struct block *read_block(const struct module *module, uint64_t number)
{
	struct block *block = &blocks[(number ^ ((uintptr_t)module >> 6)) % BLOCKS];
	ssize_t bytes;

	if (block->module == module && block->number == number)
		return block;
	bytes = pread(module->fd, block->data, BLOCK_BYTES, (off_t)(number * BLOCK_BYTES));
	block->module = module;
	block->number = number;
	block->bytes = bytes > 0 ? (size_t)bytes : 0;
	return block;
}

/* Reads @bytes of the file at @address before relocation. Return: 0 or -ENOENT. */
static int read_module(const struct module *module, uint64_t address, void *ret_data, size_t bytes)
{
	unsigned char *to = ret_data;

	for (size_t i = 0; i < module->segment_count; i++) {
		const struct segment *segment = &module->segments[i];
		uint64_t into = address - segment->address;

		if (into >= segment->bytes || segment->bytes - into < bytes)
			continue;
		for (uint64_t at = segment->offset + into; bytes > 0;) {
			const struct block *block = read_block(module, at / BLOCK_BYTES);
			size_t from = at % BLOCK_BYTES, piece = BLOCK_BYTES - from;

			if (piece > bytes)
				piece = bytes;
			if (from + piece > block->bytes)
				return -ENOENT;
			memcpy(to, block->data + from, piece);
			to += piece;
			at += piece;
			bytes -= piece;
		}
		return 0;
	}
	return -ENOENT;
}

static void read_load_segments(struct module *module)
{
	Elf *elf = elf_begin(module->fd, ELF_C_READ, NULL);
	size_t count = 0;

	if (!elf || elf_getphdrnum(elf, &count) < 0)
		count = 0;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;

		if (!gelf_getphdr(elf, (int)i, &header))
			break;
		if (header.p_type == PT_GNU_EH_FRAME)
			module->eh_frame_hdr = header.p_vaddr;
		if (header.p_type != PT_LOAD || module->segment_count == SEGMENTS_MAX ||
		    header.p_offset > INT64_MAX / 2 || header.p_filesz > INT64_MAX / 2)
			continue;
		module->segments[module->segment_count++] = (struct segment){
			.address = header.p_vaddr,
			.bytes = header.p_filesz,
			.offset = header.p_offset,
			.executable = header.p_flags & PF_X,
		};
	}
	elf_end(elf);
}

static struct module *create_module(const struct mapping *mapping, int32_t tgid, char *key)
{
	struct module *module = calloc(1, sizeof(*module));

	if (!module)
		return NULL;
	module->key = key;
	HASH_ADD_KEYPTR(hh, modules, module->key, strlen(key), module);
	if (!module->hh.tbl) {
		free(module);
		return NULL;
	}
	module->fd = mapping_open(mapping, tgid);
	if (module->fd >= 0)
		read_load_segments(module);
	return module;
}

/* Return: the module of @mapping, opened before or now; NULL: no memory. */
static const struct module *find_module(const struct mapping *mapping, int32_t tgid)
{
	struct module *module;
	char *key;

	if (asprintf(&key, "%d%s", tgid, mapping->path) < 0)
		return NULL;
	HASH_FIND(hh, modules, key, strlen(key), module);
	if (module) {
		free(key);
		return module;
	}
	module = create_module(mapping, tgid, key);
	if (!module)
		free(key);
	return module;
}

/* Computes how far the loader moved @module, from where its executable segment is mapped. */
static int compute_bias(const struct module *module, const struct mapping *mapping,
			uint64_t *ret_bias)
{
	for (size_t i = 0; i < module->segment_count; i++) {
		const struct segment *segment = &module->segments[i];
		/* A mapping begins at a page, a segment need not. */
		uint64_t page_start = segment->offset & ~(uint64_t)(sysconf(_SC_PAGESIZE) - 1);

		if (!segment->executable || mapping->offset_bytes < page_start ||
		    mapping->offset_bytes >= segment->offset + segment->bytes)
			continue;
		*ret_bias =
			mapping->start - mapping->offset_bytes + segment->offset - segment->address;
		return 0;
	}
	return -ENOENT;
}

static void remember_visit(struct unwinding *unwinding, const struct module *module, uint64_t bias)
{
	for (size_t i = 0; i < unwinding->visited_count; i++)
		if (unwinding->visited[i].module == module && unwinding->visited[i].bias == bias)
			return;
	if (unwinding->visited_count == VISITED_MAX)
		return;
	unwinding->visited[unwinding->visited_count].module = module;
	unwinding->visited[unwinding->visited_count++].bias = bias;
}

/* Tells libunwind where .eh_frame_hdr has its table. access_memory() then reads the entries. */
static int describe_table(const struct module *module, uint64_t bias, const struct mapping *mapping,
			  unw_dyn_info_t *ret_info)
{
	unsigned char header[EH_FRAME_HDR_BYTES];
	uint32_t entries;

	if (module->eh_frame_hdr == 0 ||
	    read_module(module, module->eh_frame_hdr, header, sizeof(header)) < 0)
		return -UNW_ENOINFO;
	if (header[0] != 1 || header[1] != DW_EH_PE_SDATA4_PCREL || header[2] != DW_EH_PE_UDATA4 ||
	    header[3] != DW_EH_PE_SDATA4_DATAREL)
		return -UNW_ENOINFO;
	memcpy(&entries, header + 8, sizeof(entries));
	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->format = UNW_INFO_FORMAT_REMOTE_TABLE;
	ret_info->start_ip = mapping->start;
	ret_info->end_ip = mapping->end;
	ret_info->u.rti.segbase = module->eh_frame_hdr + bias;
	ret_info->u.rti.table_data = module->eh_frame_hdr + bias + sizeof(header);
	ret_info->u.rti.table_len = (unw_word_t)entries * EH_FRAME_ENTRY_BYTES / sizeof(unw_word_t);
	return 0;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *ret_proc,
			  int need_unwind_info, void *argument)
{
	struct unwinding *unwinding = argument;
	const struct module *module;
	struct mapping mapping;
	unw_dyn_info_t info;
	uint64_t bias;
	int err;

	if (mappings_find(unwinding->mappings, unwinding->tgid, ip, &mapping) < 0)
		return -UNW_ENOINFO;
	module = find_module(&mapping, unwinding->tgid);
	if (!module)
		return -UNW_ENOMEM;
	if (compute_bias(module, &mapping, &bias) < 0)
		return -UNW_ENOINFO;
	remember_visit(unwinding, module, bias);
	err = describe_table(module, bias, &mapping, &info);
	if (err < 0)
		return err;
	return UNW_OBJ(dwarf_search_unwind_table)(space, ip, &info, ret_proc, need_unwind_info,
						  argument);
}

/* Reads from the copied stack, or from the files: unwind tables, code, constants. */
static int access_memory(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write,
			 void *argument)
{
	const struct unwinding *unwinding = argument;
	uint64_t into = address - unwinding->stack_start;

	(void)space;
	if (write)
		return -UNW_EREADONLYREG;
	if (into < unwinding->stack_bytes && unwinding->stack_bytes - into >= sizeof(*value)) {
		memcpy(value, unwinding->stack + into, sizeof(*value));
		return 0;
	}
	for (size_t i = 0; i < unwinding->visited_count; i++)
		if (read_module(unwinding->visited[i].module, address - unwinding->visited[i].bias,
				value, sizeof(*value)) == 0)
			return 0;
	return -UNW_EINVAL;
}

static int access_register(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value,
			   int write, void *argument)
{
	const struct unwinding *unwinding = argument;

	(void)space;
	if (write)
		return -UNW_EREADONLYREG;
	if (number < 0 || (size_t)number >= sizeof(perf_register))
		return -UNW_EBADREG;
	*value = read_register(unwinding->registers, number);
	return 0;
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *proc, void *argument)
{
	(void)space, (void)proc, (void)argument;
}

static int no_dynamic_info(unw_addr_space_t space, unw_word_t *address, void *argument)
{
	(void)space, (void)address, (void)argument;
	return -UNW_ENOINFO;
}

static int no_float_registers(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value,
			      int write, void *argument)
{
	(void)space, (void)number, (void)value, (void)write, (void)argument;
	return -UNW_EINVAL;
}

static int no_resume(unw_addr_space_t space, unw_cursor_t *cursor, void *argument)
{
	(void)space, (void)cursor, (void)argument;
	return -UNW_EINVAL;
}

static int no_names(unw_addr_space_t space, unw_word_t address, char *name, size_t bytes,
		    unw_word_t *offset, void *argument)
{
	(void)space, (void)address, (void)name, (void)bytes, (void)offset, (void)argument;
	return -UNW_ENOINFO;
}

static int prepare_libunwind(void)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = no_dynamic_info,
		.access_mem = access_memory,
		.access_reg = access_register,
		.access_fpreg = no_float_registers,
		.resume = no_resume,
		.get_proc_name = no_names,
	};

	if (!blocks)
		blocks = calloc(BLOCKS, sizeof(blocks[0]));
	if (!address_space) {
		elf_version(EV_CURRENT);
		address_space = unw_create_addr_space(&accessors, 0);
		/* Its cache knows addresses alone, and these are of many processes. */
		if (address_space)
			unw_set_caching_policy(address_space, UNW_CACHE_NONE);
	}
	return blocks && address_space ? 0 : -ENOMEM;
}

int unwind_stack(const struct mappings *mappings, int32_t tgid, const uint64_t *registers,
		 const void *stack, size_t stack_bytes, uint64_t *ret_frames, size_t frames_max)
{
	struct unwinding unwinding = {
		.mappings = mappings,
		.tgid = tgid,
		.registers = registers,
		.stack = stack,
		.stack_start = read_register(registers, UNW_TDEP_SP),
		.stack_bytes = stack_bytes,
	};
	unw_cursor_t cursor;
	unw_word_t ip;
	size_t count = 0;

	if (prepare_libunwind() < 0)
		return -ENOMEM;
	if (frames_max == 0)
		return 0;
	ret_frames[count++] = read_register(registers, UNW_TDEP_IP);
	if (unw_init_remote(&cursor, address_space, &unwinding) < 0)
		return (int)count;
	while (count < frames_max && unw_step(&cursor) > 0) {
		if (unw_get_reg(&cursor, UNW_REG_IP, &ip) < 0 || ip == 0)
			break;
		ret_frames[count++] = ip;
	}
	return (int)count;
}

#else /* no such register map */

uint64_t unwind_registers_mask(void)
{
	return 0;
}

int unwind_stack(const struct mappings *mappings, int32_t tgid, const uint64_t *registers,
		 const void *stack, size_t stack_bytes, uint64_t *ret_frames, size_t frames_max)
{
	(void)mappings, (void)tgid, (void)registers, (void)stack, (void)stack_bytes;
	(void)ret_frames, (void)frames_max;
	return -EOPNOTSUPP;
}

#endif
