// Sums of binary16 numbers, rounded once. The loop is plain: the compiler makes vectors of it, but for
// AVX-512, which converts by itself.
#pragma once

#include "Levels.h"

typedef uint16_t half_number __attribute__((aligned(1), may_alias));

typedef union {
  uint32_t bits;
  float value;
} single;

// The value of a binary16 number: multiplying by 2^112 moves the exponent's bias, for subnormals too.
static inline __attribute__((always_inline)) float widened(uint16_t half) {
  const single shifted = {.bits = (uint32_t)(half & 0x7FFF) << 13};
  single wide = {.value = shifted.value * 0x1p112f};
  wide.bits |= (half & 0x7C00) == 0x7C00 ? 0x7F800000 : 0;
  wide.bits |= (uint32_t)(half & 0x8000) << 16;
  return wide.value;
}

// The nearest binary16 number, ties to even, as Binary16.bits in Swift; but which NaN a sum of two gives
// is up to the processor and the compiler, so all become the same.
static inline __attribute__((always_inline)) uint16_t narrowed(float value) {
  const single given = {.value = value};
  const uint32_t sign = given.bits >> 16 & 0x8000, magnitude = given.bits & 0x7FFFFFFF;
  const single small = {.bits = magnitude};
  // Below 2^-14: in 0.5 + x the last place is 2^-24, the spacing of subnormals.
  const single raised = {.value = small.value + 0.5f};
  const uint32_t subnormal = raised.bits - 0x3F000000;
  const uint32_t normal = (magnitude - 0x38000000 + 0x0FFF + (magnitude >> 13 & 1)) >> 13;
  const uint32_t finite = magnitude < 0x38800000 ? subnormal : normal;
  // From 65520, half way between the largest number and the next power of two.
  const uint32_t number = magnitude >= 0x477FF000 ? 0x7C00 : finite;
  return (uint16_t)(magnitude > 0x7F800000 ? 0x7E00 : sign | number);
}

#if defined(HAS_AVX512)
// The processor's own conversions, which round as narrowed() does but for what is not a number.
static inline __attribute__((always_inline)) __m256i sum_of_halves(__m256i a, __m256i b) {
  const __m512 sum = _mm512_add_ps(_mm512_cvtph_ps(a), _mm512_cvtph_ps(b));
  const __m256i narrow = _mm512_cvtps_ph(sum, _MM_FROUND_TO_NEAREST_INT);
  const __mmask16 is_number = _mm512_cmp_ps_mask(sum, sum, _CMP_ORD_Q);
  return _mm256_mask_blend_epi16(is_number, _mm256_set1_epi16(0x7E00), narrow);
}
#endif

// The sum in binary32 has 24 bits, which is at least twice 11 plus 2: rounding it again is exact.
static void add_halves(void *sums_bytes, const void *addend_bytes, size_t count) {
  half_number *sums = sums_bytes;
  const half_number *addends = addend_bytes;
  size_t i = 0;
#if defined(HAS_AVX512)
  for (; i + 16 <= count; i += 16) {
    const __m256i a = _mm256_loadu_si256((const __m256i *)(addends + i));
    const __m256i b = _mm256_loadu_si256((const __m256i *)(sums + i));
    _mm256_storeu_si256((__m256i *)(sums + i), sum_of_halves(a, b));
  }
#endif
  for (; i < count; i++) sums[i] = narrowed(widened(addends[i]) + widened(sums[i]));
}
