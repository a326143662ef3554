/// Inner products in float32, in an order that does not depend on the machine: four running sums
/// over columns 0, 4, 8 …, 1, 5, 9 … and so on, then the rest. Never contracted to FMA.
enum Products {
  private typealias Lanes = SIMD4<Float>

  /// The inner product of two vectors.
  static func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Float {
    var sums = Lanes()
    var place = 0
    while place &+ 4 <= count {
      unsafe sums += load(a + place) * load(b + place)
      place &+= 4
    }
    return unsafe finish(sums, a, b, place, count)
  }

  /// Adds `scale * source` to a vector.
  static func accumulate(
    _ source: UnsafePointer<Float>, scale: Float, into target: UnsafeMutablePointer<Float>,
    _ count: Int
  ) {
    for place in 0..<count { unsafe target[place] += scale * source[place] }
  }

  /// The products of vectors with the rows of a tile of weights.
  ///
  /// - Parameters:
  ///   - vectors: `tokens` vectors of `columns` values.
  ///   - tokens: The number of vectors.
  ///   - weights: `rows` rows of `columns` values.
  ///   - rows: The number of rows.
  ///   - columns: The length of vectors and rows.
  ///   - output: Where the product of vector *t* and row *r* goes: `output[t * stride + r]`.
  ///   - stride: How far apart the outputs of two vectors lie.
  static func multiply(
    _ vectors: UnsafePointer<Float>, tokens: Int, _ weights: UnsafePointer<Float>, rows: Int,
    columns: Int, into output: UnsafeMutablePointer<Float>, stride: Int
  ) {
    var token = 0
    while token &+ 4 <= tokens {
      let x = unsafe vectors + token &* columns
      let y = unsafe output + token &* stride
      var row = 0
      while row &+ 2 <= rows {
        unsafe fourByTwo(x, weights + row &* columns, columns, into: y + row, stride: stride)
        row &+= 2
      }
      if row < rows {
        for place in 0..<4 {
          unsafe y[place &* stride &+ row] = dot(
            x + place &* columns, weights + row &* columns, columns)
        }
      }
      token &+= 4
    }
    while token < tokens {
      for row in 0..<rows {
        unsafe output[token &* stride &+ row] = dot(
          vectors + token &* columns, weights + row &* columns, columns)
      }
      token &+= 1
    }
  }

  /// Four vectors times two rows: eight sums stay in registers.
  @inline(__always)
  private static func fourByTwo(
    _ x: UnsafePointer<Float>, _ w: UnsafePointer<Float>, _ columns: Int,
    into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let x1 = unsafe x + columns
    let x2 = unsafe x1 + columns
    let x3 = unsafe x2 + columns
    let v = unsafe w + columns
    var (a0, a1, a2, a3) = (Lanes(), Lanes(), Lanes(), Lanes())
    var (b0, b1, b2, b3) = (Lanes(), Lanes(), Lanes(), Lanes())
    var place = 0
    while place &+ 4 <= columns {
      let a = unsafe load(w + place)
      let b = unsafe load(v + place)
      let t0 = unsafe load(x + place)
      a0 += a * t0
      b0 += b * t0
      let t1 = unsafe load(x1 + place)
      a1 += a * t1
      b1 += b * t1
      let t2 = unsafe load(x2 + place)
      a2 += a * t2
      b2 += b * t2
      let t3 = unsafe load(x3 + place)
      a3 += a * t3
      b3 += b * t3
      place &+= 4
    }
    unsafe y[0] = finish(a0, x, w, place, columns)
    unsafe y[1] = finish(b0, x, v, place, columns)
    unsafe y[stride] = finish(a1, x1, w, place, columns)
    unsafe y[stride &+ 1] = finish(b1, x1, v, place, columns)
    unsafe y[2 &* stride] = finish(a2, x2, w, place, columns)
    unsafe y[2 &* stride &+ 1] = finish(b2, x2, v, place, columns)
    unsafe y[3 &* stride] = finish(a3, x3, w, place, columns)
    unsafe y[3 &* stride &+ 1] = finish(b3, x3, v, place, columns)
  }

  @inline(__always)
  private static func load(_ pointer: UnsafePointer<Float>) -> Lanes {
    unsafe UnsafeRawPointer(pointer).loadUnaligned(as: Lanes.self)
  }

  @inline(__always)
  private static func finish(
    _ sums: Lanes, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ start: Int, _ count: Int
  ) -> Float {
    var sum = (sums.x + sums.y) + (sums.z + sums.w)
    for place in start..<count { unsafe sum += a[place] * b[place] }
    return sum
  }
}
