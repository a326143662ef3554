#include "Kernels.h"

int weightmill_forward_level(void) {
#if defined(__x86_64__)
  if (!__builtin_cpu_supports("fma")) return WEIGHTMILL_LANES_4;
#endif
  return weightmill_level();
}

static const forward_kernels *kernels(weightmill_mode mode) {
#if defined(__x86_64__)
  if (mode.level == WEIGHTMILL_LANES_16)
    return mode.is_double ? &weightmill_forward_16_double : &weightmill_forward_16_single;
  if (mode.level == WEIGHTMILL_LANES_8)
    return mode.is_double ? &weightmill_forward_8_double : &weightmill_forward_8_single;
#endif
  return mode.is_double ? &weightmill_forward_4_double : &weightmill_forward_4_single;
}

size_t weightmill_block_rows(weightmill_mode mode) { return kernels(mode)->block_rows; }

void weightmill_pack(
    weightmill_mode mode, const float *weights, size_t stride, size_t rows, size_t columns,
    size_t height, void *packed) {
  kernels(mode)->pack(weights, stride, rows, columns, height, packed);
}

void weightmill_products(
    weightmill_mode mode, const void *packed, size_t stride, size_t rows, size_t columns,
    const void *vectors, size_t vectors_stride, size_t panels, void *out, size_t out_stride,
    int adds) {
  kernels(mode)->products(
      packed, stride, rows, columns, vectors, vectors_stride, panels, out, out_stride, adds);
}

void weightmill_narrow_products(
    weightmill_mode mode, const void *packed, size_t rows, size_t columns, const void *vectors,
    size_t tokens, void *out, int adds) {
  kernels(mode)->narrow_products(packed, rows, columns, vectors, tokens, out, adds);
}

void weightmill_store(
    weightmill_mode mode, const void *from, size_t count, int is_row, size_t stride, void *to) {
  kernels(mode)->store(from, count, is_row, stride, to);
}

void weightmill_norm(
    weightmill_mode mode, const void *panel, size_t columns, const float *gains, double epsilon,
    void *out) {
  kernels(mode)->norm(panel, columns, gains, epsilon, out);
}

void weightmill_rotate(
    weightmill_mode mode, void *panel, size_t heads, size_t head, size_t turned, int halves,
    const void *cosines, const void *sines) {
  kernels(mode)->rotate(panel, heads, head, turned, halves, cosines, sines);
}

void weightmill_gate(
    weightmill_mode mode, void *gate, const void *up, size_t count, int activation) {
  kernels(mode)->gate(gate, up, count, activation);
}

void weightmill_add(weightmill_mode mode, void *sum, const void *term, size_t count) {
  kernels(mode)->add(sum, term, count);
}

void weightmill_scale(weightmill_mode mode, void *values, size_t count, double factor) {
  kernels(mode)->scale(values, count, factor);
}

void weightmill_shift(weightmill_mode mode, void *panel, size_t columns, const float *terms) {
  kernels(mode)->shift(panel, columns, terms);
}

void weightmill_cap(
    weightmill_mode mode, void *values, size_t count, double factor, double cap) {
  kernels(mode)->cap(values, count, factor, cap);
}

void weightmill_exponentials(weightmill_mode mode, void *values, size_t count) {
  kernels(mode)->exponentials(values, count);
}

void weightmill_soften(
    weightmill_mode mode, void *scores, size_t keys, double scale, const int32_t *firsts,
    const int32_t *limits, double *sums) {
  kernels(mode)->soften(scores, keys, scale, firsts, limits, sums);
}

void weightmill_share(
    weightmill_mode mode, const void *weighted, size_t features, const double *sums, size_t first,
    size_t end, void *out) {
  kernels(mode)->share(weighted, features, sums, first, end, out);
}

void weightmill_differences(
    weightmill_mode mode, const void *a, const void *b, size_t columns, size_t lanes, double *sums) {
  kernels(mode)->differences(a, b, columns, lanes, sums);
}

void weightmill_add_squares(
    weightmill_mode mode, const void *panel, size_t columns, size_t lanes, double *sums) {
  kernels(mode)->add_squares(panel, columns, lanes, sums);
}

void weightmill_compare(
    weightmill_mode mode, const void *reference, const void *candidate, size_t count,
    weightmill_comparison *results) {
  kernels(mode)->compare(reference, candidate, count, results);
}
