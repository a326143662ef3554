// Prints a digest of what each kernel of CKernels makes of fixed inputs: `make arm`.
#include "Digests.h"

static int failures = 0;

void report(const char *name, const uint64_t digests[LEVELS], int levels) {
  printf("%016llx  %s\n", (unsigned long long)digests[0], name);
  for (int level = 1; level < levels; level++) {
    if (digests[level] == digests[0]) continue;
    fprintf(stderr, "%s: level %d gives other bytes than level 0\n", name, level);
    failures++;
  }
}

int main(void) {
  fprintf(
      stderr, "levels of instructions: %d for encoders, %d for the forward pass\n",
      weightmill_level() + 1, weightmill_forward_level() + 1);
  digest_encoders();
  digest_carrying();
  digest_halves();
  digest_sums();
  digest_lattices();
  digest_forward();
  return failures != 0;
}
