// Inputs that are the same on every machine, and digests of what kernels make of them.
#pragma once

#include "CKernels.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Inputs would differ otherwise: arm64 has fused multiply-adds wherever it may, and they round once.
#pragma STDC FP_CONTRACT OFF

// How many levels of instructions there are at most.
enum { LEVELS = 3 };

// MARK: Inputs

// SplitMix64.
typedef struct { uint64_t state; } generator;

static inline uint32_t next_bits(generator *from) {
  uint64_t z = from->state += 0x9E3779B97F4A7C15;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return (uint32_t)((z ^ z >> 31) >> 32);
}

// From -1 to 1, without the C library.
static inline float next_number(generator *from) {
  return (float)((int32_t)next_bits(from) >> 8) * 0x1p-23f;
}

// What values look like.
typedef enum {
  BELL,      // sums of four even ones: as weights are
  SPIKES,    // one in 32 is sixteen times as large
  TIES,      // multiples of 1/8: much lies half way between two numbers
  SPARSE,    // three in four are zero; so are whole blocks
  TINY,      // subnormal numbers, and scales that binary16 has no number for
  HUGE_ONES, // up to 2^126: blocks that are too large for their type
  KINDS,
} kind;

static const char *const kind_names[KINDS] = {
    "bell", "spikes", "ties", "sparse", "tiny", "huge"};

static inline void fill(float *values, size_t count, kind of, uint64_t seed) {
  generator from = {seed};
  for (size_t i = 0; i < count; i++) {
    float value = 0;
    for (int term = 0; term < 4; term++) value += next_number(&from);
    const uint32_t choice = next_bits(&from) >> 16;
    switch (of) {
      case SPIKES: value *= choice % 32 == 0 ? 16.0f : 1.0f; break;
      case TIES: value = (float)(int32_t)(value * 32) * 0.125f; break;
      case SPARSE: value *= choice % 4 == 0 && i / 256 % 3 != 1 ? 1.0f : 0.0f; break;
      case TINY: value *= choice % 2 == 0 ? 0x1p-130f : 0x1p-24f; break;
      case HUGE_ONES: value *= choice % 8 == 0 ? 0x1p124f : 0x1p12f; break;
      default: break;
    }
    values[i] = value;
  }
}

// Importance: positive, over five powers of ten, a few columns without any.
static inline void fill_importance(float *values, size_t count, uint64_t seed) {
  generator from = {seed};
  for (size_t i = 0; i < count; i++) {
    const float number = next_number(&from), square = number * number;
    values[i] = next_bits(&from) % 16 == 0 ? 0 : square * square * 100 + 0x1p-20f;
  }
}

// MARK: Digests

// FNV-1a.
static const uint64_t EMPTY_DIGEST = 0xCBF29CE484222325;

static inline void add_bytes(uint64_t *digest, const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) *digest = (*digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3;
}

// All that is no number counts as the same: processors make different ones.
static inline void add_floats(uint64_t *digest, const float *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const float value = values[i] == values[i] ? values[i] : 0x1p-140f;
    add_bytes(digest, &value, sizeof value);
  }
}

static inline void add_doubles(uint64_t *digest, const double *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double value = values[i] == values[i] ? values[i] : 0x1p-1060;
    add_bytes(digest, &value, sizeof value);
  }
}

// Prints a line for a case; levels that differ are an error.
void report(const char *name, const uint64_t digests[LEVELS], int levels);

// MARK: Cases

void digest_encoders(void);
void digest_carrying(void);
void digest_halves(void);
void digest_sums(void);
void digest_lattices(void);
void digest_forward(void);
