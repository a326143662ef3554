// Blocks whose values are scale * number - minimum, each part of a block having both: integers times
// the d and the dmin of the block, binary16 numbers. Q2_K, Q4_K, Q5_K; with one part Q4_1, Q5_1.
//
// `w` holds what an error in each value costs; NULL stands for ones. formats/quantization.md, section
// 2.38, tells the steps; AffineSearch.swift does the same for one block.
#pragma once

#include "CKernels.h"
#include "Lanes.h"

// Weighted sums of numbers, of their squares, and of values times numbers.
typedef struct {
  vf q, qq, xq;
} moments;

INLINE moments moments_of(
    const vf *x, const vf *w, const affine_rule *rule, vf inv, vf shift) {
  moments a = {0, 0, 0}, b = {0, 0, 0};
  for (int i = 0; i < rule->size; i += 2) {
    const vf p = nearest_within(x[i] * inv + shift, 0, rule->high);
    const vf q = nearest_within(x[i + 1] * inv + shift, 0, rule->high);
    const vf wp = w ? w[i] * p : p, wq = w ? w[i + 1] * q : q;
    a.q += wp;
    a.qq += wp * p;
    a.xq += wp * x[i];
    b.q += wq;
    b.qq += wq * q;
    b.xq += wq * x[i + 1];
  }
  return (moments){a.q + b.q, a.qq + b.qq, a.xq + b.xq};
}

// The squared error of a part in units of its step.
INLINE vf affine_residue(
    const vf *x, const vf *w, const affine_rule *rule, vf inv, vf shift) {
  vf even = 0, odd = 0;
  for (int i = 0; i < rule->size; i += 2) {
    const vf u = x[i] * inv + shift, v = x[i + 1] * inv + shift;
    const vf p = u - nearest_within(u, 0, rule->high), q = v - nearest_within(v, 0, rule->high);
    even += w ? w[i] * p * p : p * p;
    odd += w ? w[i + 1] * q * q : q * q;
  }
  return even + odd;
}

// What is known of a part: sums of weights, of values and of squares; its numbers by their moments; the
// step and the offset that suit them best.
typedef struct {
  vf weight, sum, power;
  moments fit;
  vf step, offset;
} affine_part;

// The error of step * q - offset, less that of all zeros.
INLINE vf affine_cost(vf step, vf offset, const moments *m, const affine_part *part) {
  return step * (step * m->qq - 2.0f * (m->xq + offset * m->q))
      + offset * (offset * part->weight + 2.0f * part->sum);
}

// Step and offset by least squares; returns whether they are sound.
INLINE vi least_squares(
    const affine_rule *rule, const moments *m, const affine_part *part, vf *step, vf *offset) {
  const vf det = part->weight * m->qq - m->q * m->q, r = inverse(det);
  const vf s = (part->weight * m->xq - part->sum * m->q) * r;
  const vf o = (m->q * m->xq - m->qq * part->sum) * r;
  // Equal numbers leave the minimum open: then it is 0, as where it would be negative.
  const vi positive = rule->is_free ? (vi)0 : (o < 0.0f) | ~(det > 0.0f);
  *step = positive ? m->xq * inverse(m->qq) : s;
  *offset = positive ? (vf)0 : o;
  return ((det > 0.0f) | positive) & (*step > 0.0f);
}

// The trial that leaves the least error.
INLINE affine_part try_affine(const vf *x, const vf *w, const affine_rule *rule) {
  affine_part part = {0};
  vf lowest = rule->is_free ? x[0] : (vf)0, highest = x[0];
  for (int i = 0; i < rule->size; i++) {
    const vf weight = w ? w[i] : (vf)1;
    lowest = lesser(x[i], lowest);
    highest = greater(x[i], highest);
    part.weight += weight;
    part.sum += weight * x[i];
    part.power += weight * x[i] * x[i];
  }
  const vf reciprocal = inverse(highest - lowest);
  part.offset = -lowest;
  vf least = WORST;
  for (int k = 0; k < rule->trials; k++) {
    const vf inv = rule->trial[k] * reciprocal;
    const moments m = moments_of(x, w, rule, inv, -lowest * inv - rule->shift[k]);
    vf step, offset;
    const vi sound = least_squares(rule, &m, &part, &step, &offset);
    const vf error = affine_cost(step, offset, &m, &part);
    const vi better = (error < least) & sound;
    least = better ? error : least;
    part.step = better ? step : part.step;
    part.offset = better ? offset : part.offset;
    part.fit.q = better ? m.q : part.fit.q;
    part.fit.qq = better ? m.qq : part.fit.qq;
    part.fit.xq = better ? m.xq : part.fit.xq;
  }
  return part;
}

// The integer minimum that suits a step best.
INLINE vf best_minimum(const affine_rule *rule, const affine_part *part, vf step, vf reciprocal) {
  const vf offset = (step * part->fit.q - part->sum) * inverse(part->weight);
  return nearest_within(offset * reciprocal, 0, rule->scale_high);
}

// The d and the dmin with which the rounded scales leave the least error, numbers staying as they are.
INLINE void first_d_and_dmin(const affine_rule *rule, const affine_part *parts, vf *d, vf *dmin) {
  vf most = 0, deepest = 0, least = WORST;
  for (int b = 0; b < rule->parts; b++) {
    most = greater(most, parts[b].step);
    deepest = rule->is_free ? parts[b].offset : greater(deepest, parts[b].offset);
  }
  *d = *dmin = 0;
  for (int i = 0; i < rule->d_trials; i++) {
    const vf trial_d = half(most * (1.0f / rule->d_trial[i])), by_d = inverse(trial_d);
    for (int j = 0; j < rule->d_trials; j++) {
      const vf trial_dmin = half(deepest * (1.0f / rule->d_trial[j]));
      const vf by_dmin = inverse(trial_dmin);
      vf error = 0;
      for (int b = 0; b < rule->parts; b++) {
        const vf step = trial_d * nearest_within(parts[b].step * by_d, 0, rule->scale_high);
        const vf offset = trial_dmin * best_minimum(rule, &parts[b], step, by_dmin);
        error += affine_cost(step, offset, &parts[b].fit, &parts[b]);
      }
      *d = error < least ? trial_d : *d;
      *dmin = error < least ? trial_dmin : *dmin;
      least = lesser(error, least);
    }
  }
}

// For each part the integer scale and minimum near the ideal ones with the least error; returns the sum
// of the errors.
INLINE vf near_pairs(
    const vf *x, const vf *w, const affine_rule *rule, const affine_part *parts, vf d, vf dmin,
    vf *scale, vf *minimum) {
  const vf by_d = inverse(d), by_dmin = inverse(dmin);
  vf error = 0;
  for (int b = 0; b < rule->parts; b++) {
    const vf *xb = x + b * rule->size, *wb = w ? w + b * rule->size : 0;
    const vf middle = nearest_within(parts[b].step * by_d, 0, rule->scale_high);
    const vf centre = best_minimum(rule, &parts[b], d * middle, by_dmin);
    vf least = WORST, best_scale = 0, best_minimum = 0;
    for (int i = -rule->reach; i <= rule->reach; i++) {
      const vf s = within(middle + (float)i, 0, rule->scale_high), step = d * s;
      const vf inv = inverse(step);
      for (int j = -rule->depth; j <= rule->depth; j++) {
        const vf m = within(centre + (float)j, 0, rule->scale_high), offset = dmin * m;
        vf e = step * step * affine_residue(xb, wb, rule, inv, offset * inv);
        e = inv == 0.0f
            ? parts[b].power + offset * (offset * parts[b].weight + 2.0f * parts[b].sum) : e;
        best_scale = e < least ? s : best_scale;
        best_minimum = e < least ? m : best_minimum;
        least = lesser(e, least);
      }
    }
    scale[b] = best_scale;
    minimum[b] = best_minimum;
    error += least;
  }
  return error;
}

// The d and the dmin that suit the numbers best which these scales give, where there are sound ones,
// and the parts' own best steps.
INLINE void fitted_d_and_dmin(
    const vf *x, const vf *w, const affine_rule *rule, const vf *scale, const vf *minimum,
    affine_part *parts, vf *d, vf *dmin) {
  vf ss = 0, so = 0, oo = 0, xs = 0, xo = 0;
  for (int b = 0; b < rule->parts; b++) {
    const vf *xb = x + b * rule->size, *wb = w ? w + b * rule->size : 0;
    const vf old = *d * scale[b], inv = inverse(old);
    const moments m = moments_of(xb, wb, rule, inv, *dmin * minimum[b] * inv);
    parts[b].fit = m;
    ss += scale[b] * scale[b] * m.qq;
    so += scale[b] * minimum[b] * m.q;
    oo += minimum[b] * minimum[b] * parts[b].weight;
    xs += scale[b] * m.xq;
    xo += minimum[b] * parts[b].sum;
    vf step, offset;
    const vi sound = least_squares(rule, &m, &parts[b], &step, &offset);
    parts[b].step = sound ? step : old;
  }
  const vf det = ss * oo - so * so, r = inverse(det);
  const vf best_d = (oo * xs - so * xo) * r, best_dmin = (so * xs - ss * xo) * r;
  const vi any_dmin = rule->is_free ? (vi)-1 : best_dmin > 0.0f;
  const vi sound = (det > 1e-6f * ss * oo) & (best_d > 0.0f) & any_dmin;
  *d = half(sound ? best_d : *d);
  *dmin = half(sound ? best_dmin : *dmin);
}

// Numbers are those of the search's `d` and `dmin`; what is stored goes into the block.
typedef struct {
  vf d, dmin, stored, stored_dmin, scale[16], minimum[16], error;
} affine_answer;

INLINE void search_affine(
    const vf *x, const vf *w, const affine_rule *rule, float stretch, affine_answer *best) {
  affine_part parts[16];
  vf d, dmin, total = 0;
  for (int b = 0; b < rule->parts; b++) {
    parts[b] = try_affine(x + b * rule->size, w ? w + b * rule->size : 0, rule);
    total += parts[b].power;
  }
  first_d_and_dmin(rule, parts, &d, &dmin);
  best->error = WORST;
  best->d = best->dmin = 0;
  for (int b = 0; b < rule->parts; b++) best->scale[b] = best->minimum[b] = 0;
  for (int round = 0;; round++) {
    vf scale[16], minimum[16];
    const vf error = near_pairs(x, w, rule, parts, d, dmin, scale, minimum);
    const vi better = error < best->error;
    best->error = better ? error : best->error;
    best->d = better ? d : best->d;
    best->dmin = better ? dmin : best->dmin;
    for (int b = 0; b < rule->parts; b++) {
      best->scale[b] = better ? scale[b] : best->scale[b];
      best->minimum[b] = better ? minimum[b] : best->minimum[b];
    }
    if (round == rule->rounds) break;
    fitted_d_and_dmin(x, w, rule, scale, minimum, parts, &d, &dmin);
  }
  // As in Symmetric.h.
  const vf longer = stretched(total, stretch * best->error);
  best->stored = half(lesser(best->d * longer, (vf)65504.0f));
  best->stored_dmin = half(within(best->dmin * longer, -65504.0f, 65504.0f));
}
