#pragma once

#include <stddef.h>

/// The largest square of each part of a row, and the sum of its squares: eight sums side by side, then one.
///
/// The same bits on every processor. Squares may overflow.
///
/// - values: `parts` parts of `size` values.
/// - size: A multiple of 8.
/// - largest: Room for `parts` squares.
/// - sums: Room for as many.
void weightmill_squares(const float *values, size_t parts, size_t size, float *largest, float *sums);
