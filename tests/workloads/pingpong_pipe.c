/* SPDX-License-Identifier: Apache-2.0 */
/* Healthy: two threads hand a byte back and forth through two pipes. */
#include "config.h"

#include <unistd.h>

#include "tests/workloads/pingpong.h"

int main(int argc, char **argv)
{
	return pingpong_main(argc, argv,
			     "Two threads play ping-pong through two pipes. Nothing freezes.", pipe);
}
