# TSAR: meta-learning -> learning rate -> transfer -> one table -> figures and comparison.

from common import protocol as protocols
from papers.tsar import protocol as tsar_protocol
from papers.tsar import runs as tsar_runs

TSAR = {
    scale: protocols.read(repository("papers/tsar/protocol.yaml")[0], tsar_protocol.Protocol, scale)
    for scale in protocols.SCALES
}


wildcard_constraints:
    treatment=tsar_protocol.TREATMENTS,
    condition=tsar_protocol.CONDITIONS,


rule tsar_meta_train:
    input:
        omniglot=lambda wildcards: dataset("omniglot", wildcards.scale),
        code=repository(*tsar_runs.CODE["meta_train"]),
    output:
        models="results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.pt",
        log="results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.csv",
        provenance="results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/tsar/meta/{treatment}_{condition}_seeds{seeds}.log",
    # Tuning seeds first, so that tuning and transfer can follow, and free the sweep's models, while others still train.
    priority: lambda wildcards: int(int(wildcards.seeds.split("-")[0]) >= tsar_protocol.FIRST_TUNING_SEED)
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        # a resource and not a parameter: finished work stays valid when the device changes
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/tsar/checkpoints/meta_{treatment}_{condition}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(TSAR[wildcards.scale], "network", "meta_learning"),
    message:
        "Meta-learning: {wildcards.treatment}, {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.meta_train --scale {wildcards.scale} --treatment {wildcards.treatment}"
        " --condition {wildcards.condition} --seeds {wildcards.seeds} --device {resources.device}"
        " --omniglot {input.omniglot} --out {output.models} --checkpoint {params.checkpoint} > {log} 2>&1"


# The models of the bias sweep, 2.4 GB each at paper scale, are deleted once they have been tuned and transferred.
use rule tsar_meta_train as tsar_meta_train_sweep with:
    output:
        models=temp("results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.pt"),
        log="results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.csv",
        provenance="results/{scale}/tsar/meta/{treatment}_{condition}/seeds{seeds}.json",
    wildcard_constraints:
        treatment=r"bias-?\d+",


ruleorder: tsar_meta_train_sweep > tsar_meta_train


rule tsar_tune:
    input:
        imagenet=lambda wildcards: dataset("imagenet", wildcards.scale),
        models=lambda wildcards: tsar_runs.tuning_models(**wildcards, design=TSAR[wildcards.scale].design),
        code=repository(*tsar_runs.CODE["tune"]),
    output:
        table="results/{scale}/tsar/tune/{treatment}_{condition}.csv",
        provenance="results/{scale}/tsar/tune/{treatment}_{condition}.json",
    log:
        "logs/{scale}/tsar/tune/{treatment}_{condition}.log",
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        protocol=lambda wildcards: sections_digest(TSAR[wildcards.scale], "network", "meta_learning", "transfer"),
        # Scratch has no models, whose number would show it
        tuning_seeds=lambda wildcards: TSAR[wildcards.scale].design.tuning_seeds,
    message:
        "Learning rate: {wildcards.treatment}, {wildcards.condition}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.tune --scale {wildcards.scale} --treatment {wildcards.treatment}"
        " --condition {wildcards.condition} --device {resources.device}"
        " --imagenet {input.imagenet} --models {input.models} --out {output.table} > {log} 2>&1"


rule tsar_transfer:
    input:
        imagenet=lambda wildcards: dataset("imagenet", wildcards.scale),
        models=lambda wildcards: tsar_runs.models(**wildcards),
        tuning="results/{scale}/tsar/tune/{treatment}_{condition}.csv",
        code=repository(*tsar_runs.CODE["transfer"]),
    output:
        table="results/{scale}/tsar/transfer/{treatment}_{condition}/seeds{seeds}.csv",
        provenance="results/{scale}/tsar/transfer/{treatment}_{condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/tsar/transfer/{treatment}_{condition}_seeds{seeds}.log",
    priority: 2
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        protocol=lambda wildcards: sections_digest(TSAR[wildcards.scale], "network", "meta_learning", "transfer"),
    message:
        "Transfer: {wildcards.treatment}, {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.tsar.transfer --scale {wildcards.scale} --treatment {wildcards.treatment}"
        " --condition {wildcards.condition} --seeds {wildcards.seeds} --device {resources.device}"
        " --imagenet {input.imagenet} --models {input.models} --tuning {input.tuning} --out {output.table} > {log} 2>&1"


rule tsar_transfer_table:
    input:
        tables=lambda wildcards: tsar_runs.transfer_tables(wildcards.scale, TSAR[wildcards.scale].design),
        code=repository("common/collect.py"),
    output:
        table="results/{scale}/tsar/transfer.csv",
        provenance="results/{scale}/tsar/transfer.json",
    log:
        "logs/{scale}/tsar/transfer_table.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m common.collect --out {output.table} {input.tables} > {log} 2>&1"


rule tsar_fig1:
    input:
        transfer="results/{scale}/tsar/transfer.csv",
        provenance="results/{scale}/tsar/transfer.json",
        reported=repository("papers/tsar/reported.csv"),
        code=repository(*tsar_runs.CODE["figures"]),
    output:
        pdf="results/{scale}/tsar/figures/fig1.pdf",
        png="results/{scale}/tsar/figures/fig1.png",
        values="results/{scale}/tsar/figures/fig1.csv",
    log:
        "logs/{scale}/tsar/fig1.log",
    conda:
        "../../environment.yml"
    message:
        "Drawing {output.pdf}"
    shell:
        "python -m papers.tsar.figures fig1 --transfer {input.transfer} --reported {input.reported}"
        " --out {output.pdf} > {log} 2>&1"


rule tsar_comparison:
    input:
        transfer="results/{scale}/tsar/transfer.csv",
        provenance="results/{scale}/tsar/transfer.json",
        reported=repository("papers/tsar/reported.csv"),
        code=repository(*tsar_runs.CODE["compare"]),
    output:
        table="results/{scale}/tsar/comparison.csv",
        text="results/{scale}/tsar/comparison.md",
        claims="results/{scale}/tsar/claims.csv",
    log:
        "logs/{scale}/tsar/comparison.log",
    conda:
        "../../environment.yml"
    message:
        "Comparing with the paper's numbers: {output.table}"
    shell:
        "python -m papers.tsar.compare --transfer {input.transfer} --reported {input.reported}"
        " --out {output.table} > {log} 2>&1"
