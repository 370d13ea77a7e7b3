"""How the pages become a site: ``sphinx-build --fail-on-warning docs site``. It needs no network."""  # noqa: INP001

from kalshi_portfolio import __version__

project = "kalshi_portfolio"
author = "The kalshi_portfolio authors"
copyright = "the kalshi_portfolio authors, MIT licence"  # noqa: A001  (so Sphinx wants it)
version = release = __version__

extensions = [
    "myst_parser",  # the pages are plain Markdown, which a code host shows as well
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",  # Google docstrings
    "sphinx.ext.viewcode",
]

html_theme = "furo"
html_title = "kalshi_portfolio"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False

myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

exclude_patterns = ["_build"]
