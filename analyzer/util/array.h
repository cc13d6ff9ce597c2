/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays that grow at their end, or up to an index.
 */
#ifndef ANALYZER_UTIL_ARRAY_H
#define ANALYZER_UTIL_ARRAY_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_CAPACITY_LEAST 16

/**
 * array_grow() - make room for one more element.
 *
 * @array, @capacity: variables of the caller, NULL and 0 at first: the elements, and for how many
 *                    there is room.
 * @count:            how many there are.
 *
 * The capacity doubles, so that an element costs O(1). New elements are not cleared.
 *
 * Return: 0, or -ENOMEM and nothing is changed.
 */
#define array_grow(array, count, capacity)						\
	({										\
		int array_error_ = 0;							\
		if ((count) >= (capacity)) {						\
			typeof(capacity) array_room_ =					\
				(capacity) ? 2 * (capacity) : ARRAY_CAPACITY_LEAST;	\
			void *array_grown_ = NULL;					\
			if (array_room_ > (capacity)) /* else it overflowed */		\
				array_grown_ = reallocarray((array), array_room_,	\
							    sizeof(*(array)));		\
			if (array_grown_) {						\
				(array) = array_grown_;					\
				(capacity) = array_room_;				\
			} else {							\
				array_error_ = -ENOMEM;					\
			}								\
		}									\
		array_error_;								\
	})

/**
 * array_reach() - make room for the element at @index, which need not be the next one.
 *
 * @array, @capacity: as for array_grow(). New elements are zeros.
 *
 * Return: 0, or -ENOMEM and nothing is changed.
 */
#define array_reach(array, capacity, index)						\
	({										\
		int array_error_ = 0;							\
		if ((index) >= (capacity)) {						\
			size_t array_room_ =						\
				(capacity) ? (capacity) : ARRAY_CAPACITY_LEAST;		\
			void *array_grown_ = NULL;					\
			while (array_room_ && array_room_ <= (index))			\
				array_room_ *= 2;					\
			if (array_room_ && (typeof(capacity))array_room_ == array_room_)	\
				array_grown_ = reallocarray((array), array_room_,	\
							    sizeof(*(array)));		\
			if (array_grown_) {						\
				(array) = array_grown_;					\
				memset((array) + (capacity), 0,				\
				       (array_room_ - (capacity)) * sizeof(*(array)));	\
				(capacity) = (typeof(capacity))array_room_;		\
			} else {							\
				array_error_ = -ENOMEM;					\
			}								\
		}									\
		array_error_;								\
	})

#endif
