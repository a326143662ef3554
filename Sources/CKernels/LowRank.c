#include "CKernels.h"

// The sums of one panel of a row stay in registers: two of AVX, four of NEON.
typedef float panel __attribute__((ext_vector_type(WEIGHTMILL_PANEL), aligned(4)));

#define INLINE static inline __attribute__((always_inline))

// Four rows at a time share what is read of the panel.
INLINE void four_rows(
    const float *left, const float *right, size_t rank, float *sums, size_t stride) {
  panel a = 0, b = 0, c = 0, d = 0;
  for (size_t k = 0; k < rank; k++) {
    const panel values = *(const panel *)(right + k * WEIGHTMILL_PANEL);
    a = __builtin_elementwise_fma((panel)left[k], values, a);
    b = __builtin_elementwise_fma((panel)left[rank + k], values, b);
    c = __builtin_elementwise_fma((panel)left[2 * rank + k], values, c);
    d = __builtin_elementwise_fma((panel)left[3 * rank + k], values, d);
  }
  *(panel *)sums = a;
  *(panel *)(sums + stride) = b;
  *(panel *)(sums + 2 * stride) = c;
  *(panel *)(sums + 3 * stride) = d;
}

INLINE void one_row(const float *left, const float *right, size_t rank, float *sums) {
  panel a = 0;
  for (size_t k = 0; k < rank; k++) {
    const panel values = *(const panel *)(right + k * WEIGHTMILL_PANEL);
    a = __builtin_elementwise_fma((panel)left[k], values, a);
  }
  *(panel *)sums = a;
}

INLINE void all_rows(
    const float *left, size_t rows, const float *right, size_t panels, size_t rank, float *sums) {
  const size_t stride = panels * WEIGHTMILL_PANEL;
  for (size_t p = 0; p < panels; p++) {
    const float *from = right + p * rank * WEIGHTMILL_PANEL;
    float *to = sums + p * WEIGHTMILL_PANEL;
    size_t row = 0;
    for (; row + 4 <= rows; row += 4)
      four_rows(left + row * rank, from, rank, to + row * stride, stride);
    for (; row < rows; row++) one_row(left + row * rank, from, rank, to + row * stride);
  }
}

static void portable(
    const float *left, size_t rows, const float *right, size_t panels, size_t rank, float *sums) {
  all_rows(left, rows, right, panels, rank, sums);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void fused(
    const float *left, size_t rows, const float *right, size_t panels, size_t rank, float *sums) {
  all_rows(left, rows, right, panels, rank, sums);
}
#endif

void weightmill_low_rank_sums(
    const float *left, size_t rows, const float *right, size_t panels, size_t rank, float *sums,
    int kernel) {
#if defined(__x86_64__)
  if (kernel == WEIGHTMILL_BEST && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return fused(left, rows, right, panels, rank, sums);
#else
  (void)kernel;
#endif
  portable(left, rows, right, panels, rank, sums);
}
