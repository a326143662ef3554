// The kernels of one level, for both kinds of number. Whoever includes this sets LEVEL, BYTES, and how
// many rows and vectors have their sums in registers: SINGLE_ROWS, SINGLE_VECTORS, DOUBLE_ROWS,
// DOUBLE_VECTORS.
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
