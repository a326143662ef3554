#include "CPeak.h"

// Twelve chains hide the latency of a multiply-add on every processor up to now.
#define LOOP(NAME, LANES)                                                                        \
  static double NAME(size_t rounds) {                                                            \
    typedef float vector __attribute__((ext_vector_type(LANES)));                                \
    vector sums[12], factor = 0.999f, term = 0.5f;                                               \
    for (int i = 0; i < 12; i++) sums[i] = (float)i;                                             \
    __asm__ volatile("" : "+m"(factor), "+m"(term));                                             \
    for (size_t round = 0; round < rounds; round++) {                                            \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < 12; i++)                            \
          sums[i] = __builtin_elementwise_fma(sums[i], factor, term);                            \
    }                                                                                            \
    for (int i = 0; i < 12; i++) __asm__ volatile("" : : "m"(sums[i]));                          \
    return 2.0 * 12 * LANES * (double)rounds;                                                    \
  }

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
LOOP(avx2, 8)
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
LOOP(avx512, 16)
#pragma clang attribute pop
#else
LOOP(baseline, 4)
#endif

double peak_operations(size_t rounds) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return avx512(rounds);
  if (__builtin_cpu_supports("fma")) return avx2(rounds);
  return 0;
#else
  return baseline(rounds);
#endif
}
