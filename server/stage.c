/* SPDX-License-Identifier: BSD-3-Clause */
#include "server/stage.h"

bool bfs_stages;
