// The arithmetic of the forward pass, in both kinds of number.
#include "Digests.h"

enum {
  TOKENS = WEIGHTMILL_TOKENS, ROWS = 29, COLUMNS = 300, PANELS = 3, MOST_BLOCK = 64,
  NUMBERS = PANELS * COLUMNS * TOKENS,
};

// Room for as many numbers of either kind.
typedef union {
  float singles[NUMBERS];
  double doubles[NUMBERS];
} numbers;

static size_t number_size(weightmill_mode mode) { return mode.is_double ? sizeof(double) : sizeof(float); }

static void *number_at(weightmill_mode mode, numbers *in, size_t index) {
  return (char *)in + index * number_size(mode);
}

// Numbers of half the range: the exponential of a few of them overflows, or is 0.
static void fill_numbers(weightmill_mode mode, numbers *to, size_t count, float factor, uint64_t seed) {
  static float values[NUMBERS];
  fill(values, count, SPIKES, seed);
  for (size_t i = 0; i < count; i++) {
    if (mode.is_double) to->doubles[i] = (double)values[i] * (double)factor + 0x1p-40 * (double)i;
    else to->singles[i] = values[i] * factor;
  }
}

static void add_numbers(weightmill_mode mode, uint64_t *digest, const numbers *from, size_t count) {
  if (mode.is_double) add_doubles(digest, from->doubles, count);
  else add_floats(digest, from->singles, count);
}

static numbers panel, other, out;

// MARK: Products

static void digest_products(weightmill_mode mode, uint64_t *digest) {
  static float weights[ROWS * COLUMNS];
  static double packed[MOST_BLOCK * COLUMNS];
  const size_t height = weightmill_block_rows(mode), stride = height * COLUMNS;
  fill(weights, ROWS * COLUMNS, BELL, 700);
  fill_numbers(mode, &panel, NUMBERS, 1, 701);
  for (size_t row = 0; row < ROWS; row += height)
    weightmill_pack(
        mode, weights + row * COLUMNS, COLUMNS, ROWS - row < height ? ROWS - row : height, COLUMNS,
        height, (char *)packed + row / height * stride * number_size(mode));
  for (int adds = 0; adds < 2; adds++) {
    weightmill_products(
        mode, packed, stride, ROWS, COLUMNS, &panel, COLUMNS * TOKENS, PANELS, &out,
        ROWS * TOKENS, adds);
    add_numbers(mode, digest, &out, PANELS * ROWS * TOKENS);
  }
}

static void digest_narrow(weightmill_mode mode, uint64_t *digest) {
  static float weights[ROWS * COLUMNS];
  static numbers packed;
  fill(weights, ROWS * COLUMNS, SPIKES, 702);
  fill_numbers(mode, &panel, COLUMNS * TOKENS, 1, 703);
  const size_t columns = 200;
  weightmill_pack(mode, weights, COLUMNS, ROWS, columns, WEIGHTMILL_NARROW, &packed);
  add_numbers(mode, digest, &packed, columns * WEIGHTMILL_NARROW);
  memset(&out, 0, sizeof out);
  for (int adds = 0; adds < 2; adds++)
    weightmill_narrow_products(mode, &packed, ROWS, columns, &panel, 5, &out, adds);
  add_numbers(mode, digest, &out, ROWS * TOKENS);
}

// What is stored as rows and as columns of a tile, times a panel: how a tile lies is up to the level.
static void digest_stored(weightmill_mode mode, uint64_t *digest) {
  static numbers tile;
  const size_t height = weightmill_block_rows(mode), columns = 40, stride = height * columns;
  fill_numbers(mode, &panel, COLUMNS * TOKENS, 1, 704);
  for (int is_row = 0; is_row < 2; is_row++) {
    memset(&tile, 0, sizeof tile);
    const size_t pieces = is_row ? ROWS : columns, length = is_row ? columns : ROWS;
    for (size_t piece = 0; piece < pieces; piece++) {
      const size_t at = is_row ? piece / height * stride + piece % height : piece * height;
      weightmill_store(
          mode, number_at(mode, &panel, piece), length, is_row, stride, number_at(mode, &tile, at));
    }
    weightmill_products(
        mode, &tile, stride, ROWS, columns, &panel, 0, 1, &out, ROWS * TOKENS, 0);
    add_numbers(mode, digest, &out, ROWS * TOKENS);
  }
}

// MARK: Between products

static void digest_norm(weightmill_mode mode, uint64_t *digest) {
  static float gains[COLUMNS];
  fill(gains, COLUMNS, BELL, 710);
  fill_numbers(mode, &panel, COLUMNS * TOKENS, 3, 711);
  weightmill_norm(mode, &panel, COLUMNS, gains, 1e-5, &out);
  add_numbers(mode, digest, &out, COLUMNS * TOKENS);
  weightmill_shift(mode, &out, COLUMNS, gains);
  add_numbers(mode, digest, &out, COLUMNS * TOKENS);
}

static void digest_rotation(weightmill_mode mode, uint64_t *digest) {
  enum { heads = 5, head = 48, turned = 32 };
  static numbers sines;
  for (int halves = 0; halves < 2; halves++) {
    fill_numbers(mode, &panel, heads * head * TOKENS, 1, 720);
    fill_numbers(mode, &other, turned / 2 * TOKENS, 0.0625f, 721);
    fill_numbers(mode, &sines, turned / 2 * TOKENS, 0.0625f, 722);
    weightmill_rotate(mode, &panel, heads, head, turned, halves, &other, &sines);
    add_numbers(mode, digest, &panel, heads * head * TOKENS);
  }
}

static void digest_gates(weightmill_mode mode, uint64_t *digest) {
  const int activations[] = {WEIGHTMILL_SILU, WEIGHTMILL_GELU};
  for (int i = 0; i < 2; i++) {
    fill_numbers(mode, &panel, COLUMNS * TOKENS, 4, 730);
    fill_numbers(mode, &other, COLUMNS * TOKENS, 1, 731);
    weightmill_gate(mode, &panel, &other, COLUMNS * TOKENS, activations[i]);
    weightmill_add(mode, &panel, &other, COLUMNS * TOKENS);
    weightmill_scale(mode, &panel, COLUMNS * TOKENS, 0.7);
    add_numbers(mode, digest, &panel, COLUMNS * TOKENS);
    weightmill_cap(mode, &panel, COLUMNS * TOKENS, 1.25, 30);
    add_numbers(mode, digest, &panel, COLUMNS * TOKENS);
  }
}

static void digest_exponentials(weightmill_mode mode, uint64_t *digest) {
  const float ranges[] = {1, 30, mode.is_double ? 250 : 40};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    fill_numbers(mode, &panel, NUMBERS, ranges[i], 740);
    weightmill_exponentials(mode, &panel, NUMBERS);
    add_numbers(mode, digest, &panel, NUMBERS);
  }
}

static void digest_attention(weightmill_mode mode, uint64_t *digest) {
  int32_t firsts[TOKENS], limits[TOKENS];
  double sums[TOKENS];
  for (int32_t lane = 0; lane < TOKENS; lane++) {
    firsts[lane] = lane % 4 * 10;
    limits[lane] = 100 + lane * 12;
  }
  fill_numbers(mode, &panel, COLUMNS * TOKENS, 8, 750);
  weightmill_soften(mode, &panel, COLUMNS, 0.125, firsts, limits, sums);
  add_numbers(mode, digest, &panel, COLUMNS * TOKENS);
  add_doubles(digest, sums, TOKENS);
  memset(&out, 0, sizeof out);
  weightmill_share(mode, &panel, COLUMNS, sums, 2, 13, &out);
  add_numbers(mode, digest, &out, COLUMNS * TOKENS);
}

// MARK: Measures

static void digest_differences(weightmill_mode mode, uint64_t *digest) {
  double sums[2], squares[COLUMNS] = {1, 2, 3};
  fill_numbers(mode, &panel, COLUMNS * TOKENS, 1, 760);
  fill_numbers(mode, &other, COLUMNS * TOKENS, 1, 761);
  weightmill_differences(mode, &panel, &other, COLUMNS, 11, sums);
  weightmill_add_squares(mode, &panel, COLUMNS, 11, squares);
  add_doubles(digest, sums, 2);
  add_doubles(digest, squares, COLUMNS);
}

static void set(weightmill_mode mode, numbers *in, size_t index, double value) {
  if (mode.is_double) in->doubles[index] = value;
  else in->singles[index] = (float)value;
}

static void digest_comparison(weightmill_mode mode, uint64_t *digest) {
  static weightmill_comparison results[TOKENS];
  fill_numbers(mode, &panel, COLUMNS * TOKENS, 4, 770);
  fill_numbers(mode, &other, COLUMNS * TOKENS, 4, 771);
  // Lanes with what is no number, what is infinite, and with equal logits.
  set(mode, &panel, 17 * TOKENS + 3, __builtin_nan(""));
  set(mode, &other, 40 * TOKENS + 6, __builtin_inf());
  for (size_t id = 0; id < COLUMNS; id++) set(mode, &panel, id * TOKENS + 9, 1.5);
  memset(results, 0, sizeof results);
  weightmill_compare(mode, &panel, &other, COLUMNS, results);
  for (int lane = 0; lane < TOKENS; lane++) {
    const weightmill_comparison *result = &results[lane];
    add_doubles(digest, result->top[0], 10);
    const double figures[] = {
        result->sums[0], result->sums[1], result->weighted, result->error, result->size};
    add_doubles(digest, figures, 5);
    add_bytes(digest, result->ids, sizeof result->ids);
    add_bytes(digest, result->is_broken, sizeof result->is_broken);
  }
}

// MARK: All

typedef struct {
  const char *name;
  void (*digest)(weightmill_mode mode, uint64_t *digest);
} kernel;

static const kernel kernels[] = {
    {"products", digest_products}, {"narrow products", digest_narrow}, {"stored tiles", digest_stored},
    {"norm, shift", digest_norm}, {"rotation", digest_rotation}, {"gate, add, scale, cap", digest_gates},
    {"exponentials", digest_exponentials}, {"attention", digest_attention},
    {"differences, squares", digest_differences}, {"comparison", digest_comparison}};

void digest_forward(void) {
  const int levels = weightmill_forward_level() + 1;
  for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++)
    for (int is_double = 0; is_double < 2; is_double++) {
      uint64_t digests[LEVELS];
      for (int level = 0; level < levels; level++) {
        digests[level] = EMPTY_DIGEST;
        kernels[i].digest((weightmill_mode){level, is_double}, &digests[level]);
      }
      char name[80];
      snprintf(name, sizeof name, "%s, %s", kernels[i].name, is_double ? "binary64" : "binary32");
      report(name, digests, levels);
    }
}
