// What Shorts.h does, with whole registers of AVX-512: the same operations on the same numbers, so the
// same bytes. Sums of integers and maxima are taken in another order, which changes neither.
#pragma once

#include "Shorts.h"

// A block's extremes, and its values in units of which the largest has -32768, in no order.
typedef struct {
  float peak, size, other;
  __m512i values;
} wide_block;

// The largest of 32 values and the largest of their opposites, by one tree for both.
INLINE void extremes(__m512 a, __m512 b, wide_block *block) {
  const __m512 high = _mm512_max_ps(a, b);
  const __m512 deep = _mm512_xor_ps(_mm512_min_ps(a, b), _mm512_set1_ps(-0.0f));
  __m512 m = _mm512_max_ps(
      _mm512_shuffle_f32x4(high, deep, 0x44), _mm512_shuffle_f32x4(high, deep, 0xEE));
  m = _mm512_max_ps(m, _mm512_shuffle_f32x4(m, m, 0xB1));
  m = _mm512_max_ps(m, _mm512_permute_ps(m, 0x4E));
  m = _mm512_max_ps(m, _mm512_permute_ps(m, 0xB1));
  const float highest = _mm512_cvtss_f32(m), depth = _mm_cvtss_f32(_mm512_extractf32x4_ps(m, 2));
  block->peak = highest > depth ? highest : -depth;
  block->size = highest > depth ? highest : depth;
  block->other = highest > depth ? depth : highest;
}

// Whether there is something to search.
INLINE int shorten_wide(__m512 a, __m512 b, wide_block *block) {
  extremes(a, b, block);
  if (!(block->size > 1e-30f)) return 0;
  const __m512 scale = _mm512_set1_ps(-32768.0f / block->peak);
  // Converting rounds to the nearest, ties to even; packing cuts off at 32767.
  block->values = _mm512_packs_epi32(
      _mm512_cvtps_epi32(_mm512_mul_ps(a, scale)), _mm512_cvtps_epi32(_mm512_mul_ps(b, scale)));
  return 1;
}

INLINE __m512i add_interleaved(__m512i a, __m512i b) {
  return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}

INLINE __m512i add_pairs_of(__m512i a, __m512i b) {
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

// Eight times sixteen partial sums, summed.
INLINE __m256i totals_wide(const __m512i *s) {
  const __m512i low = add_pairs_of(add_interleaved(s[0], s[1]), add_interleaved(s[2], s[3]));
  const __m512i high = add_pairs_of(add_interleaved(s[4], s[5]), add_interleaved(s[6], s[7]));
  __m512i sum = _mm512_add_epi32(
      _mm512_shuffle_i32x4(low, high, 0x44), _mm512_shuffle_i32x4(low, high, 0xEE));
  sum = _mm512_add_epi32(sum, _mm512_shuffle_i32x4(sum, sum, 0xB1));
  return _mm512_castsi512_si256(_mm512_shuffle_i32x4(sum, sum, 0x08));
}

// The index of the least of eight costs, the first of several.
INLINE int cheapest_index(__m256 cost) {
  __m256 least = _mm256_min_ps(cost, _mm256_permute2f128_ps(cost, cost, 1));
  least = _mm256_min_ps(least, _mm256_permute_ps(least, 0x4E));
  least = _mm256_min_ps(least, _mm256_permute_ps(least, 0xB1));
  return __builtin_ctz(_mm256_cmp_ps_mask(cost, least, _CMP_EQ_OQ));
}

// The scale as it is stored, and its reciprocal. A conversion of the processor rounds as half() does.
INLINE float stored_wide(float scale, uint8_t *found) {
  const __m128i bits = _mm_cvtps_ph(_mm_set_ss(scale), _MM_FROUND_TO_NEAREST_INT);
  const uint16_t half = (uint16_t)_mm_cvtsi128_si32(bits);
  const uint16_t kept = half == 0x8000 ? 0 : half;  // as half() does, no zero has a sign
  memcpy(found, &kept, 2);
  const float rounded = _mm_cvtss_f32(_mm_cvtph_ps(bits));
  return __builtin_fabsf(rounded) > 1e-30f ? 1.0f / rounded : 0.0f;
}

static size_t search_bytes(const float *values, size_t blocks, uint8_t *found) {
  // The largest value falls on -128, -127 and so on.
  float target[8], cost[8], inverse_target[8];
  for (int k = 0; k < 8; k++) {
    target[k] = (float)(128 - k);
    cost[k] = 1.0f / (target[k] * target[k]);
    inverse_target[k] = -1.0f / target[k];
  }
  // Costs leave out that the scale is rounded: what llama.cpp takes must be beaten by more than that.
  cost[1] *= 0.99f;
  const __m256 targets = _mm256_loadu_ps(target), costs = _mm256_loadu_ps(cost);
  size_t too_large = 0;
  for (size_t block = 0; block < blocks; block++, values += 32, found += 34) {
    const __m512 a = _mm512_loadu_ps(values), b = _mm512_loadu_ps(values + 16);
    wide_block w;
    if (!shorten_wide(a, b, &w)) {
      memset(found, 0, 34);
      continue;
    }
    if (w.size > 65504.0f * 120) {
      infinite_scale(found, 34);
      too_large++;
      continue;
    }
    __m512i sums[8];
    for (int k = 0; k < 8; k++) {
      // The low half of the product is the distance from the nearest number, in 65536ths.
      const __m512i distance =
          _mm512_srai_epi16(_mm512_mullo_epi16(w.values, _mm512_set1_epi16((int16_t)(256 - 2 * k))), 3);
      sums[k] = _mm512_madd_epi16(distance, distance);
    }
    const __m256 error = _mm256_mul_ps(_mm256_cvtepi32_ps(totals_wide(sums)), costs);
    // Where a value of the other sign would fall on 128 there is no such number.
    const __mmask8 fits = _mm256_cmp_ps_mask(
        _mm256_mul_ps(targets, _mm256_set1_ps(w.other)), _mm256_set1_ps(127.5f * w.size),
        _CMP_LT_OQ);
    const int index = cheapest_index(_mm256_mask_blend_ps(fits, _mm256_set1_ps(WORST), error));
    const __m512 reciprocal = _mm512_set1_ps(stored_wide(w.peak * inverse_target[index], found));
    // Narrowing cuts off at -128 and 127.
    _mm_storeu_si128(
        (__m128i *)(found + 2),
        _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(a, reciprocal))));
    _mm_storeu_si128(
        (__m128i *)(found + 18),
        _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(_mm512_mul_ps(b, reciprocal))));
  }
  return too_large;
}

// Values on the numbers -8 to 7, plus 8.
INLINE __m512i nibbles(__m512 values, __m512 reciprocal) {
  const __m512i n = _mm512_cvtps_epi32(_mm512_mul_ps(values, reciprocal));
  const __m512i cut =
      _mm512_max_epi32(_mm512_min_epi32(n, _mm512_set1_epi32(7)), _mm512_set1_epi32(-8));
  return _mm512_add_epi32(cut, _mm512_set1_epi32(8));
}

static size_t search_nibbles(const float *values, size_t blocks, uint8_t *found) {
  float cost[8], inverse_target[8];
  for (int k = 0; k < 8; k++) {
    cost[k] = 1.0f / ((float)nibble_factors[k] * (float)nibble_factors[k]);
    inverse_target[k] = -2048.0f / (float)nibble_factors[k];
  }
  const __m256 costs = _mm256_loadu_ps(cost);
  const __m512i half = _mm512_set1_epi16(512), most = _mm512_set1_epi16(8191);
  const __m512i whole = _mm512_set1_epi16(-1024), least = _mm512_set1_epi16(-8192);
  size_t too_large = 0;
  for (size_t block = 0; block < blocks; block++, values += 32, found += 18) {
    const __m512 a = _mm512_loadu_ps(values), b = _mm512_loadu_ps(values + 16);
    wide_block w;
    if (!shorten_wide(a, b, &w)) {
      memset(found, 0, 2);
      memset(found + 2, 0x88, 16);
      continue;
    }
    if (w.size > 65504.0f * 7) {
      infinite_scale(found, 18);
      too_large++;
      continue;
    }
    __m512i sums[8];
    for (int k = 0; k < 8; k++) {
      const __m512i scaled =  // in 1024ths
          _mm512_mulhi_epi16(w.values, _mm512_set1_epi16(nibble_factors[k]));
      const __m512i cut = _mm512_min_epi16(_mm512_add_epi16(scaled, half), most);
      const __m512i n = _mm512_max_epi16(_mm512_and_si512(cut, whole), least);
      const __m512i distance = _mm512_sub_epi16(scaled, n);
      sums[k] = _mm512_madd_epi16(distance, distance);
    }
    const __m256 error = _mm256_mul_ps(_mm256_cvtepi32_ps(totals_wide(sums)), costs);
    const float scale = w.peak * inverse_target[cheapest_index(error)];
    const __m512 reciprocal = _mm512_set1_ps(stored_wide(scale, found));
    const __m512i packed =
        _mm512_or_si512(nibbles(a, reciprocal), _mm512_slli_epi32(nibbles(b, reciprocal), 4));
    _mm_storeu_si128((__m128i *)(found + 2), _mm512_cvtepi32_epi8(packed));
  }
  return too_large;
}
