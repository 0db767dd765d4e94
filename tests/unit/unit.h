/* SPDX-License-Identifier: BSD-3-Clause */
/* What every unit test includes: cmocka with what it needs before it. */
#ifndef BFS_TESTS_UNIT_H
#define BFS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
