"""Docstrings for the site: lines in two columns, "name  what it is", become lists."""

import re
from typing import Any

from griffe import Extension, Object

ENTRY = re.compile(r"^(`?[\w.*]+`?(?:, `?[\w.*]+`?)*)  +(\S.*)$")
INDENTED = re.compile(r"^ {4,}(\S.*)$")


class Columns(Extension):
    """Rewrites every docstring as Markdown."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite an object's docstring."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)


def to_markdown(text: str) -> str:
    """Return a docstring whose columns are lists; continued lines are joined to their entry."""
    lines: list[str] = []
    for line in text.splitlines():
        in_list = bool(lines) and lines[-1].startswith("- ")
        if entry := ENTRY.match(line):
            names = ", ".join(f"`{name.strip('` ')}`" for name in entry[1].split(","))
            lines += [*([] if in_list else [""]), f"- {names}: {entry[2]}"]
        elif in_list and (more := INDENTED.match(line)):
            lines[-1] += f" {more[1]}"
        elif in_list and line:
            lines += ["", line]
        else:
            lines.append(line)
    return "\n".join(lines)
