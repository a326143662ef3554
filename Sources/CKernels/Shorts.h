// Q8_0 and Q4_0 without importance: a block's values as 16-bit integers, for which eight scales are
// tried. Integers add up to the same in any order, so that every level gives the same bytes.
#pragma once

#include "Panels.h"

// All of these functions are inlined: no vector is passed in registers that a level has not.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float floats32 __attribute__((ext_vector_type(32), aligned(4), may_alias));
typedef float floats16 __attribute__((ext_vector_type(16)));
typedef float floats8 __attribute__((ext_vector_type(8)));
typedef float floats4 __attribute__((ext_vector_type(4)));
typedef float floats2 __attribute__((ext_vector_type(2)));
typedef int32_t ints32 __attribute__((ext_vector_type(32)));
typedef int32_t ints16 __attribute__((ext_vector_type(16)));
typedef int32_t ints8 __attribute__((ext_vector_type(8)));
typedef int32_t ints4 __attribute__((ext_vector_type(4)));
typedef int16_t shorts32 __attribute__((ext_vector_type(32)));
typedef int16_t shorts16 __attribute__((ext_vector_type(16)));
typedef int8_t bytes32 __attribute__((ext_vector_type(32)));
typedef uint8_t bytes16 __attribute__((ext_vector_type(16)));

// Q4_0: 2048 times what the largest value falls on: -9, -8.7 and so on; beyond -8 it is cut off.
static const int16_t nibble_factors[8] = {18432, 17818, 17203, 16589, 15974, 15360, 14848, 14336};

static void infinite_scale(uint8_t *found, size_t size) {
  memset(found, 0, size);
  found[1] = 0x7C;
}

#if !defined(HAS_AVX512)  // WideShorts.h has these for AVX-512
INLINE float largest_of(floats32 v) {
  const floats16 a = v.lo > v.hi ? v.lo : v.hi;
  const floats8 b = a.lo > a.hi ? a.lo : a.hi;
  const floats4 c = b.lo > b.hi ? b.lo : b.hi;
  const floats2 d = c.lo > c.hi ? c.lo : c.hi;
  return d.x > d.y ? d.x : d.y;
}

// Sums of squares, eight partial ones.
INLINE ints8 squares(shorts32 r) {
#if defined(HAS_AVX2)
  const shorts16 a = r.lo, b = r.hi;
  return (ints8)_mm256_add_epi32(
      _mm256_madd_epi16((__m256i)a, (__m256i)a), _mm256_madd_epi16((__m256i)b, (__m256i)b));
#else
  const ints32 wide = __builtin_convertvector(r, ints32), square = wide * wide;
  const ints16 sum = square.lo + square.hi;
  return sum.lo + sum.hi;
#endif
}

// The high halves of products.
INLINE shorts32 high_product(shorts32 a, int16_t b) {
#if defined(HAS_AVX2)
  const __m256i factor = _mm256_set1_epi16(b);
  shorts32 product;
  product.lo = (shorts16)_mm256_mulhi_epi16((__m256i)(shorts16)a.lo, factor);
  product.hi = (shorts16)_mm256_mulhi_epi16((__m256i)(shorts16)a.hi, factor);
  return product;
#else
  return __builtin_convertvector((__builtin_convertvector(a, ints32) * (int32_t)b) >> 16, shorts32);
#endif
}

INLINE ints8 add_pairs(ints8 a, ints8 b) {
  return __builtin_shufflevector(a, b, 0, 2, 8, 10, 4, 6, 12, 14)
      + __builtin_shufflevector(a, b, 1, 3, 9, 11, 5, 7, 13, 15);
}

// Eight times eight partial sums, summed.
INLINE ints8 totals(const ints8 *sums) {
  const ints8 a = add_pairs(add_pairs(sums[0], sums[1]), add_pairs(sums[2], sums[3]));
  const ints8 b = add_pairs(add_pairs(sums[4], sums[5]), add_pairs(sums[6], sums[7]));
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
      + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
}

// The value whose cost is the least, the first of several.
INLINE float cheapest(floats8 cost, floats8 value) {
  float best = value[0], least = cost[0];
  for (int k = 1; k < 8; k++) {
    best = cost[k] < least ? value[k] : best;
    least = cost[k] < least ? cost[k] : least;
  }
  return best;
}

// A block's extremes, and its values in units of which the largest has -32768.
typedef struct {
  float peak, size, other;
  shorts32 values;
} short_block;

// Whether there is something to search.
INLINE int shorten(floats32 x, short_block *block) {
  const float highest = largest_of(x), depth = largest_of(-x);
  block->peak = highest > depth ? highest : -depth;
  block->size = highest > depth ? highest : depth;
  block->other = highest > depth ? depth : highest;
  if (!(block->size > 1e-30f)) return 0;
  const float scale = -32768.0f / block->peak;
  ints32 whole = __builtin_convertvector(NEAREST(x * scale), ints32);
  whole = whole > 32767 ? 32767 : whole;
  block->values = __builtin_convertvector(whole, shorts32);
  return 1;
}

// The scale as it is stored, and its reciprocal.
INLINE float stored(float scale, uint8_t *found) {
  const float rounded = half((vf)scale)[0];
  const uint16_t bits = half_bits(rounded);
  found[0] = (uint8_t)bits;
  found[1] = (uint8_t)(bits >> 8);
  return magnitude((vf)rounded)[0] > 1e-30f ? 1.0f / rounded : 0.0f;
}

static size_t search_bytes(const float *values, size_t blocks, uint8_t *found) {
  // The largest value falls on -128, -127 and so on.
  floats8 target, cost, inverse_target;
  for (int k = 0; k < 8; k++) {
    target[k] = (float)(128 - k);
    cost[k] = 1.0f / (target[k] * target[k]);
    inverse_target[k] = -1.0f / target[k];
  }
  // Costs leave out that the scale is rounded: what llama.cpp takes must be beaten by more than that.
  cost[1] *= 0.99f;
  size_t too_large = 0;
  for (size_t block = 0; block < blocks; block++, values += 32, found += 34) {
    const floats32 x = *(const floats32 *)values;
    short_block b;
    if (!shorten(x, &b)) {
      memset(found, 0, 34);
      continue;
    }
    if (b.size > 65504.0f * 120) {
      infinite_scale(found, 34);
      too_large++;
      continue;
    }
    ints8 sums[8];
    for (int k = 0; k < 8; k++) {
      // The low half of the product is the distance from the nearest number, in 65536ths.
      const shorts32 distance = b.values * (shorts32)(int16_t)(256 - 2 * k);
      sums[k] = squares(distance >> 3);
    }
    floats8 error = __builtin_convertvector(totals(sums), floats8) * cost;
    // Where a value of the other sign would fall on 128 there is no such number.
    error = target * b.other < 127.5f * b.size ? error : (floats8)WORST;
    const float reciprocal = stored(b.peak * cheapest(error, inverse_target), found);
    floats32 n = NEAREST(x * reciprocal);
    n = n > 127.0f ? 127.0f : n;
    n = n < -128.0f ? -128.0f : n;
    const bytes32 bytes = __builtin_convertvector(__builtin_convertvector(n, ints32), bytes32);
    memcpy(found + 2, &bytes, 32);
  }
  return too_large;
}

static size_t search_nibbles(const float *values, size_t blocks, uint8_t *found) {
  floats8 cost, inverse_target;
  for (int k = 0; k < 8; k++) {
    cost[k] = 1.0f / ((float)nibble_factors[k] * (float)nibble_factors[k]);
    inverse_target[k] = -2048.0f / (float)nibble_factors[k];
  }
  size_t too_large = 0;
  for (size_t block = 0; block < blocks; block++, values += 32, found += 18) {
    const floats32 x = *(const floats32 *)values;
    short_block b;
    if (!shorten(x, &b)) {
      memset(found, 0, 2);
      memset(found + 2, 0x88, 16);
      continue;
    }
    if (b.size > 65504.0f * 7) {
      infinite_scale(found, 18);
      too_large++;
      continue;
    }
    ints8 sums[8];
    for (int k = 0; k < 8; k++) {
      const shorts32 scaled = high_product(b.values, nibble_factors[k]);  // in 1024ths
      shorts32 n = scaled + 512;
      n = n > 8191 ? 8191 : n;
      n &= (shorts32)(int16_t)-1024;
      n = n < -8192 ? -8192 : n;
      sums[k] = squares(scaled - n);
    }
    const floats8 error = __builtin_convertvector(totals(sums), floats8) * cost;
    const float reciprocal = stored(b.peak * cheapest(error, inverse_target), found);
    floats32 n = NEAREST(x * reciprocal);
    n = n > 7.0f ? 7.0f : n;
    n = n < -8.0f ? -8.0f : n;
    const bytes32 bytes = __builtin_convertvector(__builtin_convertvector(n + 8.0f, ints32), bytes32);
    bytes16 halves[2];
    memcpy(halves, &bytes, 32);
    const bytes16 packed = halves[0] | halves[1] << 4;
    memcpy(found + 2, &packed, 16);
  }
  return too_large;
}
#endif

static void widen_halves(const uint16_t *halves, size_t count, float *values) {
  typedef uint16_t anywhere __attribute__((aligned(1), may_alias));
  for (size_t i = 0; i < count; i++) {
    const uint32_t bits = ((const anywhere *)halves)[i], special = (bits & 0x7C00) == 0x7C00 ? 0x7F800000 : 0;
    // Multiplying by 2^112 moves the exponent's bias from 15 to 127, for subnormals too.
    const union { uint32_t bits; float value; } shifted = {(bits & 0x7FFF) << 13};
    union { float value; uint32_t bits; } wide = {shifted.value * 0x1p112f};
    wide.bits |= special | (bits & 0x8000) << 16;
    values[i] = wide.value;
  }
}
