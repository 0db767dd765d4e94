/* SPDX-License-Identifier: BSD-3-Clause */
/* A line for each message into the file that BENCHFS_TAP names. */
#include "core/tap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LONGEST 250 /* bytes of fields */

void bfs_tap(uint64_t session, const char *name, bool reply,
	     const uint8_t *fields, size_t len)
{
	static int fd = -2;
	char line[64 + 2 * LONGEST];
	int n;

	if (fd == -2) {
		const char *file = getenv("BENCHFS_TAP");

		fd = file ? open(file,
				 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
				 0600)
			  : -1;
	}
	if (fd < 0 || len > LONGEST)
		return;
	n = snprintf(line, sizeof(line), "%016" PRIx64 " %s %c ", session, name,
		     reply ? 'p' : 'q');
	for (size_t i = 0; i < len; i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x",
			      fields[i]);
	line[n++] = '\n';
	(void)!write(fd, line, (size_t)n);
}
