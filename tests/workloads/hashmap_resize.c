/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that freezes whenever its hash table doubles.
 *
 * The thread "resizer" fills an open-addressing table of documents. At 7/8
 * load it doubles the table: the new one is mapped and populated in one mmap
 * call, as under mlockall(). Worker threads serve meanwhile; each request maps
 * a buffer, touches it, gives its pages back and unmaps it.
 *
 * Why it freezes. The populating mmap() takes mmap_lock for reading and keeps it
 * until the last page is there. Whoever maps or unmaps needs it for writing and
 * sleeps in rwsem_down_write_slowpath; on release the first writer is woken and
 * the others follow in a chain of hand-offs. It depends on what the others do;
 * with kernel 6.18, 8 threads and one mapping of 0.94 GB:
 *
 *	mmap, touch, madvise, munmap		all 8 wait until the end
 *	touch, MADV_DONTNEED of old mappings	none waits: per-VMA locks (6.4 and later)
 *	the same, one of the 8 maps and unmaps	that one waits, nobody behind it
 *	MADV_SEQUENTIAL of old mappings		all 8 wait: it changes the VMA
 *
 * The first touch of a new mapping waits too: without an anon_vma the fault
 * falls back to mmap_lock, behind the queued writers. Before 6.4 every fault
 * takes mmap_lock for reading, so that one queued writer stops them all.
 *
 * How long it freezes depends on how fast pages can be had. The table is in
 * shared memory, as one that outlives its service would be; a page costs 3 us
 * there, twice a private one, where memory is warm. On a virtual machine
 * that gives free memory back to its host (free page reporting) the host must
 * supply it again, at up to 12 us a page. Measured, with 2 CPUs that others used too:
 *
 *	0.94 GB new, 1.4 GB in all (default)		0.6 to 3 s
 *	1.88 GB new, 2.8 GB in all (default from 6 GB free on)	1.4 to 4.5 s
 *	3.76 GB new, 5.6 GB in all (--full)		12 to 14 s
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/workloads/truth.h"

#define MS		      1000000u
#define REQUEST_BYTES	      (1u << 20)
#define REQUEST_PAUSE_NS      (5 * MS) /* a healthy service leaves its CPUs some time */
#define WORKERS_MAX	      1024
#define BUCKETS_LOG2_MIN      10
#define BUCKETS_LOG2_MAX      30
#define BUCKETS_LOG2_SMALL    24
#define BUCKETS_LOG2_ROOMY    25
#define ROOMY_BYTES	      (UINT64_C(6) << 30) /* free memory that allows for it */
#define BUCKETS_LOG2_INCIDENT 26 /* 7/8 of 2^26 is 58,720,256 documents */
#define EXTRA_DOCUMENTS	      1000 /* loaded after the table was filled up to its limit */

/* 28 bytes, so that the incident's next table, 2^27 of them, has 3,758,096,384. */
struct document {
	uint64_t key; /* 0: the bucket is empty */
	uint64_t offset_bytes;
	uint32_t length_bytes;
	uint32_t shard;
	uint32_t version;
} __attribute__((packed, aligned(4)));
_Static_assert(sizeof(struct document) == 28, "the sizes of the incident depend on it");

struct table {
	struct document *buckets;
	unsigned int buckets_log2;
	uint64_t used;
};

struct options {
	unsigned int buckets_log2; /* of the table before it doubles */
	unsigned int workers;
	double start_after_s; /* < 0: wait for SIGUSR1 alone */
	double healthy_s; /* service after the load */
	uint64_t stall_ns; /* an operation this slow is a stall */
	bool preallocate;
};

struct worker {
	pthread_t thread;
	unsigned int number;
	uint64_t begin_ns; /* of the operation it is in */
	struct truth_shares at_begin;
	uint64_t stalls;
	uint64_t stalled_ns;
	uint64_t stalled_max_ns;
};

static struct options options = {
	.workers = 8,
	.start_after_s = -1,
	.healthy_s = 2,
	.stall_ns = 100 * MS,
};
static atomic_bool stopping;
static pthread_barrier_t serving; /* the table is filled and every worker runs */

/* The table */

static uint64_t table_buckets(const struct table *table)
{
	return UINT64_C(1) << table->buckets_log2;
}

static size_t table_bytes(unsigned int buckets_log2)
{
	return sizeof(struct document) << buckets_log2;
}

static uint64_t table_limit(const struct table *table)
{
	return table_buckets(table) / 8 * 7;
}

/*
 * The upper bits choose the bucket: a table read from its start is written to
 * the next one from its start, so that doubling is memory bandwidth and not
 * cache misses.
 */
static uint64_t key_bucket(const struct table *table, uint64_t key)
{
	uint64_t hash = key * UINT64_C(0x9e3779b97f4a7c15);

	hash ^= hash >> 29;
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return hash >> (64 - table->buckets_log2);
}

/* mmap() is called by this function and not by table_grow(), so that a stack
 * that skips the caller of libc's mmap (it keeps no frame pointer) shows table_grow(). */
__attribute__((noinline)) static void *table_allocate(unsigned int buckets_log2)
{
	void *buckets = mmap(NULL, table_bytes(buckets_log2), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (buckets == MAP_FAILED) {
		fprintf(stderr,
			"hashmap_resize: cannot map a table of %zu bytes: %s.\n"
			"  Free memory or choose a smaller --buckets-log2.\n",
			table_bytes(buckets_log2), strerror(errno));
		exit(EXIT_FAILURE);
	}
	return buckets;
}

/*
 * In slices: unmapping a table in one call holds mmap_lock for some 100 ms more,
 * a second freeze that would blur what the first one cost.
 */
static void table_free(struct table *table)
{
	size_t bytes = table_bytes(table->buckets_log2), slice_bytes = 16u << 20;
	char *buckets = (char *)table->buckets;

	for (size_t at = 0; at < bytes; at += slice_bytes)
		munmap(buckets + at, bytes - at < slice_bytes ? bytes - at : slice_bytes);
	table->buckets = NULL;
}

static void table_put(struct table *table, const struct document *document)
{
	uint64_t mask = table_buckets(table) - 1;
	uint64_t i = key_bucket(table, document->key);

	while (table->buckets[i].key && table->buckets[i].key != document->key)
		i = (i + 1) & mask;
	table->used += !table->buckets[i].key;
	table->buckets[i] = *document;
}

__attribute__((noinline)) static void table_grow(struct table *table)
{
	struct table next = { .buckets_log2 = table->buckets_log2 + 1 };
	struct truth_shares before = truth_shares();
	uint64_t start_ns = truth_now_ns(), mapped_ns;

	next.buckets = table_allocate(next.buckets_log2);
	mapped_ns = truth_now_ns();
	truth_computed(before);
	for (uint64_t i = 0; i < table_buckets(table); i++)
		if (table->buckets[i].key)
			table_put(&next, &table->buckets[i]);
	table_free(table);
	*table = next;
	truth_print("{\"event\":\"resize\",\"tid\":%d,\"start_ns\":%ju,\"mapped_ns\":%ju,"
		    "\"end_ns\":%ju,\"bytes\":%zu}",
		    gettid(), (uintmax_t)start_ns, (uintmax_t)mapped_ns, (uintmax_t)truth_now_ns(),
		    table_bytes(next.buckets_log2));
}

__attribute__((noinline)) static void table_insert(struct table *table,
						   const struct document *document)
{
	if (table->used >= table_limit(table))
		table_grow(table);
	table_put(table, document);
}

__attribute__((noinline)) static void load_documents(struct table *table, uint64_t first_key,
						     uint64_t count)
{
	for (uint64_t key = first_key; key < first_key + count; key++) {
		struct document document = {
			.key = key,
			.offset_bytes = key * 4096,
			.length_bytes = 4096,
			.shard = (uint32_t)(key % 64),
			.version = 1,
		};

		table_insert(table, &document);
	}
}

/* The service */

static void pause_ns(uint64_t ns)
{
	struct timespec pause = { .tv_sec = (time_t)(ns / 1000000000u),
				  .tv_nsec = (long)(ns % 1000000000u) };

	uint64_t start_ns = truth_now_ns();

	nanosleep(&pause, NULL);
	truth_slept(start_ns, ns);
}

/* An operation that begins now. */
static void worker_begin(struct worker *worker)
{
	worker->at_begin = truth_shares();
	worker->begin_ns = truth_now_ns();
}

/*
 * Says that @op was slow, if it was; the next one begins. It did not wait all of that time: a thread
 * may be taken off its CPU between its look at the clock and the call that waits, and
 * runs a little before and after it.
 */
static void worker_finish(struct worker *worker, const char *op)
{
	uint64_t start_ns = worker->begin_ns, end_ns = truth_now_ns(), took_ns = end_ns - start_ns;

	if (took_ns < options.stall_ns) {
		worker_begin(worker);
		return;
	}
	worker->stalls++;
	worker->stalled_ns += took_ns;
	if (worker->stalled_max_ns < took_ns)
		worker->stalled_max_ns = took_ns;
	truth_print("{\"event\":\"stall\",\"tid\":%d,\"name\":\"worker%u\",\"op\":\"%s\","
		    "\"start_ns\":%ju,\"end_ns\":%ju,\"on_cpu_ns\":%ju}",
		    gettid(), worker->number, op, (uintmax_t)start_ns, (uintmax_t)end_ns,
		    (uintmax_t)truth_on_cpu_ns(worker->at_begin));
	worker_begin(worker);
}

static void serve_request(struct worker *worker)
{
	char *buffer;

	worker_begin(worker);
	buffer = mmap(NULL, REQUEST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (buffer == MAP_FAILED) {
		perror("hashmap_resize: cannot map a request's buffer");
		exit(EXIT_FAILURE);
	}
	worker_finish(worker, "mmap");
	for (size_t i = 0; i < REQUEST_BYTES; i += 4096)
		((volatile char *)buffer)[i] = 1;
	worker_finish(worker, "touch");
	madvise(buffer, REQUEST_BYTES, MADV_DONTNEED);
	worker_finish(worker, "madvise");
	munmap(buffer, REQUEST_BYTES);
	worker_finish(worker, "munmap");
}

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	char name[16];

	snprintf(name, sizeof(name), "worker%u", worker->number);
	pthread_setname_np(pthread_self(), name);
	pthread_barrier_wait(&serving);
	while (!stopping) {
		serve_request(worker);
		pause_ns(REQUEST_PAUSE_NS);
	}
	return NULL;
}

/* Wait for SIGUSR1, for @seconds if not negative. Return: false if told to end. */
static bool wait_for_signal(double seconds)
{
	struct timespec timeout = { .tv_sec = (time_t)seconds,
				    .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
	sigset_t signals;
	int signal;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	do {
		signal = seconds < 0 ? sigwaitinfo(&signals, NULL)
				     : sigtimedwait(&signals, NULL, &timeout);
	} while (signal < 0 && errno == EINTR);
	return signal < 0 || signal == SIGUSR1;
}

static void *resizer_main(void *argument)
{
	struct table table = { .buckets_log2 = options.buckets_log2 + options.preallocate };
	uint64_t fill = (UINT64_C(1) << options.buckets_log2) / 8 * 7;

	(void)argument;
	pthread_setname_np(pthread_self(), "resizer");
	table.buckets = table_allocate(table.buckets_log2);
	load_documents(&table, 1, fill);
	pthread_barrier_wait(&serving);
	truth_print("{\"event\":\"ready\",\"pid\":%d,\"tid\":%d,\"documents\":%ju}", getpid(),
		    gettid(), (uintmax_t)table.used);
	if (wait_for_signal(options.start_after_s)) {
		load_documents(&table, fill + 1, EXTRA_DOCUMENTS);
		truth_print("{\"event\":\"loaded\",\"tid\":%d,\"documents\":%ju}", gettid(),
			    (uintmax_t)table.used);
		wait_for_signal(options.healthy_s);
	}
	stopping = true;
	return NULL;
}

/* Options */

static const char usage[] =
	"Usage: hashmap_resize [options]\n"
	"Fill a hash table to its limit, say {\"event\":\"ready\"}, double it on SIGUSR1.\n\n"
	"  --buckets-log2 N   buckets before doubling, as a power of two (default 24;\n"
	"                     25 where 6 GB of memory are free)\n"
	"  --full             the incident's size: --buckets-log2 26, 5.6 GB in all\n"
	"  --preallocate      the cure: a table sized at start, which never doubles\n"
	"  --workers N        threads of the service (default 8)\n"
	"  --start-after S    double S seconds after ready, if SIGUSR1 does not come first\n"
	"  --healthy S        seconds of service after the load (default 2)\n"
	"  --stall-ms N       report operations this slow as stalls (default 100)\n"
	"  --help\n";

static double option_number(const char *name, const char *text, double min, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min && value <= max)) {
		fprintf(stderr, "hashmap_resize: --%s %s: not a number from %g to %g.\n", name,
			text, min, max);
		exit(2);
	}
	return value;
}

static void parse_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "buckets-log2", required_argument, NULL, 'b' },
		{ "full", no_argument, NULL, 'f' },
		{ "preallocate", no_argument, NULL, 'p' },
		{ "workers", required_argument, NULL, 'w' },
		{ "start-after", required_argument, NULL, 's' },
		{ "healthy", required_argument, NULL, 'a' },
		{ "stall-ms", required_argument, NULL, 'm' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, which = 0;

	while ((option = getopt_long(argc, argv, "", known, &which)) != -1) {
		const char *name = known[which].name;

		switch (option) {
		case 'b':
			options.buckets_log2 = (unsigned int)option_number(
				name, optarg, BUCKETS_LOG2_MIN, BUCKETS_LOG2_MAX);
			break;
		case 'f':
			options.buckets_log2 = BUCKETS_LOG2_INCIDENT;
			break;
		case 'p':
			options.preallocate = true;
			break;
		case 'w':
			options.workers = (unsigned int)option_number(name, optarg, 0, WORKERS_MAX);
			break;
		case 's':
			options.start_after_s = option_number(name, optarg, 0, 86400);
			break;
		case 'a':
			options.healthy_s = option_number(name, optarg, 0, 86400);
			break;
		case 'm':
			options.stall_ns =
				(uint64_t)(option_number(name, optarg, 1, 86400000) * MS);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		exit(2);
	}
}

/* What can be had: the host's, or less where the control group's limit says so. */
static uint64_t free_memory_bytes(void)
{
	FILE *meminfo = fopen("/proc/meminfo", "re"),
	     *limit = fopen("/sys/fs/cgroup/memory.max", "re");
	uintmax_t free_kb = 0, limit_bytes = UINTMAX_MAX;
	char line[128];

	while (meminfo && fgets(line, sizeof(line), meminfo))
		if (sscanf(line, "MemAvailable: %ju", &free_kb) == 1)
			break;
	if (limit && fscanf(limit, "%ju", &limit_bytes) != 1)
		limit_bytes = UINTMAX_MAX; /* "max" */
	if (meminfo)
		fclose(meminfo);
	if (limit)
		fclose(limit);
	return free_kb * 1024 < limit_bytes ? free_kb * 1024 : limit_bytes;
}

static pthread_t start_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, run, argument);

	if (error) {
		fprintf(stderr, "hashmap_resize: cannot start a thread: %s.\n", strerror(error));
		exit(EXIT_FAILURE);
	}
	return thread;
}

static void print_summary(const struct worker *workers)
{
	uint64_t stalls = 0, stalled_ns = 0, max_ns = 0;

	for (unsigned int i = 0; i < options.workers; i++) {
		stalls += workers[i].stalls;
		stalled_ns += workers[i].stalled_ns;
		if (max_ns < workers[i].stalled_max_ns)
			max_ns = workers[i].stalled_max_ns;
	}
	truth_print("{\"event\":\"summary\",\"stalls\":%ju,\"stalled_ns\":%ju,\"max_ns\":%ju}",
		    (uintmax_t)stalls, (uintmax_t)stalled_ns, (uintmax_t)max_ns);
}

int main(int argc, char **argv)
{
	static struct worker workers[WORKERS_MAX];
	pthread_t resizer;
	sigset_t signals;

	parse_options(argc, argv);
	if (!options.buckets_log2)
		options.buckets_log2 = free_memory_bytes() >= ROOMY_BYTES ? BUCKETS_LOG2_ROOMY
									  : BUCKETS_LOG2_SMALL;
	/* Blocked in every thread; resizer_main() waits for them. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	pthread_barrier_init(&serving, NULL, options.workers + 1);
	for (unsigned int i = 0; i < options.workers; i++) {
		workers[i].number = i;
		workers[i].thread = start_thread(worker_main, &workers[i]);
	}
	resizer = start_thread(resizer_main, NULL);
	for (unsigned int i = 0; i < options.workers; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(resizer, NULL);
	print_summary(workers);
	return EXIT_SUCCESS;
}
