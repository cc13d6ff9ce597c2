/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From which figure on a sign counts: all thresholds of the detectors, each with its unit and its meaning. On both sides
 * of each there is a unit test. What depends on "how long is a stall" is no threshold: it is detect_context.long_ns.
 */
#ifndef ANALYZER_DETECT_THRESHOLDS_H
#define ANALYZER_DETECT_THRESHOLDS_H

/* detectors.c: the order of findings. */

/* A candidate explains what a trigger saw if it covers this share of that time. */
#define WINDOW_COVERED_PERCENT 50u

/* A finding is told beside the first one if it explains this share of what that one does. */
#define BESIDE_PERCENT 10u

#endif
