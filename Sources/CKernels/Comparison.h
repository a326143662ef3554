// Logits of two models compared, in binary64. Included after Reals.h for double.

// As many numbers as a vector of doubles has, from float or double.
INLINE vr wide(const void *numbers, size_t index, int is_double) {
  typedef float singles __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
  return is_double ? *(const vr *)((const double *)numbers + index)
                   : __builtin_convertvector(*(const singles *)((const float *)numbers + index), vr);
}

// Puts a logit among the five largest; of equal ones the earlier stays in front.
static void insert(double logit, int32_t id, double *top, int32_t *ids) {
  if (!(logit > top[4])) return;
  int rank = 4;
  for (; rank > 0 && logit > top[rank - 1]; rank--) {
    top[rank] = top[rank - 1];
    ids[rank] = ids[rank - 1];
  }
  top[rank] = logit;
  ids[rank] = id;
}

// The five largest of each lane, the sums of all, and whether a lane has what is no finite number.
INLINE void survey(
    const void *logits, size_t count, size_t lane, int is_double, int side,
    weightmill_comparison *results, vr *mean) {
  vr fifth = (vr)-__builtin_inf(), sum = 0;
  vi broken = 0;
  for (int i = 0; i < LANES; i++)
    for (int rank = 0; rank < 5; rank++) {
      results[lane + i].top[side][rank] = -__builtin_inf();
      results[lane + i].ids[side][rank] = -1;
    }
  for (size_t id = 0; id < count; id++) {
    const vr x = wide(logits, id * WEIGHTMILL_TOKENS + lane, is_double);
    sum += x;
    broken |= ~(vi)(__builtin_elementwise_abs(x) < (vr)__builtin_inf());
    const vi larger = x > fifth;
    if (!__builtin_reduce_or(larger)) continue;
    for (int i = 0; i < LANES; i++) {
      insert(x[i], (int32_t)id, results[lane + i].top[side], results[lane + i].ids[side]);
      fifth[i] = results[lane + i].top[side][4];
    }
  }
  for (int i = 0; i < LANES; i++) results[lane + i].is_broken[side] = broken[i] != 0;
  *mean = sum / (double)count;
}

INLINE void compare(
    const void *reference, const void *candidate, size_t count, int is_double,
    weightmill_comparison *results) {
  for (size_t lane = 0; lane < WEIGHTMILL_TOKENS; lane += LANES) {
    vr mean, other_mean, largest, other_largest;
    survey(reference, count, lane, is_double, 0, results, &mean);
    survey(candidate, count, lane, is_double, 1, results, &other_mean);
    for (int i = 0; i < LANES; i++) {
      largest[i] = results[lane + i].top[0][0];
      other_largest[i] = results[lane + i].top[1][0];
    }
    const vr mean_difference = other_mean - mean;
    vr sum = 0, other_sum = 0, weighted = 0, error = 0, size = 0;
    for (size_t id = 0; id < count; id++) {
      const vr x = wide(reference, id * WEIGHTMILL_TOKENS + lane, is_double);
      const vr y = wide(candidate, id * WEIGHTMILL_TOKENS + lane, is_double);
      const vr weight = NAMED(exponential)(x - largest);
      sum += weight;
      weighted += weight * (x - y);
      other_sum += NAMED(exponential)(y - other_largest);
      const vr difference = y - x - mean_difference, deviation = x - mean;
      error += difference * difference;
      size += deviation * deviation;
    }
    for (int i = 0; i < LANES; i++) {
      weightmill_comparison *result = results + lane + i;
      result->sums[0] = sum[i];
      result->sums[1] = other_sum[i];
      result->weighted = weighted[i];
      result->error = error[i];
      result->size = size[i];
    }
  }
}

static void compare_single(
    const void *reference, const void *candidate, size_t count, weightmill_comparison *results) {
  compare(reference, candidate, count, 0, results);
}

static void compare_double(
    const void *reference, const void *candidate, size_t count, weightmill_comparison *results) {
  compare(reference, candidate, count, 1, results);
}
