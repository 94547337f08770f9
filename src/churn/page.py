"""Rendering the HTML reports: self-contained pages, the same bytes from run to run."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def render(template: str, **values: Any) -> str:
    """Fill a template of `templates/`; text is escaped, an unknown name is an error."""
    environment = Environment(
        loader=PackageLoader("churn"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(template).render(values)
