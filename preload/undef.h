/* SPDX-License-Identifier: BSD-3-Clause */
/* Behind each use of hooks.def. */
#undef HOOK
#undef HOOK_P
#undef HOOK_E
#undef HOOK_R
#undef HOOK_V
#undef HOOK_N
#undef VARIADIC
#undef ALIAS
