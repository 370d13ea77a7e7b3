"""The look of the report: one sheet for wide and narrow places, light and dark, and paper.

Colours are in two palettes, each with enough contrast (WCAG AA: 4.5 to 1) of every text on its ground. Blue is a gain
and orange a loss, as in the charts, which are told apart with any kind of sight; a sign always says the same.
"""

from __future__ import annotations

LIGHT = {
    "ground": "#ffffff",
    "panel": "#f5f6f8",
    "ink": "#16191d",
    "quiet": "#535b65",
    "rule": "#d5d9de",
    "gain": "#00588a",
    "loss": "#a33c00",
    "warn": "#6b4700",
    "warnground": "#fff5dc",
}
DARK = {
    "ground": "#14171b",
    "panel": "#1d2227",
    "ink": "#e8eaed",
    "quiet": "#a6aeb8",
    "rule": "#363d45",
    "gain": "#74bdee",
    "loss": "#ffa06b",
    "warn": "#ffd58a",
    "warnground": "#2b2413",
}


def _properties(palette: dict[str, str]) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


STYLE = f"""
:root{{color-scheme:light;{_properties(LIGHT)}}}
@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{_properties(DARK)}}}}}
*,*::before,*::after{{box-sizing:border-box}}
html{{-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-behavior:smooth;scroll-padding-top:1rem}}
body{{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:break-word}}
header,main,footer{{max-width:61rem;margin:0 auto;padding:0 clamp(1rem,4vw,2rem)}}
header{{padding-top:clamp(1.25rem,4vw,3rem)}}
h1{{font-size:clamp(1.5rem,5vw,2rem);line-height:1.15;letter-spacing:-.015em;margin:0 0 .35rem;font-weight:650}}
h2{{font-size:1.3rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 1rem;font-weight:650}}
h3{{font-size:1rem;margin:0;font-weight:600}}
p{{margin:0 0 .75rem}}a{{color:var(--gain)}}
:focus-visible{{outline:2px solid var(--gain);outline-offset:2px}}
.facts{{display:flex;flex-wrap:wrap;gap:.15rem 1.5rem;margin:0;color:var(--quiet);font-size:.9rem}}
.facts div{{display:flex;gap:.4rem;min-width:0}}
.facts dt{{white-space:nowrap}}.facts dt::after{{content:":"}}.facts dd{{margin:0;color:var(--ink)}}
nav{{margin:1.25rem 0 0;padding:.6rem 0;border-block:1px solid var(--rule)}}
nav ul{{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;list-style:none;margin:0;padding:0;font-size:.9rem}}
nav a{{display:inline-block;padding:.15rem 0;text-decoration:none}}nav a:hover{{text-decoration:underline}}
section{{margin:0;padding:2.25rem 0;border-bottom:1px solid var(--rule)}}
.gaps{{margin:1.5rem 0 0;padding:.9rem 1.1rem;background:var(--warnground);color:var(--ink);border-radius:6px;
border-left:4px solid var(--warn);font-size:.95rem}}
.gaps h2{{font-size:1rem;margin:0 0 .3rem;color:var(--warn)}}.gaps ul{{margin:0;padding-left:1.1rem}}
.sound{{margin:1.25rem 0 0;color:var(--quiet);font-size:.95rem}}
.net{{display:grid;margin:0 0 1.25rem}}.net>span{{color:var(--quiet)}}
.net>b{{font-size:clamp(2.4rem,10vw,3.4rem);line-height:1.1;letter-spacing:-.03em;font-weight:650}}
.net>small{{color:var(--quiet);font-size:.9rem}}
.kp-figures{{display:grid;grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr));gap:1.1rem 1.5rem;margin:0;
padding-top:1.25rem;border-top:1px solid var(--rule)}}
.kp-figures dt{{color:var(--quiet);font-size:.85rem}}
.kp-figures dd{{margin:0;font-size:1.2rem;font-weight:600;line-height:1.3}}
.kp-figures small{{display:block;color:var(--quiet);font-size:.8rem;font-weight:400}}
.gain{{color:var(--gain)}}.loss{{color:var(--loss)}}
figure{{margin:0 0 2rem}}section>:last-child{{margin-bottom:0}}
figcaption{{margin-bottom:.6rem}}figcaption p{{margin:.1rem 0 0;color:var(--quiet);font-size:.88rem}}
.chart svg{{display:block;width:100%;height:auto;max-width:56rem;overflow:visible}}
.chart.wide{{padding-right:.75rem}}.chart.narrow{{padding-right:1.1rem}}
.chart.narrow{{display:none}}.chart.narrow svg{{max-width:30rem}}
.chart.sliding{{overflow-x:auto}}.chart.sliding svg{{min-width:44rem}}
.kp-scroll{{overflow-x:auto;margin:0 0 1.75rem;background:
linear-gradient(90deg,var(--ground) 40%,transparent) 0 0/2.5rem 100% no-repeat local,
linear-gradient(270deg,var(--ground) 40%,transparent) 100% 0/2.5rem 100% no-repeat local,
linear-gradient(90deg,var(--rule),transparent) 0 0/.7rem 100% no-repeat scroll,
linear-gradient(270deg,var(--rule),transparent) 100% 0/.7rem 100% no-repeat scroll}}
table{{border-collapse:collapse;width:100%;font-size:.88rem;line-height:1.35}}
caption{{text-align:left;font-weight:600;font-size:1rem;padding:0 0 .4rem}}
th,td{{text-align:left;vertical-align:baseline;font-weight:400;padding:.4rem .9rem .4rem 0;
border-bottom:1px solid var(--rule)}}
thead th{{color:var(--quiet);font-size:.82rem;vertical-align:bottom;border-bottom-color:var(--quiet)}}
.kp-n{{text-align:right;white-space:nowrap}}.kp-w{{white-space:nowrap}}
tr>:last-child{{padding-right:0}}tbody b{{font-weight:650}}
.market{{display:block;min-width:11rem;max-width:26rem}}
.market small{{display:block;color:var(--quiet);font-size:.78rem;overflow-wrap:anywhere}}
details{{margin:0 0 1.75rem}}figure+details,figure+.screen{{margin-top:-.75rem}}.screen details{{margin:0}}
details>summary{{cursor:pointer;color:var(--gain);font-size:.9rem;padding:.35rem 0;width:max-content;max-width:100%}}
details .kp-scroll{{margin:.5rem 0 0}}details caption{{font-size:.9rem}}
.note,.nothing{{color:var(--quiet);font-size:.9rem}}
.verdict{{font-weight:600}}.verdict::before{{content:"✓ "/"";color:var(--gain)}}
.verdict.bad::before{{content:"⚠ "/"";color:var(--warn)}}
.kp-entries{{margin:0 0 1.25rem}}.kp-entries>span{{color:var(--quiet);font-size:.9rem}}
.kp-entries ul{{list-style:none;margin:.2rem 0 0;padding:0}}
.kp-entries li{{padding:.4rem 0;border-top:1px solid var(--rule);overflow-wrap:anywhere}}
.kp-entries strong{{font-weight:600}}.kp-entries small{{display:block;color:var(--quiet)}}
.terms{{display:grid;gap:.5rem;margin:0;font-size:.92rem}}
.terms div{{display:grid;grid-template-columns:9rem 1fr;gap:0 1rem}}
.terms dt{{font-weight:600}}.terms dd{{margin:0;color:var(--quiet)}}
footer{{padding-block:1.5rem 3rem;color:var(--quiet);font-size:.85rem}}
@media screen and (max-width:44rem){{
.chart.wide{{display:none}}.chart.narrow{{display:block}}section{{padding:1.75rem 0}}
.kp-figures{{grid-template-columns:repeat(auto-fill,minmax(8rem,1fr));gap:1rem}}
.terms div{{grid-template-columns:1fr}}
}}
@media (prefers-reduced-motion:reduce){{html{{scroll-behavior:auto}}}}
@page{{size:A4;margin:14mm 13mm}}
@media print{{
body{{font-size:9.5pt;background:none;color:#000}}header,main,footer{{max-width:none;padding:0}}header{{padding:0}}
nav,.screen,details>summary{{display:none}}details::details-content{{content-visibility:visible;display:block}}
section{{padding:1.2rem 0}}h1,h2,h3,figcaption,caption,thead{{break-after:avoid}}
figure,tr,.kp-figures>div,.kp-entries li,.terms div,.gaps{{break-inside:avoid}}
.kp-scroll,.chart.sliding{{overflow:visible;background:none}}.chart.sliding svg{{min-width:0}}
.chart svg{{max-width:100%;max-height:6.6cm}}.chart.tall svg{{max-height:13cm}}
table{{font-size:7.8pt}}th,td{{padding:.18rem .5rem .18rem 0}}thead{{display:table-header-group}}
.market{{min-width:0;max-width:none}}.net>b{{font-size:26pt}}.kp-figures{{grid-template-columns:repeat(4,1fr)}}
}}
"""
