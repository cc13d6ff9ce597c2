/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/timeline/wait_rule_index_private.h"

#include <assert.h>
#include <string.h>

#include "analyzer/timeline/wait_rules.h"

#define NAMES_MAX 2048
#define USES_MAX  4096
#define BUCKETS	  4096 /* power of two */
#define NO_NAME	  0 /* ids of names and uses begin at 1 */

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* One place in the tables where a name is. */
struct use {
	enum wait_role role;
	uint16_t row;
	uint16_t next;
};

struct name {
	const char *text; /* without a system call's prefix, without '*' */
	size_t bytes;
	bool syscall;
	uint16_t uses;
	uint16_t next; /* in the bucket, or among the families of a first character */
};

static struct {
	bool built;
	size_t names_count, uses_count;
	struct name names[NAMES_MAX];
	struct use uses[USES_MAX];
	uint16_t buckets[BUCKETS];
	uint16_t families[256]; /* names that end in '*', by their first character */
} index_;

/* Longer prefixes before those they contain. */
static const char *const syscall_prefixes[] = {
	"__x64_sys_",
	"__ia32_compat_sys_",
	"__ia32_sys_",
	"__arm64_compat_sys_",
	"__arm64_sys_",
	"__riscv_sys_",
	"__s390x_sys_",
	"__se_compat_sys_",
	"__do_compat_sys_",
	"__se_sys_",
	"__do_sys_",
	"compat_sys_",
	"ksys_",
	"SyS_",
	"sys_",
};

const char *rule_index_skip_prefix(const char *symbol)
{
	const char first = symbol[0];

	if (first != '_' && first != 'k' && first != 's' && first != 'S' && first != 'c')
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(syscall_prefixes); i++) {
		const size_t bytes = strlen(syscall_prefixes[i]);

		if (strncmp(symbol, syscall_prefixes[i], bytes) == 0 && symbol[bytes] != '\0')
			return symbol + bytes;
	}
	return NULL;
}

static const char *strip_syscall(const char *symbol, bool *ret_syscall)
{
	const char *rest = rule_index_skip_prefix(symbol);

	*ret_syscall = rest != NULL;
	return rest != NULL ? rest : symbol;
}

static uint32_t hash_text(const char *text, bool syscall)
{
	uint32_t hash = syscall ? 2166136261u : 84696351u; /* FNV-1a */

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 16777619u;
	return hash ^ hash >> 15;
}

static uint16_t find_exact(const char *text, bool syscall)
{
	uint16_t id = index_.buckets[hash_text(text, syscall) % BUCKETS];

	while (id != NO_NAME &&
	       (index_.names[id].syscall != syscall || strcmp(index_.names[id].text, text) != 0))
		id = index_.names[id].next;
	return id;
}

static uint16_t find_family(const char *symbol)
{
	uint16_t id = index_.families[(unsigned char)symbol[0]];

	while (id != NO_NAME && strncmp(index_.names[id].text, symbol, index_.names[id].bytes) != 0)
		id = index_.names[id].next;
	return id;
}

static uint16_t add_name(const char *text, size_t bytes, bool syscall, uint16_t *list)
{
	const uint16_t id = (uint16_t)++index_.names_count;

	assert(index_.names_count < NAMES_MAX);
	index_.names[id] = (struct name){
		.text = text,
		.bytes = bytes,
		.syscall = syscall,
		.next = *list,
	};
	*list = id;
	return id;
}

static uint16_t intern_name(const char *name)
{
	const size_t bytes = strlen(name);
	const char *text;
	bool syscall;
	uint16_t id;

	if (name[bytes - 1] == '*') {
		/* The name itself is compared, not what a family finds: no two may overlap. */
		id = index_.families[(unsigned char)name[0]];
		while (id != NO_NAME && strcmp(index_.names[id].text, name) != 0)
			id = index_.names[id].next;
		return id != NO_NAME ? id
				     : add_name(name, bytes - 1, false,
						&index_.families[(unsigned char)name[0]]);
	}
	text = strip_syscall(name, &syscall);
	id = find_exact(text, syscall);
	return id != NO_NAME ? id
			     : add_name(text, strlen(text), syscall,
					&index_.buckets[hash_text(text, syscall) % BUCKETS]);
}

static void add_uses(const char *const *names, enum wait_role role, size_t row)
{
	for (; names != NULL && *names != NULL; names++) {
		struct name *name = &index_.names[intern_name(*names)];
		const uint16_t id = (uint16_t)++index_.uses_count;

		assert(index_.uses_count < USES_MAX);
		index_.uses[id] = (struct use){
			.role = role,
			.row = (uint16_t)row,
			.next = name->uses,
		};
		name->uses = id;
	}
}

static void build_index(void)
{
	if (index_.built)
		return;
	for (size_t i = 0; i < wait_rules_count; i++) {
		add_uses(wait_rules[i].any, ROLE_ANY, i);
		add_uses(wait_rules[i].caller, ROLE_CALLER, i);
		add_uses(wait_rules[i].under, ROLE_UNDER, i);
	}
	for (size_t i = 0; i < release_rules_count; i++) {
		add_uses(release_rules[i].release, ROLE_RELEASE, i);
		add_uses(release_rules[i].acquire, ROLE_ACQUIRE, i);
	}
	add_uses(wait_plumbing, ROLE_PLUMBING, 0);
	add_uses(wait_for_reading, ROLE_READ, 0);
	add_uses(wait_for_writing, ROLE_WRITE, 0);
	add_uses(wait_interrupt_entries, ROLE_INTERRUPT, 0);
	add_uses(wait_mmap_sections, ROLE_MMAP, 0);
	add_uses(wait_foreign_mmap_sections, ROLE_FOREIGN_MMAP, 0);
	index_.built = true;
}

static bool name_has_role(uint16_t name, enum wait_role role, size_t row)
{
	for (uint16_t id = index_.names[name].uses; id != 0; id = index_.uses[id].next) {
		if (index_.uses[id].role == role && index_.uses[id].row == row)
			return true;
	}
	return false;
}

bool rule_index_has_role(const struct seen_frame *frame, enum wait_role role, size_t row)
{
	return name_has_role(frame->exact, role, row) || name_has_role(frame->family, role, row);
}

void rule_index_see(const struct frame *frames, size_t count, struct seen_stack *ret_stack)
{
	uint16_t position = 0;

	build_index();
	ret_stack->count = 0;
	for (size_t i = 0; i < count && ret_stack->count < ARRAY_SIZE(ret_stack->frames); i++) {
		struct seen_frame *frame = &ret_stack->frames[ret_stack->count];
		const char *text;
		bool syscall;

		if (!frames[i].kernel || frames[i].symbol == NULL)
			continue;
		text = strip_syscall(frames[i].symbol, &syscall);
		frame->exact = find_exact(text, syscall);
		frame->family = find_family(frames[i].symbol);
		if (!rule_index_has_role(frame, ROLE_PLUMBING, 0))
			position++;
		frame->position = position;
		ret_stack->count++;
	}
}

bool rule_index_next_rule(uint16_t name, uint16_t *use, uint16_t *ret_row)
{
	*use = *use ? index_.uses[*use].next : index_.names[name].uses;
	while (*use && index_.uses[*use].role != ROLE_ANY)
		*use = index_.uses[*use].next;
	*ret_row = index_.uses[*use].row;
	return *use;
}
