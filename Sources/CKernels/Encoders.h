// One function for each type and kind of guide. Included once for each level of instructions.
#pragma once

#include "HalfSums.h"
#include "Levels.h"
#include "Panels.h"
#include "Carrying.h"
#if defined(HAS_AVX512)
#include "WideShorts.h"
#else
#include "Shorts.h"
#endif

INLINE void emit_symmetric(
    const vf *x, const symmetric_rule *rule, const symmetric_answer *answer, size_t have,
    weightmill_block *found) {
  const vf peak = largest_magnitude(x, rule->parts * rule->size);
  for (size_t lane = 0; lane < have; lane++) {
    found[lane].d = half_bits(answer->stored[lane]);
    found[lane].dmin = 0;
    for (int b = 0; b < rule->parts; b++) {
      found[lane].scales[b] = (int8_t)answer->scale[b][lane];
      found[lane].minimums[b] = 0;
    }
  }
  for (int b = 0; b < rule->parts; b++) {
    const vf inv = inverse(answer->d * answer->scale[b]);
    for (int i = b * rule->size; i < (b + 1) * rule->size; i++)
      emit_number(stored_number(x[i] * inv, rule), i, have, found);
  }
  for (size_t lane = 0; lane < have; lane++)
    if (!(peak[lane] <= rule->limit)) emit_infinite(&found[lane]);
}

INLINE void emit_affine(
    const vf *x, const affine_rule *rule, const affine_answer *answer, size_t have,
    weightmill_block *found) {
  const vf peak = largest_magnitude(x, rule->parts * rule->size);
  for (size_t lane = 0; lane < have; lane++) {
    found[lane].d = half_bits(answer->stored[lane]);
    found[lane].dmin = half_bits(answer->stored_dmin[lane]);
    for (int b = 0; b < rule->parts; b++) {
      found[lane].scales[b] = (int8_t)answer->scale[b][lane];
      found[lane].minimums[b] = (int8_t)answer->minimum[b][lane];
    }
  }
  for (int b = 0; b < rule->parts; b++) {
    const vf inv = inverse(answer->d * answer->scale[b]);
    const vf shift = answer->dmin * answer->minimum[b] * inv;
    for (int i = b * rule->size; i < (b + 1) * rule->size; i++)
      emit_number(nearest_within(x[i] * inv + shift, 0, rule->high), i, have, found);
  }
  for (size_t lane = 0; lane < have; lane++)
    if (!(peak[lane] <= rule->limit)) emit_infinite(&found[lane]);
}

// The panels of rows, one after the other, with their weights.
#define FOR_PANELS(SIZE, SEARCH)                                                               \
  vf x[SIZE], w[SIZE];                                                                         \
  for (size_t block = 0; block < from->blocks; block += LANES) {                               \
    const size_t left = from->blocks - block, have = left < LANES ? left : LANES;              \
    load_panel(from->values + block * SIZE, have, SIZE, x);                                    \
    if (from->importance)                                                                      \
      load_importance(                                                                         \
          from->importance, from->columns, from->column + block * SIZE, have, SIZE, w);        \
    SEARCH                                                                                     \
  }

#define SYMMETRIC(NAME, SIZE, RULE, IS_GUIDED)                                                 \
  static void NAME(const rows *from, weightmill_block *found) {                                \
    FOR_PANELS(SIZE, {                                                                         \
      symmetric_answer answer;                                                                 \
      search_symmetric(                                                                        \
          x, IS_GUIDED ? w : 0, &RULE, from->keeps_steps ? 0 : RULE.stretch, &answer);         \
      emit_symmetric(x, &RULE, &answer, have, found + block);                                  \
    })                                                                                         \
  }

#define AFFINE(NAME, SIZE, RULE, IS_GUIDED)                                                    \
  static void NAME(const rows *from, weightmill_block *found) {                                \
    FOR_PANELS(SIZE, {                                                                         \
      affine_answer answer;                                                                    \
      search_affine(                                                                           \
          x, IS_GUIDED ? w : 0, &RULE, from->keeps_steps ? 0 : RULE.stretch, &answer);         \
      emit_affine(x, &RULE, &answer, have, found + block);                                     \
    })                                                                                         \
  }

#define BOTH_SYMMETRIC(NAME, SIZE, RULE, GUIDED_RULE)                                          \
  SYMMETRIC(search_##NAME##_alone, SIZE, RULE, 0)                                              \
  SYMMETRIC(search_##NAME##_guided, SIZE, GUIDED_RULE, 1)

#define BOTH_AFFINE(NAME, SIZE, RULE, GUIDED_RULE)                                             \
  AFFINE(search_##NAME##_alone, SIZE, RULE, 0)                                                 \
  AFFINE(search_##NAME##_guided, SIZE, GUIDED_RULE, 1)

WEIGHTMILL_FOR_SEARCHES(BOTH_SYMMETRIC, BOTH_AFFINE)

#define ENTRY(NAME, SIZE, RULE, GUIDED_RULE)                                                   \
  {search_##NAME##_alone, search_##NAME##_guided},

static void search_rows(int type, const rows *from, weightmill_block *found) {
  typedef void (*block_search)(const rows *from, weightmill_block *found);
  static const block_search searches[WEIGHTMILL_SEARCHES][2] = {
      WEIGHTMILL_FOR_SEARCHES(ENTRY, ENTRY)};
  searches[type][from->importance != 0](from, found);
}
