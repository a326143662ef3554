// How scales of each type are searched, without importance and with it (`guided`).
//
// The figures were chosen by the KL divergence of fixtures/mini-ziya and by speed: `make quality` and
// `make bench` measure both. formats/quantization.md tells what they mean.
#pragma once

// Values are scale * number: Q3_K, Q6_K, IQ4_XS, and types whose blocks have one scale.
typedef struct {
  int parts;                    // of a block
  int size;                     // of a part
  float low, high;              // the numbers
  int uneven;                   // whether numbers are levels of IQ4_NL
  float scale_low, scale_high;  // the integer scales; 1 where a block has one scale
  int trials, d_trials;         // how many of each
  float trial[32];              // where the largest value of a part shall fall, among the numbers
  float d_trial[32];            // where the largest scale shall fall, among the integer scales
  int rounds;                   // how often d is fitted anew
  int reach;                    // how many integer scales on either side are tried
  float stretch;                // how much of the shortness that rounding brings is undone, 0 to 1
  float limit;                  // magnitudes beyond are too large for the type
} symmetric_rule;

// Values are scale * number - minimum: Q2_K, Q4_K, Q5_K, Q4_1, Q5_1.
typedef struct {
  int parts, size;
  float high;              // the numbers: 0 to this
  float scale_high;        // integer scales and minima: 0 to this
  int trials, d_trials;
  float trial[32];         // how many numbers the range of a part shall take
  float shift[32];         // how far below 0 the least value shall fall in each trial
  float d_trial[32];       // where the largest scale, and the largest minimum, shall fall
  int rounds;
  int reach, depth;        // how many integer scales, and minima, on either side are tried
  float stretch, limit;
  int is_free;             // whether the minimum may have either sign: Q4_1, Q5_1
} affine_rule;

static const symmetric_rule q4_0 = {
    .parts = 1, .size = 32, .low = -8, .high = 7, .uneven = 0,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f * 7,
    .trials = 5,
    .trial = {-8.8, -8.4, -8, -7.6, -7.2},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 1};

static const symmetric_rule q4_0_guided = {
    .parts = 1, .size = 32, .low = -8, .high = 7, .uneven = 0,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f * 7,
    .trials = 22,
    .trial = {-12, -10.8, -10, -9.4, -9, -8.7, -8.4, -8.1, -7.8, -7.5, -7.2, -6.8, -6.4, -5.5,
             6.4, 6.8, 7.2, 7.6, 8, 8.5, 9, 10},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 0.5};

static const symmetric_rule q5_0 = {
    .parts = 1, .size = 32, .low = -16, .high = 15, .uneven = 0,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f * 14,
    .trials = 7,
    .trial = {-17, -16.5, -16, -15.5, -15, -14.5, -14},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 1};

static const symmetric_rule q5_0_guided = {
    .parts = 1, .size = 32, .low = -16, .high = 15, .uneven = 0,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f * 14,
    .trials = 27,
    .trial = {-23, -21, -19.5, -18.5, -18, -17.6, -17.2, -16.8, -16.4, -16, -15.6, -15.2, -14.8,
             -14.4, -14, -13.6, -13.2, 13, 13.5, 14, 14.4, 14.8, 15.2, 15.6, 16, 16.5, 17.5},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 0.5};

static const symmetric_rule iq4_nl = {
    .parts = 1, .size = 32, .low = 0, .high = 0, .uneven = 1,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f * 98,
    .trials = 11,
    .trial = {-146, -140, -134, -128, -122, -116, -110, -104, -98, 114, 126},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 1};

static const symmetric_rule iq4_nl_guided = {
    .parts = 1, .size = 32, .low = 0, .high = 0, .uneven = 1,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f * 98,
    .trials = 28,
    .trial = {-190, -165, -152, -146, -140, -134, -128, -122, -116, -110, -104, -98, -92, -86,
             -78, 80, 86, 92, 98, 104, 110, 116, 122, 128, 134, 140, 150, 165},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 0.5};

static const symmetric_rule q3_K = {
    .parts = 16, .size = 16, .low = -4, .high = 3, .uneven = 0,
    .scale_low = -32, .scale_high = 31, .limit = 65504.0f * 80,
    .trials = 4,
    .trial = {-4.4, -3.95, -3.5, -3.1},
    .d_trials = 4, .d_trial = {-32.5, -31.5, -30.5, -29.5}, .rounds = 1, .reach = 0,
    .stretch = 1};

static const symmetric_rule q3_K_guided = {
    .parts = 16, .size = 16, .low = -4, .high = 3, .uneven = 0,
    .scale_low = -32, .scale_high = 31, .limit = 65504.0f * 80,
    .trials = 22,
    .trial = {-9, -7, -6, -5.3, -4.8, -4.4, -4.1, -3.8, -3.5, -3.2, -2.9, -2.6, -2.2, -1.8, 7,
             5.5, 4.6, 4.1, 3.7, 3.3, 2.9, 2.4},
    .d_trials = 6, .d_trial = {-33, -32, -31, -30, -29, -28}, .rounds = 1, .reach = 1,
    .stretch = 0.25};

static const symmetric_rule q6_K = {
    .parts = 16, .size = 16, .low = -32, .high = 31, .uneven = 0,
    .scale_low = -128, .scale_high = 127, .limit = 65504.0f * 3500,
    .trials = 5,
    .trial = {-33, -32, -31, -30, -29},
    .d_trials = 4, .d_trial = {-128, -127, -126, -125}, .rounds = 0, .reach = 3,
    .stretch = 1};

static const symmetric_rule q6_K_guided = {
    .parts = 16, .size = 16, .low = -32, .high = 31, .uneven = 0,
    .scale_low = -128, .scale_high = 127, .limit = 65504.0f * 3500,
    .trials = 14,
    .trial = {-40, -36, -34, -33, -32, -31, -30, -29, -28, 34, 32, 31, 30, 28},
    .d_trials = 4, .d_trial = {-128, -127, -126, -125}, .rounds = 0, .reach = 3,
    .stretch = 0.5};

static const symmetric_rule iq4_xs = {
    .parts = 8, .size = 32, .low = 0, .high = 0, .uneven = 1,
    .scale_low = -32, .scale_high = 31, .limit = 65504.0f * 2800,
    .trials = 9,
    .trial = {-140, -134, -128, -122, -116, -110, -104, -98, 120},
    .d_trials = 4, .d_trial = {-32.5, -31.5, -30.5, -29.5}, .rounds = 1, .reach = 1,
    .stretch = 1};

static const symmetric_rule iq4_xs_guided = {
    .parts = 8, .size = 32, .low = 0, .high = 0, .uneven = 1,
    .scale_low = -32, .scale_high = 31, .limit = 65504.0f * 2800,
    .trials = 28,
    .trial = {-190, -165, -152, -146, -140, -134, -128, -122, -116, -110, -104, -98, -92, -86,
             -78, 80, 86, 92, 98, 104, 110, 116, 122, 128, 134, 140, 150, 165},
    .d_trials = 4, .d_trial = {-32.5, -31.5, -30.5, -29.5}, .rounds = 2, .reach = 1,
    .stretch = 0.5};

static const affine_rule q2_K = {
    .parts = 16, .size = 16, .high = 3, .scale_high = 15, .limit = 65504.0f * 12,
    .trials = 6,
    .trial = {2.3, 2.7, 3.1, 3, 3.4, 3.6},
    .shift = {0, 0, 0, .3, .3, .6},
    .d_trials = 4, .d_trial = {12.5, 13.5, 14.5, 15.2}, .rounds = 1, .reach = 1, .depth = 1,
    .stretch = 1};

static const affine_rule q2_K_guided = {
    .parts = 16, .size = 16, .high = 3, .scale_high = 15, .limit = 65504.0f * 12,
    .trials = 16,
    .trial = {1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6, 4.2, 5, 2.5, 3.2, 4, 5, 3.5, 4.5, 6},
    .shift = {0, 0, 0, 0, 0, 0, 0, 0, 0, .3, .5, .6, .8, 1, 1.5, 2},
    .d_trials = 6, .d_trial = {10.5, 11.5, 12.5, 13.5, 14.5, 15.5}, .rounds = 2, .reach = 2, .depth = 1,
    .stretch = 0.6};

static const affine_rule q4_K = {
    .parts = 8, .size = 32, .high = 15, .scale_high = 63, .limit = 65504.0f * 58,
    .trials = 14,
    .trial = {13.6, 14.0, 14.4, 14.8, 15.2, 15.6, 14.2, 14.6, 15, 15.4, 15.8, 16.2, 16, 16.6},
    .shift = {0, 0, 0, 0, 0, 0, .4, .4, .4, .4, .4, .5, .8, .9},
    .d_trials = 4, .d_trial = {60.5, 61.5, 62.5, 63.2}, .rounds = 1, .reach = 2, .depth = 2,
    .stretch = 1};

static const affine_rule q4_K_guided = {
    .parts = 8, .size = 32, .high = 15, .scale_high = 63, .limit = 65504.0f * 58,
    .trials = 20,
    .trial = {13, 13.7, 14.2, 14.7, 15.2, 15.8, 16.5, 17.5, 19, 14.5, 15.2, 16, 17, 18.5, 15.5,
             16.5, 17.5, 19, 17, 20},
    .shift = {0, 0, 0, 0, 0, 0, 0, 0, 0, .4, .5, .6, .7, .8, 1, 1.2, 1.4, 1.6, 2, 3},
    .d_trials = 4, .d_trial = {60.5, 61.5, 62.5, 63.2}, .rounds = 2, .reach = 2, .depth = 2,
    .stretch = 0.5};

static const affine_rule q5_K = {
    .parts = 8, .size = 32, .high = 31, .scale_high = 63, .limit = 65504.0f * 58,
    .trials = 9,
    .trial = {29.2, 29.8, 30.4, 31, 31.6, 30.2, 30.8, 31.4, 32},
    .shift = {0, 0, 0, 0, 0, .5, .5, .5, .6},
    .d_trials = 4, .d_trial = {60.5, 61.5, 62.5, 63.2}, .rounds = 1, .reach = 1, .depth = 1,
    .stretch = 1};

static const affine_rule q5_K_guided = {
    .parts = 8, .size = 32, .high = 31, .scale_high = 63, .limit = 65504.0f * 58,
    .trials = 16,
    .trial = {28.8, 29.6, 30.4, 31.2, 32, 33, 34.5, 30.5, 31.4, 32.4, 33.4, 32, 33, 34.5, 34, 37},
    .shift = {0, 0, 0, 0, 0, 0, 0, .6, .6, .7, .8, 1.3, 1.4, 1.6, 2.5, 3},
    .d_trials = 4, .d_trial = {60.5, 61.5, 62.5, 63.2}, .rounds = 2, .reach = 2, .depth = 2,
    .stretch = 0.5};

static const symmetric_rule ternary = {
    .parts = 1, .size = 256, .low = -1, .high = 1, .uneven = 0,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f,
    .trials = 6,
    .trial = {-1, -1.3, -1.6, -2, -2.5, -3.2},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 0};

static const symmetric_rule q2_0 = {
    .parts = 1, .size = 64, .low = -1, .high = 2, .uneven = 0,
    .scale_low = 1, .scale_high = 1, .limit = 65504.0f,
    .trials = 14,
    .trial = {-1, -1.3, -1.6, -2, -2.5, -3.2, -4, 1, 1.6, 2, 2.4, 2.8, 3.3, 4},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0,
    .stretch = 0};

static const affine_rule q4_1 = {
    .parts = 1, .size = 32, .high = 15, .scale_high = 1, .limit = 65504.0f, .is_free = 1,
    .trials = 12,
    .trial = {13.7, 14.1, 14.5, 14.9, 15.3, 15.7, 16.1, 14.5, 15, 15.5, 16, 16.6},
    .shift = {0, 0, 0, 0, 0, 0, 0, .4, .4, .4, .5, .8},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0, .depth = 0,
    .stretch = 0};

static const affine_rule q5_1 = {
    .parts = 1, .size = 32, .high = 31, .scale_high = 1, .limit = 65504.0f, .is_free = 1,
    .trials = 12,
    .trial = {29.2, 29.7, 30.2, 30.7, 31.2, 31.7, 30.2, 30.7, 31.2, 31.7, 32.2, 32.6},
    .shift = {0, 0, 0, 0, 0, 0, .5, .5, .5, .5, .6, .8},
    .d_trials = 1, .d_trial = {1}, .rounds = 2, .reach = 0, .depth = 0,
    .stretch = 0};

static const affine_rule q4_1_guided = {
    .parts = 1, .size = 32, .high = 15, .scale_high = 1, .limit = 65504.0f, .is_free = 1,
    .trials = 20,
    .trial = {13, 13.7, 14.2, 14.7, 15.2, 15.8, 16.5, 17.5, 19, 14.5, 15.2, 16, 17, 18.5, 15.5,
             16.5, 17.5, 19, 17, 20},
    .shift = {0, 0, 0, 0, 0, 0, 0, 0, 0, .4, .5, .6, .7, .8, 1, 1.2, 1.4, 1.6, 2, 3},
    .d_trials = 1, .d_trial = {1}, .rounds = 3, .reach = 0, .depth = 0,
    .stretch = 0};

static const affine_rule q5_1_guided = {
    .parts = 1, .size = 32, .high = 31, .scale_high = 1, .limit = 65504.0f, .is_free = 1,
    .trials = 16,
    .trial = {28.8, 29.6, 30.4, 31.2, 32, 33, 34.5, 30.5, 31.4, 32.4, 33.4, 32, 33, 34.5, 34, 37},
    .shift = {0, 0, 0, 0, 0, 0, 0, .6, .6, .7, .8, 1.3, 1.4, 1.6, 2.5, 3},
    .d_trials = 1, .d_trial = {1}, .rounds = 3, .reach = 0, .depth = 0,
    .stretch = 0};

// Every search in the order of its number: name, values in a block, the rule without importance, and
// that with it.
#define WEIGHTMILL_FOR_SEARCHES(SYMMETRIC, AFFINE)            \
  SYMMETRIC(q4_0, 32, q4_0, q4_0_guided)                      \
  SYMMETRIC(q5_0, 32, q5_0, q5_0_guided)                      \
  SYMMETRIC(iq4_nl, 32, iq4_nl, iq4_nl_guided)                \
  SYMMETRIC(tq1_0, 256, ternary, ternary)                     \
  SYMMETRIC(tq2_0, 256, ternary, ternary)                     \
  SYMMETRIC(q3_K, 256, q3_K, q3_K_guided)                     \
  SYMMETRIC(q6_K, 256, q6_K, q6_K_guided)                     \
  SYMMETRIC(iq4_xs, 256, iq4_xs, iq4_xs_guided)               \
  AFFINE(q4_1, 32, q4_1, q4_1_guided)                         \
  AFFINE(q5_1, 32, q5_1, q5_1_guided)                         \
  AFFINE(q2_K, 256, q2_K, q2_K_guided)                        \
  AFFINE(q4_K, 256, q4_K, q4_K_guided)                        \
  AFFINE(q5_K, 256, q5_K, q5_K_guided)                        \
  SYMMETRIC(q2_0, 64, q2_0, q2_0)
