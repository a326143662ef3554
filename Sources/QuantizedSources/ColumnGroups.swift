/// The columns of a matrix in groups, each of which has a scale in every row, and maybe a zero point.
enum ColumnGroups: Sendable {
  /// Neighbours, so many in each group; the last may have fewer.
  case neighbours(width: Int)
  /// The group of each column.
  case listed([Int32])

  /// The number of groups that so many columns have.
  ///
  /// - Parameters:
  ///   - columns: The columns.
  ///   - width: How many are in a group.
  /// - Returns: How many groups there are.
  static func count(columns: Int, width: Int) -> Int { (columns + width - 1) / width }

  /// Takes the zero points off the codes of a row, and multiplies them with the scales.
  ///
  /// Codes and zero points are integers of at most nine bits, or there are no zero points and the
  /// codes are eight-bit numbers: the differences are exact, and the products are rounded once, to
  /// binary32.
  ///
  /// - Parameters:
  ///   - values: The codes of a row; becomes its values.
  ///   - scales: The scale of each group, from `first` on.
  ///   - zeros: The zero point of each group, from `first` on; empty for none.
  ///   - first: The index of the row's first scale, and zero point.
  func scale(_ values: inout [Float], by scales: [Float], minus zeros: [Float], from first: Int) {
    switch self {
    case .neighbours(let width):
      for (group, start) in stride(from: 0, to: values.count, by: width).enumerated() {
        let scale = scales[first + group]
        let zero = zeros.isEmpty ? 0 : zeros[first + group]
        let end = min(start + width, values.count)
        unsafe values.withUnsafeMutableBufferPointer { values in
          for column in start..<end {
            unsafe values[column] = (values[column] - zero) * scale
          }
        }
      }
    case .listed(let groups):
      for column in values.indices {
        let index = first + Int(groups[column])
        let zero = zeros.isEmpty ? 0 : zeros[index]
        values[column] = (values[column] - zero) * scales[index]
      }
    }
  }
}
