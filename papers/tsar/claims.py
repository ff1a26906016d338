"""The paper's qualitative claims, each with its predicate: what must be so in the collected tables and arrays."""

from __future__ import annotations

from common.results.claims import Claim
from papers.tsar import bias_claims, burst_claims, class_weight_claims, image_claims, recall_claims, regulation_claims

_CLAIMS = [
    ("fig1A", "Grow still recalls nearly everything after 100 ImageNet classes", recall_claims.grow_retains),
    ("fig1A", "Grow recalls far more than Sculpt", recall_claims.grow_beats_sculpt),
    ("fig1A", "Sculpt, OML and Scratch forget most of what they learned", recall_claims.others_forget),
    ("fig1A", "The order is Grow, Sculpt, OML, Scratch", recall_claims.conditions_are_ordered),
    ("fig1A", "Scratch ends at chance", recall_claims.scratch_ends_at_chance),
    ("fig1B", "With scarce data Grow loses little, the others collapse", recall_claims.scarce_data_spare_grow_alone),
    ("fig1", "Grow's lead over Sculpt is larger with scarce data", recall_claims.scarce_data_widen_the_gap),
    ("fig1C", "Recall is best near bias -8 and lower at 0 and above", bias_claims.best_bias_is_near_minus_eight),
    ("fig6B", "The best bias is the same on both data sets, to within 2", bias_claims.best_bias_is_the_same_on_both),
    ("fig9A", "On CIFAR-100 the order is Grow, Sculpt, ANML, OML", recall_claims.cifar_is_ordered),
    ("fig9A", "Grow and Sculpt recall as much of CIFAR-100 as of ImageNet", recall_claims.both_data_sets_are_alike),
    ("fig9", "On Omniglot Grow remembers more than ANML but generalises less", recall_claims.omniglot_is_remembered),
    ("fig9B", "Fixed maps to C1, C2 and C3 raise Grow's test accuracy", recall_claims.fixed_maps_generalise_better),
    ("fig9B", "Learning in sequence costs little against shuffled training", recall_claims.sequence_costs_little),
    ("fig9E", "Test accuracy on ImageNet is far below recall", recall_claims.recall_is_not_generalisation),
    ("fig2A", "A task's top synapses are the top ones elsewhere", regulation_claims.no_task_has_its_own_synapses),
    ("fig11", "No synapse changes its rank dramatically for a task", regulation_claims.no_synapse_changes_its_rank),
    ("fig11", "Regulation depends on context the more, the deeper the layer", regulation_claims.depth_adds_context),
    ("fig17", "Regulation depends less on context after scarce data", regulation_claims.scarce_data_reduce_context),
    ("fig2A", "A synapse active at an image is suppressed at the next of its class", burst_claims.synapses_burst),
    ("fig2", "The more is recalled, the straighter the log-log CCDF", bias_claims.success_is_scale_free),
    ("fig2", "That CCDF is straighter after rich data", regulation_claims.rich_data_are_more_scale_free),
    ("fig8", "Grow is closer to scale-free than Sculpt in every layer", regulation_claims.grow_is_more_scale_free),
    ("fig4D", "Sizes of bursts are heavy-tailed", burst_claims.burst_sizes_have_heavy_tails),
    ("fig4A", "Meta-learning disinhibits a few of Grow's synapses", regulation_claims.few_synapses_are_disinhibited),
    ("fig4B", "Sculpt stays permissive", regulation_claims.sculpt_stays_permissive),
    ("fig2D", "Within a task its positive weights become active", class_weight_claims.positive_weights_activate),
    ("fig2E", "Over the next ten tasks they become dormant", class_weight_claims.positive_weights_become_dormant),
    ("fig5A", "Its negative weights do the inverse", class_weight_claims.negative_weights_do_the_inverse),
    ("fig5C", "Even mixtures of enhancing and diminishing images are learned best", recall_claims.mixtures_are_best),
    ("fig5C", "Random regulation, or none, is worse than Grow", recall_claims.untrained_regulation_is_worse),
    ("fig5C", "Training the regulation of CP alone is not enough", recall_claims.cp_alone_is_not_enough),
    (
        "fig5D",
        "Positive weights are regulated lower and vary less",
        class_weight_claims.positive_weights_are_suppressed,
    ),
    ("fig5E", "Positive weights oppose bursts, negative ones follow them", class_weight_claims.signs_differ_in_bursts),
    ("fig5F", "Diminished processing favours retention", image_claims.diminished_images_retain),
    ("fig5G", "Enhanced processing favours adaptation", image_claims.enhanced_images_adapt),
    ("fig6C", "Pairs of synapses are weakly synchronous", burst_claims.pairs_are_weakly_synchronous),
    ("fig10D", "Tasks cannot be told from the regulator's encodings", image_claims.tasks_are_not_identifiable),
    ("fig10C", "The regulator toggles between two states", image_claims.regulator_toggles),
    ("fig10E", "Images keep their rank when the regulation is fixed", image_claims.rank_is_kept_when_fixed),
    ("fig10F", "Models partly share which images enhance or diminish", image_claims.extremes_are_shared),
]
CLAIMS = [Claim(f"tsar-{number:02d}", *rest) for number, rest in enumerate(_CLAIMS, start=1)]
