#pragma once

#include <stddef.h>
#include <stdint.h>

#include "Rules.h"

#include "Forward.h"
#include "Lattice.h"
#include "Outliers.h"

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

/// The levels of instructions that encoders are compiled for; all give the same bytes.
enum {
  /// Four lanes: any processor (SSE2, NEON).
  WEIGHTMILL_LANES_4 = 0,
  /// Eight lanes: AVX2.
  WEIGHTMILL_LANES_8 = 1,
  /// Sixteen lanes: AVX-512 F, BW, DQ and VL.
  WEIGHTMILL_LANES_16 = 2,
};

/// The highest level that this processor has.
int weightmill_level(void);

/// The types whose scales are searched.
enum {
  WEIGHTMILL_Q4_0, WEIGHTMILL_Q5_0, WEIGHTMILL_IQ4_NL, WEIGHTMILL_TQ1_0, WEIGHTMILL_TQ2_0,
  WEIGHTMILL_Q3_K, WEIGHTMILL_Q6_K, WEIGHTMILL_IQ4_XS,
  WEIGHTMILL_Q4_1, WEIGHTMILL_Q5_1, WEIGHTMILL_Q2_K, WEIGHTMILL_Q4_K, WEIGHTMILL_Q5_K,
  WEIGHTMILL_Q2_0,
  WEIGHTMILL_SEARCHES,
};

/// What a search found for one block, before it is packed into the bits of its type.
///
/// Value i belongs to part p = i / size of a part: `d * scales[p] * n - dmin * minimums[p]`, where
/// n is `numbers[i]` plus the lowest number of the type, or a level of IQ4_NL.
typedef struct {
  uint16_t d;            ///< binary16
  uint16_t dmin;         ///< binary16; 0 for types without minima
  int8_t scales[16];
  int8_t minimums[16];
  uint8_t numbers[256];  ///< from 0
} weightmill_block;

/// Searches scales and numbers of blocks of one type: as `formats/quantization.md` says.
///
/// A block that is too large for the type gets an infinite d and zeros.
///
/// - type: What to search, such as WEIGHTMILL_Q4_K.
/// - level: The instructions to use; must not be above weightmill_level().
/// - values: `blocks` blocks of finite values.
/// - importance: For each of `columns` columns how much an error in it costs; NULL if not known.
/// - columns: The length of rows; a multiple of the block.
/// - column: That of the first value.
/// - found: Room for `blocks` results.
void weightmill_search(
    int type, int level, const float *values, const float *importance, size_t columns,
    size_t column, size_t blocks, weightmill_block *found);

/// The same search, whose scales are those that leave the least error: not made longer afterwards.
///
/// So numbers that somebody else chooses are counted against the scales that are stored.
void weightmill_search_steps(
    int type, int level, const float *values, const float *importance, size_t columns,
    size_t column, size_t blocks, weightmill_block *found);

/// One block of 16 rows, side by side, whose numbers are chosen column by column.
///
/// What is `[column]` has WEIGHTMILL_PANEL numbers for each column, what is `[part]` for each part.
typedef struct {
  size_t width;          ///< columns of the block
  size_t end;            ///< columns from the block's first to the end of its group
  size_t part;           ///< columns of a part
  float low, high;       ///< the numbers
  int uneven;            ///< whether numbers are levels of IQ4_NL
  const float *steps;    ///< [part], what numbers are multiplied by
  const float *offsets;  ///< [part], what is subtracted from that
  const float *targets;  ///< [column], `width` of them: what the values shall be
  float *values;         ///< [column], `end` of them: targets and what earlier columns left to them
  float *errors;         ///< [column], `width` of them: targets less what is stored
  const float *factors;  ///< column j's error times `factors[j * stride + k]` goes into column k > j
  size_t stride;
  uint8_t *numbers;      ///< [column], from 0
} weightmill_carrying;

/// Chooses a block's numbers column by column, each error being carried into the columns that follow.
///
/// - level: The instructions to use; must not be above weightmill_level().
void weightmill_carry(int level, const weightmill_carrying *at);

/// Turns a block's `values` into those that it would have if nothing of it were rounded.
///
/// They are what its steps are to be found for: as `values` stand, what earlier blocks left to a column does
/// not count that the columns before it in the block make up for it, too.
void weightmill_settle(int level, const weightmill_carrying *at);

/// Carries the errors of a block that is written already into the columns behind it.
void weightmill_carry_on(int level, const weightmill_carrying *at);

/// Q8_0 blocks: eight scales are tried for each, in integers. See `formats/quantization.md`.
///
/// - level: The instructions to use; must not be above weightmill_level().
/// - values: `blocks` blocks of 32 finite values.
/// - found: Room for `blocks` blocks of 34 bytes. One that is too large gets an infinite scale.
/// - returns: How many blocks are too large.
size_t weightmill_search_bytes(int level, const float *values, size_t blocks, uint8_t *found);

/// Q4_0 blocks, the same with blocks of 18 bytes.
size_t weightmill_search_nibbles(int level, const float *values, size_t blocks, uint8_t *found);

/// The float32 values of binary16 numbers, exact; a NaN keeps its sign and payload.
void weightmill_widen_halves(int level, const uint16_t *halves, size_t count, float *values);

/// Adds binary16 numbers to others: each sum is the exact one, rounded to the nearest, ties to even. A
/// sum that is not a number is 0x7E00.
///
/// - level: The instructions to use; must not be above weightmill_level().
/// - sums: `count` numbers, little endian, at any address; the sums take their place.
/// - addends: `count` numbers.
void weightmill_add_halves(int level, void *sums, const void *addends, size_t count);

/// How a type is searched: one of the two kinds of rule.
typedef struct {
  const symmetric_rule *symmetric;  ///< NULL for types with minima
  const affine_rule *affine;        ///< NULL for the others
} weightmill_rule;

/// The rule of a type.
///
/// - type: Such as WEIGHTMILL_Q4_K.
/// - is_guided: Whether importance is known.
weightmill_rule weightmill_rule_of(int type, int is_guided);
