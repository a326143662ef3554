/// A column's heading and how its cells are set.
enum Column {
  case text(String)
  case number(String)

  var heading: String {
    switch self {
    case .text(let heading), .number(let heading): heading
    }
  }

  /// The class of its cells.
  var name: String? {
    if case .number = self { "n" } else { nil }
  }
}

/// A table; one that is wider than the page scrolls by itself. The caption is read out, not drawn;
/// the first cell of each row is its heading.
func dataTable(_ caption: String, columns: [Column], rows: [[Markup]]) -> Markup {
  tag("div", ["class": "scroll", "tabindex": "0", "role": "region", "aria-label": caption]) {
    tag("table", ["class": "data"]) {
      tag("thead") {
        tag("tr") {
          for column in columns {
            tag("th", ["scope": "col", "class": column.name]) { column.heading }
          }
        }
      }
      tag("tbody") {
        for row in rows {
          tag("tr") {
            for (column, cell) in row.enumerated() {
              let name = column < columns.count ? columns[column].name : nil
              if column == 0 {
                tag("th", ["scope": "row", "class": name]) { cell }
              } else {
                tag("td", ["class": name]) { cell }
              }
            }
          }
        }
      }
    }
  }
}

/// A table of text alone.
func dataTable(_ caption: String, columns: [Column], rows: [[String]]) -> Markup {
  dataTable(caption, columns: columns, rows: rows.map { $0.map(isolated) })
}

/// A table that opens when it is asked for: the same figures as a drawing.
func folded(_ title: String, _ content: Markup) -> Markup {
  tag("details") {
    tag("summary") { title }
    content
  }
}

/// A chart with its heading, the words that explain it and its figures as a table.
func figure(_ title: String, _ words: String, _ content: Markup, table: Markup?) -> Markup {
  tag("figure") {
    tag("figcaption") {
      tag("h3") { title }
      tag("p") { words }
    }
    content
    table.map { folded("As a table", $0) }
  }
}

/// A bar that shows a share, beside the number that says it.
func bar(_ share: Double, _ name: String? = nil) -> Markup {
  let width = share.isNaN ? 0 : min(max(share, 0), 1)
  return tag("span", ["class": "bar", "aria-hidden": "true"]) {
    tag("i", ["class": name, "style": "width:\(Plot.percent(width))"])
  }
}

/// Text from a file: its direction does not spread to what is beside it.
func isolated(_ text: String) -> Markup { tag("bdi") { text } }
