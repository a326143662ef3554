/// What is around the content of every page: no script, nothing from elsewhere, light or dark as the
/// reader's system is.
struct PageFrame {
  /// What the browser shows as the page's name.
  let title: String
  /// The version of Weightmill that measured.
  let version: String
  /// Style that only this page needs.
  var style = Markup.empty

  /// What a page may load: nothing.
  private static let policy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

  /// The page.
  ///
  /// - Parameter content: What it shows.
  /// - Returns: A document of HTML that is well-formed XML, too.
  func page(@MarkupBuilder _ content: () -> Markup) -> String {
    documentType().then(
      tag("html", ["xmlns": "http://www.w3.org/1999/xhtml", "lang": "en"]) {
        head
        tag("body") {
          tag("main") { content() }
          tag("footer") { "Measured with Weightmill \(Shown.name(version, limit: 40))" }
        }
      }
    ).source + "\n"
  }

  private var head: Markup {
    tag("head") {
      leaf("meta", ["charset": "utf-8"])
      leaf("meta", ["http-equiv": "Content-Security-Policy", "content": Self.policy])
      leaf("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"])
      leaf("meta", ["name": "color-scheme", "content": "light dark"])
      leaf("meta", ["name": "referrer", "content": "no-referrer"])
      tag("title") { title }
      PageStyle.markup
      style
    }
  }
}
