// Four lanes: SSE2, NEON, or whatever the compiler makes of them.
#define LANES 4
#if defined(__aarch64__)
#define NEAREST(v) __builtin_elementwise_roundeven(v)
#else
// Adding 1.5 * 2^23 leaves no room for a fraction.
#define NEAREST(v) (((v) + 12582912.0f) - 12582912.0f)
#endif
#include "Encoders.h"

const level weightmill_lanes_4 = {
    search_rows, search_bytes, search_nibbles, widen_halves, add_halves, carry, carry_on,
    settle};
