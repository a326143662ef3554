// Searches of scales, and the types that are encoded in integers.
#include "Digests.h"

enum { BLOCKS = 37, COLUMNS = 5 * 256, MOST_VALUES = BLOCKS * 256 };

#define NAME(NAME, SIZE, RULE, GUIDED_RULE) #NAME,
static const char *const type_names[WEIGHTMILL_SEARCHES] = {WEIGHTMILL_FOR_SEARCHES(NAME, NAME)};

typedef void (*search)(
    int type, int level, const float *values, const float *importance, size_t columns,
    size_t column, size_t blocks, weightmill_block *found);

typedef struct {
  int type;
  const char *what;
  search search;
  const float *importance;
} task;

static int block_size(int type) {
  const weightmill_rule rule = weightmill_rule_of(type, 0);
  return rule.symmetric ? rule.symmetric->parts * rule.symmetric->size
                        : rule.affine->parts * rule.affine->size;
}

static void digest_search(const task *of, kind values_kind) {
  static float values[MOST_VALUES];
  static weightmill_block found[BLOCKS];
  const size_t size = (size_t)block_size(of->type);
  fill(values, BLOCKS * size, values_kind, 100 + (uint64_t)of->type);
  uint64_t digests[LEVELS];
  const int levels = weightmill_level() + 1;
  for (int level = 0; level < levels; level++) {
    memset(found, 0, sizeof found);
    of->search(of->type, level, values, of->importance, COLUMNS, size, BLOCKS, found);
    digests[level] = EMPTY_DIGEST;
    add_bytes(&digests[level], found, sizeof found);
  }
  char name[80];
  snprintf(
      name, sizeof name, "%s %s %s %s", of->what, type_names[of->type],
      of->importance ? "guided" : "plain", kind_names[values_kind]);
  report(name, digests, levels);
}

typedef size_t (*short_search)(int level, const float *values, size_t blocks, uint8_t *found);

static void digest_shorts(const char *what, short_search search, kind values_kind) {
  static float values[BLOCKS * 32];
  static uint8_t found[BLOCKS * 34];
  fill(values, BLOCKS * 32, values_kind, 200);
  uint64_t digests[LEVELS];
  const int levels = weightmill_level() + 1;
  for (int level = 0; level < levels; level++) {
    memset(found, 0, sizeof found);
    const uint32_t large = (uint32_t)search(level, values, BLOCKS, found);
    digests[level] = EMPTY_DIGEST;
    add_bytes(&digests[level], &large, sizeof large);
    add_bytes(&digests[level], found, sizeof found);
  }
  char name[80];
  snprintf(name, sizeof name, "%s %s", what, kind_names[values_kind]);
  report(name, digests, levels);
}

void digest_encoders(void) {
  static float importance[COLUMNS];
  fill_importance(importance, COLUMNS, 300);
  for (kind values_kind = 0; values_kind < KINDS; values_kind++) {
    for (int type = 0; type < WEIGHTMILL_SEARCHES; type++) {
      const task tasks[] = {
          {type, "search", weightmill_search, 0}, {type, "search", weightmill_search, importance},
          {type, "steps", weightmill_search_steps, importance}};
      for (size_t i = 0; i < sizeof tasks / sizeof *tasks; i++) digest_search(&tasks[i], values_kind);
    }
    digest_shorts("bytes", weightmill_search_bytes, values_kind);
    digest_shorts("nibbles", weightmill_search_nibbles, values_kind);
  }
}
