/* SPDX-License-Identifier: BSD-3-Clause */
/* What it is measured on: figures are worth little without it. */
#include "tools/bench/driver.h"

#include "core/util.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

static void cpu_model(char *out, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256], *colon;

	snprintf(out, size, "unknown CPU");
	while (f && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !colon)
			continue;
		snprintf(out, size, "%s", colon + 2);
		out[strcspn(out, "\n")] = '\0';
		break;
	}
	if (f)
		fclose(f);
}

static const char *fs_name(const char *dir)
{
	struct statfs s;

	if (statfs(dir, &s))
		return "unknown";
	switch ((unsigned long)s.f_type) {
	case TMPFS_MAGIC:
		return "tmpfs";
	case EXT4_SUPER_MAGIC:
		return "ext4";
	case XFS_SUPER_MAGIC:
		return "xfs";
	case BTRFS_SUPER_MAGIC:
		return "btrfs";
	default:
		return "another";
	}
}

static bool under_hypervisor(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[4096];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "flags", 5) &&
			strstr(line, " hypervisor") != NULL;
	if (f)
		fclose(f);
	return found;
}

void bench_machine(struct bench *b)
{
	struct sysinfo si = { 0 };
	struct utsname u = { 0 };
	char cpu[256];

	cpu_model(cpu, sizeof(cpu));
	(void)uname(&u);
	(void)sysinfo(&si);
	snprintf(b->machine, sizeof(b->machine),
		 "%ld x %s%s, %llu GiB, Linux %s, backing file system %s, "
		 "BenchFS %s%s",
		 sysconf(_SC_NPROCESSORS_ONLN), cpu,
		 under_hypervisor() ? " (virtual)" : "",
		 (unsigned long long)si.totalram * si.mem_unit >> 30, u.release,
		 fs_name(b->base), PACKAGE_VERSION,
#ifdef __OPTIMIZE__
		 ""
#else
		 " built without optimisation"
#endif
	);
	snprintf(b->load, sizeof(b->load), "%.2f",
		 (double)si.loads[0] / (1 << SI_LOAD_SHIFT));
}
