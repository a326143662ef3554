#include "LatticePoints.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

// The Swift oracle (Quantization/Lattice/LatticeSearch.swift) says what is computed and why. Here a
// vector holds eight scales that are tried at once, or eight sub-blocks.

enum { CANDIDATES = 8 };

// Searches without and with signs to be turned; of points that are moved.
typedef void (*searcher)(const weightmill_lattice *, eight *);
typedef struct { searcher even, odd, moved; } searchers;

// For each sub-block the point sets found, with the sums that give their costs at any scale.
typedef struct {
  floats p[CANDIDATES][2], q[CANDIDATES][2], best[CANDIDATES][2];
  ints points[64];
  float highest;  // half more than the largest multiplier
} candidates;

typedef struct { ints multiplier[2], candidate[2]; } choice;

INLINE float at(const floats *values, int index) { return values[index / 8][index % 8]; }

INLINE float total(floats values) {
  const __attribute__((ext_vector_type(4))) float four = values.lo + values.hi;
  const __attribute__((ext_vector_type(2))) float two = four.lo + four.hi;
  return two.x + two.y;
}

// The multiplier under which a candidate costs least.
INLINE ints nearest_multiplier(floats best, float half_inverse, float highest) {
  const floats wanted = best * half_inverse;
  return __builtin_convertvector(wanted < highest ? wanted : (floats)highest, ints);
}

INLINE floats cost_with(floats scale, floats p, floats q) { return scale * (scale * q - (p + p)); }

INLINE floats cost_of(floats p, floats q, ints multiplier, float unit) {
  return cost_with(__builtin_convertvector(multiplier, floats) * (unit + unit) + unit, p, q);
}

// What the block costs with scales that are odd multiples of a unit.
INLINE float cost_under(const candidates *c, int vectors, float unit) {
  const float half_inverse = 0.5f / unit;
  floats sum = 0;
  for (int v = 0; v < vectors; v++) {
    floats least_cost = INFINITY;
    UNROLL for (int k = 0; k < CANDIDATES; k++) {
      const ints n = nearest_multiplier(c->best[k][v], half_inverse, c->highest);
      const floats cost = cost_of(c->p[k][v], c->q[k][v], n, unit);
      least_cost = cost < least_cost ? cost : least_cost;
    }
    sum += least_cost;
  }
  return total(sum);
}

// For each sub-block the multiplier and candidate of least cost.
INLINE choice choose(const candidates *c, int vectors, float unit) {
  const float half_inverse = 0.5f / unit;
  choice chosen;
  for (int v = 0; v < vectors; v++) {
    floats least_cost = INFINITY;
    ints multiplier = 0, candidate = 0;
    for (int k = 0; k < CANDIDATES; k++) {
      const ints n = nearest_multiplier(c->best[k][v], half_inverse, c->highest);
      const floats cost = cost_of(c->p[k][v], c->q[k][v], n, unit);
      const ints less = cost < least_cost;
      least_cost = less ? cost : least_cost;
      multiplier = less ? n : multiplier;
      candidate = less ? (ints)k : candidate;
    }
    chosen.multiplier[v] = multiplier;
    chosen.candidate[v] = candidate;
  }
  return chosen;
}

// The unit of least cost for what was chosen.
INLINE float fitted(const candidates *c, int vectors, const choice *chosen) {
  float p = 0, q = 0;
  for (int b = 0; b < 8 * vectors; b++) {
    const int k = chosen->candidate[b / 8][b % 8];
    const float m = (float)(2 * chosen->multiplier[b / 8][b % 8] + 1);
    p += m * at(c->p[k], b);
    q += m * m * at(c->q[k], b);
  }
  return p / q;
}

// The binary16 number nearest to one that is not negative; ties to even.
INLINE uint16_t half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  if (bits >= 0x477FF000) return 0x7C00;
  if (bits >= 0x38800000) return (uint16_t)((bits - 0x38000000 + 0xFFF + (bits >> 13 & 1)) >> 13);
  return (uint16_t)(value * 0x1p24f + 0x1p23f - 0x1p23f);
}

INLINE float half_value(uint16_t bits) {
  if (bits < 0x400) return (float)bits * 0x1p-24f;
  const uint32_t wide = ((uint32_t)bits << 13) + 0x38000000;
  float value;
  memcpy(&value, &wide, 4);
  return value;
}

typedef struct { uint16_t bits; float unit, cost; } trial;

typedef struct {
  const weightmill_lattice *lattice;
  const float *magnitudes, *weights;
  uint32_t odd;
  int vectors;
  float to_scale, to_unit;
  searchers search;
  candidates found;
} block;

// Costs are relative to that of a block of zeros.
INLINE trial attempt(const block *b, float unit) {
  uint16_t bits = half(unit * b->to_scale);
  if (bits > WEIGHTMILL_LARGEST_HALF) bits = WEIGHTMILL_LARGEST_HALF;
  if (bits == 0) return (trial){0, 0, 0};
  const float rounded = half_value(bits) * b->to_unit;
  return (trial){bits, rounded, cost_under(&b->found, b->vectors, rounded)};
}

INLINE trial improved(const block *b, trial best) {
  for (int round = 0; round < WEIGHTMILL_FITS && best.bits != 0; round++) {
    const choice chosen = choose(&b->found, b->vectors, best.unit);
    const trial next = attempt(b, fitted(&b->found, b->vectors, &chosen));
    if (!(next.cost < best.cost)) break;
    best = next;
  }
  return best;
}

// The best scale of points; 0 for points moved by delta that lie on the wrong side of 0.
INLINE floats best_scale(floats p, floats q) {
  const floats best = p / q;
  return best > 0 ? best : (floats)0;
}

INLINE void keep_candidates(block *b, int sub, floats p, floats q) {
  const floats best = best_scale(p, q);
  for (int i = 0; i < 8; i++) {
    b->found.p[i][sub / 8][sub % 8] = p[i];
    b->found.q[i][sub / 8][sub % 8] = q[i];
    b->found.best[i][sub / 8][sub % 8] = best[i];
  }
}

INLINE void load_eight(const block *b, int group, eight *e) {
  for (int i = 0; i < 8; i++) {
    e->weights[i] = b->weights[8 * group + i];
    e->products[i] = e->weights[i] * b->magnitudes[8 * group + i];
  }
}

INLINE void try_scales(block *b, int levels, int sub, floats scale) {
  const int values = b->lattice->values_per_scale;
  const int points = POINTS(levels);
  eight e = {.scale = scale, .odd = -1, .p = 0, .q = 0};
  for (int group = sub * values / 8; group < (sub + 1) * values / 8; group++) {
    load_eight(b, group, &e);
    (b->odd >> group & 1 ? b->search.odd : b->search.even)(b->lattice, &e);
    for (int i = 0; i < points; i++)
      b->found.points[group * points + i] = e.points[i] & ((1 << POINT_BITS) - 1);
  }
  keep_candidates(b, sub, e.p, e.q);
}

// The lanes, the first four and the last four in each other's place.
#define SWAPPED(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3)

// Four scales, each with points moved up (the first four lanes) and down. Where eight values have a delta
// of their own, the lane that costs less gives its points to the other one, too.
INLINE void try_moved(block *b, int sub, floats scale) {
  const int values = b->lattice->values_per_scale, is_own = b->lattice->values_per_delta == 8;
  floats p = 0, q = 0;
  eight e = {.scale = scale, .delta = {1, 1, 1, 1, -1, -1, -1, -1}};
  e.delta *= WEIGHTMILL_DELTA;
  for (int group = sub * values / 8; group < (sub + 1) * values / 8; group++) {
    e.p = e.q = 0;
    load_eight(b, group, &e);
    b->search.moved(b->lattice, &e);
    const floats cost = cost_with(scale, e.p, e.q), other = SWAPPED(cost);
    const ints is_other = is_own ? other < cost : (ints)0;
    p += is_other ? SWAPPED(e.p) : e.p;
    q += is_other ? SWAPPED(e.q) : e.q;
    b->found.points[group] = is_other ? SWAPPED(e.points[0]) : e.points[0];
  }
  keep_candidates(b, sub, p, q);
}

// The geometric mean of the largest value and the root mean square, times fixed factors.
INLINE floats first_scales(const block *b, int levels, int sub) {
  const int values = b->lattice->values_per_scale;
  float largest = 0, weight = 0, square = 0;
  for (int i = sub * values; i < (sub + 1) * values; i++) {
    const float magnitude = __builtin_fabsf(b->magnitudes[i]);
    if (magnitude > largest) largest = magnitude;
    weight += b->weights[i];
    square += b->weights[i] * magnitude * magnitude;
  }
  const float middle =
      __builtin_sqrtf(__builtin_sqrtf(square / weight) * largest) / b->lattice->level[levels - 1];
  floats factors;
  memcpy(&factors, b->lattice->trial, sizeof factors);
  return factors * (middle > 0 ? middle : 1);
}

INLINE float largest_best(const block *b) {
  float largest = 0;
  for (int sub = 0; sub < 8 * b->vectors; sub++) {
    float least_cost = 0, best = 0;
    for (int k = 0; k < CANDIDATES; k++) {
      const float scale = at(b->found.best[k], sub), cost = -(scale * at(b->found.p[k], sub));
      if (cost < least_cost) {
        least_cost = cost;
        best = scale;
      }
    }
    if (best > largest) largest = best;
  }
  return largest;
}

INLINE trial best_unit(const block *b) {
  trial best = {0, 0, 0};
  float unit = largest_best(b) * b->lattice->first_unit;
  for (int i = 0; i < WEIGHTMILL_UNITS; i++, unit *= b->lattice->unit_step) {
    const trial next = attempt(b, unit);
    if (next.cost < best.cost) best = next;
  }
  return improved(b, best);
}

// Eight values of each of eight sub-blocks.
INLINE void load_sub_blocks(const block *b, int first, int group, eight *e) {
  const int values = b->lattice->values_per_scale;
  for (int lane = 0; lane < 8; lane++) {
    const int index = (first + lane) * values + 8 * group;
    e->odd[lane] = -(int32_t)(b->odd >> (index / 8) & 1);
    for (int i = 0; i < 8; i++) {
      e->weights[i][lane] = b->weights[index + i];
      e->products[i][lane] = b->weights[index + i] * b->magnitudes[index + i];
    }
  }
}

// Searches the points of eight sub-blocks under the scale of each; adds to their sums.
INLINE void search_sub_blocks(block *b, int levels, int first, eight *e, ints *found) {
  const int groups = b->lattice->values_per_scale / 8, points = POINTS(levels);
  for (int group = 0; group < groups; group++) {
    load_sub_blocks(b, first, group, e);
    (b->lattice->parity ? b->search.odd : b->search.even)(b->lattice, e);
    for (int i = 0; i < points; i++)
      found[group * points + i] = e->points[i] & ((1 << POINT_BITS) - 1);
  }
}

// The same with points moved up and down; values that share a delta take what costs less.
INLINE void search_moved_sub_blocks(block *b, int first, eight *e, ints *found) {
  const int groups = b->lattice->values_per_scale / 8, shared = b->lattice->values_per_delta / 8;
  floats p = 0, q = 0;
  for (int start = 0; start < groups; start += shared) {
    floats way_p[2] = {0, 0}, way_q[2] = {0, 0};
    ints points[2][4];
    for (int way = 0; way < 2; way++) {
      e->delta = way ? -WEIGHTMILL_DELTA : WEIGHTMILL_DELTA;
      for (int group = 0; group < shared; group++) {
        e->p = e->q = 0;
        load_sub_blocks(b, first, start + group, e);
        b->search.moved(b->lattice, e);
        way_p[way] += e->p;
        way_q[way] += e->q;
        points[way][group] = e->points[0];
      }
    }
    const ints is_down =
        cost_with(e->scale, way_p[1], way_q[1]) < cost_with(e->scale, way_p[0], way_q[0]);
    for (int group = 0; group < shared; group++)
      found[start + group] = is_down ? points[1][group] : points[0][group];
    p += is_down ? way_p[1] : way_p[0];
    q += is_down ? way_q[1] : way_q[0];
  }
  e->p = p;
  e->q = q;
}

// Replaces the point sets that were chosen by the nearest points under the scales that were chosen.
INLINE void search_chosen(block *b, int levels, float unit) {
  const choice chosen = choose(&b->found, b->vectors, unit);
  const int groups = b->lattice->values_per_scale / 8, points = POINTS(levels);
  for (int v = 0; v < b->vectors; v++) {
    ints found[8];
    eight e = {.p = 0, .q = 0};
    e.scale = __builtin_convertvector(chosen.multiplier[v], floats) * (unit + unit) + unit;
    if (b->lattice->values_per_delta) search_moved_sub_blocks(b, 8 * v, &e, found);
    else search_sub_blocks(b, levels, 8 * v, &e, found);
    const floats best = best_scale(e.p, e.q), cost = cost_of(e.p, e.q, chosen.multiplier[v], unit);
    for (int lane = 0; lane < 8; lane++) {
      const int k = chosen.candidate[v][lane];
      floats *p = &b->found.p[k][v], *q = &b->found.q[k][v];
      if (!(cost[lane] < cost_of(*p, *q, chosen.multiplier[v], unit)[lane])) continue;
      (*p)[lane] = e.p[lane];
      (*q)[lane] = e.q[lane];
      b->found.best[k][v][lane] = best[lane];
      for (int i = 0; i < groups * points; i++)
        b->found.points[(8 * v + lane) * groups * points + i][k] = found[i][lane];
    }
  }
}

INLINE uint32_t write_block(
    const block *b, trial best, uint8_t *multipliers, uint16_t *points) {
  if (best.bits == 0) return 0;
  const choice chosen = choose(&b->found, b->vectors, best.unit);
  const int subs = 8 * b->vectors;
  const int count = (b->lattice->levels == 3 ? 32 : 64) / subs;
  for (int sub = 0; sub < subs; sub++) {
    const int k = chosen.candidate[sub / 8][sub % 8];
    multipliers[sub] = (uint8_t)chosen.multiplier[sub / 8][sub % 8];
    for (int i = sub * count; i < (sub + 1) * count; i++)
      points[i] = (uint16_t)b->found.points[i][k];
  }
  const float wanted = fitted(&b->found, b->vectors, &chosen) * b->to_scale;
  return best.bits | (half(wanted) > WEIGHTMILL_LARGEST_HALF ? WEIGHTMILL_OVERFLOWS : 0);
}

#define PARAMETERS \
  const weightmill_lattice *lattice, const float *magnitudes, const float *weights, uint32_t odd, \
      float to_scale, float to_unit, uint8_t *multipliers, uint16_t *points
#define ARGUMENTS \
  lattice, magnitudes, weights, odd, to_scale, to_unit, multipliers, points

INLINE uint32_t search_block(int levels, searchers search, PARAMETERS) {
  const int subs = 256 / lattice->values_per_scale;
  block b = {
      .lattice = lattice, .magnitudes = magnitudes, .weights = weights,
      .odd = lattice->parity ? odd : 0, .vectors = subs / 8,
      .to_scale = to_scale, .to_unit = to_unit, .search = search,
      .found.highest = (float)lattice->most + 0.5f};
  for (int sub = 0; sub < subs; sub++) {
    const floats scales = first_scales(&b, levels, sub);
    if (lattice->values_per_delta) try_moved(&b, sub, scales);
    else try_scales(&b, levels, sub, scales);
  }
  trial best = best_unit(&b);
  if (lattice->refines && best.bits != 0) {
    search_chosen(&b, levels, best.unit);
    best.cost = cost_under(&b.found, b.vectors, best.unit);
    best = improved(&b, best);
  }
  return write_block(&b, best, multipliers, points);
}

// The searches for one instruction set.
#define LEVEL(name, target) \
  target static void name##_even_3(const weightmill_lattice *lattice, eight *e) { \
    search_eight(lattice, 3, 0, e); \
  } \
  target static void name##_odd_3(const weightmill_lattice *lattice, eight *e) { \
    search_eight(lattice, 3, 1, e); \
  } \
  target static void name##_even_8(const weightmill_lattice *lattice, eight *e) { \
    search_eight(lattice, 8, 0, e); \
  } \
  target static void name##_odd_8(const weightmill_lattice *lattice, eight *e) { \
    search_eight(lattice, 8, 1, e); \
  } \
  target static void name##_moved(const weightmill_lattice *lattice, eight *e) { \
    search_moved(lattice, e); \
  } \
  target static uint32_t name(PARAMETERS) { \
    const searchers three = {name##_even_3, name##_odd_3, name##_moved}; \
    const searchers eight = {name##_even_8, name##_odd_8, 0}; \
    return lattice->levels == 3 \
        ? search_block(3, three, ARGUMENTS) : search_block(8, eight, ARGUMENTS); \
  }

LEVEL(portable, __attribute__((noinline)))
#if defined(__x86_64__)
LEVEL(avx2, __attribute__((noinline, target("avx2"))))
LEVEL(avx512, __attribute__((noinline, target("avx512f,avx512vl,avx512dq,avx512bw"))))
#endif

uint32_t weightmill_lattice_search(
    const weightmill_lattice *lattice, const float *magnitudes, const float *weights, uint32_t odd,
    float to_scale, float to_unit, int level, uint8_t *multipliers, uint16_t *points) {
#if defined(__x86_64__)
  if (level >= 2) return avx512(ARGUMENTS);
  if (level == 1) return avx2(ARGUMENTS);
#else
  (void)level;
#endif
  return portable(ARGUMENTS);
}
