"""The report: frames in, the text of one HTML page out. Nothing is computed here, and no file is touched.

contents   Contents: all that a report shows       page       page: the whole text
profit     the sections on what was gained         holdings   the sections on what is held, and on what was checked
sheets     tables of frames                        pictures   charts as SVG, once for wide places and once for phones
words      amounts and times                       gaps       what is missing, stale or unknown
style      the look: light, dark, phone, paper

The page runs no script and asks for nothing: its own policy forbids both. What comes from outside, such as a market's
title, is escaped where it is put into an element (see :mod:`kalshi_portfolio.display.html`).
"""

from kalshi_portfolio.report.contents import Checked, Contents, Course, Ended, Facts, Held, Profit
from kalshi_portfolio.report.page import GENERATOR, page

__all__ = ["GENERATOR", "Checked", "Contents", "Course", "Ended", "Facts", "Held", "Profit", "page"]
