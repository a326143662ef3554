// The nearest points of eight values under a scale, in eight lanes at once: `search_eight`. For
// Lattice.c only.
#pragma once

#include "Lattice.h"

#include <math.h>

#pragma STDC FP_CONTRACT OFF
// Vectors are passed to functions that are always inlined.
#pragma clang diagnostic ignored "-Wpsabi"

typedef float floats __attribute__((ext_vector_type(8)));
typedef int32_t ints __attribute__((ext_vector_type(8)));

// No products of smaller scales are taken: they would be 0. Only blocks that overflow have such.
#define LEAST_SCALE 0x1p-40f

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

enum {
  MAX_NODES = 320,   // patterns of halves of points, and shared minima
  PATTERN_BITS = 7,  // of a cost hold a half's pattern
  POINT_BITS = 14,
};

INLINE ints least(ints a, ints b) { return __builtin_elementwise_min(a, b); }

// A cost as a whole number, with room for the number of a point below it.
INLINE ints whole(floats cost) { return __builtin_convertvector(cost, ints) << POINT_BITS; }

// Eight values are one point or two. Tables of both lie interleaved, so that what must be loaded to
// find a cost is loaded once.
#define POINTS(levels) ((levels) == 3 ? 1 : 2)

// Costs are found by the offset of their vector in bytes: one instruction less.
INLINE ints cost_at(const ints *costs, int points, int point, uint16_t offset) {
  return *(const ints *)((const char *)costs + points * offset + sizeof(ints) * point);
}

INLINE ints least_member(
    const ints *costs, int points, int point, const uint16_t *members, int count) {
  ints a = cost_at(costs, points, point, members[0]);
  if (count == 1) return a;
  ints b = cost_at(costs, points, point, members[1]);
  UNROLL for (int i = 2; i < count; i++) {
    if (i & 1) b = least(cost_at(costs, points, point, members[i]), b);
    else a = least(cost_at(costs, points, point, members[i]), a);
  }
  return least(a, b);
}

// Costs of both halves' patterns; those of second halves are followed by shared minima. `turned`:
// with the sign of one value turned, that which costs least.
typedef struct {
  ints low[18], high[18], turned_low[18], turned_high[18];
  ints second[MAX_NODES], turned_second[MAX_NODES];
} tables;

typedef struct { ints kept, turned; } nearest;

// First halves that go with `count` second halves or shared minima each.
INLINE void join(
    const weightmill_lattice *lattice, int points, int count, int odd, const tables *t,
    const uint16_t **members, nearest *best) {
  const uint16_t *at = *members;
  nearest found[2] = {best[0], best[points - 1]};
  for (int i = lattice->ends[count - 1]; i < lattice->ends[count]; i++, at += count) {
    const int low = (lattice->firsts[i] & 15) * points, high = (lattice->firsts[i] >> 4) * points;
    UNROLL for (int k = 0; k < points; k++) {
      const ints first = t->low[low + k] + t->high[high + k];
      const ints other = least_member(t->second, points, k, at, count);
      found[k].kept = least(found[k].kept, first + other);
      if (!odd) continue;
      const ints turned_other = least_member(t->turned_second, points, k, at, count);
      const ints turned_first = least(
          t->turned_low[low + k] + t->high[high + k], t->low[low + k] + t->turned_high[high + k]);
      found[k].turned = least(found[k].turned, least(first + turned_other, turned_first + other));
    }
  }
  *members = at;
  UNROLL for (int k = 0; k < points; k++) best[k] = found[k];
}

// A digit is what one level of a point of four, or two of a point of eight, add to a pattern.
INLINE void digit_costs(
    const weightmill_lattice *lattice, int levels, int digit, int odd, const floats *weights,
    const floats *products, floats square, floats twice, int points, ints *costs, ints *turned) {
  const int step = (digit < 2 ? 1 << PATTERN_BITS : 1) * (digit & 1 ? (levels == 3 ? 9 : 8) : 1);
  const int dims = levels == 3 ? 2 : 1;
  ints cost[2][8], turn[2][8];
  UNROLL for (int dim = 0; dim < dims; dim++) {
    const int value = digit * dims + dim;
    const floats w = square * weights[value], p = twice * products[value];
    cost[dim][0] = 0;
    UNROLL for (int i = 1; i < levels; i++) {
      const floats relative = w * lattice->square_above[i] - p * lattice->level_above[i];
      cost[dim][i] = whole(relative) + i * step * (dim ? 3 : 1);
    }
    if (odd) UNROLL for (int i = 0; i < levels; i++)
      turn[dim][i] = whole(p * lattice->twice_level[i]);
  }
  if (dims == 1) {
    UNROLL for (int i = 0; i < levels; i++) {
      costs[i * points] = cost[0][i];
      if (odd) turned[i * points] = cost[0][i] + turn[0][i];
    }
  } else {
    UNROLL for (int i = 0; i < 9; i++) {
      costs[i * points] = cost[0][i % 3] + cost[1][i / 3];
      if (odd) turned[i * points] = costs[i * points] + least(turn[0][i % 3], turn[1][i / 3]);
    }
  }
}

INLINE void half_costs(
    int digits, int points, int odd, const ints *low, const ints *high, const ints *turned_low,
    const ints *turned_high, ints *costs, ints *turned) {
  UNROLL for (int i = 0; i < digits; i++)
    UNROLL for (int j = 0; j < digits; j++) {
      const int at = (i * digits + j) * points, a = i * points, b = j * points;
      costs[at] = high[a] + low[b];
      if (odd) turned[at] = least(high[a] + turned_low[b], turned_high[a] + low[b]);
    }
}

INLINE void share(
    const weightmill_lattice *lattice, int points, int patterns, ints *costs) {
  ints *next = costs + patterns * points;
  for (int i = 0; i < lattice->shared; i++, next += points) {
    const int a = lattice->pairs[2 * i], b = lattice->pairs[2 * i + 1];
    UNROLL for (int k = 0; k < points; k++)
      next[k] = least(cost_at(costs, points, k, a), cost_at(costs, points, k, b));
  }
}

INLINE void search_points(
    const weightmill_lattice *lattice, int levels, int odd, const floats *weights,
    const floats *products, floats square, floats twice, nearest *best) {
  const int digits = levels == 3 ? 9 : 8, points = POINTS(levels);
  tables t;
  ints low[18], high[18], turned_low[18], turned_high[18];
  UNROLL for (int k = 0; k < points; k++) {
    const floats *w = weights + 4 * k, *p = products + 4 * k;
    digit_costs(lattice, levels, 0, odd, w, p, square, twice, points, t.low + k, t.turned_low + k);
    digit_costs(
        lattice, levels, 1, odd, w, p, square, twice, points, t.high + k, t.turned_high + k);
    digit_costs(lattice, levels, 2, odd, w, p, square, twice, points, low + k, turned_low + k);
    digit_costs(lattice, levels, 3, odd, w, p, square, twice, points, high + k, turned_high + k);
    half_costs(
        digits, points, odd, low + k, high + k, turned_low + k, turned_high + k, t.second + k,
        t.turned_second + k);
    best[k] = (nearest){(ints)INT32_MAX, (ints)INT32_MAX};
  }
  share(lattice, points, digits * digits, t.second);
  if (odd) share(lattice, points, digits * digits, t.turned_second);
  const uint16_t *members = lattice->members;
  UNROLL for (int count = 1; count <= WEIGHTMILL_MEMBERS; count++)
    join(lattice, points, count, odd, &t, &members, best);
}

// MARK: Eight values

// Eight values in each lane: the same under eight scales, or those of eight sub-blocks.
typedef struct {
  floats weights[8], products[8], scale;
  // Lanes in which an odd number of signs must change.
  ints odd;
  // How far points with signs of their own are moved.
  floats delta;
  // What was found; the sums are added to.
  floats p, q;
  ints points[2];
} eight;

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
  if (levels == 8) {
    const floats even = lattice->level[0]
        + (lattice->level[1] - lattice->level[0]) * __builtin_convertvector(index, floats);
    return index == 7 ? (floats)lattice->level[7] : even;
  }
  return index == 0 ? (floats)lattice->level[0]
      : index == 1 ? (floats)lattice->level[1] : (floats)lattice->level[2];
}

INLINE void nearest_points(
    const weightmill_lattice *lattice, int levels, int odd, eight *e, floats square,
    floats twice) {
  nearest found[2];
  search_points(lattice, levels, odd, e->weights, e->products, square, twice, found);
  if (levels == 3) {
    e->points[0] = odd ? (e->odd ? found[0].turned : found[0].kept) : found[0].kept;
    return;
  }
  e->points[0] = found[0].kept;
  e->points[1] = found[1].kept;
  if (!odd) return;
  const ints in_first = (found[0].turned >> POINT_BITS) + (found[1].kept >> POINT_BITS);
  const ints in_second = (found[0].kept >> POINT_BITS) + (found[1].turned >> POINT_BITS);
  const ints first = e->odd & (in_first <= in_second), second = e->odd & ~first;
  e->points[0] = first ? found[0].turned : found[0].kept;
  e->points[1] = second ? found[1].turned : found[1].kept;
}

INLINE void search_eight(const weightmill_lattice *lattice, int levels, int odd, eight *e) {
  floats weight = 0, product = 0;
  for (int i = 0; i < 8; i++) {
    weight += e->weights[i];
    product += e->products[i];
  }
  const float low = lattice->level[0], high = lattice->level[levels - 1];
  const floats scale = e->scale < LEAST_SCALE ? (floats)LEAST_SCALE : e->scale;
  const floats square = scale * scale, twice = scale + scale;
  const floats largest =
      square * ((high * high - low * low) * weight) + twice * ((high + low) * product);
  const floats unit = WEIGHTMILL_COST_RANGE / largest;
  nearest_points(lattice, levels, odd, e, square * unit, twice * unit);
  floats turn = INFINITY;
  UNROLL for (int i = 0; i < 8; i++) {
    const ints point = levels == 3 ? e->points[0] : e->points[i / 4];
    const floats level =
        level_value(lattice, levels, level_index(levels, point, levels == 3 ? i : i % 4));
    const floats product = level * e->products[i];
    e->p += product;
    e->q += (level * level) * e->weights[i];
    if (odd) turn = product < turn ? product : turn;
  }
  if (odd) e->p -= e->odd ? turn + turn : (floats)0;
}

// MARK: Points with signs of their own, moved by delta

// With scale s the error of a value x is w * (s * (g + delta) - x)^2: that of a point without delta, and
// of the value x - s * delta.
INLINE void search_moved(const weightmill_lattice *lattice, eight *e) {
  const floats scale = e->scale < LEAST_SCALE ? (floats)LEAST_SCALE : e->scale;
  floats weight = 0, product = 0, products[8];
  UNROLL for (int i = 0; i < 8; i++) {
    products[i] = e->products[i] - (scale * e->delta) * e->weights[i];
    weight += e->weights[i];
    product += __builtin_elementwise_abs(products[i]);
  }
  const floats square = scale * scale, twice = scale + scale;
  const floats unit = WEIGHTMILL_COST_RANGE / (square * weight + (twice + twice) * product);
  nearest found;
  search_points(lattice, 3, 0, e->weights, products, square * unit, twice * unit, &found);
  const ints point = found.kept & ((1 << POINT_BITS) - 1);
  e->points[0] = e->delta < 0 ? point | WEIGHTMILL_MOVED_DOWN : point;
  UNROLL for (int i = 0; i < 8; i++) {
    const floats level = level_value(lattice, 3, level_index(3, point, i)) + e->delta;
    e->p += level * e->products[i];
    e->q += (level * level) * e->weights[i];
  }
}
