// Errors that are carried on from column to column.
#include "Digests.h"

enum { WIDTH = 64, END = 160, PART = 16, PARTS = WIDTH / PART };

typedef struct {
  float steps[PARTS * WEIGHTMILL_PANEL], offsets[PARTS * WEIGHTMILL_PANEL];
  float targets[WIDTH * WEIGHTMILL_PANEL], errors[WIDTH * WEIGHTMILL_PANEL];
  float values[END * WEIGHTMILL_PANEL], factors[WIDTH * END];
  uint8_t numbers[WIDTH * WEIGHTMILL_PANEL];
} room;

static void prepare(room *at) {
  memset(at, 0, sizeof *at);
  fill(at->values, END * WEIGHTMILL_PANEL, SPIKES, 400);
  fill(at->targets, WIDTH * WEIGHTMILL_PANEL, SPIKES, 400);
  fill(at->errors, WIDTH * WEIGHTMILL_PANEL, BELL, 401);
  fill(at->factors, WIDTH * END, BELL, 402);
  for (size_t i = 0; i < WIDTH * END; i++) at->factors[i] *= 0.0625f;
  fill(at->steps, PARTS * WEIGHTMILL_PANEL, SPARSE, 403);
  fill(at->offsets, PARTS * WEIGHTMILL_PANEL, BELL, 404);
}

typedef void (*carrier)(int level, const weightmill_carrying *at);

static void digest_one(const char *name, carrier carry, float low, float high, int uneven) {
  static room at;
  uint64_t digests[LEVELS];
  const int levels = weightmill_level() + 1;
  for (int level = 0; level < levels; level++) {
    prepare(&at);
    const weightmill_carrying block = {
        .width = WIDTH, .end = END, .part = PART, .low = low, .high = high, .uneven = uneven,
        .steps = at.steps, .offsets = at.offsets, .targets = at.targets, .values = at.values,
        .errors = at.errors, .factors = at.factors, .stride = END, .numbers = at.numbers};
    carry(level, &block);
    digests[level] = EMPTY_DIGEST;
    add_floats(&digests[level], at.values, END * WEIGHTMILL_PANEL);
    add_floats(&digests[level], at.errors, WIDTH * WEIGHTMILL_PANEL);
    add_bytes(&digests[level], at.numbers, sizeof at.numbers);
  }
  report(name, digests, levels);
}

void digest_carrying(void) {
  digest_one("carry even", weightmill_carry, -8, 7, 0);
  digest_one("carry affine", weightmill_carry, 0, 15, 0);
  digest_one("carry uneven", weightmill_carry, 0, 0, 1);
  digest_one("carry on", weightmill_carry_on, 0, 15, 0);
  digest_one("settle", weightmill_settle, 0, 15, 0);
}
