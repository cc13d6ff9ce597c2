/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a comparison comes to, in sentences.
 */
#ifndef ANALYZER_COMPARE_COMPARE_SAY_H
#define ANALYZER_COMPARE_COMPARE_SAY_H

#include "analyzer/compare/compare.h"

/* Where the captures were not recorded alike, so that their numbers may not compare. 0 or -ENOMEM. */
int compare_say_warnings(struct comparison *comparison);

/* When all tables are made. 0 or -ENOMEM. */
int compare_say_verdict(struct comparison *comparison);

#endif
