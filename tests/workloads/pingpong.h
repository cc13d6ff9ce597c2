/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Healthy: two threads hand a byte back and forth, 100 times in a row.
 */
#ifndef TESTS_WORKLOADS_PINGPONG_H
#define TESTS_WORKLOADS_PINGPONG_H

/* @connect: makes the two ends of a way, one to read and one to write. Return: main()'s. */
int pingpong_main(int argc, char **argv, const char *about, int (*connect)(int ends[2]));

#endif
