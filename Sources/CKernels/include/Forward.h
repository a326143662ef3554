#pragma once

#include <stddef.h>
#include <stdint.h>

/// The arithmetic of a forward pass, in binary32 or binary64.
///
/// Vectors of tokens lie in panels: `[panel][feature][WEIGHTMILL_TOKENS]`, so that each lane of a
/// machine vector works for a token of its own. All levels of instructions do the same operations in
/// the same order, fused multiply-adds included: the bits do not depend on the machine.

/// How many tokens lie side by side in a panel.
#define WEIGHTMILL_TOKENS 16
/// How many products are added in one chain before their sum is added to the sums before it.
#define WEIGHTMILL_GROUP 256
/// How many rows of weights lie side by side for products with few tokens.
#define WEIGHTMILL_NARROW 64

/// Which numbers, and which instructions.
typedef struct {
  int32_t level;      ///< WEIGHTMILL_LANES_4 and so on; not above weightmill_forward_level()
  int32_t is_double;  ///< 0: numbers are float; 1: numbers are double
} weightmill_mode;

/// The highest level that this processor has: those of the searches, with fused multiply-add.
int weightmill_forward_level(void);

/// How many rows of weights lie side by side for products with whole panels.
size_t weightmill_block_rows(weightmill_mode mode);

/// Lays rows of weights side by side: `[column][height]`; rows that are not there are zeros.
///
/// - weights: `rows` rows, at most `height`, of `columns` values, each `stride` after the last.
/// - height: weightmill_block_rows() or WEIGHTMILL_NARROW.
/// - packed: Room for `columns * height` numbers.
void weightmill_pack(
    weightmill_mode mode, const float *weights, size_t stride, size_t rows, size_t columns,
    size_t height, void *packed);

/// Products of rows of weights with panels of vectors.
///
/// `out[row][token] = sum of weights[row][k] * vectors[k][token]`. A chain of fused multiply-adds
/// takes WEIGHTMILL_GROUP columns in order, beginning at +0; the sums of these groups are added in
/// order.
///
/// - packed: Blocks of weightmill_block_rows() rows, one after the other, for `rows` rows; a block is
///   `[column][row]` and `stride` numbers long.
/// - vectors, out: The first number of the first panel; a panel begins `vectors_stride` or
///   `out_stride` numbers after the one before it.
/// - adds: Whether to add to what `out` holds, or to overwrite it.
void weightmill_products(
    weightmill_mode mode, const void *packed, size_t stride, size_t rows, size_t columns,
    const void *vectors, size_t vectors_stride, size_t panels, void *out, size_t out_stride,
    int adds);

/// The same for the first `tokens` lanes of one panel, and `rows` rows, at most WEIGHTMILL_NARROW.
///
/// - packed: `[column][WEIGHTMILL_NARROW]`.
void weightmill_narrow_products(
    weightmill_mode mode, const void *packed, size_t rows, size_t columns, const void *vectors,
    size_t tokens, void *out, int adds);

/// RMSNorm of a panel: x over the root of its mean square plus epsilon, times the gains.
///
/// The squares are added in binary64, in the order of the columns.
void weightmill_norm(
    weightmill_mode mode, const void *panel, size_t columns, const float *gains, double epsilon,
    void *out);

/// Turns pairs of features of a panel: (x, y) becomes (x cos - y sin, y cos + x sin).
///
/// - panel: `heads` heads of `head` features.
/// - turned: How many features of each head are turned, even; the others stay as they are.
/// - halves: Whether the second of a pair is `turned / 2` after the first, or next to it.
/// - cosines, sines: `[turned / 2][WEIGHTMILL_TOKENS]`.
void weightmill_rotate(
    weightmill_mode mode, void *panel, size_t heads, size_t head, size_t turned, int halves,
    const void *cosines, const void *sines);

/// What goes through a gate: SiLU, x / (1 + exp(-x)).
#define WEIGHTMILL_SILU 0
/// GELU with tanh, x / 2 (1 + tanh(u)) with u = sqrt(2 / pi) (x + 0.044715 x^3), which is
/// x / (1 + exp(-2 u)).
#define WEIGHTMILL_GELU 1

/// `gate = activation(gate) * up`.
void weightmill_gate(
    weightmill_mode mode, void *gate, const void *up, size_t count, int activation);

/// `sum = sum + term`.
void weightmill_add(weightmill_mode mode, void *sum, const void *term, size_t count);

/// `values = values * factor`.
void weightmill_scale(weightmill_mode mode, void *values, size_t count, double factor);

/// Adds to each column of a panel its term.
void weightmill_shift(weightmill_mode mode, void *panel, size_t columns, const float *terms);

/// `values = cap * tanh(values * factor / cap)`: no value is larger than the cap.
///
/// tanh(x) is 1 - 2 / (exp(2 x) + 1). Its error is about a unit in the last place of 1.
void weightmill_cap(
    weightmill_mode mode, void *values, size_t count, double factor, double cap);

/// `values = exp(values)`; what it differs by is in `Reals.h`.
void weightmill_exponentials(weightmill_mode mode, void *values, size_t count);

/// Scores become exp(scale * score - the largest of their lane), and 0 outside the keys a lane sees.
///
/// - scores: `[keys][WEIGHTMILL_TOKENS]`.
/// - firsts: For each lane the first key it may see, below its limit.
/// - limits: For each lane the key behind the last one it may see, at least one.
/// - sums: What each lane's results sum to, added in binary64 in order.
void weightmill_soften(
    weightmill_mode mode, void *scores, size_t keys, double scale, const int32_t *firsts,
    const int32_t *limits, double *sums);

/// Divides the lanes of `features` features by their sums, and writes lanes from `first` to `end`.
void weightmill_share(
    weightmill_mode mode, const void *weighted, size_t features, const double *sums, size_t first,
    size_t end, void *out);

/// Lays the keys or values of one head and token where blocks of weightmill_block_rows() have them.
///
/// Number i comes from `from[i * WEIGHTMILL_TOKENS]`. It goes to `to[i * step]` if `is_row` (a key:
/// its features are columns), or else to row i of blocks that are `stride` numbers long.
void weightmill_store(
    weightmill_mode mode, const void *from, size_t count, int is_row, size_t stride, void *to);

/// The sums of squares of `a - b` and of `b` over some lanes of two panels, in binary64.
///
/// Each lane adds its columns in order; then the lanes are added in order.
void weightmill_differences(
    weightmill_mode mode, const void *a, const void *b, size_t columns, size_t lanes, double *sums);

/// Adds the squares of some lanes of a panel, each column to a sum of its own, lane by lane.
void weightmill_add_squares(
    weightmill_mode mode, const void *panel, size_t columns, size_t lanes, double *sums);

/// What two models' logits at one position have in common; [0] is the reference's, [1] the candidate's.
typedef struct {
  double top[2][5];      ///< the largest logits, in descending order; -infinity where there are fewer
  double sums[2];        ///< sum of exp(logit - the largest)
  double weighted;       ///< sum of exp(l - the largest l) (l - m)
  double error;          ///< sum of (m - l)^2, each side less its mean
  double size;           ///< sum of l^2, less the mean
  int32_t ids[2][5];     ///< of the largest logits; of equal ones the lower first; -1 where there are fewer
  int32_t is_broken[2];  ///< whether a logit is infinite or not a number
} weightmill_comparison;

/// Compares the logits l of a reference and m of a candidate at the positions of a panel.
///
/// All is binary64; every position adds its `count` tokens of the vocabulary in their order.
///
/// - reference, candidate: `[count][WEIGHTMILL_TOKENS]`.
/// - results: WEIGHTMILL_TOKENS of them.
void weightmill_compare(
    weightmill_mode mode, const void *reference, const void *candidate, size_t count,
    weightmill_comparison *results);
