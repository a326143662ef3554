// Sixteen lanes: AVX-512.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2"))), apply_to = function)
#define LANES 16
#define HAS_AVX512
#define NEAREST(v) __builtin_elementwise_roundeven(v)
#include "Encoders.h"

const level weightmill_lanes_16 = {
    search_rows, search_bytes, search_nibbles, widen_halves, add_halves, carry, carry_on,
    settle};
#pragma clang attribute pop
#endif
