"""The places where people use the package: JupyterLab in a browser, a kernel, IPython, marimo, scripts, uvloop.

The programs are real. Where one is not installed its tests are skipped, unless ``REQUIRE_PLACES=1`` says that
all must be there. ``PLACES_SCREENSHOTS`` names a folder that keeps the pictures.
"""
