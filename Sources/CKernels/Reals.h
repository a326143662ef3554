// The numbers of a forward pass: machine vectors of float or of double, and exp.
//
// Whoever includes this sets REAL_IS_DOUBLE, and BYTES, the size of a machine vector. It is included
// once for each kind of number, so it has no include guard.

#undef REAL
#undef BITS
#undef LANES
#undef NAMED
#if REAL_IS_DOUBLE
#define REAL double
#define BITS int64_t
#define LANES (BYTES / 8)
#define NAMED(name) name##_double
#else
#define REAL float
#define BITS int32_t
#define LANES (BYTES / 4)
#define NAMED(name) name##_single
#endif

#undef vr
#undef vi
#undef vd
#define vr NAMED(reals)
#define vi NAMED(bits)
#define vd NAMED(doubles)
typedef REAL vr __attribute__((ext_vector_type(LANES), aligned(sizeof(REAL)), may_alias));
typedef BITS vi __attribute__((ext_vector_type(LANES)));
// As many doubles as there are lanes.
typedef double vd __attribute__((ext_vector_type(LANES), aligned(8), may_alias));

// The machine vectors of a panel's tokens.
#undef VECTORS
#define VECTORS (WEIGHTMILL_TOKENS / LANES)

#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#define UNROLLED _Pragma("clang loop unroll(full)")
#define FUSED __builtin_elementwise_fma
#endif

// exp(x) = 2^n exp(r) with r = x - n ln 2, at most 0.347 in size, and exp(r) by its Taylor series, cut
// where the rest is below a tenth of a unit in the last place. ln 2 is the sum of two numbers.
// ForwardKernelTests measures the error: 0.91 units in the last place for float; for double, at most one
// unit from what the C library gives. 0 and infinity come where they should; NaN stays NaN.
static const REAL NAMED(taylor)[] = {
#if REAL_IS_DOUBLE
    1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0, 1 / 362880.0, 1 / 40320.0,
#endif
    (REAL)(1 / 5040.0), (REAL)(1 / 720.0), (REAL)(1 / 120.0), (REAL)(1 / 24.0), (REAL)(1 / 6.0),
    (REAL)0.5, 1, 1};

INLINE vr NAMED(exponential)(vr x) {
  const int terms = sizeof NAMED(taylor) / sizeof(REAL);
  const REAL lowest = REAL_IS_DOUBLE ? -746 : -105, highest = REAL_IS_DOUBLE ? 710 : 89;
  // Adding it leaves no room for a fraction: the last bits of the sum are n.
  const REAL round = (REAL)(REAL_IS_DOUBLE ? 0x1.8p52 : 0x1.8p23);
  const BITS zero = (BITS)(REAL_IS_DOUBLE ? 0x4338000000000000 : 0x4B400000);
  const REAL high = (REAL)(REAL_IS_DOUBLE ? 0x1.62e42fefa39efp-1 : 0x1.62e43p-1);
  const REAL low = (REAL)(REAL_IS_DOUBLE ? 0x1.abc9e3b39803fp-56 : -0x1.05c61p-29);
  const BITS bias = REAL_IS_DOUBLE ? 1023 : 127, shift = REAL_IS_DOUBLE ? 52 : 23;
  x = x < lowest ? (vr)lowest : x;
  x = x > highest ? (vr)highest : x;
  const vr sum = FUSED(x, (vr)(REAL)0x1.71547652b82fep+0, (vr)round);
  const vr n = sum - round;
  const vr r = FUSED(n, (vr)-low, FUSED(n, (vr)-high, x));
  vr p = (vr)NAMED(taylor)[0];
  UNROLLED
  for (int i = 1; i < terms; i++) p = FUSED(p, r, (vr)NAMED(taylor)[i]);
  // In two steps: 2^n alone may be too large or too small.
  const vi whole = (vi)sum - zero, half = whole >> 1;
  return p * (vr)((half + bias) << shift) * (vr)((whole - half + bias) << shift);
}
