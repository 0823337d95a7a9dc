// Functions compiled once for each width of vector registers; the processor's is chosen at load.
#pragma once

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define LAMELLA_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LAMELLA_CLONES
#endif

// With fused multiply-adds in one instruction.
#if defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && defined(__x86_64__) && \
    defined(__linux__)
#define LAMELLA_FUSED_CLONES \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LAMELLA_FUSED_CLONES
#endif
