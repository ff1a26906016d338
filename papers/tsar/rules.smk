# TSAR: meta-learning -> learning rate -> transfer.

from papers.tsar import protocol as tsar_protocol
from papers.tsar import runs as tsar_runs

TSAR = REGISTERS["tsar"]


wildcard_constraints:
    meta_learning_set="|".join(tsar_protocol.META_LEARNING_SETS),
    iterations=r"\d+",


# A longer run goes on from the checkpoint of the shorter one, and so comes after it.
rule tsar_meta_train:
    input:
        omniglot=lambda wildcards: dataset("omniglot", wildcards.scale),
        shorter=lambda wildcards: tsar_runs.shorter_run(**wildcards, design=TSAR.protocol(wildcards.scale).design),
    output:
        models="results/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.pt",
        log="results/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.csv",
        record="results/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.json",
    log:
        "logs/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}_seeds{seeds}.log",
    wildcard_constraints:
        condition=tsar_protocol.CONDITIONS,
    # Tuning seeds first, so that tuning and transfer can follow, and free the sweep's models, while others still train.
    priority: lambda wildcards: int(int(wildcards.seeds.split("-")[0]) >= tsar_protocol.FIRST_TUNING_SEED)
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **TRAINING,
        # no parameter: a run that is to go on is the same run
        keep=lambda wildcards: tsar_runs.keep_checkpoint(
            wildcards.condition, wildcards.meta_learning_set, TSAR.protocol(wildcards.scale).design
        ),
    params:
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/tsar/checkpoints/meta_{condition}_{meta_learning_set}_seeds{seeds}.ckpt",
        depends=TSAR.depends("meta_train"),
    message:
        "Meta-learning: {wildcards.condition}, {wildcards.meta_learning_set}, {wildcards.iterations} iterations, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.meta_train --scale {wildcards.scale} --condition {wildcards.condition}"
        " --meta-learning-set {wildcards.meta_learning_set} --iterations {wildcards.iterations} --seeds {wildcards.seeds}"
        " --device {resources.device:q} --omniglot {input.omniglot:q} --out {output.models:q}"
        " --checkpoint {params.checkpoint:q} {resources.keep} > {log:q} 2>&1"


# The models of the bias sweep, 2.4 GB each at paper scale, are deleted once they have been tuned and transferred.
use rule tsar_meta_train as tsar_meta_train_sweep with:
    output:
        models=temp("results/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.pt"),
        log="results/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.csv",
        record="results/{scale}/tsar/meta/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.json",
    wildcard_constraints:
        condition=r"bias-?\d+",


ruleorder: tsar_meta_train_sweep > tsar_meta_train


rule tsar_tune:
    input:
        images=lambda wildcards: dataset(wildcards.dataset, wildcards.scale),
        models=lambda wildcards: tsar_runs.tuning_models(
            wildcards.scale,
            wildcards.condition,
            wildcards.meta_learning_set,
            wildcards.iterations,
            TSAR.protocol(wildcards.scale).design,
        ),
    output:
        table="results/{scale}/tsar/tune/{condition}_{meta_learning_set}_after{iterations}/{dataset}.csv",
        record="results/{scale}/tsar/tune/{condition}_{meta_learning_set}_after{iterations}/{dataset}.json",
    log:
        "logs/{scale}/tsar/tune/{condition}_{meta_learning_set}_after{iterations}_{dataset}.log",
    wildcard_constraints:
        condition=tsar_protocol.CONDITIONS,
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **TRAINING,
    params:
        seeds=lambda wildcards: tsar_runs.tuning_seeds(TSAR.protocol(wildcards.scale).design),
        checkpoint="results/{scale}/tsar/checkpoints/tune_{condition}_{meta_learning_set}_after{iterations}_{dataset}.ckpt",
        depends=TSAR.depends("tune"),
    message:
        "Learning rate: {wildcards.condition}, {wildcards.meta_learning_set}, {wildcards.iterations} iterations, {wildcards.dataset}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.tune --scale {wildcards.scale} --condition {wildcards.condition}"
        " --meta-learning-set {wildcards.meta_learning_set} --iterations {wildcards.iterations} --device {resources.device:q}"
        " --images {input.images:q} --models {input.models:q} --seeds {params.seeds:q} --out {output.table:q}"
        " --checkpoint {params.checkpoint:q} > {log:q} 2>&1"


rule tsar_transfer:
    input:
        images=lambda wildcards: dataset(wildcards.dataset, wildcards.scale),
        models=lambda wildcards: tsar_runs.models(
            wildcards.scale, wildcards.condition, wildcards.meta_learning_set, wildcards.iterations, wildcards.seeds
        ),
        tuning="results/{scale}/tsar/tune/{condition}_{meta_learning_set}_after{iterations}/{dataset}.csv",
    output:
        table="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/{dataset}_seeds{seeds}.csv",
        record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/{dataset}_seeds{seeds}.json",
        diagnostics="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/diagnostics_{dataset}_seeds{seeds}.csv",
        diagnostics_record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/diagnostics_{dataset}_seeds{seeds}.json",
        final_recall="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/final_recall_{dataset}_seeds{seeds}.csv",
        final_recall_record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/final_recall_{dataset}_seeds{seeds}.json",
    log:
        "logs/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}_{dataset}_seeds{seeds}.log",
    wildcard_constraints:
        condition=tsar_protocol.CONDITIONS,
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **TRAINING,
    params:
        activity=[],
        depends=TSAR.depends("transfer"),
    message:
        "Transfer: {wildcards.condition}, {wildcards.meta_learning_set}, {wildcards.iterations} iterations, {wildcards.dataset}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.transfer --scale {wildcards.scale} --condition {wildcards.condition}"
        " --meta-learning-set {wildcards.meta_learning_set} --iterations {wildcards.iterations} --seeds {wildcards.seeds}"
        " --device {resources.device:q} --images {input.images:q} --models {input.models:q} --tuning {input.tuning:q}"
        " --out {output.table:q} --diagnostics {output.diagnostics:q} --final-recall {output.final_recall:q} {params.activity:q}"
        " > {log:q} 2>&1"


# What has a regulator also tells of its activity.
use rule tsar_transfer as tsar_transfer_regulated with:
    output:
        table="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/{dataset}_seeds{seeds}.csv",
        record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/{dataset}_seeds{seeds}.json",
        diagnostics="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/diagnostics_{dataset}_seeds{seeds}.csv",
        diagnostics_record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/diagnostics_{dataset}_seeds{seeds}.json",
        final_recall="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/final_recall_{dataset}_seeds{seeds}.csv",
        final_recall_record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/final_recall_{dataset}_seeds{seeds}.json",
        activity="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/activity_{dataset}_seeds{seeds}.npz",
        activity_record="results/{scale}/tsar/transfer/{condition}_{meta_learning_set}_after{iterations}/activity_{dataset}_seeds{seeds}.json",
    wildcard_constraints:
        condition=tsar_protocol.REGULATED,
    params:
        activity=lambda wildcards, output: ["--activity", output.activity],
        depends=TSAR.depends("transfer"),


ruleorder: tsar_transfer_regulated > tsar_transfer


# One job runs all variants of its seeds.
rule tsar_variants:
    input:
        images=lambda wildcards: dataset("imagenet", wildcards.scale),
        models=lambda wildcards: tsar_runs.models(
            wildcards.scale, wildcards.condition, wildcards.meta_learning_set, wildcards.iterations, wildcards.seeds
        ),
        tuning="results/{scale}/tsar/tune/{condition}_{meta_learning_set}_after{iterations}/imagenet.csv",
    output:
        table="results/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.csv",
        record="results/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.json",
        activity="results/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}/variant_activity_seeds{seeds}.npz",
        activity_record="results/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}/variant_activity_seeds{seeds}.json",
        image_masks="results/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}/image_masks_seeds{seeds}.npz",
        image_masks_record="results/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}/image_masks_seeds{seeds}.json",
    log:
        "logs/{scale}/tsar/variants/{condition}_{meta_learning_set}_after{iterations}_seeds{seeds}.log",
    wildcard_constraints:
        condition=tsar_protocol.REGULATED,
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **TRAINING,
    params:
        depends=TSAR.depends("variants"),
    message:
        "Variants of transfer: {wildcards.condition}, {wildcards.meta_learning_set}, {wildcards.iterations} iterations, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.variants --scale {wildcards.scale} --condition {wildcards.condition}"
        " --meta-learning-set {wildcards.meta_learning_set} --iterations {wildcards.iterations} --seeds {wildcards.seeds}"
        " --device {resources.device:q} --images {input.images:q} --models {input.models:q} --tuning {input.tuning:q}"
        " --out {output.table:q} --activity {output.activity:q} --image-masks {output.image_masks:q} > {log:q} 2>&1"


# Classes that meta-learning did not see; Grow's job also runs its variants.
rule tsar_omniglot:
    input:
        images=lambda wildcards: dataset("omniglot", wildcards.scale),
        models=lambda wildcards: tsar_runs.models(
            wildcards.scale, wildcards.condition, wildcards.meta_learning_set, wildcards.iterations, wildcards.seeds
        ),
        tuning="results/{scale}/tsar/tune/{condition}_{meta_learning_set}_after{iterations}/imagenet.csv",
    output:
        table="results/{scale}/tsar/omniglot/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.csv",
        record="results/{scale}/tsar/omniglot/{condition}_{meta_learning_set}_after{iterations}/seeds{seeds}.json",
    log:
        "logs/{scale}/tsar/omniglot/{condition}_{meta_learning_set}_after{iterations}_seeds{seeds}.log",
    wildcard_constraints:
        condition=tsar_protocol.CONDITIONS,
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **TRAINING,
    params:
        depends=TSAR.depends("omniglot"),
    message:
        "Omniglot classes: {wildcards.condition}, {wildcards.meta_learning_set}, {wildcards.iterations} iterations, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.omniglot --scale {wildcards.scale} --condition {wildcards.condition}"
        " --meta-learning-set {wildcards.meta_learning_set} --iterations {wildcards.iterations} --seeds {wildcards.seeds}"
        " --device {resources.device:q} --images {input.images:q} --models {input.models:q} --tuning {input.tuning:q}"
        " --out {output.table:q} > {log:q} 2>&1"
