/// What the style sheet of a page of sizes has beyond that of every page.
enum SizesStyle {
  /// The height of the chart in the size of the page's text, as the rules below have it.
  static let height = 22.0
  /// The same in a narrow window.
  static let narrowHeight = 16.0

  static var markup: Markup { styleSheet(rules) }

  /// Text on a colour has a contrast of at least 4.5 to it, light and dark.
  private static let rules: StaticString = """
    :root{--on-few:#000;--on-some:#000;--on-many:#fff}
    @media (prefers-color-scheme:dark){:root{--on-few:#fff;--on-some:#000;--on-many:#000}}
    .front .plot svg{height:22rem}
    .front .dots{stroke-width:8}
    .field{grid-column:2;position:relative}
    .mark{position:absolute;border-left:1px solid var(--warm);white-space:nowrap;
    pointer-events:none;font-size:.8125rem}
    .mark.before{border-left:0;border-right:1px solid var(--warm)}
    .mark b{display:block;padding:0 .3rem;font-weight:400;line-height:1.25rem}
    .type{white-space:nowrap;margin-right:.6rem}
    .type .swatches{vertical-align:-.15rem}
    .sheets{display:flex;flex-wrap:wrap;gap:.4rem;position:relative}
    .sheets input{position:absolute;opacity:0}
    .sheets label{border:1px solid var(--rule);border-radius:.4rem;padding:.15rem .6rem;
    cursor:pointer;font-size:.875rem}
    .sheets label:hover{border-color:var(--ink)}
    .sheets :checked+label{background:var(--ink);color:var(--paper);border-color:var(--ink)}
    .sheets :focus-visible+label{outline:2px solid var(--ours);outline-offset:2px}
    .sheet{display:none;order:1;flex:0 0 100%;min-width:0;margin-top:.6rem}
    .sheets :checked+label+.sheet{display:block}
    .sheet .scroll{flex:0 1 auto;min-width:0;max-width:100%}
    .types th{padding:.15rem .5rem .15rem 0;color:var(--dim);font-size:.8125rem;white-space:nowrap}
    .types thead th:not(:first-child){padding:0;text-align:center;font-size:.75rem}
    .types tbody th{vertical-align:middle;text-align:right}
    .types td{border:1px solid var(--paper);padding:.2rem .4rem;text-align:center;
    vertical-align:middle;font-size:.75rem;line-height:1.1;white-space:nowrap}
    .upright td{writing-mode:vertical-rl;padding:.3rem 0;min-width:1.4rem;width:1.4rem}
    .types .h0,.types .h1,.types .h2,.types .h3{color:var(--on-few)}
    .types .h4,.types .h5{color:var(--on-some)}
    .types .h6,.types .h7,.types .h8,.types .h9{color:var(--on-many)}
    @media (max-width:40rem){.front .plot svg{height:16rem}}

    """
}
