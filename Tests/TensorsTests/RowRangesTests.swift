import Testing
import WeightmillTensors

struct RowRangesTests {
  @Test(arguments: [1, 3, 8], [1, 5, 100]) func rangesAreTheRowsInOrder(group: Int, columns: Int) {
    let rows = 7..<61
    let ranges = rows.rowRanges(columns: columns, values: 40, group: group)
    #expect(ranges.flatMap(\.self) == Array(rows))
    for range in ranges.dropLast() { #expect(range.count % group == 0) }
    for range in ranges { #expect(range.count * columns <= 40 || range.count <= group) }
  }

  @Test func noRowsAreNoRanges() {
    #expect((4..<4).rowRanges(columns: 5, values: 40).isEmpty)
  }

  @Test func rowsLongerThanARangeAreReadOneByOne() {
    #expect((0..<3).rowRanges(columns: .max, values: 40) == [0..<1, 1..<2, 2..<3])
  }
}
