#pragma once

#include <stddef.h>

/// Fused multiply-adds on registers only, in the widest vectors that the processor has.
///
/// - rounds: How often.
/// - returns: How many floating-point operations they were: two for each multiply-add.
double peak_operations(size_t rounds);
