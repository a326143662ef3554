// Blocks side by side: value i of all blocks is one vector.
#pragma once

#include "CKernels.h"
#include "Affine.h"
#include "Symmetric.h"

// As many blocks as there are lanes; where there are fewer, the first one again.
INLINE void load_panel(const float *values, size_t have, int size, vf *panel) {
  float *to = (float *)panel;
  for (size_t lane = 0; lane < LANES; lane++) {
    const float *from = values + (lane < have ? lane : 0) * (size_t)size;
    for (int i = 0; i < size; i++) to[(size_t)i * LANES + lane] = from[i];
  }
}

// The importance of the columns that each lane's block covers; 1 when it is not known.
INLINE void load_importance(
    const float *importance, size_t columns, size_t column, size_t have, int size, vf *panel) {
  float *to = (float *)panel;
  for (size_t lane = 0; lane < LANES; lane++) {
    const float *from =
        importance + (column + (lane < have ? lane : 0) * (size_t)size) % columns;
    for (int i = 0; i < size; i++) to[(size_t)i * LANES + lane] = from[i];
  }
}

INLINE vf largest_magnitude(const vf *x, int size) {
  vf peak = 0;
  for (int i = 0; i < size; i++) peak = greater(peak, magnitude(x[i]));
  return peak;
}

// The bits of a number that `half` gave.
INLINE uint16_t half_bits(float number) {
  uint32_t bits;
  memcpy(&bits, &number, 4);
  const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  const uint32_t size = bits & 0x7FFFFFFF;
  if (size >= 0x7F800000) return sign | 0x7C00;
  if (size >= 0x38800000) return sign | (uint16_t)((size >> 13) - (112 << 10));
  float positive;
  memcpy(&positive, &size, 4);
  return sign | (uint16_t)(positive * 0x1p24f);
}

// What a block that is too large gets.
static void emit_infinite(weightmill_block *found) {
  memset(found, 0, sizeof *found);
  found->d = 0x7C00;
}

typedef uint8_t bytes_of_lanes __attribute__((ext_vector_type(LANES)));

// Numbers lane by lane, as bytes.
INLINE void emit_number(vf n, int i, size_t have, weightmill_block *found) {
  const bytes_of_lanes bytes = __builtin_convertvector(__builtin_convertvector(n, vi), bytes_of_lanes);
  for (size_t lane = 0; lane < have; lane++) found[lane].numbers[i] = bytes[lane];
}
