// Error feedback within a group of columns: 16 rows of weights side by side, `[column][16]`.
//
// A column is rounded, and what it lost goes, times a factor for each, into the columns that follow. The
// steps of every part of a block are known by then.
#pragma once

#include "Lanes.h"
#include "Symmetric.h"

// Products and sums are rounded one by one, so that every level gives the same bits.
INLINE void carry_lanes(const weightmill_carrying *at, size_t lane) {
  const symmetric_rule rule = {.low = at->low, .high = at->high, .uneven = at->uneven};
  for (size_t j = 0; j < at->width; j++) {
    const size_t part = j / at->part * WEIGHTMILL_PANEL + lane, here = j * WEIGHTMILL_PANEL + lane;
    const vf step = *(const vf *)(at->steps + part), offset = *(const vf *)(at->offsets + part);
    const vf units = (*(const vf *)(at->values + here) + offset) * inverse(step);
    const vf chosen = number(units, &rule), stored = stored_number(units, &rule);
    const bytes_of_lanes bytes =
        __builtin_convertvector(__builtin_convertvector(stored, vi), bytes_of_lanes);
    memcpy(at->numbers + here, &bytes, LANES);
    const vf error = *(const vf *)(at->targets + here) - (step * chosen - offset);
    *(vf *)(at->errors + here) = error;
    const float *factors = at->factors + j * at->stride;
    for (size_t k = j + 1; k < at->end; k++) {
      vf *later = (vf *)(at->values + k * WEIGHTMILL_PANEL + lane);
      *later = *later + error * factors[k];
    }
  }
}

// What values come to in a block of which nothing is rounded: each makes up for what earlier ones do.
static void settle(const weightmill_carrying *at) {
  for (size_t lane = 0; lane < WEIGHTMILL_PANEL; lane += LANES)
    for (size_t j = 0; j < at->width; j++) {
      const size_t here = j * WEIGHTMILL_PANEL + lane;
      const vf error = *(const vf *)(at->targets + here) - *(const vf *)(at->values + here);
      const float *factors = at->factors + j * at->stride;
      for (size_t k = j + 1; k < at->width; k++) {
        vf *later = (vf *)(at->values + k * WEIGHTMILL_PANEL + lane);
        *later = *later + error * factors[k];
      }
    }
}

static void carry(const weightmill_carrying *at) {
  for (size_t lane = 0; lane < WEIGHTMILL_PANEL; lane += LANES) carry_lanes(at, lane);
}

// What the errors of columns that are written whole, by another encoder, leave to those that follow.
static void carry_on(const weightmill_carrying *at) {
  for (size_t lane = 0; lane < WEIGHTMILL_PANEL; lane += LANES)
    for (size_t j = 0; j < at->width; j++) {
      const vf error = *(const vf *)(at->errors + j * WEIGHTMILL_PANEL + lane);
      const float *factors = at->factors + j * at->stride;
      for (size_t k = at->width; k < at->end; k++) {
        vf *later = (vf *)(at->values + k * WEIGHTMILL_PANEL + lane);
        *later = *later + error * factors[k];
      }
    }
}
