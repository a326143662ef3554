// Blocks whose values are scale * number, each part of a block having a scale of its own: an integer
// times the block's binary16 unit. Q3_K, Q6_K, IQ4_XS.
#pragma once
#include "CKernels.h"
#include "Lanes.h"

static const float uneven_levels[16] = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

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
INLINE vf place(vf v, const symmetric_rule *rule) {
  if (!rule->uneven) return nearest_within(v, rule->low, rule->high) - rule->low;
  vf index = 0;
#pragma clang loop unroll(full)
  for (int k = 1; k < 16; k++)
    index += v >= 0.5f * (uneven_levels[k - 1] + uneven_levels[k]) ? (vf)1 : (vf)0;
  return index;
}

typedef struct { vf product, square; } fit;   // sum w x q, sum w q q

INLINE fit fit_part(const vf *x, const vf *w, const symmetric_rule *rule, vf inv) {
  fit even = {0, 0}, odd = {0, 0};
  for (int i = 0; i < rule->size; i += 2) {
    const vf p = number(x[i] * inv, rule), q = number(x[i + 1] * inv, rule);
    const vf wp = w ? w[i] * p : p, wq = w ? w[i + 1] * q : q;
    even.product += wp * x[i]; even.square += wp * p;
    odd.product += wq * x[i + 1]; odd.square += wq * q;
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

// Numbers are those of the search's `unit`; `stored` goes into the block.
typedef struct {
  vf unit, stored, scale[16], error;
} symmetric_answer;

INLINE void search_symmetric(const vf *x, const vf *w, const symmetric_rule *rule, symmetric_answer *best) {
  const int parts = rule->parts, size = rule->size;
  fit fits[16]; vf ideal[16], power[16];
  vf largest = 0, total = 0, heaviest = 0;
  for (int b = 0; b < parts; b++) {
    const vf *xb = x + b * size, *wb = w ? w + b * size : 0;
    vf peak = 0, sum = 0;
    for (int i = 0; i < size; i++) {
      peak = magnitude(xb[i]) > magnitude(peak) ? xb[i] : peak;
      const vf weight = wb ? wb[i] * xb[i] * xb[i] : xb[i] * xb[i];
      sum += weight;
      heaviest = greater(heaviest, weight);
    }
    power[b] = sum;
    total += sum;
    const vf reciprocal = inverse(peak);
    fit top = {0, 1};
    for (int k = 0; k < rule->trials; k++) {
      const fit f = fit_part(xb, wb, rule, rule->trial[k] * reciprocal);
      const vi better = f.product * f.product * top.square > top.product * top.product * f.square;
      top.product = better ? f.product : top.product;
      top.square = better ? f.square : top.square;
    }
    fits[b] = top;
    ideal[b] = top.product * inverse(top.square);
    largest = magnitude(ideal[b]) > magnitude(largest) ? ideal[b] : largest;
  }
  vf unit = 0, least = WORST;
  for (int k = 0; k < rule->units; k++) {
    const vf candidate = half(largest * (1.0f / rule->unit[k])), reciprocal = inverse(candidate);
    vf error = 0;
    for (int b = 0; b < parts; b++) {
      const vf step = candidate * nearest_within(ideal[b] * reciprocal, rule->scale_low, rule->scale_high);
      error += step * (step * fits[b].square - 2.0f * fits[b].product);
    }
    unit = error < least ? candidate : unit;
    least = error < least ? error : least;
  }
  best->error = WORST; best->unit = 0;
  for (int b = 0; b < parts; b++) best->scale[b] = 0;
  for (int round = 0;; round++) {
    vf scale[16], error = 0; const vf reciprocal = inverse(unit);
    for (int b = 0; b < parts; b++) {
      const vf middle = NEAREST(within(ideal[b] * reciprocal, rule->scale_low, rule->scale_high));
      vf part = power[b]; scale[b] = 0;
      for (int k = -rule->reach; k <= rule->reach; k++) {
        const vf trial = within(middle + (float)k, rule->scale_low, rule->scale_high), step = unit * trial;
        const vf inv = inverse(step);
        vf e = step * step * residue(x + b * size, w ? w + b * size : 0, rule, inv);
        e = inv == 0.0f ? power[b] : e;
        scale[b] = e < part ? trial : scale[b];
        part = lesser(e, part);
      }
      error += part;
    }
    const vi better = error < best->error;
    best->error = better ? error : best->error;
    best->unit = better ? unit : best->unit;
    for (int b = 0; b < parts; b++) best->scale[b] = better ? scale[b] : best->scale[b];
    if (round == rule->rounds) break;
    vf product = 0, square = 0;
    for (int b = 0; b < parts; b++) {
      fits[b] = fit_part(x + b * size, w ? w + b * size : 0, rule, inverse(unit * scale[b]));
      product += scale[b] * fits[b].product;
      square += scale[b] * scale[b] * fits[b].square;
      ideal[b] = fits[b].product * inverse(fits[b].square);
    }
    unit = half(product * inverse(square));
  }
  // The nearest answer is shorter than what it stands for, by its error. Errors that all point the same
  // way add up in the logits, so a longer unit is stored than that of the search. Not where one value is
  // most of the block: it is exact, and the error is that of the others.
  const vf longer =
      2.0f * heaviest < total ? stretched(total, rule->stretch * best->error) : (vf)1;
  best->stored = half(within(best->unit * longer, -65504.0f, 65504.0f));
}
