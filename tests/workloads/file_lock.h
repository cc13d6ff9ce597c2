/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service whose threads all need the lock of one file, which one of them holds and sleeps.
 */
#ifndef TESTS_WORKLOADS_FILE_LOCK_H
#define TESTS_WORKLOADS_FILE_LOCK_H

#include <stdbool.h>

/* @set_lock: takes or lets go the lock of an open file. Return: main()'s. */
int file_lock_main(int argc, char **argv, const char *about, void (*set_lock)(int fd, bool locked));

#endif
