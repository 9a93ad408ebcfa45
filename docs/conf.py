"""How Sphinx builds the book: ``python -m sphinx -W docs build/book``."""

import sys
from pathlib import Path

from facslens.version import __version__

sys.path.insert(0, str(Path(__file__).parent))  # made.py

project = "facslens"
author = "The facslens authors"
copyright = "The facslens authors, Apache-2.0"  # noqa: A001 - Sphinx calls it so
version = release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "made"]
exclude_patterns = ["pictures"]
language = "en"
suppress_warnings = ["ref.citation"]  # that a source is cited by no docstring

# pages are in Markdown; links may name a heading as GitHub does
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block", "attrs_inline"]
myst_links_external_new_tab = False

# Python from the docstrings
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_inherit_docstrings = False
default_role = "py:obj"
add_module_names = False
python_maximum_signature_line_length = 78

# nothing is fetched from elsewhere, and all of it works from the disk
html_theme = "furo"
html_title = "facslens"
html_favicon = "pictures/mark.svg"
html_static_path = ["book.css", "pictures"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#22566f",
        "color-brand-content": "#1b6480",
        "color-api-name": "#22566f",
        "color-api-pre-name": "#22566f",
        "font-stack": "system-ui, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif",
        "font-stack--monospace": "ui-monospace, 'Cascadia Mono', 'Liberation Mono', monospace",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8fcfe6",
        "color-brand-content": "#8fcfe6",
        "color-api-name": "#8fcfe6",
        "color-api-pre-name": "#8fcfe6",
    },
    "footer_icons": [],
}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
