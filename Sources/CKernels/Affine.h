// Blocks whose values are scale * number - minimum, each part of a block having both: integers times
// two binary16 units of the block. Q2_K, Q4_K, Q5_K.
#pragma once
#include "CKernels.h"
#include "Lanes.h"

typedef struct { vf q, qq, xq; } moments;
// Numbers are those of the search's `unit` and `floor`; what is stored goes into the block.
typedef struct {
  vf unit, floor, stored, stored_floor, scale[16], minimum[16], error;
} affine_answer;

INLINE moments moments_of(const vf *x, const vf *w, const affine_rule *rule, vf inv, vf shift) {
  moments a = {0, 0, 0}, b = {0, 0, 0};
  for (int i = 0; i < rule->size; i += 2) {
    const vf p = nearest_within(x[i] * inv + shift, 0, rule->high);
    const vf q = nearest_within(x[i + 1] * inv + shift, 0, rule->high);
    const vf wp = w ? w[i] * p : p, wq = w ? w[i + 1] * q : q;
    a.q += wp; a.qq += wp * p; a.xq += wp * x[i];
    b.q += wq; b.qq += wq * q; b.xq += wq * x[i + 1];
  }
  return (moments){a.q + b.q, a.qq + b.qq, a.xq + b.xq};
}

INLINE vf affine_residue(const vf *x, const vf *w, const affine_rule *rule, vf inv, vf shift) {
  vf even = 0, odd = 0;
  for (int i = 0; i < rule->size; i += 2) {
    const vf u = x[i] * inv + shift, v = x[i + 1] * inv + shift;
    const vf p = u - nearest_within(u, 0, rule->high), q = v - nearest_within(v, 0, rule->high);
    even += w ? w[i] * p * p : p * p;
    odd += w ? w[i + 1] * q * q : q * q;
  }
  return even + odd;
}

// The error of step * q - offset, less that of all zeros.
INLINE vf affine_cost(vf step, vf offset, const moments *m, vf weight, vf sum) {
  return step * (step * m->qq - 2.0f * (m->xq + offset * m->q)) + offset * (offset * weight + 2.0f * sum);
}

INLINE void search_affine(const vf *x, const vf *w, const affine_rule *rule, affine_answer *best) {
  const int parts = rule->parts, size = rule->size;
  moments fits[16]; vf weight[16], sum[16], power[16], step[16], offset[16];
  vf most = 0, deepest = 0, total = 0;
  for (int b = 0; b < parts; b++) {
    const vf *xb = x + b * size, *wb = w ? w + b * size : 0;
    vf lowest = rule->is_free ? xb[0] : (vf)0, highest = xb[0], ws = 0, xs = 0, xx = 0;
    for (int i = 0; i < size; i++) {
      const vf wi = wb ? wb[i] : (vf)1;
      lowest = lesser(xb[i], lowest); highest = greater(xb[i], highest);
      ws += wi; xs += wi * xb[i]; xx += wi * xb[i] * xb[i];
    }
    weight[b] = ws; sum[b] = xs; power[b] = xx;
    total += xx;
    const vf reciprocal = inverse(highest - lowest);
    vf least = WORST, s = 0, o = -lowest; moments top = {0, 0, 0};
    for (int k = 0; k < rule->trials; k++) {
      const vf inv = rule->trial[k] * reciprocal;
      const moments m = moments_of(xb, wb, rule, inv, -lowest * inv - rule->shift[k]);
      const vf d = ws * m.qq - m.q * m.q, r = inverse(d);
      vf ts = (ws * m.xq - xs * m.q) * r, to = (m.q * m.xq - m.qq * xs) * r;
      // Equal numbers leave the minimum open: then it is 0, as where it would be negative.
      const vi positive = rule->is_free ? (vi)0 : (to < 0.0f) | ~(d > 0.0f);
      ts = positive ? m.xq * inverse(m.qq) : ts;
      to = positive ? (vf)0 : to;
      vf e = affine_cost(ts, to, &m, ws, xs);
      const vi better = (e < least) & (ts > 0.0f) & ((d > 0.0f) | positive);
      least = better ? e : least; s = better ? ts : s; o = better ? to : o;
      top.q = better ? m.q : top.q; top.qq = better ? m.qq : top.qq; top.xq = better ? m.xq : top.xq;
    }
    fits[b] = top; step[b] = s; offset[b] = o;
    most = greater(most, s); deepest = rule->is_free ? o : greater(deepest, o);
  }
  vf unit = 0, floor = 0, least = WORST;
  for (int i = 0; i < rule->units; i++) {
    const vf u = half(most * (1.0f / rule->unit[i])), ru = inverse(u);
    for (int j = 0; j < rule->units; j++) {
      const vf f = half(deepest * (1.0f / rule->unit[j])), rf = inverse(f);
      vf error = 0;
      for (int b = 0; b < parts; b++) {
        const vf s = u * nearest_within(step[b] * ru, 0, rule->scale_high);
        const vf o = f * nearest_within((s * fits[b].q - sum[b]) * inverse(weight[b]) * rf, 0, rule->scale_high);
        error += affine_cost(s, o, &fits[b], weight[b], sum[b]);
      }
      unit = error < least ? u : unit; floor = error < least ? f : floor; least = lesser(error, least);
    }
  }
  best->error = WORST; best->unit = 0; best->floor = 0;
  for (int b = 0; b < parts; b++) best->scale[b] = best->minimum[b] = 0;
  for (int round = 0;; round++) {
    vf scale[16], minimum[16], error = 0; const vf ru = inverse(unit), rf = inverse(floor);
    for (int b = 0; b < parts; b++) {
      const vf *xb = x + b * size, *wb = w ? w + b * size : 0;
      const vf sm = nearest_within(step[b] * ru, 0, rule->scale_high);
      const vf om = nearest_within((unit * sm * fits[b].q - sum[b]) * inverse(weight[b]) * rf, 0, rule->scale_high);
      vf part = WORST; scale[b] = minimum[b] = 0;
      for (int i = -rule->reach; i <= rule->reach; i++) {
        const vf s = within(sm + (float)i, 0, rule->scale_high), st = unit * s, inv = inverse(st);
        for (int j = -rule->depth; j <= rule->depth; j++) {
          const vf o = within(om + (float)j, 0, rule->scale_high), off = floor * o;
          vf e = st * st * affine_residue(xb, wb, rule, inv, off * inv);
          e = inv == 0.0f ? power[b] + off * (off * weight[b] + 2.0f * sum[b]) : e;
          scale[b] = e < part ? s : scale[b]; minimum[b] = e < part ? o : minimum[b];
          part = lesser(e, part);
        }
      }
      error += part;
    }
    const vi better = error < best->error;
    best->error = better ? error : best->error;
    best->unit = better ? unit : best->unit; best->floor = better ? floor : best->floor;
    for (int b = 0; b < parts; b++) {
      best->scale[b] = better ? scale[b] : best->scale[b];
      best->minimum[b] = better ? minimum[b] : best->minimum[b];
    }
    if (round == rule->rounds) break;
    vf ss = 0, so = 0, oo = 0, xs = 0, xo = 0;
    for (int b = 0; b < parts; b++) {
      const vf st = unit * scale[b], inv = inverse(st);
      const moments m = moments_of(x + b * size, w ? w + b * size : 0, rule, inv, floor * minimum[b] * inv);
      fits[b] = m;
      ss += scale[b] * scale[b] * m.qq; so += scale[b] * minimum[b] * m.q;
      oo += minimum[b] * minimum[b] * weight[b];
      xs += scale[b] * m.xq; xo += minimum[b] * sum[b];
      const vf d = weight[b] * m.qq - m.q * m.q, r = inverse(d);
      vf ts = (weight[b] * m.xq - sum[b] * m.q) * r;
      const vf to = (m.q * m.xq - m.qq * sum[b]) * r;
      const vi positive = rule->is_free ? (vi)0 : (to < 0.0f) | ~(d > 0.0f);
      ts = positive ? m.xq * inverse(m.qq) : ts;
      const vi sound = ((d > 0.0f) | positive) & (ts > 0.0f);
      step[b] = sound ? ts : st;
    }
    const vf d = ss * oo - so * so, r = inverse(d);
    const vf u = (oo * xs - so * xo) * r, f = (so * xs - ss * xo) * r;
    const vi both = (d > 1e-6f * ss * oo) & (u > 0.0f) & ((f > 0.0f) | (rule->is_free ? (vi)-1 : (vi)0));
    unit = half(both ? u : unit); floor = half(both ? f : floor);
  }
  // As in Symmetric.h.
  const vf longer = stretched(total, rule->stretch * best->error);
  best->stored = half(lesser(best->unit * longer, (vf)65504.0f));
  best->stored_floor = half(within(best->floor * longer, -65504.0f, 65504.0f));
}
