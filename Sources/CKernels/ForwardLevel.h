// The kernels of one level, for both kinds of number. Whoever includes this sets SINGLE_LEVEL and
// DOUBLE_LEVEL, the names of the tables; BYTES; and how many rows and vectors have their sums in
// registers: SINGLE_ROWS, SINGLE_VECTORS, DOUBLE_ROWS, DOUBLE_VECTORS.
#include "Kernels.h"

// Only what is written as a fused multiply-add is one.
#pragma STDC FP_CONTRACT OFF

#define REAL_IS_DOUBLE 0
#include "Reals.h"
#include "Products.h"
#include "Elementwise.h"
#undef REAL_IS_DOUBLE
#define REAL_IS_DOUBLE 1
#include "Reals.h"
#include "Products.h"
#include "Elementwise.h"
#include "Comparison.h"

#define TABLE(NAME, KIND, BLOCK_ROWS)                                                             \
  const forward_kernels NAME = {                                                                  \
      BLOCK_ROWS, pack_##KIND, products_##KIND, narrow_products_##KIND, store_##KIND, norm_##KIND, \
      rotate_##KIND, gate_##KIND, add_##KIND, scale_##KIND, shift_##KIND, cap_##KIND,             \
      exponentials_##KIND, soften_##KIND, share_##KIND, differences_##KIND, add_squares_##KIND,   \
      compare_##KIND};

TABLE(SINGLE_LEVEL, single, SINGLE_ROWS)
TABLE(DOUBLE_LEVEL, double, DOUBLE_ROWS)
