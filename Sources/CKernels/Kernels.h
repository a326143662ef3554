// What each level of instructions provides for a forward pass, for each kind of number.
#pragma once

#include "CKernels.h"

typedef struct {
  size_t block_rows;
  void (*pack)(
      const float *weights, size_t stride, size_t rows, size_t columns, size_t height, void *packed);
  void (*products)(
      const void *packed, size_t stride, size_t rows, size_t columns, const void *vectors,
      size_t vectors_stride, size_t panels, void *out, size_t out_stride, int adds);
  void (*narrow_products)(
      const void *packed, size_t rows, size_t columns, const void *vectors, size_t tokens, void *out,
      int adds);
  void (*store)(const void *from, size_t count, int is_row, size_t stride, void *to);
  void (*norm)(
      const void *panel, size_t columns, const float *gains, double epsilon, void *out);
  void (*rotate)(
      void *panel, size_t heads, size_t head, size_t turned, int halves, const void *cosines,
      const void *sines);
  void (*gate)(void *gate, const void *up, size_t count, int activation);
  void (*add)(void *sum, const void *term, size_t count);
  void (*scale)(void *values, size_t count, double factor);
  void (*shift)(void *panel, size_t columns, const float *terms);
  void (*cap)(void *values, size_t count, double factor, double cap);
  void (*exponentials)(void *values, size_t count);
  void (*soften)(
      void *scores, size_t keys, double scale, const int32_t *firsts, const int32_t *limits,
      double *sums);
  void (*share)(
      const void *weighted, size_t features, const double *sums, size_t first, size_t end, void *out);
  void (*differences)(
      const void *a, const void *b, size_t columns, size_t lanes, double *sums);
  void (*add_squares)(const void *panel, size_t columns, size_t lanes, double *sums);
  void (*compare)(
      const void *reference, const void *candidate, size_t count, weightmill_comparison *results);
} forward_kernels;

extern const forward_kernels weightmill_forward_4_single, weightmill_forward_4_double;
#if defined(__x86_64__)
extern const forward_kernels weightmill_forward_8_single, weightmill_forward_8_double;
extern const forward_kernels weightmill_forward_16_single, weightmill_forward_16_double;
#endif
