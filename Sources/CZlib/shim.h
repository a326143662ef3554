#pragma once
#include <stdint.h>
#include <zlib.h>

// inflateInit2 is a macro, which Swift cannot import.
static inline int weightmill_inflate_init_raw(z_streamp stream) {
  return inflateInit2(stream, -MAX_WBITS);
}

// The type of the length differs between platforms.
static inline uLong weightmill_crc32_combine(uLong first, uLong second, int64_t count) {
  return crc32_combine(first, second, (z_off_t)count);
}
