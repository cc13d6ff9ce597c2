/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How sure a statement about who did what is.
 */
#ifndef ANALYZER_UTIL_GRADE_H
#define ANALYZER_UTIL_GRADE_H

/* Ascending: a larger grade is surer. EXACT: the kernel itself named the thread. */
enum grade { GRADE_UNKNOWN, GRADE_PLAUSIBLE, GRADE_STRONG, GRADE_EXACT };
const char *grade_name(enum grade grade);	/* "unknown", "plausible" ... */

#endif
