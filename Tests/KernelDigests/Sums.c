// Numbers of binary16, sums of squares and low-rank sums.
#include "Digests.h"

enum { HALVES = 1 << 16, ODD = HALVES - 5 };

// All of them, in an order that puts each beside another one; the count is no multiple of any vector.
static void fill_halves(uint16_t *halves, uint32_t factor) {
  for (uint32_t i = 0; i < HALVES; i++) halves[i] = (uint16_t)(i * factor + 12345);
}

void digest_halves(void) {
  static uint16_t halves[HALVES], sums[HALVES];
  static float values[HALVES];
  uint64_t wide[LEVELS], added[LEVELS];
  const int levels = weightmill_level() + 1;
  for (int level = 0; level < levels; level++) {
    fill_halves(halves, 40503);
    memset(values, 0, sizeof values);
    weightmill_widen_halves(level, halves, ODD, values);
    wide[level] = added[level] = EMPTY_DIGEST;
    add_bytes(&wide[level], values, sizeof values);
    for (uint32_t factor = 1; factor < 40; factor += 2) {
      fill_halves(sums, factor);
      weightmill_add_halves(level, sums, halves, ODD);
      add_bytes(&added[level], sums, sizeof sums);
    }
  }
  report("widen halves", wide, levels);
  report("add halves", added, levels);
}

static void digest_squares(void) {
  enum { parts = 24, size = 64 };
  static float values[parts * size], largest[parts], sums[parts];
  uint64_t digest = EMPTY_DIGEST;
  for (kind of = 0; of < KINDS; of++) {
    fill(values, parts * size, of, 500);
    weightmill_squares(values, parts, size, largest, sums);
    add_floats(&digest, largest, parts);
    add_floats(&digest, sums, parts);
  }
  report("squares", &digest, 1);
}

static void digest_low_rank(void) {
  enum { rows = 11, rank = 24, panels = 5, columns = panels * WEIGHTMILL_PANEL };
  static float left[rows * rank], right[rank * columns], sums[rows * columns];
  static const int kernels[] = {WEIGHTMILL_PORTABLE, WEIGHTMILL_BEST};
  uint64_t digests[LEVELS] = {EMPTY_DIGEST, EMPTY_DIGEST};
  for (int i = 0; i < 2; i++)
    for (kind of = 0; of < KINDS; of++) {
      fill(left, rows * rank, BELL, 501);
      fill(right, rank * columns, of, 502);
      weightmill_low_rank_sums(left, rows, right, panels, rank, sums, kernels[i]);
      add_floats(&digests[i], sums, rows * columns);
    }
  report("low-rank sums", digests, 2);
}

void digest_sums(void) {
  digest_squares();
  digest_low_rank();
}
