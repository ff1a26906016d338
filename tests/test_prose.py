"""Prose is a product: sentences of READMEs and docs are short."""

from __future__ import annotations

import re
import statistics

import pytest

from common.running.code import ROOT

PAGES = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("papers/*/*.md")),
    *sorted(ROOT.glob("studies/*/*.md")),
]
MEDIAN, LONGEST = 16, 35  # words


def sentences(text: str) -> list[str]:
    """The sentences of a page's paragraphs, list entries and captions: no code, no headings; of tables each cell is text."""
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    text = re.sub(r"^(    |\t).*$", "", text, flags=re.MULTILINE)  # indented code
    text = re.sub(r"!\[[^]]*\]\([^)]*\)", "", text)
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    blocks = re.split(r"\n\s*\n|\n(?=#)|\n(?=\s*(?:[-*]|\d+\.) )|\n(?=\|)", text)
    found = []
    for block in blocks:
        block = " ".join(block.split())
        if block.startswith("#") or re.fullmatch(r"[|\s:-]*", block):
            continue
        cells = block.strip("| ").split(" | ") if block.startswith("|") else [re.sub(r"^(?:[-*]|\d+\.) ", "", block)]
        for cell in cells:
            found += [
                part for part in re.split(r"(?<=[.!?])[)*\"”]*\s+(?=[A-Z(*`\[0-9])", cell) if len(part.split()) > 2
            ]
    return found


def words(sentence: str) -> int:
    """How many words a sentence has: numbers in brackets and code count as one each."""
    sentence = re.sub(r"`[^`]*`", "code", sentence)
    sentence = re.sub(r"\[[^]]*\]", "", sentence)  # intervals
    return len([word for word in sentence.split() if re.search(r"[A-Za-z]", word)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short(page):
    counts = {sentence: words(sentence) for sentence in sentences(page.read_text())}
    too_long = [f"{count} words: {sentence}" for sentence, count in counts.items() if count > LONGEST]
    assert not too_long, "\n".join(too_long)
    assert statistics.median(counts.values()) < MEDIAN


def test_the_measure_knows_a_sentence():
    text = "# Title\n\nOne two three four. Five six seven.\n\n    code is left out here\n\n- an entry of five words\n\n| a | b c d e |\n"
    assert [words(sentence) for sentence in sentences(text)] == [4, 3, 5, 4]
