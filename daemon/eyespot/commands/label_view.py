"""A privacy label as text, and as one page of HTML that needs nothing else, to be printed."""

from collections.abc import Iterable
from html import escape

from eyespot.app.privacy import Label

_STYLE = """
@page { size: A4; margin: 18mm }
body { font: 12pt/1.4 sans-serif; color: #000; background: #fff; max-width: 174mm; margin: auto }
h1 { font-size: 26pt; margin: 0 0 4mm } h2 { font-size: 14pt; margin: 8mm 0 2mm }
.notice { border: 1mm solid #000; padding: 6mm; font-size: 15pt; break-after: page }
.a6 .notice { width: 93mm; font-size: 10.5pt; padding: 3mm } .a6 h1 { font-size: 16pt }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: 1mm 2mm }
th { width: 42mm } tr { border-top: 0.2mm solid #999; break-inside: avoid } code { overflow-wrap: anywhere }
"""
_STYLE_A6 = "@page { size: A6; margin: 6mm }"


def as_text(label: Label) -> str:
    """Return the notice, and the facts below it."""
    lines = [label.name, "=" * len(label.name), "", *label.notice, ""]
    lines += [
        f"Purpose:    {label.purpose}",
        f"Controller: {label.controller}",
        f"Contact:    {label.contact}",
        "",
    ]
    lines += ["Facts for an impact assessment", "-" * 30]
    lines += [f"{question}: {answer}" for question, answer in label.facts]
    lines += ["", "What may leave, by schema; each also has schema, t, clock, boot_id, seq", "-" * 30]
    lines += [f"{schema}: {', '.join(names)}" for schema, names in label.fields.items()]
    return "\n".join(lines)


def as_html(label: Label, size: str) -> str:
    """Return the same as a page; nothing in it is loaded from anywhere.

    Args:
        label: what is told.
        size: of the notice's paper, "a4" or "a6".
    """
    notice = "".join(f"<p>{escape(sentence)}</p>" for sentence in label.notice)
    who = _rows((("Purpose", label.purpose), ("Controller", label.controller), ("Contact", label.contact)))
    fields = _rows((schema, ", ".join(names)) for schema, names in label.fields.items())
    style = _STYLE + (_STYLE_A6 if size == "a6" else "")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(label.name)}</title>'
        f'<style>{style}</style></head><body class="{size}">'
        f'<section class="notice"><h1>{escape(label.name)}</h1>{notice}<table>{who}</table></section>'
        f"<h2>Facts for an impact assessment</h2><table>{_rows(label.facts)}</table>"
        f"<h2>What may leave, by schema</h2><table>{fields}</table></body></html>\n"
    )


def _rows(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><th>{escape(left)}</th><td>{escape(right)}</td></tr>" for left, right in pairs)
