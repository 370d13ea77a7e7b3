"""The look of all HTML: one sheet, in the colours of the place.

The text takes the colour of the notebook around it, and every other colour is mixed from that and so is dark on light
and light on dark, whichever theme is set and however. A browser that cannot mix shows plain text: a sign always says
what a colour says.
"""

from __future__ import annotations

GAIN, LOSS, ATTENTION = "#1a9c4e", "#d83a3a", "#c98a00"
MIXED = 60
"""Of these colours, how much goes into the mixture with the text's own, in per cent."""
QUIET = 76
"""How much of the text's own colour is in quiet text, in per cent."""

STYLE = f"""
.kp{{--kp-quiet:currentColor;--kp-gain:currentColor;--kp-loss:currentColor;--kp-attention:currentColor;
--kp-rule:rgba(128,128,128,.35);--kp-soft:rgba(128,128,128,.1);
box-sizing:border-box;max-width:52rem;padding:.8em 1em;margin:.2em 0;border:1px solid var(--kp-rule);border-radius:6px;
font-family:var(--jp-ui-font-family,var(--vscode-font-family,system-ui,sans-serif));
font-size:var(--jp-ui-font-size1,13px);line-height:1.45;font-variant-numeric:tabular-nums;text-align:left}}
@supports (color:color-mix(in srgb,red 50%,currentColor)){{.kp{{
--kp-quiet:color-mix(in srgb,currentColor {QUIET}%,transparent);
--kp-gain:color-mix(in srgb,{GAIN} {MIXED}%,currentColor);
--kp-loss:color-mix(in srgb,{LOSS} {MIXED}%,currentColor);
--kp-attention:color-mix(in srgb,{ATTENTION} {MIXED}%,currentColor)}}}}
.kp .kp-head{{display:flex;flex-wrap:wrap;gap:0 1em;justify-content:space-between;align-items:baseline}}
.kp .kp-head strong{{font-size:1.08em;font-weight:600}}
.kp .kp-quiet,.kp dt,.kp small,.kp caption{{color:var(--kp-quiet)}}
.kp .kp-gain{{color:var(--kp-gain)}}.kp .kp-loss{{color:var(--kp-loss)}}
.kp .kp-sum{{display:flex;flex-wrap:wrap;gap:.4em 1.6em;align-items:flex-end;margin:.5em 0 .2em}}
.kp .kp-sum>.kp-net{{flex:0 0 auto}}.kp .kp-sum>.kp-curve{{flex:1 1 14rem;min-width:0;color:var(--kp-quiet)}}
.kp .kp-net b{{display:block;font-size:2em;line-height:1.15;font-weight:600;white-space:nowrap}}
.kp svg.kp-line{{display:block;width:100%;max-width:none;overflow:visible}}
.kp .kp-ends{{display:flex;justify-content:space-between;font-size:.85em}}
.kp dl.kp-figures{{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.5em 1.2em;
margin:.6em 0 0;padding:.6em 0 0;border-top:1px solid var(--kp-rule)}}
.kp dl.kp-figures>div{{min-width:0}}
.kp dl.kp-figures dt,.kp dl.kp-figures dd{{float:none;width:auto;margin:0;padding:0;font-weight:400;text-align:left}}
.kp dl.kp-figures dd{{font-size:1.08em;font-weight:600;overflow-wrap:anywhere}}
.kp small{{display:block;font-size:.8em;font-weight:400}}
.kp .kp-scroll{{overflow-x:auto;max-width:100%}}
.kp table{{border-collapse:collapse;border:0;margin:.5em 0 0;font-size:inherit;table-layout:auto;width:auto}}
.kp table .kp-w:nth-child(n){{white-space:nowrap}}
.kp caption{{caption-side:top;text-align:left;padding:0 0 .2em;font-size:.92em}}
.kp table tr:nth-child(n),.kp table tr:nth-child(n):hover{{background:none}}
.kp table th:nth-child(n),.kp table td:nth-child(n){{text-align:left;vertical-align:top;font-weight:400;
padding:.2em 1em .2em 0;border:0;border-top:1px solid var(--kp-soft);max-width:none;white-space:normal}}
.kp table thead th:nth-child(n){{color:var(--kp-quiet);font-size:.92em;border-top:0;vertical-align:bottom}}
.kp table .kp-n:nth-child(n){{text-align:right;white-space:nowrap}}
.kp table tr>:last-child:nth-child(n){{padding-right:0}}
.kp table.kp-pairs th:nth-child(n){{color:var(--kp-quiet);white-space:nowrap}}
.kp table.kp-pairs td:nth-child(n){{overflow-wrap:anywhere}}
.kp .kp-entries{{margin:.6em 0 0}}.kp .kp-entries ul{{list-style:none;margin:0;padding:0}}
.kp .kp-entries li{{margin:0;padding:.25em 0;border-top:1px solid var(--kp-soft);overflow-wrap:anywhere}}
.kp .kp-entries strong{{font-weight:600}}.kp .kp-entries small{{font-size:.92em}}
.kp ul.kp-remarks{{list-style:none;margin:.6em 0 0;padding:.5em 0 0;border-top:1px solid var(--kp-rule)}}
.kp ul.kp-remarks li{{display:flex;gap:.5em;margin:.15em 0;padding:0;overflow-wrap:anywhere}}
.kp .kp-sign{{flex:0 0 1.1em;text-align:center}}.kp .kp-warning .kp-sign{{color:var(--kp-attention)}}
.kp .kp-next .kp-sign{{color:var(--kp-quiet)}}
.kp code{{font-family:var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,monospace));
font-size:.95em;padding:.05em .35em;border-radius:3px;background:var(--kp-soft);color:inherit;overflow-wrap:anywhere}}
.kp .kp-foot{{margin:.5em 0 0;font-size:.85em;overflow-wrap:anywhere}}
.kp details{{margin:.5em 0 0}}.kp summary{{cursor:pointer;color:var(--kp-quiet);display:list-item}}
.kp .kp-unseen{{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}}
"""
