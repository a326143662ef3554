#pragma once

#include <stdint.h>

/// Codebook points are found as pairs of halves: a first half goes with at most so many second halves
/// or shared minima.
#define WEIGHTMILL_MEMBERS 8
/// Costs of points are whole numbers of at most this magnitude.
#define WEIGHTMILL_COST_RANGE 131000.0f
/// How many scales of a block are looked at.
#define WEIGHTMILL_UNITS 32
/// How often a scale is fitted to what was chosen under it.
#define WEIGHTMILL_FITS 3
/// How far the points of IQ1_S and IQ1_M are moved, and what says in a point that it is down.
#define WEIGHTMILL_DELTA 0.125f
#define WEIGHTMILL_MOVED_DOWN 0x4000
/// The largest finite binary16 number.
#define WEIGHTMILL_LARGEST_HALF 0x7BFF

/// Added to a scale that should have been larger.
#define WEIGHTMILL_OVERFLOWS 0x10000

/// A codebook of signed points, and how blocks of its type are built.
///
/// If `values_per_delta` is not 0, points have signs of their own, and all values of as many are moved by
/// WEIGHTMILL_DELTA up or down: IQ1_S, IQ1_M.
typedef struct {
  /// How many levels a value has, 3 or 8, and which; the first seven of eight are evenly spaced.
  /// Points have 8 values of 3 levels or 4 values of 8.
  int32_t levels;
  float level[8];
  /// Their squares less that of the first, they less the first, and twice they.
  float square_above[8], level_above[8], twice_level[8];
  /// 16 or 32 values have a scale of their own: unit * (2 * n + 1) times the block's, n from 0 to `most`.
  int32_t values_per_scale, most;
  float unit;
  /// 0, 8 or 32.
  int32_t values_per_delta;
  /// Whether eight values must have an even number of negative signs.
  int32_t parity;
  /// Whether the points that are chosen are searched again under the scale they are chosen with.
  int32_t refines;
  /// The scales tried, relative to the sub-block's size.
  float trial[8];
  /// The least unit looked at, relative to the largest scale found, and the ratio of one to the next.
  float first_unit, unit_step;
  /// Minima that several first halves share: pairs of numbers of second halves, or of earlier minima.
  int32_t shared;
  const uint16_t *pairs;
  /// First halves that occur, by the number of members, each as its second digit times 16
  /// plus its first; those with n members end before `ends[n]`.
  const uint16_t *firsts;
  int32_t ends[WEIGHTMILL_MEMBERS + 1];
  /// For each of them the second halves and shared minima that complete it. These numbers, and those
  /// in pairs, are times 32.
  const uint16_t *members;
} weightmill_lattice;

/// Finds the scales and points of a block of 256 values; all levels give the same result.
///
/// - magnitudes: The largest is from 1 to 2, the others are 0 or at least 2^-24. Values with their signs
///   where points have signs.
/// - weights: What a squared error costs, from 2^-40 to 8.
/// - odd: For each eight values whether an odd number of them is negative, lowest bit first.
/// - to_scale, to_unit: What turns a unit of the magnitudes' size into the block's scale, and back.
/// - level: The instructions to use; must not be above weightmill_level().
/// - multipliers: For each sub-block its n.
/// - points: The points: the number of the first half times 128, plus that of the second, plus
///   WEIGHTMILL_MOVED_DOWN.
///
/// Returns the block's scale, binary16, with WEIGHTMILL_OVERFLOWS added if one beyond binary16 were
/// better. If the scale is 0, nothing else is written.
uint32_t weightmill_lattice_search(
    const weightmill_lattice *lattice, const float *magnitudes, const float *weights, uint32_t odd,
    float to_scale, float to_unit, int level, uint8_t *multipliers, uint16_t *points);
