#include "Levels.h"

int weightmill_level(void) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return WEIGHTMILL_LANES_16;
  if (__builtin_cpu_supports("avx2")) return WEIGHTMILL_LANES_8;
#endif
  return WEIGHTMILL_LANES_4;
}

static const level *functions(int number) {
#if defined(__x86_64__)
  if (number == WEIGHTMILL_LANES_16) return &weightmill_lanes_16;
  if (number == WEIGHTMILL_LANES_8) return &weightmill_lanes_8;
#endif
  (void)number;
  return &weightmill_lanes_4;
}

void weightmill_search(
    int type, int level, const float *values, const float *importance, size_t columns,
    size_t column, size_t blocks, weightmill_block *found) {
  const rows from = {values, importance, columns, column, blocks, 0};
  functions(level)->search(type, &from, found);
}

void weightmill_search_steps(
    int type, int level, const float *values, const float *importance, size_t columns,
    size_t column, size_t blocks, weightmill_block *found) {
  const rows from = {values, importance, columns, column, blocks, 1};
  functions(level)->search(type, &from, found);
}

void weightmill_carry(int level, const weightmill_carrying *at) { functions(level)->carry(at); }

void weightmill_settle(int level, const weightmill_carrying *at) { functions(level)->settle(at); }

void weightmill_carry_on(int level, const weightmill_carrying *at) {
  functions(level)->carry_on(at);
}

size_t weightmill_search_bytes(int level, const float *values, size_t blocks, uint8_t *found) {
  return functions(level)->search_bytes(values, blocks, found);
}

size_t weightmill_search_nibbles(int level, const float *values, size_t blocks, uint8_t *found) {
  return functions(level)->search_nibbles(values, blocks, found);
}

void weightmill_widen_halves(int level, const uint16_t *halves, size_t count, float *values) {
  functions(level)->widen_halves(halves, count, values);
}

void weightmill_add_halves(int level, void *sums, const void *addends, size_t count) {
  functions(level)->add_halves(sums, addends, count);
}

#define SYMMETRIC(NAME, SIZE, RULE, GUIDED_RULE) {{&RULE, 0}, {&GUIDED_RULE, 0}},
#define AFFINE(NAME, SIZE, RULE, GUIDED_RULE) {{0, &RULE}, {0, &GUIDED_RULE}},

weightmill_rule weightmill_rule_of(int type, int is_guided) {
  static const weightmill_rule rules[WEIGHTMILL_SEARCHES][2] = {
      WEIGHTMILL_FOR_SEARCHES(SYMMETRIC, AFFINE)};
  return rules[type][is_guided != 0];
}
