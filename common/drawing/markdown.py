"""The Markdown of our own pages as HTML: paragraphs, headings, lists, tables, indented code, and what stands in a line.

Pictures are left out, and links within the repository are text: the page that shows them may lie anywhere.
"""

from __future__ import annotations

import html
import re

BORDER = re.compile(r"(?<!\\)\|")
CODE = re.compile(r"`([^`]+)`")
START = re.compile(r"#+ |[-*] |\|| {4}")  # of a block that needs no empty line before it


def title(text: str) -> str:
    """Return a page's heading. Raises ValueError if it has none."""
    if not (found := re.match(r"# (.+)", text)):
        raise ValueError("the page must begin with a heading: # Title")
    return found[1]


def sections(text: str) -> dict[str, str]:
    """Return what stands under each heading of the second level, and under "" what stands before the first."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    parts[0] = re.sub(r"\A# .+\n", "", parts[0])
    return {name: body.strip() for name, body in zip(["", *parts[1::2]], parts[::2], strict=True)}


def paragraph(text: str) -> str:
    """Return the first paragraph of a text in one line."""
    return " ".join(text.strip().split("\n\n")[0].split())


def to_html(text: str, level: int = 4) -> str:
    """Return a text as HTML; level: of its highest headings, those of the third level."""
    return "\n".join(_block(block, level) for block in _blocks(re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)))


def in_line(text: str) -> str:
    """Return a line or a cell as HTML: emphasis, code and links."""
    codes = CODE.findall(text)
    text = html.escape(CODE.sub("\0", text), quote=False)
    text = re.sub(r"\[([^]]+)\]\((https?://[^)]+)\)", r'<a href="\2">\1</a>', text)
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"(?<!\w)\*(\S(?:.*?\S)?)\*(?!\w)", r"<em>\1</em>", text)
    return re.sub("\0", lambda _: f"<code>{html.escape(codes.pop(0), quote=False)}</code>", text)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table's lines, without the rule under its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line)]
    return [[cell.strip().replace(r"\|", "|") for cell in BORDER.split(line.strip())[1:-1]] for line in lines]


def _blocks(text: str) -> list[list[str]]:
    """Return the lines of each block; a list's entries and a table's rows stay together."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        kind, before = _kind(line), _kind(blocks[-1][0]) if blocks[-1] else ""
        if not line.strip():
            blocks.append([])
        elif (kind and kind != before and not (before == "- " and line.startswith("  "))) or kind == "#":
            blocks.append([line])
        else:
            blocks[-1].append(line)
    return [block for block in blocks if block]


def _kind(line: str) -> str:
    found = START.match(line)
    return "" if not found else "#" if line[0] == "#" else found[0].replace("* ", "- ")


def _block(lines: list[str], level: int) -> str:
    kind = _kind(lines[0])
    if kind == "#":
        depth = level - 3 + len(lines[0].split()[0])
        return f"<h{depth}>{in_line(lines[0].lstrip('# '))}</h{depth}>"
    if kind == "|":
        return table(rows("\n".join(lines)))
    if kind == "- ":
        entries = re.split(r"\n[-*] ", "\n" + "\n".join(lines))[1:]
        return "<ul>" + "".join(f"<li>{in_line(' '.join(entry.split()))}</li>" for entry in entries) + "</ul>"
    if kind == " " * 4:
        return f"<pre><code>{html.escape(chr(10).join(line[4:] for line in lines))}</code></pre>"
    return f"<p>{in_line(' '.join(line.strip() for line in lines))}</p>"


def table(cells: list[list[str]]) -> str:
    """Return a table as HTML; cells: its lines, the heading first."""
    heading = "".join(f'<th scope="col">{in_line(cell)}</th>' for cell in cells[0])
    body = "".join(f"<tr>{''.join(f'<td>{in_line(cell)}</td>' for cell in line)}</tr>" for line in cells[1:])
    return f'<div class="scroll"><table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table></div>'
