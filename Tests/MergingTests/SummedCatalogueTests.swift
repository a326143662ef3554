import Testing
import WeightmillMerging
import WeightmillTensors
import WeightmillTestSupport

/// Sums are taken of the bytes that were read, and of no others.
struct SummedCatalogueTests {
  /// One tensor whose values are all 2.
  private struct Twos: Catalogue {
    let location = "test"
    let tensors: [TensorDescriptor]

    init(_ type: TensorType) {
      tensors = [TensorDescriptor(name: "x", type: type, shape: TensorShape(rows: 3, columns: 5))]
    }

    func read(
      rows: Range<Int>, ofTensor index: Int, into bytes: inout MutableRawSpan, at offset: Int
    ) {
      for value in 0..<rows.count * 5 where tensors[0].type == .f32 {
        bytes.storeBytes(of: 2, toByteOffset: offset + 4 * value, as: Float.self)
      }
    }
  }

  private static let configuration = SmallModel().configuration

  @Test func valuesAreSummedUp() throws {
    let summed = SummedCatalogue(Twos(.f32), Self.configuration)
    _ = try summed.bytes(rows: 1..<3, ofTensor: 0)
    #expect(summed.sums == nil)
    _ = try summed.bytes(rows: 0..<2, ofTensor: 0)
    #expect(summed.sums == [30])
  }

  /// Values of two bytes were read as of four: beyond the end of the rows.
  @Test func onlyFloat32ValuesAreSummedUp() async {
    await #expect(processExitsWith: .failure) {
      _ = try SummedCatalogue(Twos(.f16), Self.configuration).bytes(rows: 0..<3, ofTensor: 0)
    }
  }
}
