/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libraries FILE...: dlopens each, calls its f(), and says what libc calls it;
 * a second dlopen must give the same handle, and closing both must unload it.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <unistd.h>

static int count(struct dl_phdr_info *info, size_t size, void *n)
{
	++*(int *)n;
	return 0;
}

static int loaded(void)
{
	int n = 0;

	dl_iterate_phdr(count, &n);
	return n;
}

static void try(const char *file)
{
	int before = loaded(), (*f)(void);
	void *lib = dlopen(file, RTLD_NOW), *again;
	struct link_map *map;
	Dl_info info;

	if (!lib) {
		printf("%s\n", dlerror());
		return;
	}
	*(void **)&f = dlsym(lib, "f");
	again = dlopen(file, RTLD_NOW | RTLD_NOLOAD);
	dlinfo(lib, RTLD_DI_LINKMAP, &map);
	printf("%s: %d same %d map %s", file, f ? f() : -1, again == lib,
	       map->l_name);
	if (f && dladdr(*(void **)&f, &info))
		printf(" dladdr %s", info.dli_fname);
	dlclose(again);
	dlclose(lib);
	printf(" left %d%s\n", loaded() - before, dlerror() ? " error" : "");
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		access(argv[i], F_OK); /* what that loads does not count */
		try(argv[i]);
	}
	return 0;
}
