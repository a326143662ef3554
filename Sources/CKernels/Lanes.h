// Vectors of LANES numbers, one for each of as many blocks: a lane does what plain code does for one
// block, in the same order, so that every level of instructions gives the same bytes.
//
// Whoever includes this sets LANES and NEAREST(v), which rounds each lane to the nearest integer,
// halves to even, for magnitudes below 2^22.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Never fused: a fused multiply-add rounds otherwise.
#pragma STDC FP_CONTRACT OFF

typedef float vf __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef int32_t vi __attribute__((ext_vector_type(LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

// No error is as large.
#define WORST 3e38f

INLINE vf lesser(vf a, vf b) { return a < b ? a : b; }
INLINE vf greater(vf a, vf b) { return a > b ? a : b; }
INLINE vf magnitude(vf a) { return (vf)((vi)a & 0x7FFFFFFF); }
INLINE vf within(vf a, float low, float high) { return lesser(greater(a, (vf)low), (vf)high); }
INLINE vf nearest_within(vf a, float low, float high) { return NEAREST(within(a, low, high)); }

// The reciprocal; 0 for what is too small to have a useful one.
INLINE vf inverse(vf a) { return magnitude(a) > 1e-30f ? 1.0f / a : (vf)0; }

// The nearest binary16 number, halves to even; infinite from 65520 on; never -0.
INLINE vf half(vf a) {
  const vi bits = (vi)a, size = bits & 0x7FFFFFFF;
  const vi normal = (size + 0xFFF + (size >> 13 & 1)) & ~0x1FFF;
  const vi tiny = (vi)(((vf)size + 0.5f) - 0.5f);
  vi rounded = (vf)size < 0x1p-14f ? tiny : normal;
  rounded = (vf)rounded > 65504.0f ? (vi)0x7F800000 : rounded;
  return (vf)(rounded | (bits & (int32_t)0x80000000)) + 0.0f;
}

// How much longer than its nearest answer a block of that size and error is.
INLINE vf stretched(vf power, vf error) {
  return error < power ? 1.0f + lesser(error * inverse(power - error), (vf)0.25f) : (vf)1;
}
