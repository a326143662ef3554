// What a forward pass does between its products. Included once for each kind of number.

INLINE vr *NAMED(at)(const void *numbers, size_t index) { return (vr *)((REAL *)numbers + index); }

static void NAMED(norm)(
    const void *panel, size_t columns, const float *gains, double epsilon, void *out) {
  vd squares[VECTORS];
  vr scales[VECTORS];
  for (int v = 0; v < VECTORS; v++) squares[v] = 0;
  for (size_t column = 0; column < columns; column++)
    for (int v = 0; v < VECTORS; v++) {
      const vr x = *NAMED(at)(panel, column * WEIGHTMILL_TOKENS + v * LANES);
      const vd wide = __builtin_convertvector(x, vd);
      squares[v] = FUSED(wide, wide, squares[v]);
    }
  for (int v = 0; v < VECTORS; v++) {
    const vd root = __builtin_elementwise_sqrt(squares[v] / (double)columns + epsilon);
    scales[v] = __builtin_convertvector(1.0 / root, vr);
  }
  for (size_t column = 0; column < columns; column++)
    for (int v = 0; v < VECTORS; v++) {
      const size_t index = column * WEIGHTMILL_TOKENS + v * LANES;
      *NAMED(at)(out, index) = *NAMED(at)(panel, index) * scales[v] * (REAL)gains[column];
    }
}

static void NAMED(rotate)(
    void *panel, size_t heads, size_t head, size_t turned, int halves, const void *cosines,
    const void *sines) {
  const size_t half = turned / 2;
  for (size_t number = 0; number < heads; number++)
    for (size_t pair = 0; pair < half; pair++)
      for (int v = 0; v < VECTORS; v++) {
        const size_t first = number * head + (halves ? pair : 2 * pair);
        vr *a = NAMED(at)(panel, first * WEIGHTMILL_TOKENS + v * LANES);
        vr *b = NAMED(at)(panel, (first + (halves ? half : 1)) * WEIGHTMILL_TOKENS + v * LANES);
        const vr x = *a, y = *b;
        const vr cosine = *NAMED(at)(cosines, pair * WEIGHTMILL_TOKENS + v * LANES);
        const vr sine = *NAMED(at)(sines, pair * WEIGHTMILL_TOKENS + v * LANES);
        *a = x * cosine - y * sine;
        *b = y * cosine + x * sine;
      }
}

// Counts of these five are multiples of WEIGHTMILL_TOKENS.
static void NAMED(gate)(void *gate, const void *up, size_t count, int activation) {
  // 2 sqrt(2 / pi).
  const REAL slope = (REAL)0x1.9884533d43651p+0;
  for (size_t index = 0; index < count; index += LANES) {
    const vr x = *NAMED(at)(gate, index);
    const vr y =
        activation == WEIGHTMILL_GELU ? slope * (x + (REAL)0.044715 * x * x * x) : x;
    *NAMED(at)(gate, index) = x / ((REAL)1 + NAMED(exponential)(-y)) * *NAMED(at)(up, index);
  }
}

static void NAMED(cap)(void *values, size_t count, double factor, double cap) {
  const REAL scale = (REAL)(2 * factor / cap);
  for (size_t index = 0; index < count; index += LANES) {
    const vr power = NAMED(exponential)(*NAMED(at)(values, index) * scale);
    *NAMED(at)(values, index) = (REAL)cap * ((REAL)1 - (REAL)2 / (power + (REAL)1));
  }
}

static void NAMED(add)(void *sum, const void *term, size_t count) {
  for (size_t index = 0; index < count; index += LANES)
    *NAMED(at)(sum, index) = *NAMED(at)(sum, index) + *NAMED(at)(term, index);
}

static void NAMED(scale)(void *values, size_t count, double factor) {
  for (size_t place = 0; place < count; place += LANES)
    *NAMED(at)(values, place) = *NAMED(at)(values, place) * (REAL)factor;
}

static void NAMED(shift)(void *panel, size_t columns, const float *terms) {
  for (size_t column = 0; column < columns; column++)
    for (int v = 0; v < VECTORS; v++) {
      const size_t place = column * WEIGHTMILL_TOKENS + v * LANES;
      *NAMED(at)(panel, place) = *NAMED(at)(panel, place) + (REAL)terms[column];
    }
}

static void NAMED(exponentials)(void *values, size_t count) {
  for (size_t index = 0; index < count; index += LANES)
    *NAMED(at)(values, index) = NAMED(exponential)(*NAMED(at)(values, index));
}

static void NAMED(soften)(
    void *scores, size_t keys, double scale, const int32_t *firsts, const int32_t *limits,
    double *sums) {
  const vr nothing = (vr)(REAL)-__builtin_inf();
  for (int v = 0; v < VECTORS; v++) {
    vi first, limit;
    for (int lane = 0; lane < LANES; lane++) {
      first[lane] = firsts[v * LANES + lane];
      limit[lane] = limits[v * LANES + lane];
    }
    vr largest = nothing;
    for (size_t key = 0; key < keys; key++) {
      vr *score = NAMED(at)(scores, key * WEIGHTMILL_TOKENS + v * LANES);
      const vi isSeen = ((vi)(BITS)key >= first) & ((vi)(BITS)key < limit);
      const vr seen = isSeen ? *score * (REAL)scale : nothing;
      *score = seen;
      largest = seen > largest ? seen : largest;
    }
    vd sum = 0;
    for (size_t key = 0; key < keys; key++) {
      vr *score = NAMED(at)(scores, key * WEIGHTMILL_TOKENS + v * LANES);
      *score = NAMED(exponential)(*score - largest);
      sum += __builtin_convertvector(*score, vd);
    }
    *(vd *)(sums + v * LANES) = sum;
  }
}

static void NAMED(share)(
    const void *weighted, size_t features, const double *sums, size_t first, size_t end, void *out) {
  for (size_t feature = 0; feature < features; feature++)
    for (size_t lane = first; lane < end; lane++) {
      const size_t index = feature * WEIGHTMILL_TOKENS + lane;
      ((REAL *)out)[index] = ((const REAL *)weighted)[index] / (REAL)sums[lane];
    }
}

static void NAMED(differences)(
    const void *a, const void *b, size_t columns, size_t lanes, double *sums) {
  double lost[WEIGHTMILL_TOKENS], whole[WEIGHTMILL_TOKENS];
  for (int v = 0; v < VECTORS; v++) {
    vd difference = 0, size = 0;
    for (size_t column = 0; column < columns; column++) {
      const size_t index = column * WEIGHTMILL_TOKENS + v * LANES;
      const vd x = __builtin_convertvector(*NAMED(at)(a, index), vd);
      const vd y = __builtin_convertvector(*NAMED(at)(b, index), vd);
      difference = FUSED(x - y, x - y, difference);
      size = FUSED(y, y, size);
    }
    *(vd *)(lost + v * LANES) = difference;
    *(vd *)(whole + v * LANES) = size;
  }
  sums[0] = sums[1] = 0;
  for (size_t lane = 0; lane < lanes; lane++) {
    sums[0] += lost[lane];
    sums[1] += whole[lane];
  }
}

static void NAMED(add_squares)(const void *panel, size_t columns, size_t lanes, double *sums) {
  for (size_t column = 0; column < columns; column++) {
    const REAL *x = (const REAL *)panel + column * WEIGHTMILL_TOKENS;
    double sum = sums[column];
    for (size_t lane = 0; lane < lanes; lane++) sum += (double)x[lane] * x[lane];
    sums[column] = sum;
  }
}
