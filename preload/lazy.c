/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc's functions of lazy.def, found at their first call.  A hidden symbol of
 * the same name takes the reference here, so ld.so has none to bind before main
 * (all others it must: in a signal handler it could not).  Sanitizers have
 * functions of their own for some of them, which ld.so finds.
 */
#include "preload/real.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

/* A look-up leaves its registers to the function's arguments. */
#define LAZY(name) \
	__asm__(".pushsection .text\n" \
		".globl " #name "\n.hidden " #name "\n" \
		".type " #name ", @function\n" \
		".p2align 4\n" #name ":\n" \
		"\tmovq .Lplace_" #name "(%rip), %r11\n" \
		"\ttestq %r11, %r11\n" \
		"\tjz 1f\n" \
		"\tjmp *%r11\n" \
		"1:\tleaq .Lplace_" #name "(%rip), %r11\n" \
		"\tleaq .Lname_" #name "(%rip), %r10\n" \
		"\tjmp bfs_lazy_find\n" \
		".size " #name ", . - " #name "\n" \
		".popsection\n" \
		".pushsection .rodata.str1.1, \"aMS\", @progbits, 1\n" \
		".Lname_" #name ":\n\t.asciz \"" #name "\"\n" \
		".popsection\n" \
		".pushsection .bss.lazy, \"aw\", @nobits\n" \
		".p2align 3\n" \
		".Lplace_" #name ":\n\t.zero 8\n" \
		".popsection\n");
#include "preload/lazy.def"
#undef LAZY

/* %r11: the place, %r10: the name.  Goes on in the function. */
__asm__(".pushsection .text\n"
	".type bfs_lazy_find, @function\n"
	"bfs_lazy_find:\n"
	"\t.cfi_startproc\n"
	"\tpushq %rdi\n\tpushq %rsi\n\tpushq %rdx\n\tpushq %rcx\n"
	"\tpushq %r8\n\tpushq %r9\n\tpushq %rax\n"
	"\t.cfi_adjust_cfa_offset 56\n"
	"\tmovq %r11, %rdi\n"
	"\tmovq %r10, %rsi\n"
	"\tcall bfs_real_find\n"
	"\tmovq %rax, %r11\n"
	"\tpopq %rax\n\tpopq %r9\n\tpopq %r8\n"
	"\tpopq %rcx\n\tpopq %rdx\n\tpopq %rsi\n\tpopq %rdi\n"
	"\t.cfi_adjust_cfa_offset -56\n"
	"\tjmp *%r11\n"
	"\t.cfi_endproc\n"
	".size bfs_lazy_find, . - bfs_lazy_find\n"
	".popsection\n");

#endif
