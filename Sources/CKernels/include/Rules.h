// How scales of each type are searched, without importance and with it (`guided`).
//
// The figures were chosen by the KL divergence of fixtures/mini-ziya and by speed: `make quality` and
// `make bench` measure both. formats/quantization.md tells what they mean.
#pragma once

typedef struct {
  int parts;                      // of a block
  int size;                       // of a part
  float low, high;                // the numbers
  int uneven;                     // whether numbers are levels of IQ4_NL
  float scale_low, scale_high;    // the integer scales
  int trials; float trial[16];    // where the largest value of a part shall fall, among the numbers
  int units; float unit[16];      // where the largest scale shall fall, among the integer scales
  int rounds;                     // how often the unit is fitted anew
  int reach;                      // how many integer scales on either side are tried
  float limit;                    // magnitudes beyond are too large for the type
} symmetric_rule;

typedef struct {
  int parts, size;
  float high;                     // the numbers: 0 to this
  float scale_high;               // integer scales and minima: 0 to this
  int trials; float trial[16];
  int units; float unit[8];       // where the largest scale, and the largest minimum, shall fall
  int rounds; int reach, depth;
  float limit;                    // magnitudes beyond are too large for the type
  int is_free;                    // whether the minimum may have either sign and scales are 1
} affine_rule;

// What an error in a value costs besides its importance: nothing, or `sqrt(spread * mean + x^2)`, mean
// being that of the block's squares. Large values matter more than their squared error says.
typedef struct {
  int is_weighted;
  float spread;
} weighing;

static const weighing plain = {0, 0}, spread_1 = {1, 1}, spread_2 = {1, 2};

// parts, size, low, high, uneven, scale_low, scale_high, trials, units, rounds, reach
static const symmetric_rule q4_0 = {1, 32, -8, 7, 0, 1, 1, 5, {-8.8, -8.4, -8, -7.6, -7.2}, 1, {1}, 2, 0, 65504.0f * 7};
static const symmetric_rule q5_0 = {1, 32, -16, 15, 0, 1, 1, 8,
    {-17, -16.6, -16.2, -15.8, -15.4, -15, -14.6, -14.2}, 1, {1}, 2, 0, 65504.0f * 14};
static const symmetric_rule iq4_nl = {1, 32, 0, 0, 1, 1, 1, 12,
    {-146, -140, -134, -128, -122, -116, -110, -104, -98, 108, 116, 124}, 1, {1}, 2, 0, 65504.0f * 98};
static const symmetric_rule ternary = {1, 256, -1, 1, 0, 1, 1, 6, {-1, -1.3, -1.6, -2, -2.5, -3.2}, 1, {1}, 2, 0, 65504};
static const symmetric_rule q3_K = {16, 16, -4, 3, 0, -32, 31, 4, {-4.4, -3.95, -3.5, -3.1}, 4,
    {-32.5, -31.5, -30.5, -29.5}, 1, 1, 65504.0f * 80};
static const symmetric_rule q6_K = {16, 16, -32, 31, 0, -128, 127, 5, {-33, -32, -31, -30, -29}, 4,
    {-128, -127, -126, -125}, 0, 3, 65504.0f * 3500};
static const symmetric_rule iq4_xs = {8, 32, 0, 0, 1, -32, 31, 9,
    {-140, -134, -128, -122, -116, -110, -104, -98, 120}, 4, {-32.5, -31.5, -30.5, -29.5}, 1, 1, 65504.0f * 2800};

// parts, size, high, scale_high, trials, units, rounds, reach, depth, limit, is_free
static const affine_rule q4_1 = {1, 32, 15, 1, 8, {13.7, 14.1, 14.5, 14.9, 15.3, 15.7, 16.1, 16.5}, 1, {1},
    2, 0, 0, 65504.0f, 1};
static const affine_rule q5_1 = {1, 32, 31, 1, 8, {29.2, 29.6, 30, 30.4, 30.8, 31.2, 31.6, 32}, 1, {1},
    2, 0, 0, 65504.0f, 1};
static const affine_rule q2_K = {16, 16, 3, 15, 5, {2.1, 2.4, 2.7, 3, 3.3}, 4, {12.5, 13.5, 14.5, 15.2},
    1, 1, 1, 65504.0f * 12, 0};
static const affine_rule q4_K = {8, 32, 15, 63, 10, {13.4, 13.7, 14, 14.3, 14.6, 14.9, 15.2, 15.5, 15.8, 16.2},
    4, {60.5, 61.5, 62.5, 63.2}, 1, 2, 2, 65504.0f * 58, 0};
static const affine_rule q5_K = {8, 32, 31, 63, 8, {29.2, 29.6, 30, 30.4, 30.8, 31.2, 31.6, 32}, 4,
    {60.5, 61.5, 62.5, 63.2}, 1, 1, 1, 65504.0f * 58, 0};

// Every search in the order of its number: name, values in a block, then rule and weighing without
// importance, and with it.
#define WEIGHTMILL_FOR_SEARCHES(SYMMETRIC, AFFINE)            \
  SYMMETRIC(q4_0, 32, q4_0, plain, q4_0, plain)               \
  SYMMETRIC(q5_0, 32, q5_0, plain, q5_0, plain)               \
  SYMMETRIC(iq4_nl, 32, iq4_nl, plain, iq4_nl, plain)         \
  SYMMETRIC(tq1_0, 256, ternary, plain, ternary, plain)       \
  SYMMETRIC(tq2_0, 256, ternary, plain, ternary, plain)       \
  SYMMETRIC(q3_K, 256, q3_K, plain, q3_K, plain)              \
  SYMMETRIC(q6_K, 256, q6_K, plain, q6_K, plain)              \
  SYMMETRIC(iq4_xs, 256, iq4_xs, plain, iq4_xs, plain)        \
  AFFINE(q4_1, 32, q4_1, plain, q4_1, plain)                  \
  AFFINE(q5_1, 32, q5_1, plain, q5_1, plain)                  \
  AFFINE(q2_K, 256, q2_K, spread_1, q2_K, spread_1)           \
  AFFINE(q4_K, 256, q4_K, spread_1, q4_K, spread_2)           \
  AFFINE(q5_K, 256, q5_K, spread_1, q5_K, spread_2)
