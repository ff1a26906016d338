"""The Markdown of our pages as HTML, and the parts of a page."""

from __future__ import annotations

import pytest

from common.drawing import markdown
from common.running.code import ROOT

PAGE = "# Title: more\n\nWho wrote it,\nwhere.\n\n## One\n\nFirst\nparagraph.\n\nSecond.\n\n## Two\n\n- a\n"


def test_a_page_has_a_title_and_sections():
    assert markdown.title(PAGE) == "Title: more"
    assert markdown.sections(PAGE) == {"": "Who wrote it,\nwhere.", "One": "First\nparagraph.\n\nSecond.", "Two": "- a"}
    assert markdown.paragraph(markdown.sections(PAGE)["One"]) == "First paragraph."
    with pytest.raises(ValueError, match="must begin with a heading"):
        markdown.title("No heading")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a **b `c*d` e** *f*, 2*3*4", "<p>a <strong>b <code>c*d</code> e</strong> <em>f</em>, 2*3*4</p>"),
        ("x < y & <script>", "<p>x &lt; y &amp; &lt;script&gt;</p>"),
        ("[here](TRIALS.md), [there](https://a.org)", '<p>here, <a href="https://a.org">there</a></p>'),
        ("![a picture](a.png)", ""),
        ("two\nlines\n\nthen", "<p>two lines</p>\n<p>then</p>"),
        ("before:\n- one\n  more\n- two", "<p>before:</p>\n<ul><li>one more</li><li>two</li></ul>"),
        ("### Deeper\n\n    a < b", "<h4>Deeper</h4>\n<pre><code>a &lt; b</code></pre>"),
    ],
)
def test_text_becomes_html(text, html):
    assert markdown.to_html(text) == html


def test_a_table_keeps_its_cells_and_their_bars():
    cells = markdown.rows("**Caption**\n\n| a | b |\n|:--|:--|\n| 1 \\| 2 |  |\n\n*stamp*\n")
    assert cells == [["a", "b"], ["1 | 2", ""]]
    assert "<tbody><tr><td>1 | 2</td><td></td></tr></tbody>" in markdown.table(cells)


@pytest.mark.parametrize("page", sorted(ROOT.glob("papers/*/README.md")), ids=lambda page: page.parent.name)
def test_nothing_of_a_papers_page_stays_markdown(page):
    for text in markdown.sections(page.read_text()).values():
        html = markdown.to_html(text)
        assert "**" not in html and "](" not in html and "| ---" not in html
