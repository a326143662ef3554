// Vectors of 16 bytes: NEON, SSE2. A processor without fused multiply-add calls the C library's fma.
#define BYTES 16
#define SINGLE_ROWS 6
#define SINGLE_VECTORS 4
#define DOUBLE_ROWS 6
#define DOUBLE_VECTORS 4
#define SINGLE_LEVEL weightmill_forward_4_single
#define DOUBLE_LEVEL weightmill_forward_4_double
#include "ForwardLevel.h"
