// Sums of binary16 numbers, rounded once. The loop is plain: each level's compiler makes vectors of it.
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

// The sum in binary32 has 24 bits, which is at least twice 11 plus 2: rounding it again is exact.
static void add_halves(void *sums_bytes, const void *addend_bytes, size_t count) {
  half_number *sums = sums_bytes;
  const half_number *addends = addend_bytes;
  for (size_t i = 0; i < count; i++) sums[i] = narrowed(widened(addends[i]) + widened(sums[i]));
}
