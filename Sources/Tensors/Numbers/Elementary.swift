#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Darwin
#endif

/// The C library's functions, under one name on every platform.
package enum Elementary {
  package static func exponential(_ value: Float) -> Float { exp(value) }
  package static func exponential(_ value: Double) -> Double { exp(value) }
  package static func logarithm(_ value: Double) -> Double { log(value) }
  package static func cosine(_ value: Double) -> Double { cos(value) }
  package static func sine(_ value: Double) -> Double { sin(value) }
  package static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
}
