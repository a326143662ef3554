// Vectors of 64 bytes: AVX-512. It has 32 registers, 24 of which hold sums: of 12 rows and two panels, for
// which 14 loads come with 24 multiply-adds. 24 rows of one panel, with 25 loads, gave a quarter less.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#define BYTES 64
#define SINGLE_ROWS 12
#define SINGLE_VECTORS 2
#define DOUBLE_ROWS 12
#define DOUBLE_VECTORS 2
#define SINGLE_LEVEL weightmill_forward_16_single
#define DOUBLE_LEVEL weightmill_forward_16_double
#include "ForwardLevel.h"
#pragma clang attribute pop
#endif
