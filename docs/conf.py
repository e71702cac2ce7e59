"""How the documentation is built: MyST Markdown, strictly, with the command line rendered from its own code."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "Lineside"
author = "The Lineside developers"
copyright = "The Lineside developers, Apache-2.0"  # noqa: A001 - the name Sphinx looks for
html_title = "Lineside"
html_theme = "furo"
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#2f4a5c", "color-brand-content": "#2f4a5c"},
    "dark_css_variables": {"color-brand-primary": "#9db8c9", "color-brand-content": "#9db8c9"},
}

extensions = ["myst_parser", "command_line"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_extensions"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nitpicky = True
