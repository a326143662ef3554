import Foundation
import WeightmillReporting

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// A page as a strict XML parser sees it.
final class PageReader: NSObject, XMLParserDelegate {
  struct Element {
    let name: String
    let attributes: [String: String]
    /// The text directly in it.
    var text = ""
  }

  private(set) var elements: [Element] = []
  /// What the parser refused, if it did.
  private(set) var problem: String?
  private var open: [Int] = []

  init(_ page: String) {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    if !parser.parse() {
      problem =
        "line \(parser.lineNumber), column \(parser.columnNumber): "
        + "\(parser.parserError.map { "\($0)" } ?? "refused")"
    }
  }

  func all(_ name: String) -> [Element] { elements.filter { $0.name == name } }

  func all(ofClass name: String) -> [Element] {
    elements.filter { $0.attributes["class"]?.split(separator: " ").contains(name[...]) == true }
  }

  /// All text of the page.
  var text: String { elements.map(\.text).joined(separator: "\n") }

  func parser(
    _ parser: XMLParser, didStartElement elementName: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    open.append(elements.count)
    elements.append(Element(name: elementName, attributes: attributes))
  }

  func parser(
    _ parser: XMLParser, didEndElement elementName: String, namespaceURI: String?,
    qualifiedName: String?
  ) {
    open.removeLast()
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    if let last = open.last { elements[last].text += string }
  }
}
