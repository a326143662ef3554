// Products of rows of weights with panels of vectors. Included once for each kind of number.
//
// A block of ROWS rows and AT_ONCE vectors of tokens have their sums in registers. What is read for
// each column is the vectors and, one by one, ROWS weights that go to all lanes. A processor loads no
// faster than it multiplies and adds, so that a weight should meet more than one vector: AT_ONCE may be
// more than the vectors of a panel, and is then those of PANELS panels.

#undef ROWS
#undef AT_ONCE
#undef PANELS
#define ROWS (REAL_IS_DOUBLE ? DOUBLE_ROWS : SINGLE_ROWS)
#define AT_ONCE (REAL_IS_DOUBLE ? DOUBLE_VECTORS : SINGLE_VECTORS)
#define PANELS (AT_ONCE > VECTORS ? AT_ONCE / VECTORS : 1)
// The numbers of a cache line.
#undef LINE
#define LINE (64 / sizeof(REAL))

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

// What a block of rows is multiplied with, and where the sums go: panels that lie `stride` numbers apart,
// and `out` with a row every WEIGHTMILL_TOKENS numbers. Lines of what comes `ahead` are asked for meanwhile,
// one with each column: the second cache holds the tile, but not the vectors of all tokens.
typedef struct {
  const REAL *vectors;
  size_t stride;
  REAL *out;
  size_t out_stride;
  int adds;
  const REAL *ahead;
  size_t ahead_lines;
} NAMED(meeting);

// One chain for each row and token; `count` vectors from the first of the panels on.
INLINE void NAMED(part)(
    const REAL *weights, size_t columns, const NAMED(meeting) *at, int lane, int count) {
  vr sums[ROWS][AT_ONCE];
  const REAL *from[AT_ONCE];
  REAL *to[AT_ONCE];
  UNROLLED
  for (int v = 0; v < count; v++) {
    from[v] = at->vectors + v / VECTORS * at->stride + lane + v % VECTORS * LANES;
    to[v] = at->out + v / VECTORS * at->out_stride + lane + v % VECTORS * LANES;
  }
  UNROLLED
  for (int row = 0; row < ROWS; row++) {
    UNROLLED
    for (int v = 0; v < count; v++) {
      sums[row][v] = 0;
      // What the sums are added to has left the near caches since the last group.
      __builtin_prefetch(to[v] + row * WEIGHTMILL_TOKENS, 1);
    }
  }
  for (size_t k = 0; k < columns; k++) {
    if (k < at->ahead_lines)
      __builtin_prefetch(at->ahead + k % PANELS * at->stride + k / PANELS * LINE, 0, 2);
    vr x[AT_ONCE];
    UNROLLED
    for (int v = 0; v < count; v++) x[v] = *(const vr *)(from[v] + k * WEIGHTMILL_TOKENS);
    UNROLLED
    for (int row = 0; row < ROWS; row++) {
      const vr weight = (vr)weights[k * ROWS + row];
      UNROLLED
      for (int v = 0; v < count; v++) sums[row][v] = FUSED(weight, x[v], sums[row][v]);
    }
  }
  UNROLLED
  for (int row = 0; row < ROWS; row++) {
    UNROLLED
    for (int v = 0; v < count; v++) {
      vr *sum = (vr *)(to[v] + row * WEIGHTMILL_TOKENS);
      *sum = at->adds ? *sum + sums[row][v] : sums[row][v];
    }
  }
}

// All tokens of PANELS panels, or of one.
INLINE void NAMED(block)(
    const REAL *weights, size_t columns, const NAMED(meeting) *at, int panels) {
  if (PANELS > 1) {
    if (panels == PANELS) NAMED(part)(weights, columns, at, 0, AT_ONCE);
    else NAMED(part)(weights, columns, at, 0, VECTORS);
  } else {
    for (int lane = 0; lane < WEIGHTMILL_TOKENS; lane += AT_ONCE * LANES)
      NAMED(part)(weights, columns, at, lane, AT_ONCE);
  }
}

// The last block may have fewer rows than it computes.
INLINE void NAMED(last_block)(
    const REAL *weights, size_t rows, size_t columns, const NAMED(meeting) *at, int panels) {
  enum { size = ROWS * WEIGHTMILL_TOKENS };
  REAL all[PANELS * size];
  NAMED(meeting) aside = *at;
  aside.out = all;
  aside.out_stride = size;
  aside.adds = 0;
  NAMED(block)(weights, columns, &aside, panels);
  for (int panel = 0; panel < panels; panel++) {
    REAL *out = at->out + (size_t)panel * at->out_stride;
    const REAL *found = all + panel * size;
    for (size_t i = 0; i < rows * WEIGHTMILL_TOKENS; i++)
      out[i] = at->adds ? out[i] + found[i] : found[i];
  }
}

// All rows of a tile and some panels. Of the panels that come next, each block asks for its share.
INLINE void NAMED(tile)(
    const REAL *weights, size_t stride, size_t rows, size_t columns, NAMED(meeting) at, int panels,
    const REAL *next) {
  const size_t lines = columns * WEIGHTMILL_TOKENS / LINE;
  const size_t share = next ? (lines * ROWS + rows - 1) / rows : 0;
  size_t asked = 0;
  for (size_t row = 0; row < rows; row += ROWS, weights += stride, at.out += ROWS * WEIGHTMILL_TOKENS) {
    const size_t left = lines - asked, now = left < share ? left : share;
    at.ahead = next ? next + asked * LINE : at.vectors;
    at.ahead_lines = now * PANELS;
    asked += now;
    if (row + ROWS <= rows) NAMED(block)(weights, columns, &at, panels);
    else NAMED(last_block)(weights, rows - row, columns, &at, panels);
  }
}

static void NAMED(products)(
    const void *packed, size_t stride, size_t rows, size_t columns, const void *vectors,
    size_t vectors_stride, size_t panels, void *out, size_t out_stride, int adds) {
  for (size_t from = 0; from < columns; from += WEIGHTMILL_GROUP) {
    const size_t count = columns - from < WEIGHTMILL_GROUP ? columns - from : WEIGHTMILL_GROUP;
    const REAL *w = (const REAL *)packed + from * ROWS;
    NAMED(meeting) at = {
        (const REAL *)vectors + from * WEIGHTMILL_TOKENS, vectors_stride, out, out_stride,
        adds || from, 0, 0};
    size_t panel = 0;
    for (; panel + PANELS <= panels; panel += PANELS) {
      const REAL *next =
          panel + 2 * PANELS <= panels ? at.vectors + PANELS * vectors_stride : 0;
      NAMED(tile)(w, stride, rows, count, at, PANELS, next);
      at.vectors += PANELS * vectors_stride;
      at.out += PANELS * out_stride;
    }
    for (; panel < panels; panel++) {
      NAMED(tile)(w, stride, rows, count, at, 1, 0);
      at.vectors += vectors_stride;
      at.out += out_stride;
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
