#include "Kernels.h"

#pragma STDC FP_CONTRACT OFF

enum { SIDE_BY_SIDE = 8 };

void weightmill_squares(const float *values, size_t parts, size_t size, float *largest, float *sums) {
  for (size_t part = 0; part < parts; part++, values += size) {
    float peaks[SIDE_BY_SIDE] = {0}, totals[SIDE_BY_SIDE] = {0};
    for (size_t index = 0; index < size; index += SIDE_BY_SIDE)
      for (int lane = 0; lane < SIDE_BY_SIDE; lane++) {
        const float square = values[index + lane] * values[index + lane];
        peaks[lane] = square > peaks[lane] ? square : peaks[lane];
        totals[lane] += square;
      }
    for (int half = SIDE_BY_SIDE / 2; half > 0; half /= 2)
      for (int lane = 0; lane < half; lane++) {
        peaks[lane] = peaks[lane] > peaks[lane + half] ? peaks[lane] : peaks[lane + half];
        totals[lane] += totals[lane + half];
      }
    largest[part] = peaks[0];
    sums[part] = totals[0];
  }
}
