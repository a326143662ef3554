/// The page's style sheet.
///
/// Colours have names, given once for light and once for dark. Text has a contrast of at least 4.5
/// to its background, marks of at least 3 (WCAG 2.2, 1.4.3 and 1.4.11).
enum PageStyle {
  static var markup: Markup {
    .joined([styleSheet(colours), styleSheet(text), styleSheet(charts), styleSheet(parts)])
  }

  private static let colours: StaticString = """
    :root{color-scheme:light dark;--paper:#fdfdfc;--soft:#f3f3f0;--rule:#dddcd7;--ink:#1c1c1a;
    --dim:#62615b;--ours:#1d64ad;--area:#d3e3f4;--theirs:#77766f;--warm:#b45309;--good:#17703f;
    --bad:#b3241b;--mark:#fff0bf;
    --h0:#f1f2dc;--h1:#d0dfbe;--h2:#a9cda9;--h3:#7bbc9c;--h4:#43a998;--h5:#009498;--h6:#007b95;
    --h7:#00608c;--h8:#00457e;--h9:#192a6b;}
    @media (prefers-color-scheme:dark){:root{--paper:#151618;--soft:#1f2124;--rule:#35383c;
    --ink:#e9e8e4;--dim:#a5a49e;--ours:#74aef0;--area:#203a56;--theirs:#94938c;--warm:#e8a04c;
    --good:#66c690;--bad:#f58b82;--mark:#4b4115;
    --h0:#1d2b44;--h1:#164060;--h2:#005877;--h3:#007185;--h4:#008a8b;--h5:#0ea18b;--h6:#5bb48b;
    --h7:#8ec68f;--h8:#b8d894;--h9:#e2e89d;}}

    """

  private static let text: StaticString = """
    *{box-sizing:border-box}
    body{margin:0;background:var(--paper);color:var(--ink);line-height:1.5;
    font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','PingFang SC',
    'Hiragino Sans GB','Microsoft YaHei','Noto Sans CJK SC','Noto Sans SC',sans-serif;
    font-size:16px;font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
    main{max-width:64rem;margin:0 auto;padding:3rem 1.5rem 1rem}
    section{margin-top:3.5rem}
    h1{font-size:2rem;line-height:1.2;margin:0;font-weight:650;overflow-wrap:anywhere}
    h2{font-size:1.35rem;margin:0 0 1rem;font-weight:650;padding-top:1.25rem;
    border-top:1px solid var(--rule)}
    h3{font-size:1rem;margin:0;font-weight:650}
    p{margin:0 0 1rem;max-width:46rem}
    a{color:var(--ours)}
    bdi,code,mark{unicode-bidi:isolate;overflow-wrap:anywhere}
    code,.context,.top th{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',
    'Noto Sans Mono CJK SC',monospace;font-size:.875em}
    footer,.eyebrow,.more,figcaption p,.side-title,.bottom-title{color:var(--dim);font-size:.875rem}
    footer{max-width:64rem;margin:2rem auto 0;padding:1.25rem 1.5rem 3rem}
    .eyebrow{margin:0 0 .25rem}
    .against{margin:.25rem 0 1.25rem;color:var(--dim)}
    .against b{color:var(--ink);font-weight:600}
    .verdict{display:inline-flex;flex-wrap:wrap;gap:.1rem .75rem;align-items:baseline;margin:0;
    padding:.5rem 1rem;border-radius:.5rem;border:1px solid;color:var(--dim)}
    .verdict strong{font-size:1.15rem}
    .verdict span{color:var(--ink)}
    .passed,.kept{color:var(--good)}
    .failed,.breach{color:var(--bad)}
    .kept,.breach{font-weight:600;white-space:nowrap}
    .partial{margin:1rem 0 0;color:var(--warm);font-weight:600}
    .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:1.5rem 2rem;
    margin:2rem 0 0}
    .figures dt{color:var(--dim);font-size:.875rem}
    .figures dd{margin:0;color:var(--dim);font-size:.875rem}
    .figures .value{font-size:1.75rem;line-height:1.25;font-weight:600;color:var(--ink)}

    """

  private static let charts: StaticString = """
    figure,.block{margin:0 0 2.5rem}
    figcaption{margin-bottom:.75rem}
    figcaption p,.block p{margin:.15rem 0 .5rem}
    .block p{color:var(--dim);font-size:.875rem}
    .plot,.map{display:grid;grid-template-columns:auto 1fr;column-gap:.5rem}
    .plot svg{grid-column:2;width:100%;height:15rem;display:block;overflow:visible}
    .side-title{grid-column:1/3;margin-bottom:.5rem}
    .side{grid-column:1;position:relative;width:3.25rem}
    .side span{position:absolute;right:0;transform:translateY(50%);line-height:1}
    .bottom{grid-column:2;position:relative;height:1.5rem;margin-top:.4rem}
    .bottom span{position:absolute;transform:translateX(-50%);white-space:nowrap;overflow:hidden;
    text-overflow:ellipsis}
    .bottom .first{transform:none}
    .bottom .last{transform:translateX(-100%)}
    .bottom-title{grid-column:2;text-align:center}
    .side span,.bottom span,.flags,.legend,.scale{font-size:.8125rem;color:var(--dim)}
    .flags{grid-column:2;position:relative;height:calc(var(--flags)*1.25rem)}
    .flags span{position:absolute;bottom:0;height:calc((var(--flags) - var(--row))*1.25rem);
    white-space:nowrap;border-left:2px solid var(--warm);margin-left:-1px}
    .flags .before{border-left:0;border-right:2px solid var(--warm);margin:0 -1px 0 0}
    .flags b{display:block;padding:0 .35rem;background:var(--paper);color:var(--ink);
    font-weight:400;line-height:1.25rem}
    svg path{vector-effect:non-scaling-stroke;fill:none}
    .grid{stroke:var(--rule);stroke-width:1}
    svg .area{fill:var(--area)}
    .line{stroke:var(--ours);stroke-width:2;stroke-linejoin:round}
    .dots{stroke:var(--warm);stroke-width:4;stroke-linecap:round}
    .points{stroke:var(--ours);stroke-width:7;stroke-linecap:round}
    .mean{stroke:var(--ink);stroke-width:1.5;stroke-dasharray:6 5}
    .border{stroke:var(--dim);stroke-width:1}
    .flag{stroke:var(--warm);stroke-width:2}
    .broken{stroke:var(--bad);stroke-width:4}
    svg .bars{fill:var(--ours)}
    .tip{fill:transparent}
    .tip:hover{fill:var(--ink);fill-opacity:.08}
    .legend,.scale{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:center;margin:0 0 .5rem}
    .legend i{display:inline-block;width:1.25rem;margin-right:.4rem;vertical-align:middle}
    .key-line{border-top:3px solid var(--ours)}
    .legend .key-dot{width:.5rem;height:.5rem;border-radius:50%;background:var(--warm)}
    .key-mean{border-top:2px dashed var(--ink)}
    .heat{display:flex;flex-wrap:wrap;gap:1rem 2.5rem;align-items:flex-start}
    .map{flex:1 1 26rem;min-width:0}
    .map svg{grid-column:2;width:100%;height:calc(var(--rows)*1.75rem);display:block}
    .map rect,.heat rect{stroke:var(--paper);stroke-width:1;vector-effect:non-scaling-stroke}
    .map rect:hover{stroke:var(--ink);stroke-width:2}
    .kinds{grid-column:1;font-size:.8125rem}
    .kinds span{display:block;height:1.75rem;line-height:1.75rem;text-align:right;
    white-space:nowrap;max-width:11rem;overflow:hidden;text-overflow:ellipsis}
    .others{flex:0 1 auto;font-size:.8125rem}
    .others i,.swatches i{display:inline-block;width:1rem;height:1rem;vertical-align:-.15rem}
    .others i{margin-right:.5rem}
    .scale{gap:.25rem .6rem;margin-top:.75rem}
    .swatches{display:inline-flex}
    .hz{fill:var(--soft);background:var(--soft);box-shadow:inset 0 0 0 1px var(--rule)}
    .hx{fill:var(--bad);background:var(--bad)}
    .h0{fill:var(--h0);background:var(--h0)}.h1{fill:var(--h1);background:var(--h1)}
    .h2{fill:var(--h2);background:var(--h2)}.h3{fill:var(--h3);background:var(--h3)}
    .h4{fill:var(--h4);background:var(--h4)}.h5{fill:var(--h5);background:var(--h5)}
    .h6{fill:var(--h6);background:var(--h6)}.h7{fill:var(--h7);background:var(--h7)}
    .h8{fill:var(--h8);background:var(--h8)}.h9{fill:var(--h9);background:var(--h9)}

    """

  private static let parts: StaticString = """
    .scroll{overflow-x:auto}
    table{border-collapse:collapse;font-size:.875rem}
    .data{width:100%;margin:.5rem 0}
    .data bdi,.data code{display:inline-block;max-width:22rem;overflow-wrap:break-word}
    .data .n{min-width:4rem}
    .data tr>:last-child{padding-right:0}
    th,td{padding:.35rem .9rem .35rem 0;text-align:left;vertical-align:baseline;font-weight:400}
    .data td,.data th{border-bottom:1px solid var(--rule);vertical-align:top}
    thead th{color:var(--dim);white-space:nowrap;vertical-align:bottom}
    .n{text-align:right;white-space:nowrap}
    caption{text-align:left;color:var(--dim);font-size:.8125rem;padding-bottom:.15rem}
    details{margin-top:.75rem}
    summary{cursor:pointer;color:var(--dim);font-size:.875rem}
    .bar{display:inline-block;width:100%;min-width:5rem;height:.6rem;background:var(--soft);
    border-radius:.3rem;overflow:hidden;vertical-align:baseline}
    .bar i{display:block;height:100%;background:var(--ours)}
    .bar .theirs{background:var(--theirs)}
    .bar .over{background:repeating-linear-gradient(135deg,var(--bad) 0 4px,transparent 4px 6px)}
    .usage{display:flex;gap:.6rem;align-items:center;min-width:11rem}
    .usage .n{min-width:4.5rem}
    .limit{position:relative;flex:1}
    .limit::after{content:'';position:absolute;left:50%;top:0;bottom:0;border-left:2px solid var(--ink)}
    ol.worst{list-style:none;margin:0;padding:0}
    .worst li{padding:1rem 0;border-top:1px solid var(--rule);break-inside:avoid}
    .worst li:first-child{border-top:0;padding-top:0}
    .where{display:flex;flex-wrap:wrap;gap:0 .9rem;margin:0 0 .35rem}
    .where span{color:var(--dim)}
    .context{background:var(--soft);border-radius:.4rem;padding:.5rem .75rem;margin:0 0 .6rem;
    max-width:none;white-space:pre-wrap;overflow-wrap:anywhere}
    mark{background:var(--mark);color:inherit;border-radius:.2rem;padding:0 .15rem;
    box-shadow:0 0 0 1px var(--warm);white-space:pre-wrap}
    .top code{white-space:pre-wrap;background:var(--soft);border-radius:.2rem;padding:0 .15rem}
    .pair{display:grid;grid-template-columns:1fr 1fr;gap:.5rem 2rem}
    .top{width:100%}
    .top th{width:38%}
    .top td:last-child{width:44%;padding-right:0}
    .top code,.top mark{font-size:1em}
    .top td,.top th{padding:.1rem .75rem .1rem 0}
    .findings{list-style:none;margin:0;padding:0}
    .findings li{display:grid;grid-template-columns:6rem 11rem 1fr;gap:.25rem 1rem;padding:.5rem 0;
    border-top:1px solid var(--rule);font-size:.9375rem}
    .findings li:first-child{border-top:0}
    .warning b:first-child{color:var(--warm)}
    .error b:first-child{color:var(--bad)}
    .findings code{overflow-wrap:anywhere}
    @media (max-width:40rem){main{padding:1.5rem 1rem 0}h1{font-size:1.5rem}.minor{display:none}
    .pair,.findings li{grid-template-columns:1fr}.figures{grid-template-columns:1fr 1fr;gap:1rem}
    .figures .value{font-size:1.4rem}.plot svg{height:12rem}.side{width:2.75rem}.bar{min-width:3rem}
    section{margin-top:2.5rem}.limits thead{display:none}.limits tbody{display:block}
    .limits tr{display:grid;grid-template-columns:1fr 1fr;padding:.6rem 0;
    border-bottom:1px solid var(--rule)}.limits .n{text-align:left}
    .limits td,.limits th{border:0;padding:.1rem .5rem .1rem 0}
    .limits td:nth-child(n+5){grid-column:1/3}.limits td:empty,.limits bdi:empty{display:none}}
    @media print{:root{--paper:#fff}main,footer{max-width:none;padding:0}section{margin-top:2rem}
    figure,.block,.figures div{break-inside:avoid}h2,h3{break-after:avoid}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}}

    """
}
