// What each level of instructions provides.
#pragma once

#include "CKernels.h"

typedef struct {
  const float *values, *importance;
  size_t columns, column, blocks;
  int keeps_steps;
} rows;

typedef struct {
  void (*search)(int type, const rows *from, weightmill_block *found);
  size_t (*search_bytes)(const float *values, size_t blocks, uint8_t *found);
  size_t (*search_nibbles)(const float *values, size_t blocks, uint8_t *found);
  void (*widen_halves)(const uint16_t *halves, size_t count, float *values);
  void (*add_halves)(void *sums, const void *addends, size_t count);
  void (*carry)(const weightmill_carrying *at);
  void (*carry_on)(const weightmill_carrying *at);
  void (*settle)(const weightmill_carrying *at);
} level;

extern const level weightmill_lanes_4;
#if defined(__x86_64__)
extern const level weightmill_lanes_8, weightmill_lanes_16;
#endif
