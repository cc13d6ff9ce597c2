/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include <asm/perf_regs.h>
#include <dlfcn.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#include "recorder/proc/proc_maps.h"
#include "recorder/symbols/mappings.h"
#include "recorder/symbols/unwind.h"
#include "tests/unit/support/unit_test.h"

#define STACK_BYTES 16384
#define REGISTERS   64

/* What the kernel would have recorded. */
static struct {
	uint64_t registers[REGISTERS];
	unsigned char stack[STACK_BYTES];
	size_t stack_bytes;
} taken;

static struct mappings *mappings;

#if defined(__x86_64__)
static uint64_t take_registers(void)
{
	static const int order[] = { REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI,
				     REG_RBP, REG_RSP, REG_RIP, REG_R8,	 REG_R9,  REG_R10,
				     REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
	ucontext_t context;

	getcontext(&context);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		taken.registers[i] = (uint64_t)context.uc_mcontext.gregs[order[i]];
	return (uint64_t)context.uc_mcontext.gregs[REG_RSP];
}
#elif defined(__aarch64__)
static uint64_t take_registers(void)
{
	ucontext_t context;

	getcontext(&context);
	memcpy(taken.registers, context.uc_mcontext.regs, sizeof(context.uc_mcontext.regs));
	taken.registers[31] = context.uc_mcontext.sp;
	taken.registers[32] = context.uc_mcontext.pc;
	return context.uc_mcontext.sp;
}
#endif

/* Through the kernel: it may read what a sanitizer forbids us to. */
static void take_stack(uint64_t stack_pointer)
{
	struct iovec from = { .iov_base = (void *)(uintptr_t)stack_pointer,
			      .iov_len = STACK_BYTES };
	struct iovec to = { .iov_base = taken.stack, .iov_len = STACK_BYTES };
	ssize_t bytes = process_vm_readv(getpid(), &to, 1, &from, 1, 0);

	taken.stack_bytes = bytes > 0 ? (size_t)bytes : 0;
}

/* Not static, for dladdr(). @page: to touch, or NULL to take registers and stack here. */
void unwind_test_inner(volatile char *page);
void unwind_test_middle(volatile char *page);
void unwind_test_outer(volatile char *page);

__attribute__((noinline)) void unwind_test_inner(volatile char *page)
{
	volatile char some_stack[200];

	some_stack[0] = 1;
	if (page)
		*page = some_stack[0];
	else
		take_stack(take_registers());
	atomic_signal_fence(memory_order_seq_cst);
}

__attribute__((noinline)) void unwind_test_middle(volatile char *page)
{
	volatile char some_stack[300];

	some_stack[0] = 1;
	unwind_test_inner(page);
	some_stack[1] = some_stack[0]; /* no tail call */
}

__attribute__((noinline)) void unwind_test_outer(volatile char *page)
{
	volatile char some_stack[1000];

	some_stack[0] = 1;
	unwind_test_middle(page);
	some_stack[1] = some_stack[0];
}

static bool frame_is(uint64_t frame, const char *name)
{
	Dl_info info;

	return dladdr((void *)(uintptr_t)(frame - 1), &info) && info.dli_sname &&
	       strcmp(info.dli_sname, name) == 0;
}

/* The three functions are in @frames one after another; before them at most a helper of ours. */
static void assert_nested(const uint64_t *frames, int count)
{
	int inner = 0;

	while (inner < count && !frame_is(frames[inner], "unwind_test_inner"))
		inner++;
	assert_true(inner <= 1);
	assert_true(inner + 3 < count);
	assert_true(frame_is(frames[inner + 1], "unwind_test_middle"));
	assert_true(frame_is(frames[inner + 2], "unwind_test_outer"));
}

static bool reaches_main(const uint64_t *frames, int count)
{
	for (int i = 0; i < count; i++)
		if (frame_is(frames[i], "main"))
			return true;
	return false;
}

static void unwind_follows_functions_without_frame_pointer_up_to_main(void **state)
{
	uint64_t frames[64];
	int count;

	unwind_test_outer(NULL);
	assert_true(taken.stack_bytes > 0);
	count = unwind_stack(mappings, getpid(), taken.registers, taken.stack, taken.stack_bytes,
			     frames, 64);
	assert_nested(frames, count);
	assert_true(reaches_main(frames, count));
	(void)state;
}

static void unwind_stops_where_the_copied_stack_ends(void **state)
{
	uint64_t frames[64], whole[64];
	int count, whole_count;

	unwind_test_outer(NULL);
	whole_count = unwind_stack(mappings, getpid(), taken.registers, taken.stack,
				   taken.stack_bytes, whole, 64);
	for (size_t bytes = 0; bytes < taken.stack_bytes; bytes += 97) {
		count = unwind_stack(mappings, getpid(), taken.registers, taken.stack, bytes,
				     frames, 64);
		assert_in_range(count, 1, whole_count);
		assert_memory_equal(frames, whole, (size_t)count * sizeof(frames[0]));
	}
	(void)state;
}

static void unwind_writes_no_more_frames_than_there_is_room_for(void **state)
{
	uint64_t frames[4] = { 0, 0, 0x5a5a, 0x5a5a };

	unwind_test_outer(NULL);
	assert_int_equal(unwind_stack(mappings, getpid(), taken.registers, taken.stack,
				      taken.stack_bytes, frames, 2),
			 2);
	assert_int_equal(frames[2], 0x5a5a);
	(void)state;
}

static void unwind_without_mappings_gives_at_least_the_leaf(void **state)
{
	uint64_t frames[64];
	uint64_t ip_place = (uint64_t)__builtin_popcountll(unwind_registers_mask() &
#if defined(__x86_64__)
							   ((1ull << PERF_REG_X86_IP) - 1));
#else
							    ((1ull << PERF_REG_ARM64_PC) - 1));
#endif

	unwind_test_outer(NULL);
	assert_true(unwind_stack(mappings, INT32_MAX, taken.registers, taken.stack,
				 taken.stack_bytes, frames, 64) >= 1);
	assert_int_equal(frames[0], taken.registers[ip_place]);
	(void)state;
}

static void unwind_survives_registers_and_stacks_of_noise(void **state)
{
	uint64_t frames[64], registers[REGISTERS];

	unwind_test_outer(NULL);
	srandom(1);
	for (int round = 0; round < 300; round++) {
		memcpy(registers, taken.registers, sizeof(registers));
		for (size_t i = 0; i < STACK_BYTES; i += 8)
			if (random() % 4 == 0)
				taken.stack[i + (size_t)(random() % 8)] = (unsigned char)random();
		registers[random() % 17] += (uint64_t)(random() % 4096 - 2048);
		assert_in_range(unwind_stack(mappings, getpid(), registers, taken.stack,
					     STACK_BYTES, frames, 64),
				1, 64);
	}
	(void)state;
}

/* One ring of page faults of this thread, with what unwind_stack() takes. -1: refused. */
static int open_page_faults(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_ADDR | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
		.sample_regs_user = unwind_registers_mask(),
		.sample_stack_user = STACK_BYTES,
		.exclude_kernel = 1,
		.disabled = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

/* Registers and stack of the sample whose address is @page, from a ring that did not wrap. */
static bool take_sample(const unsigned char *data, uint64_t data_bytes, uint64_t page)
{
	size_t registers = (size_t)__builtin_popcountll(unwind_registers_mask());
	struct perf_event_header header;

	for (uint64_t at = 0; at < data_bytes; at += header.size) {
		const unsigned char *record = data + at + sizeof(header);
		uint64_t address, abi, stack_bytes;

		memcpy(&header, data + at, sizeof(header));
		memcpy(&address, record, 8);
		memcpy(&abi, record + 8, 8);
		if (header.type != PERF_RECORD_SAMPLE || address != page ||
		    abi == PERF_SAMPLE_REGS_ABI_NONE)
			continue;
		memcpy(taken.registers, record + 16, registers * 8);
		record += 16 + registers * 8;
		memcpy(&stack_bytes, record, 8);
		assert_int_equal(stack_bytes, STACK_BYTES);
		memcpy(taken.stack, record + 8, STACK_BYTES);
		memcpy(&taken.stack_bytes, record + 8 + STACK_BYTES, 8);
		return true;
	}
	return false;
}

static void unwind_takes_what_the_kernel_records(void **state)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), ring_bytes = 64 * page_bytes;
	int fd = open_page_faults();
	struct perf_event_mmap_page *ring;
	uint64_t frames[64];
	char *page;
	int count;

	if (fd < 0) {
		print_message("perf_event_open: %s\n", strerror(errno));
		skip();
	}
	ring = mmap(NULL, page_bytes + ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(ring != MAP_FAILED && page != MAP_FAILED);
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	unwind_test_outer(page);
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	assert_true(
		take_sample((unsigned char *)ring + page_bytes, ring->data_head, (uintptr_t)page));
	count = unwind_stack(mappings, getpid(), taken.registers, taken.stack, taken.stack_bytes,
			     frames, 64);
	assert_nested(frames, count);
	assert_true(reaches_main(frames, count));
	munmap(ring, page_bytes + ring_bytes);
	munmap(page, page_bytes);
	close(fd);
	(void)state;
}

static int set_up(void **state)
{
	int32_t self = getpid(), unreadable;

	(void)state;
	return mappings_create(&mappings) < 0 ||
	       proc_maps_read(mappings, &self, 1, 10000, &unreadable) != 0;
}

static int tear_down(void **state)
{
	mappings_destroy(mappings);
	(void)state;
	return 0;
}

UNIT_TESTS(unwind)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unwind_follows_functions_without_frame_pointer_up_to_main),
		cmocka_unit_test(unwind_stops_where_the_copied_stack_ends),
		cmocka_unit_test(unwind_writes_no_more_frames_than_there_is_room_for),
		cmocka_unit_test(unwind_without_mappings_gives_at_least_the_leaf),
		cmocka_unit_test(unwind_survives_registers_and_stacks_of_noise),
		cmocka_unit_test(unwind_takes_what_the_kernel_records),
	};

	if (unwind_registers_mask() == 0) {
		print_message("this architecture is not supported\n");
		return 77;
	}
	return run_unit_tests(tests, set_up, tear_down);
}
