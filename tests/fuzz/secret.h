/* SPDX-License-Identifier: BSD-3-Clause */
/* Who attacks, and what he must neither read nor change. */
#ifndef BFS_TESTS_FUZZ_SECRET_H
#define BFS_TESTS_FUZZ_SECRET_H

#define FUZZ_UID 1000
#define SECRET_UID 2000
#define SECRET_DIR "private"
#define SECRET_FILE "file"
#define SECRET_TEXT "<nobody else may see this>"

#endif
