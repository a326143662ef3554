// Eight lanes: AVX2.
#if defined(__x86_64__)
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define LANES 8
#define HAS_AVX2
#define NEAREST(v) __builtin_elementwise_roundeven(v)
#include "Encoders.h"

const level weightmill_lanes_8 = {
    search_rows, search_bytes, search_nibbles, widen_halves, add_halves, carry, carry_on,
    settle};
#pragma clang attribute pop
#endif
