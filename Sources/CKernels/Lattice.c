#include "Lattice.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF
// Vectors are passed to functions that are always inlined.
#pragma clang diagnostic ignored "-Wpsabi"

// The Swift oracle (Quantization/Lattice/LatticeSearch.swift) says what is computed and why. Here a
// vector holds eight scales tried at once, or eight sub-blocks.
typedef float floats __attribute__((ext_vector_type(8)));
typedef int32_t ints __attribute__((ext_vector_type(8)));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

enum {
  MAX_NODES = 192,   // patterns of half a point, and shared minima
  PATTERN_BITS = 7,  // of a cost hold a half's pattern
  POINT_BITS = 14,
  CANDIDATES = 8,
};

// MARK: The nearest point, exactly, at eight scales

INLINE ints least(ints a, ints b) { return __builtin_elementwise_min(a, b); }

// A cost as a whole number, with room for the number of a point below it.
INLINE ints whole(floats cost) { return __builtin_convertvector(cost, ints) << POINT_BITS; }

// Costs are found by the offset of their vector in bytes: one instruction less.
INLINE ints cost_at(const ints *costs, uint16_t offset) {
  return *(const ints *)((const char *)costs + offset);
}

INLINE ints least_member(const ints *costs, const uint16_t *members, int count) {
  ints a = cost_at(costs, members[0]);
  if (count == 1) return a;
  ints b = cost_at(costs, members[1]);
  UNROLL for (int i = 2; i < count; i++) {
    if (i & 1) b = least(cost_at(costs, members[i]), b);
    else a = least(cost_at(costs, members[i]), a);
  }
  return least(a, b);
}

// Costs of both halves' patterns; those of second halves are followed by shared minima. `turned`:
// with the sign of one value turned, that which costs least.
typedef struct {
  ints low[9], high[9], turned_low[9], turned_high[9];
  ints second[MAX_NODES], turned_second[MAX_NODES];
} tables;

typedef struct { ints kept, turned; } nearest;

// First halves that go with `count` second halves or shared minima each.
INLINE void join(
    const weightmill_lattice *lattice, int count, int odd, const tables *t,
    const uint16_t **members, nearest *best) {
  const uint16_t *at = *members;
  ints kept = best->kept, turned = best->turned;
  for (int i = lattice->ends[count - 1]; i < lattice->ends[count]; i++, at += count) {
    const int low = lattice->firsts[i] & 15, high = lattice->firsts[i] >> 4;
    const ints first = t->low[low] + t->high[high];
    const ints other = least_member(t->second, at, count);
    kept = least(kept, first + other);
    if (odd) {
      const ints turned_other = least_member(t->turned_second, at, count);
      turned = least(turned, first + turned_other);
      turned = least(turned, t->turned_low[low] + t->high[high] + other);
      turned = least(turned, t->low[low] + t->turned_high[high] + other);
    }
  }
  *members = at;
  *best = (nearest){kept, turned};
}

// A digit is what one level of a point of four, or two of a point of eight, add to a pattern.
INLINE void digit_costs(
    const weightmill_lattice *lattice, int levels, int digit, int odd, const float *weights,
    const float *products, floats square, floats twice, ints *costs, ints *turned) {
  const int place = (digit < 2 ? 1 << PATTERN_BITS : 1) * (digit & 1 ? (levels == 3 ? 9 : 8) : 1);
  const int dims = levels == 3 ? 2 : 1;
  ints cost[2][8], turn[2][8];
  UNROLL for (int dim = 0; dim < dims; dim++) {
    const int value = digit * dims + dim;
    const floats w = square * weights[value], p = twice * products[value];
    cost[dim][0] = 0;
    UNROLL for (int i = 1; i < levels; i++) {
      const floats relative = w * lattice->square_above[i] - p * lattice->level_above[i];
      cost[dim][i] = whole(relative) + i * place * (dim ? 3 : 1);
    }
    if (odd) UNROLL for (int i = 0; i < levels; i++)
      turn[dim][i] = whole(p * lattice->twice_level[i]);
  }
  if (dims == 1) {
    UNROLL for (int i = 0; i < levels; i++) {
      costs[i] = cost[0][i];
      if (odd) turned[i] = cost[0][i] + turn[0][i];
    }
  } else {
    UNROLL for (int i = 0; i < 9; i++) {
      costs[i] = cost[0][i % 3] + cost[1][i / 3];
      if (odd) turned[i] = costs[i] + least(turn[0][i % 3], turn[1][i / 3]);
    }
  }
}

INLINE void half_costs(
    int digits, int odd, ints low[9], ints high[9], ints turned_low[9], ints turned_high[9],
    ints *costs, ints *turned) {
  UNROLL for (int i = 0; i < digits; i++)
    UNROLL for (int j = 0; j < digits; j++) {
      costs[i * digits + j] = high[i] + low[j];
      if (odd) turned[i * digits + j] = least(high[i] + turned_low[j], turned_high[i] + low[j]);
    }
}

INLINE nearest search_point(
    const weightmill_lattice *lattice, int levels, int odd, const float *weights,
    const float *products, floats square, floats twice) {
  const int digits = levels == 3 ? 9 : 8;
  tables t;
  ints low[9], high[9], turned_low[9], turned_high[9];
  digit_costs(lattice, levels, 0, odd, weights, products, square, twice, t.low, t.turned_low);
  digit_costs(lattice, levels, 1, odd, weights, products, square, twice, t.high, t.turned_high);
  digit_costs(lattice, levels, 2, odd, weights, products, square, twice, low, turned_low);
  digit_costs(lattice, levels, 3, odd, weights, products, square, twice, high, turned_high);
  half_costs(digits, odd, low, high, turned_low, turned_high, t.second, t.turned_second);
  for (int i = 0; i < lattice->shared; i++) {
    const int node = digits * digits + i, a = lattice->pairs[2 * i], b = lattice->pairs[2 * i + 1];
    t.second[node] = least(cost_at(t.second, a), cost_at(t.second, b));
    if (odd)
      t.turned_second[node] = least(cost_at(t.turned_second, a), cost_at(t.turned_second, b));
  }
  nearest best = {(ints)INT32_MAX, (ints)INT32_MAX};
  const uint16_t *members = lattice->members;
  UNROLL for (int count = 1; count <= WEIGHTMILL_MEMBERS; count++)
    join(lattice, count, odd, &t, &members, &best);
  return best;
}

// MARK: Eight scales for one sub-block

typedef struct { floats p, q; } sums;

// The level of a value of a point, from the number of the point.
INLINE ints level_index(int levels, ints point, int value) {
  if (levels == 8) {
    return point >> (value < 2 ? PATTERN_BITS + 3 * value : 3 * (value - 2)) & 7;
  }
  const ints pattern = (value < 4 ? point >> PATTERN_BITS : point) & 127;
  const ints ninth = pattern * 57 >> 9, digit = value & 2 ? ninth : pattern - 9 * ninth;
  const ints third = digit * 11 >> 5;
  return value & 1 ? third : digit - 3 * third;
}

INLINE floats level_value(const weightmill_lattice *lattice, int levels, ints index) {
  if (levels == 8)
    return lattice->level[0]
        + (lattice->level[1] - lattice->level[0]) * __builtin_convertvector(index, floats);
  return index == 0 ? (floats)lattice->level[0]
      : index == 1 ? (floats)lattice->level[1] : (floats)lattice->level[2];
}

INLINE void search_eight(
    const weightmill_lattice *lattice, int levels, int odd, const float *magnitudes,
    const float *weights, floats scale, sums *sum, ints *points) {
  float products[8], weight = 0, product = 0;
  for (int i = 0; i < 8; i++) {
    products[i] = weights[i] * magnitudes[i];
    weight += weights[i];
    product += products[i];
  }
  const float low = lattice->level[0], high = lattice->level[levels - 1];
  floats square = scale * scale, twice = scale + scale;
  const floats largest =
      square * ((high * high - low * low) * weight) + twice * ((high + low) * product);
  const floats unit = WEIGHTMILL_COST_RANGE / largest;
  square *= unit;
  twice *= unit;
  if (levels == 3) {
    const nearest best = search_point(lattice, 3, odd, weights, products, square, twice);
    points[0] = odd ? best.turned : best.kept;
  } else {
    const nearest a = search_point(lattice, 8, odd, weights, products, square, twice);
    const nearest b = search_point(lattice, 8, odd, weights + 4, products + 4, square, twice);
    points[0] = a.kept;
    points[1] = b.kept;
    if (odd) {
      const ints in_first = (a.turned >> POINT_BITS) + (b.kept >> POINT_BITS);
      const ints in_second = (a.kept >> POINT_BITS) + (b.turned >> POINT_BITS);
      const ints choice = in_first <= in_second;
      points[0] = choice ? a.turned : a.kept;
      points[1] = choice ? b.kept : b.turned;
    }
  }
  floats turn = INFINITY;
  UNROLL for (int i = 0; i < 8; i++) {
    const ints point = levels == 3 ? points[0] : points[i / 4];
    const floats level =
        level_value(lattice, levels, level_index(levels, point, levels == 3 ? i : i % 4));
    const floats product = level * products[i];
    sum->p += product;
    sum->q += (level * level) * weights[i];
    if (odd) turn = product < turn ? product : turn;
  }
  if (odd) sum->p -= turn + turn;
}

// MARK: The block's scale

// For each sub-block the point sets found, with the sums that give their costs at any scale.
typedef struct {
  floats p[CANDIDATES][2], q[CANDIDATES][2], best[CANDIDATES][2];
  ints points[64];
} candidates;

typedef struct { ints multiplier[2], candidate[2]; } choice;

INLINE float at(const floats *values, int place) { return values[place / 8][place % 8]; }

INLINE float total(floats values) {
  const __attribute__((ext_vector_type(4))) float four = values.lo + values.hi;
  const __attribute__((ext_vector_type(2))) float two = four.lo + four.hi;
  return two.x + two.y;
}

// The multiplier under which a candidate costs least.
INLINE ints nearest_multiplier(floats best, float half_inverse) {
  const floats wanted = best * half_inverse;
  return __builtin_convertvector(wanted < 15.5f ? wanted : (floats)15.5f, ints);
}

INLINE floats cost_of(floats p, floats q, ints multiplier, float unit) {
  const floats scale = __builtin_convertvector(multiplier, floats) * (unit + unit) + unit;
  return scale * (scale * q - (p + p));
}

// What the block costs with scales that are odd multiples of a unit.
INLINE float cost_under(const candidates *c, int vectors, float unit) {
  const float half_inverse = 0.5f / unit;
  floats sum = 0;
  for (int v = 0; v < vectors; v++) {
    floats least_cost = INFINITY;
    UNROLL for (int k = 0; k < CANDIDATES; k++) {
      const ints n = nearest_multiplier(c->best[k][v], half_inverse);
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
      const ints n = nearest_multiplier(c->best[k][v], half_inverse);
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

INLINE void try_scales(block *b, int levels, int sub, floats scale) {
  const int values = b->lattice->values_per_scale;
  const int points = levels == 3 ? 1 : 2;
  sums sum = {0, 0};
  for (int group = 0; group < values / 8; group++) {
    const int place = sub * values / 8 + group;
    const float *magnitudes = b->magnitudes + 8 * place, *weights = b->weights + 8 * place;
    ints found[2];
    if (b->odd >> place & 1)
      search_eight(b->lattice, levels, 1, magnitudes, weights, scale, &sum, found);
    else
      search_eight(b->lattice, levels, 0, magnitudes, weights, scale, &sum, found);
    for (int i = 0; i < points; i++)
      b->found.points[place * points + i] = found[i] & ((1 << POINT_BITS) - 1);
  }
  const floats best = sum.p / sum.q;
  for (int i = 0; i < 8; i++) {
    b->found.p[i][sub / 8][sub % 8] = sum.p[i];
    b->found.q[i][sub / 8][sub % 8] = sum.q[i];
    b->found.best[i][sub / 8][sub % 8] = best[i];
  }
}

// The geometric mean of the largest value and the root mean square, times fixed factors.
INLINE floats first_scales(const block *b, int levels, int sub) {
  const int values = b->lattice->values_per_scale;
  float largest = 0, weight = 0, square = 0;
  for (int i = sub * values; i < (sub + 1) * values; i++) {
    const float magnitude = b->magnitudes[i];
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

INLINE uint32_t search_block(int levels, PARAMETERS) {
  const int subs = 256 / lattice->values_per_scale;
  block b = {
      .lattice = lattice, .magnitudes = magnitudes, .weights = weights,
      .odd = lattice->parity ? odd : 0, .vectors = subs / 8,
      .to_scale = to_scale, .to_unit = to_unit};
  for (int sub = 0; sub < subs; sub++) try_scales(&b, levels, sub, first_scales(&b, levels, sub));
  return write_block(&b, best_unit(&b), multipliers, points);
}

INLINE uint32_t search(PARAMETERS) {
  return lattice->levels == 3 ? search_block(3, ARGUMENTS) : search_block(8, ARGUMENTS);
}

static uint32_t portable(PARAMETERS) { return search(ARGUMENTS); }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint32_t avx2(PARAMETERS) { return search(ARGUMENTS); }

__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw"))) static uint32_t avx512(PARAMETERS) {
  return search(ARGUMENTS);
}
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
