# DHP softmax: search for lambda -> training, also from other initial etas; one Hebbian update; removal probabilities.

from papers.dhp import runs as dhp_runs
from papers.dhp import protocol as dhp_protocol

DHP = REGISTERS["dhp"]


rule dhp_tune:
    input:
        data=lambda wildcards: dhp_runs.data(DHP.protocol(wildcards.scale), wildcards.scale, wildcards.benchmark),
    output:
        table="results/{scale}/dhp/tune/{benchmark}_{condition}_{value}.csv",
        record="results/{scale}/dhp/tune/{benchmark}_{condition}_{value}.json",
    log:
        "logs/{scale}/dhp/tune/{benchmark}_{condition}_{value}.log",
    wildcard_constraints:
        benchmark="|".join(dhp_protocol.SWEPT),
        condition="|".join(dhp_protocol.CONSOLIDATED),
        value=r"\d+(\.\d+)?(e[+-]?\d+)?",
    priority: 1
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        seeds=dhp_runs.TUNING_SEEDS,
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/dhp/checkpoints/tune_{benchmark}_{condition}_{value}.ckpt",
        depends=DHP.depends("tune"),
    message:
        "Tuning: {wildcards.benchmark}, {wildcards.condition} {wildcards.value}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.tune --scale {wildcards.scale} --benchmark {wildcards.benchmark}"
        " --condition {wildcards.condition} --value {wildcards.value} --seeds {params.seeds:q}"
        " --device {resources.device:q} --data {input.data:q} --out {output.table:q} --checkpoint {params.checkpoint:q}"
        " > {log:q} 2>&1"


rule dhp_train:
    input:
        data=lambda wildcards: dhp_runs.data(DHP.protocol(wildcards.scale), wildcards.scale, wildcards.benchmark),
        tuning=lambda wildcards: dhp_runs.tuning(
            DHP.protocol(wildcards.scale), wildcards.scale, wildcards.benchmark, wildcards.condition
        ),
    output:
        table="results/{scale}/dhp/{benchmark}/{condition}/seeds{seeds}.csv",
        record="results/{scale}/dhp/{benchmark}/{condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/dhp/{benchmark}/{condition}_seeds{seeds}.log",
    wildcard_constraints:
        benchmark="|".join(dhp_protocol.BENCHMARKS),
        condition="|".join(dhp_protocol.CONDITIONS),
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        checkpoint="results/{scale}/dhp/checkpoints/{benchmark}_{condition}_seeds{seeds}.ckpt",
        depends=DHP.depends("train"),
        condition="{condition}",
        options=[],
    message:
        "Training: {wildcards.benchmark}, {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.train --scale {wildcards.scale} --benchmark {wildcards.benchmark}"
        " --condition {params.condition:q} --seeds {wildcards.seeds} --device {resources.device:q} --data {input.data:q}"
        " --tuning {input.tuning:q} --out {output.table:q} --checkpoint {params.checkpoint:q} {params.options:q} > {log:q} 2>&1"


# The same training, which also notes eta and the norms of trace and alpha.
use rule dhp_train as dhp_train_logged with:
    output:
        table="results/{scale}/dhp/{benchmark}/{condition}/seeds{seeds}.csv",
        record="results/{scale}/dhp/{benchmark}/{condition}/seeds{seeds}.json",
        plasticity="results/{scale}/dhp/{benchmark}/{condition}/plasticity_seeds{seeds}.csv",
        plasticity_record="results/{scale}/dhp/{benchmark}/{condition}/plasticity_seeds{seeds}.json",
    wildcard_constraints:
        benchmark=dhp_protocol.LOGGED[0],
        condition="|".join(dhp_protocol.LOGGED[1]),
    params:
        options=lambda wildcards, output: ["--plasticity", output.plasticity],


ruleorder: dhp_train_logged > dhp_train


# The same training of DHP alone, from another initial eta.
use rule dhp_train as dhp_eta with:
    input:
        data=lambda wildcards: dhp_runs.data(DHP.protocol(wildcards.scale), wildcards.scale, wildcards.benchmark),
        tuning=[],
    output:
        table="results/{scale}/dhp/eta/{benchmark}_{eta}/seeds{seeds}.csv",
        record="results/{scale}/dhp/eta/{benchmark}_{eta}/seeds{seeds}.json",
    log:
        "logs/{scale}/dhp/eta/{benchmark}_{eta}_seeds{seeds}.log",
    wildcard_constraints:
        benchmark="|".join(dhp_protocol.SWEPT),
        eta=r"\d+(\.\d+)?(e-\d+)?",
    params:
        checkpoint="results/{scale}/dhp/checkpoints/eta_{benchmark}_{eta}_seeds{seeds}.ckpt",
        condition=dhp_protocol.DHP,
        options=lambda wildcards: ["--eta", wildcards.eta],
    message:
        "Training from eta = {wildcards.eta}: {wildcards.benchmark}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"


rule dhp_update:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
    output:
        table="results/{scale}/dhp/update.csv",
        record="results/{scale}/dhp/update.json",
    log:
        "logs/{scale}/dhp/update.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        depends=DHP.depends("update"),
    message:
        "One Hebbian update after an epoch of MNIST, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.update --scale {wildcards.scale} --device {resources.device:q} --data {input.data:q}"
        " --out {output.table:q} > {log:q} 2>&1"


rule dhp_imbalance:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
    output:
        table="results/{scale}/dhp/imbalance.csv",
        record="results/{scale}/dhp/imbalance.json",
    log:
        "logs/{scale}/dhp/imbalance.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    params:
        depends=DHP.depends("imbalance"),
    message:
        "Removal probabilities of the imbalanced benchmark: {output.table}"
    shell:
        "python -m papers.dhp.imbalance --scale {wildcards.scale} --data {input.data:q} --out {output.table:q} > {log:q} 2>&1"
