/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scene of its own for each test, and what the analyzer makes of it.
 */
#ifndef TESTS_UNIT_SUPPORT_LAB_H
#define TESTS_UNIT_SUPPORT_LAB_H

#include <stdint.h>

#include "tests/unit/support/scene.h"

struct lab {
	struct scene *scene;
	struct scene_result result;
};

int lab_set_up(void **state, uint32_t cpus);
/* Frees the result, too: each test analyzes once. */
int lab_tear_down(void **state);

/* The first finding about process 100; the test ends where there is none. */
const struct model_finding *lab_analyze(struct lab *lab, uint64_t end_ns);

#endif
