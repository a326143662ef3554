// Searches of codebook points, over codebooks of the three forms that types have, made up here: the real ones
// are tables of Swift (Sources/Quantization/Codebooks).
#include "Digests.h"

enum { FIRSTS = 40, MOST_MEMBERS = FIRSTS * WEIGHTMILL_MEMBERS, SHARED = 12, OFFSET = 32, BLOCKS = 12 };

typedef struct {
  const char *name;
  int levels;
  float level[3], step;  // the levels, or the first and what the next are above it
  int values_per_scale, most, values_per_delta, parity, refines;
  float unit, trial, ratio;
} form;

static const form forms[] = {
    {"three levels, even signs", 3, {8, 25, 43}, 0, 32, 15, 0, 1, 0, 0.125f, 0.6f, 1.09f},
    {"three levels, any signs", 3, {8, 25, 43}, 0, 16, 15, 0, 0, 0, 0.125f, 0.6f, 1.09f},
    {"eight levels, even signs", 8, {4}, 8, 32, 15, 0, 1, 1, 0.25f, 0.6f, 1.08f},
    {"moved by eights", 3, {-1, 0, 1}, 0, 16, 7, 8, 0, 1, 1, 0.5f, 1.2f},
    {"moved by 32", 3, {-1, 0, 1}, 0, 32, 7, 32, 0, 1, 1, 0.5f, 1.2f},
};

typedef struct {
  uint16_t pairs[2 * SHARED], firsts[FIRSTS], members[MOST_MEMBERS];
  weightmill_lattice lattice;
} codebook;

// Which halves exist and what goes with them. First halves are ordered by the number of their members.
static void make_points(codebook *to, int digits, generator *from) {
  const uint32_t halves = (uint32_t)(digits * digits);
  for (uint32_t i = 0; i < SHARED; i++) {
    // The last ones are minima of earlier ones.
    to->pairs[2 * i] = (uint16_t)(next_bits(from) % halves * OFFSET);
    to->pairs[2 * i + 1] = (uint16_t)(next_bits(from) % (halves + i) * OFFSET);
  }
  size_t member = 0;
  for (uint32_t i = 0; i < FIRSTS; i++) {
    const uint32_t half = i * halves / FIRSTS;
    to->firsts[i] = (uint16_t)(half / (uint32_t)digits * 16 + half % (uint32_t)digits);
    const uint32_t count = i * WEIGHTMILL_MEMBERS / FIRSTS + 1;
    to->lattice.ends[count] = (int32_t)i + 1;
    for (uint32_t k = 0; k < count; k++)
      to->members[member++] = (uint16_t)(next_bits(from) % (halves + SHARED) * OFFSET);
  }
}

static void make_codebook(codebook *to, const form *of) {
  memset(to, 0, sizeof *to);
  generator from = {600};
  weightmill_lattice *lattice = &to->lattice;
  make_points(to, of->levels == 3 ? 9 : 8, &from);
  lattice->levels = of->levels;
  for (int i = 0; i < of->levels; i++) {
    const float first = of->level[0], level = of->levels == 3 ? of->level[i] : first + (float)i * of->step;
    lattice->level[i] = level;
    lattice->square_above[i] = level * level - first * first;
    lattice->level_above[i] = level - first;
    lattice->twice_level[i] = 2 * level;
  }
  lattice->values_per_scale = of->values_per_scale;
  lattice->most = of->most;
  lattice->unit = of->unit;
  lattice->values_per_delta = of->values_per_delta;
  lattice->parity = of->parity;
  lattice->refines = of->refines;
  float scale = of->trial;
  for (int i = 0; i < 8; i++) {
    lattice->trial[i] = scale;
    scale *= of->ratio;
    if (of->values_per_delta && i == 3) scale = of->trial;
  }
  lattice->first_unit = of->most == 15 ? 0.0225f : 0.0465f;
  lattice->unit_step = 1.0356f;
  lattice->shared = SHARED;
  lattice->pairs = to->pairs;
  lattice->firsts = to->firsts;
  lattice->members = to->members;
}

// A block as the encoder hands it over: the largest magnitude is from 1 to 2.
static void make_block(float *values, float *weights, uint32_t *odd, int has_signs, uint64_t seed) {
  fill(values, 256, seed % 3 == 2 ? SPARSE : seed % 3 == 1 ? SPIKES : BELL, seed);
  fill_importance(weights, 256, seed + 1000);
  float largest = 0x1p-20f, factor = 1;
  for (int i = 0; i < 256; i++) {
    const float size = values[i] < 0 ? -values[i] : values[i];
    largest = size > largest ? size : largest;
    weights[i] = weights[i] < 0x1p-40f ? 0x1p-40f : weights[i] > 8 ? 8 : weights[i];
  }
  for (; largest * factor < 1;) factor *= 2;
  for (; largest * factor >= 2;) factor *= 0.5f;
  *odd = 0;
  for (int i = 0; i < 256; i++) {
    if (values[i] < 0) *odd ^= 1u << i / 8;
    values[i] *= factor;
    if (values[i] > -0x1p-24f && values[i] < 0x1p-24f) values[i] = 0;
    if (!has_signs && values[i] < 0) values[i] = -values[i];
  }
}

static void digest_form(const form *of) {
  static codebook book;
  make_codebook(&book, of);
  uint64_t digests[LEVELS];
  const int levels = weightmill_level() + 1;
  for (int level = 0; level < levels; level++) {
    digests[level] = EMPTY_DIGEST;
    for (uint64_t seed = 0; seed < BLOCKS; seed++) {
      float values[256], weights[256];
      uint32_t odd;
      make_block(values, weights, &odd, of->values_per_delta != 0, seed);
      uint8_t multipliers[16] = {0};
      uint16_t points[64] = {0};
      // The last blocks have scales about the ends of what binary16 has.
      const float size = seed == BLOCKS - 1 ? 0x1p20f : seed == BLOCKS - 2 ? 0x1p-16f : 0.125f;
      const uint32_t scale = weightmill_lattice_search(
          &book.lattice, values, weights, odd, size, 1 / size, level, multipliers, points);
      add_bytes(&digests[level], &scale, sizeof scale);
      add_bytes(&digests[level], multipliers, sizeof multipliers);
      add_bytes(&digests[level], points, sizeof points);
    }
  }
  char name[80];
  snprintf(name, sizeof name, "lattice: %s", of->name);
  report(name, digests, levels);
}

void digest_lattices(void) {
  for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) digest_form(&forms[i]);
}
