/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into daemons: the n-th call of UCX of a kind fails, in whichever of
 * them it is (fail_file.h); at once, as for lack of memory.
 */
#include "tests/faults/ucx_fail.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucp/api/ucp.h>
#include <unistd.h>

#define API __attribute__((visibility("default")))

static struct fail_file *file;

static const ucs_status_t status_of[UCX_FAIL_KINDS] = {
#define UCX_FAIL(kind, status, what) [UCX_FAIL_##kind] = status,
#include "tests/faults/ucx_fail.def"
#undef UCX_FAIL
};

__attribute__((constructor)) static void begin(void)
{
	const char *name = getenv("BENCHFS_FAIL_FILE");
	int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	void *p;

	if (fd < 0)
		return;
	p = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 0);
	close(fd);
	if (p != MAP_FAILED)
		file = p;
}

static bool fails(enum ucx_fail_kind kind)
{
	uint32_t left;

	if (!file || file->kind != kind)
		return false;
	left = file->left;
	while (left &&
	       !atomic_compare_exchange_weak(&file->left, &left, left - 1))
		;
	if (left != 1)
		return false;
	file->fired++;
	return true;
}

static void *real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	if (!p)
		abort();
	return p;
}

#define POINTER(type, name, kind, params, ...) \
	API type name params \
	{ \
		static type(*next) params; \
\
		if (fails(UCX_FAIL_##kind)) \
			return UCS_STATUS_PTR(status_of[UCX_FAIL_##kind]); \
		if (!next) \
			next = (type(*) params)real(#name); \
		return next(__VA_ARGS__); \
	}
#define STATUS(name, kind, params, ...) \
	API ucs_status_t name params \
	{ \
		static ucs_status_t(*next) params; \
\
		if (fails(UCX_FAIL_##kind)) \
			return status_of[UCX_FAIL_##kind]; \
		if (!next) \
			next = (ucs_status_t(*) params)real(#name); \
		return next(__VA_ARGS__); \
	}

POINTER(ucs_status_ptr_t, ucp_am_send_nbx, sending,
	(ucp_ep_h ep, unsigned id, const void *header, size_t header_length,
	 const void *buffer, size_t count, const ucp_request_param_t *param),
	ep, id, header, header_length, buffer, count, param)
POINTER(ucs_status_ptr_t, ucp_am_recv_data_nbx, fetching,
	(ucp_worker_h worker, void *desc, void *buffer, size_t count,
	 const ucp_request_param_t *param),
	worker, desc, buffer, count, param)
POINTER(ucs_status_ptr_t, ucp_ep_close_nbx, closing,
	(ucp_ep_h ep, const ucp_request_param_t *param), ep, param)
STATUS(ucp_ep_create, connecting,
       (ucp_worker_h worker, const ucp_ep_params_t *params, ucp_ep_h *ep),
       worker, params, ep)
STATUS(ucp_worker_arm, arming, (ucp_worker_h worker), worker)
STATUS(ucp_config_read, opening,
       (const char *prefix, const char *file_name, ucp_config_t **config),
       prefix, file_name, config)
STATUS(ucp_worker_create, opening,
       (ucp_context_h context, const ucp_worker_params_t *params,
	ucp_worker_h *worker),
       context, params, worker)
STATUS(ucp_worker_query, opening,
       (ucp_worker_h worker, ucp_worker_attr_t *attr), worker, attr)
STATUS(ucp_worker_get_efd, opening, (ucp_worker_h worker, int *fd), worker, fd)
STATUS(ucp_worker_get_address, opening,
       (ucp_worker_h worker, ucp_address_t **address, size_t *len), worker,
       address, len)
STATUS(ucp_worker_set_am_recv_handler, opening,
       (ucp_worker_h worker, const ucp_am_handler_param_t *param), worker,
       param)
