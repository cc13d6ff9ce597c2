/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/event.h"

const struct ft_task ft_nobody;
