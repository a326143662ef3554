// Vectors of 32 bytes: AVX2 with fused multiply-add. It has 16 registers, 12 of which hold sums.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define BYTES 32
#define SINGLE_ROWS 6
#define SINGLE_VECTORS 2
#define DOUBLE_ROWS 6
#define DOUBLE_VECTORS 2
#define SINGLE_LEVEL weightmill_forward_8_single
#define DOUBLE_LEVEL weightmill_forward_8_double
#include "ForwardLevel.h"
#pragma clang attribute pop
#endif
