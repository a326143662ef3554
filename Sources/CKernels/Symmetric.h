// Blocks whose values are scale * number, each part of a block having a scale of its own: an integer
// times the block's binary16 d. Q3_K, Q6_K, IQ4_XS; with one part and the scale 1 also Q4_0, Q5_0,
// IQ4_NL, TQ1_0, TQ2_0.
//
// `w` holds what an error in each value costs; NULL stands for ones. formats/quantization.md, section
// 2.37, tells the steps; SymmetricSearch.swift does the same for one block.
#pragma once

#include "CKernels.h"
#include "Lanes.h"

static const float uneven_levels[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

// The number that a value in units of its step gets.
INLINE vf number(vf v, const symmetric_rule *rule) {
  if (!rule->uneven) return nearest_within(v, rule->low, rule->high);
  vf level = (vf)uneven_levels[0];
#pragma clang loop unroll(full)
  for (int k = 1; k < 16; k++) {
    const float middle = 0.5f * (uneven_levels[k - 1] + uneven_levels[k]);
    level += v >= middle ? (vf)(uneven_levels[k] - uneven_levels[k - 1]) : (vf)0;
  }
  return level;
}

// The number as it is stored: from 0.
INLINE vf stored_number(vf v, const symmetric_rule *rule) {
  if (!rule->uneven) return nearest_within(v, rule->low, rule->high) - rule->low;
  vf index = 0;
  for (int k = 1; k < 16; k++)
    index += v >= 0.5f * (uneven_levels[k - 1] + uneven_levels[k]) ? (vf)1 : (vf)0;
  return index;
}

// Weighted sums of value times number, and of number squared: the best step is their ratio.
typedef struct {
  vf product, square;
} fit;

INLINE fit fit_part(const vf *x, const vf *w, const symmetric_rule *rule, vf inv) {
  fit even = {0, 0}, odd = {0, 0};
  for (int i = 0; i < rule->size; i += 2) {
    const vf p = number(x[i] * inv, rule), q = number(x[i + 1] * inv, rule);
    const vf wp = w ? w[i] * p : p, wq = w ? w[i + 1] * q : q;
    even.product += wp * x[i];
    even.square += wp * p;
    odd.product += wq * x[i + 1];
    odd.square += wq * q;
  }
  return (fit){even.product + odd.product, even.square + odd.square};
}

// The squared error of a part in units of its step.
INLINE vf residue(const vf *x, const vf *w, const symmetric_rule *rule, vf inv) {
  vf even = 0, odd = 0;
  for (int i = 0; i < rule->size; i += 2) {
    const vf u = x[i] * inv, v = x[i + 1] * inv;
    const vf p = u - number(u, rule), q = v - number(v, rule);
    even += w ? w[i] * p * p : p * p;
    odd += w ? w[i + 1] * q * q : q * q;
  }
  return even + odd;
}

// What is known of a block's parts, and of the whole.
typedef struct {
  fit fits[16];
  vf ideal[16], power[16];       // the best step of each part, and its weighted sum of squares
  vf largest, total, heaviest;   // the largest step; all squares together, and the largest
} symmetric_state;

// The trial whose best step leaves the least error.
INLINE void try_part(
    const vf *x, const vf *w, const symmetric_rule *rule, int part, symmetric_state *state) {
  vf peak = 0, sum = 0;
  for (int i = 0; i < rule->size; i++) {
    peak = magnitude(x[i]) > magnitude(peak) ? x[i] : peak;
    const vf weight = w ? w[i] * x[i] * x[i] : x[i] * x[i];
    sum += weight;
    state->heaviest = greater(state->heaviest, weight);
  }
  state->power[part] = sum;
  state->total += sum;
  const vf reciprocal = inverse(peak);
  fit top = {0, 1};
  for (int k = 0; k < rule->trials; k++) {
    const fit f = fit_part(x, w, rule, rule->trial[k] * reciprocal);
    const vi better = f.product * f.product * top.square > top.product * top.product * f.square;
    top.product = better ? f.product : top.product;
    top.square = better ? f.square : top.square;
  }
  const vf step = top.product * inverse(top.square);
  state->fits[part] = top;
  state->ideal[part] = step;
  state->largest = magnitude(step) > magnitude(state->largest) ? step : state->largest;
}

// The d with which the rounded scales leave the least error, numbers staying as they are.
INLINE vf first_d(const symmetric_rule *rule, const symmetric_state *state) {
  vf d = 0, least = WORST;
  for (int k = 0; k < rule->d_trials; k++) {
    const vf candidate = half(state->largest * (1.0f / rule->d_trial[k]));
    const vf reciprocal = inverse(candidate);
    vf error = 0;
    for (int b = 0; b < rule->parts; b++) {
      const vf scale =
          nearest_within(state->ideal[b] * reciprocal, rule->scale_low, rule->scale_high);
      const vf step = candidate * scale;
      error += step * (step * state->fits[b].square - 2.0f * state->fits[b].product);
    }
    d = error < least ? candidate : d;
    least = error < least ? error : least;
  }
  return d;
}

// For each part the integer scale near the ideal one with the least error; returns their sum.
INLINE vf near_scales(
    const vf *x, const vf *w, const symmetric_rule *rule, const symmetric_state *state, vf d,
    vf *scale) {
  const vf reciprocal = inverse(d);
  vf error = 0;
  for (int b = 0; b < rule->parts; b++) {
    const vf *xb = x + b * rule->size, *wb = w ? w + b * rule->size : 0;
    const vf middle =
        nearest_within(state->ideal[b] * reciprocal, rule->scale_low, rule->scale_high);
    vf least = state->power[b], best = 0;
    for (int k = -rule->reach; k <= rule->reach; k++) {
      const vf trial = within(middle + (float)k, rule->scale_low, rule->scale_high);
      const vf step = d * trial, inv = inverse(step);
      vf e = step * step * residue(xb, wb, rule, inv);
      e = inv == 0.0f ? state->power[b] : e;
      best = e < least ? trial : best;
      least = lesser(e, least);
    }
    scale[b] = best;
    error += least;
  }
  return error;
}

// The d that suits the numbers best which these scales give, and the parts' own best steps.
INLINE vf fitted_d(
    const vf *x, const vf *w, const symmetric_rule *rule, vf d, const vf *scale,
    symmetric_state *state) {
  vf product = 0, square = 0;
  for (int b = 0; b < rule->parts; b++) {
    const vf *xb = x + b * rule->size, *wb = w ? w + b * rule->size : 0;
    const fit f = fit_part(xb, wb, rule, inverse(d * scale[b]));
    product += scale[b] * f.product;
    square += scale[b] * scale[b] * f.square;
    state->ideal[b] = f.product * inverse(f.square);
  }
  return half(product * inverse(square));
}

// Numbers are those of the search's `d`; `stored` goes into the block.
typedef struct {
  vf d, stored, scale[16], error;
} symmetric_answer;

INLINE void search_symmetric(
    const vf *x, const vf *w, const symmetric_rule *rule, float stretch, symmetric_answer *best) {
  symmetric_state state = {.largest = 0, .total = 0, .heaviest = 0};
  for (int b = 0; b < rule->parts; b++)
    try_part(x + b * rule->size, w ? w + b * rule->size : 0, rule, b, &state);
  vf d = first_d(rule, &state);
  best->error = WORST;
  best->d = 0;
  for (int b = 0; b < rule->parts; b++) best->scale[b] = 0;
  for (int round = 0;; round++) {
    vf scale[16];
    const vf error = near_scales(x, w, rule, &state, d, scale);
    const vi better = error < best->error;
    best->error = better ? error : best->error;
    best->d = better ? d : best->d;
    for (int b = 0; b < rule->parts; b++) best->scale[b] = better ? scale[b] : best->scale[b];
    if (round == rule->rounds) break;
    d = fitted_d(x, w, rule, d, scale, &state);
  }
  // The nearest answer is shorter than what it stands for, by its error. Errors that all point the same
  // way add up in the logits, so a longer d is stored than that of the search. Not where one value is
  // most of the block: it is exact, and the error is that of the others.
  const vf longer = 2.0f * state.heaviest < state.total
      ? stretched(state.total, stretch * best->error) : (vf)1;
  best->stored = half(within(best->d * longer, -65504.0f, 65504.0f));
}
