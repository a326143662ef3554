import Testing
import WeightmillPresentation

/// Names of layers that are alike as one name.
struct LayerGroupsTests {
  private func names(_ names: [(String, String)]) -> [String] {
    LayerGroups(names).groups.map(\.name)
  }

  @Test func layersInARowAreARange() {
    let list = (0..<30).flatMap { [("blk.\($0).q", "F16"), ("blk.\($0).k", "F16")] }
    #expect(names(list) == ["blk.0-29.q", "blk.0-29.k"])
    #expect(LayerGroups(list).groups[0].indices == Array(stride(from: 0, to: 60, by: 2)))
  }

  @Test func whatDiffersIsApartInTheOrderOfLayers() {
    let types = ["A", "B", "B", "A", "A", "A", "B", "A"]
    let list = types.enumerated().map { ("blk.\($0).v.weight", $1) }
    #expect(names(list) == ["blk.{0,3-5,7}.v.weight", "blk.{1-2,6}.v.weight"])
  }

  @Test func otherNamesStayAsTheyAre() {
    let list = [
      ("token_embd.weight", "A"), ("blk.7.q", "A"), ("layers.x.q", "A"), ("blk.01.q", "A"),
      ("blk.-1.q", "A"), ("blk.9999999999.q", "A"), ("", "A"), ("output.weight", "B"),
    ]
    #expect(names(list) == list.map(\.0))
  }

  @Test func theFirstNumberIsTheLayers() {
    let list = [("h.0.e.0.w", ""), ("h.0.e.1.w", ""), ("h.1.e.0.w", ""), ("h.1.e.1.w", "")]
    #expect(names(list) == ["h.0-1.e.0.w", "h.0-1.e.1.w"])
  }

  @Test func layersInAnyOrderAreSorted() {
    #expect(
      names([("b.2.w", ""), ("b.0.w", ""), ("b.10.w", ""), ("b.1.w", "")]) == ["b.{0-2,10}.w"])
  }

  @Test func everyNameIsInOneGroup() {
    let list = (0..<200).map { ("m.\($0 % 50).\($0 / 50)", "\($0 % 7)") }
    let groups = LayerGroups(list).groups
    #expect(groups.flatMap(\.indices).sorted() == Array(0..<200))
  }
}
