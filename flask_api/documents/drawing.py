"""Any picture as inline SVG."""

from __future__ import annotations

from markupsafe import Markup

from flask_api.documents import charts, charts_bars, charts_lines, charts_plane
from flask_api.documents.pictures import Bars, Cascade, Curves, Heat, Picture, Swings


def draw(picture: Picture) -> Markup:
    """The picture as SVG that stands in a page, in the colours of its style sheet."""
    if isinstance(picture, Bars):
        return charts_bars.bars(picture)
    if isinstance(picture, Swings):
        return charts_bars.swings(picture)
    if isinstance(picture, Curves):
        return charts_lines.curves(picture)
    if isinstance(picture, Heat):
        return charts_plane.heat(picture)
    if isinstance(picture, Cascade):
        return charts.waterfall(picture.steps, picture.unit, picture.title, cut=True)
    return charts_plane.plane(picture)
