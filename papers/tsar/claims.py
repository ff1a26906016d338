"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables and arrays."""

from __future__ import annotations

from common.results.claims import Claim, Finding
from papers.tsar import burst_claims as bursts
from papers.tsar import class_weight_claims as class_weights
from papers.tsar import image_claims as images
from papers.tsar import recall_claims as recall
from papers.tsar import regulation_claims as regulation


def _pending(tables: object) -> list[Finding]:
    return [Finding("not run", "no such run yet")]


_CLAIMS = [
    ("fig1A", "Grow still recalls nearly everything after 100 ImageNet classes", recall.grow_retains),
    ("fig1A", "Grow recalls far more than Sculpt", recall.grow_beats_sculpt),
    ("fig1A", "Sculpt, OML and Scratch forget most of what they learned", recall.others_forget),
    ("fig1A", "The order is Grow, Sculpt, OML, Scratch", recall.conditions_are_ordered),
    ("fig1A", "Scratch ends at chance", recall.scratch_ends_at_chance),
    ("fig1B", "With scarce data Grow loses little, the others collapse", recall.scarce_data_spare_grow_alone),
    ("fig1", "Grow's lead over Sculpt is larger with scarce data", recall.scarce_data_widen_the_gap),
    ("fig1C", "Recall is best near bias -8 and lower at 0 and above", recall.best_bias_is_near_minus_eight),
    ("fig6B", "The best bias is the same on both data sets, to within 2", recall.best_bias_is_the_same_on_both),
    ("fig9A", "On CIFAR-100 the order is Grow, Sculpt, ANML, OML", recall.cifar_is_ordered),
    ("fig9A", "Grow and Sculpt recall about as much of CIFAR-100 as of ImageNet", recall.both_data_sets_are_alike),
    ("fig9", "On Omniglot Grow remembers more than ANML but generalises less", _pending),
    ("fig9B", "Fixed maps to C1, C2 and C3 raise Grow's test accuracy", _pending),
    ("fig9B", "Learning in sequence costs little against shuffled training", _pending),
    ("fig9E", "Test accuracy on ImageNet is far below recall", _pending),
    ("fig2A", "A task's most active synapses are the most active elsewhere", regulation.no_task_has_its_own_synapses),
    ("fig11", "No synapse changes its rank dramatically for a task", regulation.no_synapse_changes_its_rank),
    ("fig11", "Regulation depends on context the more, the deeper the layer", regulation.depth_adds_context),
    ("fig17", "Regulation depends less on context after scarce data", regulation.scarce_data_reduce_context),
    ("fig2A", "A synapse active at an image is suppressed at the next of its class", bursts.synapses_burst),
    ("fig2", "The more is recalled, the straighter the log-log CCDF", regulation.success_is_scale_free),
    ("fig2", "That CCDF is straighter after rich data", regulation.rich_data_are_more_scale_free),
    ("fig8", "Grow is closer to scale-free than Sculpt in every layer", regulation.grow_is_more_scale_free),
    ("fig4D", "Sizes of bursts are heavy-tailed", bursts.burst_sizes_have_heavy_tails),
    (
        "fig4A",
        "Meta-learning disinhibits a small minority of Grow's synapses",
        regulation.few_synapses_are_disinhibited,
    ),
    ("fig4B", "Sculpt stays permissive", regulation.sculpt_stays_permissive),
    ("fig2D", "Within a task a class's positive weights become active", class_weights.positive_weights_become_active),
    ("fig2E", "Over the next ten tasks they become dormant", class_weights.positive_weights_become_dormant),
    ("fig5A", "Its negative weights do the inverse", class_weights.negative_weights_do_the_inverse),
    ("fig5C", "Even mixtures of enhancing and diminishing images are learned best", _pending),
    ("fig5C", "Random regulation, or none, is worse than Grow", recall.untrained_regulation_is_worse),
    ("fig5C", "Training the regulation of CP alone is not enough", _pending),
    ("fig5D", "Positive weights are regulated lower and vary less", class_weights.positive_weights_are_regulated_lower),
    (
        "fig5E",
        "Positive weights oppose bursts, negative ones follow them",
        class_weights.signs_follow_bursts_differently,
    ),
    ("fig5F", "Diminished processing favours retention", _pending),
    ("fig5G", "Enhanced processing favours adaptation", _pending),
    ("fig6C", "Pairs of synapses are weakly synchronous", bursts.pairs_are_weakly_synchronous),
    ("fig10D", "Tasks cannot be told from the regulator's encodings", images.tasks_are_not_identifiable),
    ("fig10C", "The regulator toggles between two states", images.regulator_toggles),
    ("fig10E", "Images keep their rank when the regulation is fixed", _pending),
    ("fig10F", "Models partly share which images enhance or diminish", _pending),
]
CLAIMS = [Claim(f"tsar-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
