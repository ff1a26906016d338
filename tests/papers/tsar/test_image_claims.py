"""Claims on images and their encodings hold on arrays like the paper's, and each finding can make its claim fail."""

import numpy
import pytest

from tests.papers.tsar.constructed_claims import (
    activity,
    collected,
    findings,
    fixed_activity,
    image_masks,
    outcomes,
    planted,
)

GROW, KS = {"condition": "grow", "meta_learning_set": "rich"}, (1, 5, 10, 20)
ON_IMAGES = [f"tsar-{number}" for number in (35, 36, 38, 39, 40, 41)]
STATE = numpy.arange(40) % 2  # 1 of enhancing images


def test_claims_on_images_hold_on_arrays_like_the_papers():
    assert outcomes(collected(), *ON_IMAGES) == dict.fromkeys(ON_IMAGES, "holds")


def test_one_model_never_decides_and_claims_without_arrays_are_not_run():
    assert set(outcomes(collected(seeds=1), *ON_IMAGES).values()) == {"unclear"}
    assert set(outcomes(collected().only({}), *ON_IMAGES).values()) == {"not run"}


@pytest.mark.parametrize(
    ("claim", "name", "value"),
    [
        ("tsar-35", "recall_changes", 0.01 * STATE),
        ("tsar-36", "probability_changes", 0.3 - 0.2 * STATE),
        *[("tsar-38", "nearest_neighbours", [0.06 if k == own else 0.02 for own in KS]) for k in KS],
        ("tsar-39", "mean_masks", numpy.repeat([0.1, 0.2], 20)),  # half of each state at either end
        ("tsar-40", "mean_masks", numpy.repeat([0.1, 0.2], 20)),
    ],
)
def test_each_finding_can_make_its_claim_fail(claim, name, value):
    assert outcomes(collected(activity_imagenet=planted(activity(), name, value, **GROW)), claim) == {claim: "fails"}


def test_masks_that_never_change_have_no_ranks():
    assert outcomes(collected(variant_activity=fixed_activity(mean_masks=numpy.ones(40))), "tsar-40") == {
        "tsar-40": "unclear"
    }


def test_models_that_agree_by_chance_share_no_images():
    in_all, spread = findings(collected(image_masks=image_masks(seeds=5, shared=0)), "tsar-41")
    assert in_all.outcome in ("fails", "unclear") and spread.outcome == "fails"
    in_all, spread = findings(collected(image_masks=image_masks(seeds=25, shared=0.6)), "tsar-41")
    assert in_all.outcome == spread.outcome == "holds"


def test_models_that_avoid_each_others_images_fail():
    """Of three models each has a third of its own: no image is in two sets, fewer than by chance."""
    masks = image_masks(shared=0)
    for seed, own in enumerate(masks.values["mean_masks"]):
        own[:, 20 * seed : 20 * seed + 20] -= 100
    assert [own.outcome for own in findings(collected(image_masks=masks), "tsar-41")] == ["fails", "fails"]
