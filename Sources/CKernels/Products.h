// Products of rows of weights with panels of vectors. Included once for each kind of number.
//
// A block of ROWS rows and AT_ONCE vectors of tokens have their sums in registers. What is read for
// each column is the vectors and, one by one, ROWS weights that go to all lanes.

#undef ROWS
#undef AT_ONCE
#define ROWS (REAL_IS_DOUBLE ? DOUBLE_ROWS : SINGLE_ROWS)
#define AT_ONCE (REAL_IS_DOUBLE ? DOUBLE_VECTORS : SINGLE_VECTORS)

typedef REAL NAMED(four) __attribute__((ext_vector_type(4), aligned(sizeof(REAL)), may_alias));

// Four rows and four columns change places.
INLINE void NAMED(transpose)(const float *from, size_t stride, REAL *to, size_t height) {
  typedef float four __attribute__((ext_vector_type(4), aligned(4), may_alias));
  const four a = *(const four *)from, b = *(const four *)(from + stride);
  const four c = *(const four *)(from + 2 * stride), d = *(const four *)(from + 3 * stride);
  const four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const four columns[4] = {
      __builtin_shufflevector(ab, cd, 0, 1, 4, 5), __builtin_shufflevector(ab, cd, 2, 3, 6, 7),
      __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
      __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
  UNROLLED
  for (int k = 0; k < 4; k++)
    *(NAMED(four) *)(to + (size_t)k * height) =
        __builtin_convertvector(columns[k], NAMED(four));
}

// A few columns at a time, so that what is written stays in the first cache.
static void NAMED(pack)(
    const float *weights, size_t stride, size_t rows, size_t columns, size_t height, void *packed) {
  enum { strip = 16 };
  REAL *to = packed;
  const size_t whole = rows / 4 * 4;
  for (size_t first = 0; first < columns; first += strip) {
    const size_t end = columns - first < strip ? columns : first + strip;
    const size_t fours = first + (end - first) / 4 * 4;
    for (size_t row = 0; row < whole; row += 4) {
      for (size_t k = first; k < fours; k += 4)
        NAMED(transpose)(weights + row * stride + k, stride, to + k * height + row, height);
      for (size_t k = fours; k < end; k++)
        for (size_t i = row; i < row + 4; i++) to[k * height + i] = weights[i * stride + k];
    }
    for (size_t row = whole; row < height; row++)
      for (size_t k = first; k < end; k++)
        to[k * height + row] = row < rows ? weights[row * stride + k] : 0;
  }
}

// One chain for each row and token; `out` has a row every WEIGHTMILL_TOKENS numbers.
INLINE void NAMED(part)(
    const REAL *weights, size_t columns, const REAL *vectors, REAL *out, int adds) {
  vr sums[ROWS][AT_ONCE];
  UNROLLED
  for (int row = 0; row < ROWS; row++) {
    UNROLLED
    for (int v = 0; v < AT_ONCE; v++) sums[row][v] = 0;
  }
  // What the sums are added to has left the near caches since the last group.
  UNROLLED
  for (int row = 0; row < ROWS; row++) __builtin_prefetch(out + row * WEIGHTMILL_TOKENS, 1);
  for (size_t k = 0; k < columns; k++) {
    vr x[AT_ONCE];
    UNROLLED
    for (int v = 0; v < AT_ONCE; v++) x[v] = *(const vr *)(vectors + k * WEIGHTMILL_TOKENS + v * LANES);
    UNROLLED
    for (int row = 0; row < ROWS; row++) {
      const vr weight = (vr)weights[k * ROWS + row];
      UNROLLED
      for (int v = 0; v < AT_ONCE; v++) sums[row][v] = FUSED(weight, x[v], sums[row][v]);
    }
  }
  UNROLLED
  for (int row = 0; row < ROWS; row++) {
    UNROLLED
    for (int v = 0; v < AT_ONCE; v++) {
      vr *to = (vr *)(out + row * WEIGHTMILL_TOKENS + v * LANES);
      *to = adds ? *to + sums[row][v] : sums[row][v];
    }
  }
}

INLINE void NAMED(block)(
    const REAL *weights, size_t columns, const REAL *vectors, REAL *out, int adds) {
  for (int lane = 0; lane < WEIGHTMILL_TOKENS; lane += AT_ONCE * LANES)
    NAMED(part)(weights, columns, vectors + lane, out + lane, adds);
}

// The last block may have fewer rows than it computes.
static void NAMED(last_block)(
    const REAL *weights, size_t rows, size_t columns, const REAL *vectors, REAL *out, int adds) {
  REAL all[ROWS * WEIGHTMILL_TOKENS];
  NAMED(block)(weights, columns, vectors, all, 0);
  for (size_t i = 0; i < rows * WEIGHTMILL_TOKENS; i++) out[i] = adds ? out[i] + all[i] : all[i];
}

static void NAMED(products)(
    const void *packed, size_t stride, size_t rows, size_t columns, const void *vectors,
    size_t vectors_stride, size_t panels, void *out, size_t out_stride, int adds) {
  for (size_t from = 0; from < columns; from += WEIGHTMILL_GROUP) {
    const size_t count = columns - from < WEIGHTMILL_GROUP ? columns - from : WEIGHTMILL_GROUP;
    for (size_t panel = 0; panel < panels; panel++) {
      const REAL *x = (const REAL *)vectors + panel * vectors_stride + from * WEIGHTMILL_TOKENS;
      const REAL *w = (const REAL *)packed + from * ROWS;
      REAL *y = (REAL *)out + panel * out_stride;
      size_t row = 0;
      for (; row + ROWS <= rows; row += ROWS, w += stride, y += ROWS * WEIGHTMILL_TOKENS)
        NAMED(block)(w, count, x, y, adds || from);
      if (row < rows) NAMED(last_block)(w, rows - row, count, x, y, adds || from);
    }
  }
}

// Here the lanes are rows.
static void NAMED(narrow_products)(
    const void *packed, size_t rows, size_t columns, const void *vectors, size_t tokens, void *out,
    int adds) {
  enum { parts = WEIGHTMILL_NARROW / LANES };
  for (size_t token = 0; token < tokens; token++) {
    const REAL *x = (const REAL *)vectors + token, *w = packed;
    union { vr vectors[parts]; REAL rows[WEIGHTMILL_NARROW]; } sums;
    vr chains[parts];
    UNROLLED
    for (int part = 0; part < parts; part++) chains[part] = 0;
    for (size_t k = 0; k < columns; k++) {
      const vr value = (vr)x[k * WEIGHTMILL_TOKENS];
      UNROLLED
      for (int part = 0; part < parts; part++)
        chains[part] =
            FUSED(*(const vr *)(w + k * WEIGHTMILL_NARROW + part * LANES), value, chains[part]);
    }
    UNROLLED
    for (int part = 0; part < parts; part++) sums.vectors[part] = chains[part];
    REAL *y = (REAL *)out + token;
    for (size_t row = 0; row < rows; row++) {
      REAL *to = y + row * WEIGHTMILL_TOKENS;
      *to = adds ? *to + sums.rows[row] : sums.rows[row];
    }
  }
}

static void NAMED(store)(const void *from, size_t count, int is_row, size_t stride, void *to) {
  const REAL *source = from;
  REAL *target = to;
  for (size_t i = 0; i < count; i++)
    target[is_row ? i * ROWS : i / ROWS * stride + i % ROWS] = source[i * WEIGHTMILL_TOKENS];
}
