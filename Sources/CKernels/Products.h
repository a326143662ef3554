// Products of rows of weights with panels of vectors. Included once for each kind of number.
//
// A block of ROWS rows and a panel of tokens have their sums in registers. What is read for each
// column is one vector, or a few, of tokens, and ROWS weights that go to all lanes.

#undef ROWS
#define ROWS (REAL_IS_DOUBLE ? DOUBLE_ROWS : SINGLE_ROWS)

static void NAMED(pack)(
    const float *weights, size_t stride, size_t rows, size_t columns, size_t height, void *packed) {
  REAL *to = packed;
  for (size_t row = 0; row < height; row++) {
    const float *from = weights + row * stride;
    if (row < rows)
      for (size_t k = 0; k < columns; k++) to[k * height + row] = from[k];
    else
      for (size_t k = 0; k < columns; k++) to[k * height + row] = 0;
  }
}

// One chain for each row and token; `out` has a panel's row every WEIGHTMILL_TOKENS numbers.
INLINE void NAMED(block)(
    const REAL *weights, size_t columns, const REAL *vectors, REAL *out, int adds) {
  vr sums[ROWS][VECTORS];
  UNROLLED
  for (int row = 0; row < ROWS; row++) {
    UNROLLED
    for (int v = 0; v < VECTORS; v++) sums[row][v] = 0;
  }
  for (size_t k = 0; k < columns; k++) {
    vr x[VECTORS];
    UNROLLED
    for (int v = 0; v < VECTORS; v++) x[v] = *(const vr *)(vectors + k * WEIGHTMILL_TOKENS + v * LANES);
    UNROLLED
    for (int row = 0; row < ROWS; row++) {
      const vr weight = (vr)weights[k * ROWS + row];
      UNROLLED
      for (int v = 0; v < VECTORS; v++) sums[row][v] = FUSED(weight, x[v], sums[row][v]);
    }
  }
  UNROLLED
  for (int row = 0; row < ROWS; row++) {
    UNROLLED
    for (int v = 0; v < VECTORS; v++) {
      vr *to = (vr *)(out + row * WEIGHTMILL_TOKENS + v * LANES);
      *to = adds ? *to + sums[row][v] : sums[row][v];
    }
  }
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
