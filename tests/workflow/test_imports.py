"""Imports run one way: papers know common and not each other, stages know nothing that draws, and there is no circle."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from common.running import code, register

FILES = [
    str(path.relative_to(code.ROOT))
    for folder in ("common", "papers", "studies", "examples", "benchmarks")
    for path in sorted((code.ROOT / folder).rglob("*.py"))
    if path.name != "__init__.py"
]
PAPERS = sorted({file.split("/")[1] for file in FILES if file.startswith("papers/")})
# From the top down: what stands further up may import what stands further down.
LAYERS = (("figures/", "compare.py", "claims.py"), ("results.py",), ("conditions.py",), ("protocol.py",))


@pytest.fixture(scope="module")
def imports():
    """What every file of the repository imports directly, whether it decides numbers or not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code, "is_uncounted", lambda file: False)
        code.imported.cache_clear()
        yield {file: code.imported(file) for file in FILES}
    code.imported.cache_clear()


def test_there_is_no_circle(imports):
    assert len(list(TopologicalSorter(imports).static_order())) >= len(FILES)


def test_common_knows_no_paper_and_no_paper_another(imports):
    for file, imported in imports.items():
        room = "/".join(file.split("/")[:2])
        papers = {"/".join(other.split("/")[:2]) for other in imported if other.startswith("papers/")}
        assert papers <= {room} or file.startswith(("benchmarks/", "studies/")), file
        assert file.startswith(("studies/", "benchmarks/")) or not any(
            other.startswith("studies/") for other in imported
        ), file


def test_studies_know_of_the_papers_their_methods_alone(imports):
    known = {other for file, imported in imports.items() if file.startswith("studies/") for other in imported}
    assert {file.split("/")[-1] for file in known if file.startswith("papers/")} == {"method.py"}


@pytest.mark.parametrize("paper", PAPERS)
def test_figures_and_claims_read_results_which_know_conditions(imports, paper):
    place = {file: number for number, names in enumerate(LAYERS) for file in FILES if in_layer(file, paper, names)}
    for file, layer in place.items():
        assert all(place.get(other, layer) >= layer for other in imports[file]), file


def in_layer(file, paper, names):
    return file.startswith(tuple(f"papers/{paper}/{name}" for name in names))


@pytest.mark.parametrize("paper", PAPERS)
def test_stages_know_nothing_that_draws_or_judges(paper):
    drawing = tuple(f"papers/{paper}/{name}" for names in LAYERS[:3] for name in names)
    for stage in register.of(paper).stages.keys() - {"collect_readings"}:
        files = code.closure(f"papers/{paper}/{stage}.py")
        assert not [file for file in files if file.startswith(("common/drawing/", *drawing))], stage
