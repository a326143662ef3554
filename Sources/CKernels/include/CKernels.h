#pragma once

#include <stddef.h>

#include "Lattice.h"

/// How many columns lie side by side in a panel.
#define WEIGHTMILL_PANEL 16

/// Which of the two kernels to run; both give the same bits.
enum {
  /// Any processor.
  WEIGHTMILL_PORTABLE = 0,
  /// Instructions that this processor has, if there is a kernel for them.
  WEIGHTMILL_BEST = 1,
};

/// Products of rows with panels of columns: `sums[i][j] = sum of left[i][k] * right[k][j]`.
///
/// Each sum starts at +0 and takes its products in ascending order of k, each with one fused
/// multiply-add of binary32 (IEEE 754: one rounding). A processor without that instruction calls the
/// C library's fmaf: slower, the same bits.
///
/// - left: `rows` rows of `rank` values.
/// - right: `panels` panels, one after the other, each of `rank` rows of WEIGHTMILL_PANEL values.
/// - sums: `rows` rows of `panels * WEIGHTMILL_PANEL` values.
void weightmill_low_rank_sums(
    const float *left, size_t rows, const float *right, size_t panels, size_t rank, float *sums,
    int kernel);
