# DHP softmax: search for lambda -> training -> one table per benchmark -> figures, Table I and comparison.

from common import protocol as protocols
from papers.dhp import runs as dhp_runs
from papers.dhp.protocol import CONDITIONS as DHP_CONDITIONS
from papers.dhp.protocol import Protocol as DhpProtocol

DHP = {
    scale: protocols.read(repository("papers/dhp/protocol.yaml")[0], DhpProtocol, scale) for scale in protocols.SCALES
}


wildcard_constraints:
    dhp_benchmark="|".join(dhp_runs.BENCHMARKS),
    dhp_condition="|".join(DHP_CONDITIONS),
    dhp_consolidation="|".join(dhp_runs.CONSOLIDATED),
    eta=r"[\d.]+(e-\d+)?",


rule dhp_tune:
    input:
        data=lambda wildcards: dhp_runs.data(DHP[wildcards.scale], wildcards.scale, wildcards.dhp_benchmark),
        code=repository(*dhp_runs.CODE["tune"]),
    output:
        table="results/{scale}/dhp/tune/{dhp_benchmark}_{dhp_consolidation}_{value}.csv",
        provenance="results/{scale}/dhp/tune/{dhp_benchmark}_{dhp_consolidation}_{value}.json",
    log:
        "logs/{scale}/dhp/tune/{dhp_benchmark}_{dhp_consolidation}_{value}.log",
    priority: 1
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        seeds=dhp_runs.tuning_seeds(),
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/dhp/checkpoints/tune_{dhp_benchmark}_{dhp_consolidation}_{value}.ckpt",
        protocol=lambda wildcards: sections_digest(DHP[wildcards.scale], wildcards.dhp_benchmark, "tuning"),
    message:
        "Tuning: {wildcards.dhp_benchmark}, {wildcards.dhp_consolidation} {wildcards.value}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.tune --scale {wildcards.scale} --benchmark {wildcards.dhp_benchmark}"
        " --condition {wildcards.dhp_consolidation} --value {wildcards.value} --seeds {params.seeds}"
        " --device {resources.device} --data {input.data} --out {output.table} --checkpoint {params.checkpoint}"
        " > {log} 2>&1"


rule dhp_train:
    input:
        data=lambda wildcards: dhp_runs.data(DHP[wildcards.scale], wildcards.scale, wildcards.dhp_benchmark),
        tuning=lambda wildcards: dhp_runs.tuning_of(
            DHP[wildcards.scale], wildcards.scale, wildcards.dhp_benchmark, wildcards.dhp_condition
        ),
        code=repository(*dhp_runs.CODE["train"]),
    output:
        table="results/{scale}/dhp/{dhp_benchmark}/{dhp_condition}/seeds{seeds}.csv",
        provenance="results/{scale}/dhp/{dhp_benchmark}/{dhp_condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/dhp/{dhp_benchmark}/{dhp_condition}_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        checkpoint="results/{scale}/dhp/checkpoints/{dhp_benchmark}_{dhp_condition}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(
            DHP[wildcards.scale], *dhp_runs.sections(wildcards.dhp_benchmark, wildcards.dhp_condition)
        ),
        options="",
    message:
        "Training: {wildcards.dhp_benchmark}, {wildcards.dhp_condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.train --scale {wildcards.scale} --benchmark {wildcards.dhp_benchmark}"
        " --condition {wildcards.dhp_condition} --seeds {wildcards.seeds} --device {resources.device} --data {input.data}"
        " --tuning {input.tuning} --out {output.table} --checkpoint {params.checkpoint} {params.options} > {log} 2>&1"


# The same training, which also notes eta and the norms of trace and alpha.
use rule dhp_train as dhp_train_logged with:
    output:
        table="results/{scale}/dhp/{dhp_benchmark}/{dhp_condition}/seeds{seeds}.csv",
        provenance="results/{scale}/dhp/{dhp_benchmark}/{dhp_condition}/seeds{seeds}.json",
        plasticity="results/{scale}/dhp/{dhp_benchmark}/{dhp_condition}/plasticity_seeds{seeds}.csv",
        plasticity_provenance="results/{scale}/dhp/{dhp_benchmark}/{dhp_condition}/plasticity_seeds{seeds}.json",
    wildcard_constraints:
        dhp_benchmark=dhp_runs.LOGGED[0],
        dhp_condition=dhp_runs.LOGGED[1],
    params:
        checkpoint="results/{scale}/dhp/checkpoints/{dhp_benchmark}_{dhp_condition}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(
            DHP[wildcards.scale], *dhp_runs.sections(wildcards.dhp_benchmark, wildcards.dhp_condition)
        ),
        options=lambda wildcards, output: f"--plasticity {output.plasticity}",


ruleorder: dhp_train_logged > dhp_train


rule dhp_eta:
    input:
        data=lambda wildcards: dhp_runs.data(DHP[wildcards.scale], wildcards.scale, wildcards.dhp_benchmark),
        code=repository(*dhp_runs.CODE["train"]),
    output:
        table="results/{scale}/dhp/eta/{dhp_benchmark}_{eta}/seeds{seeds}.csv",
        provenance="results/{scale}/dhp/eta/{dhp_benchmark}_{eta}/seeds{seeds}.json",
    log:
        "logs/{scale}/dhp/eta/{dhp_benchmark}_{eta}_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        checkpoint="results/{scale}/dhp/checkpoints/eta_{dhp_benchmark}_{eta}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(DHP[wildcards.scale], wildcards.dhp_benchmark),
    message:
        "Training from eta = {wildcards.eta}: {wildcards.dhp_benchmark}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.train --scale {wildcards.scale} --benchmark {wildcards.dhp_benchmark} --condition dhp"
        " --eta {wildcards.eta} --seeds {wildcards.seeds} --device {resources.device} --data {input.data}"
        " --out {output.table} --checkpoint {params.checkpoint} > {log} 2>&1"


rule dhp_update:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        code=repository(*dhp_runs.CODE["update"]),
    output:
        table="results/{scale}/dhp/update.csv",
        provenance="results/{scale}/dhp/update.json",
    log:
        "logs/{scale}/dhp/update.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
    params:
        protocol=lambda wildcards: sections_digest(DHP[wildcards.scale], "permuted"),
    message:
        "One Hebbian update after an epoch of MNIST, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dhp.update --scale {wildcards.scale} --device {resources.device} --data {input.data}"
        " --out {output.table} > {log} 2>&1"


rule dhp_imbalance:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        code=repository(*dhp_runs.CODE["imbalance"]),
    output:
        table="results/{scale}/dhp/imbalance.csv",
        provenance="results/{scale}/dhp/imbalance.json",
    log:
        "logs/{scale}/dhp/imbalance.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    params:
        protocol=lambda wildcards: sections_digest(DHP[wildcards.scale], "imbalanced"),
    message:
        "Removal probabilities of the imbalanced benchmark: {output.table}"
    shell:
        "python -m papers.dhp.imbalance --scale {wildcards.scale} --data {input.data} --out {output.table} > {log} 2>&1"


rule dhp_table:
    input:
        tables=lambda wildcards: dhp_runs.parts_of(
            DHP[wildcards.scale], wildcards.scale, wildcards.dhp_collected, config["device"]
        ),
        code=repository("common/collect.py"),
    output:
        table="results/{scale}/dhp/{dhp_collected}.csv",
        provenance="results/{scale}/dhp/{dhp_collected}.json",
    log:
        "logs/{scale}/dhp/{dhp_collected}_table.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
        dhp_collected="|".join((*dhp_runs.BENCHMARKS, "plasticity", "eta", "tune")),
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m common.collect --out {output.table} {input.tables} > {log} 2>&1"


rule dhp_figure:
    input:
        results=lambda wildcards: collected_tables("dhp", wildcards.scale, dhp_runs.NEEDS[wildcards.dhp_figure]),
        reported=repository("papers/dhp/reported.csv"),
        code=repository(*dhp_runs.CODE["figures"]),
    output:
        pdf="results/{scale}/dhp/figures/{dhp_figure}.pdf",
        png="results/{scale}/dhp/figures/{dhp_figure}.png",
        values="results/{scale}/dhp/figures/{dhp_figure}.csv",
    log:
        "logs/{scale}/dhp/{dhp_figure}.log",
    wildcard_constraints:
        dhp_figure="fig1|fig2|fig3|fig4",
    conda:
        "../../environment.yml"
    message:
        "Drawing {output.pdf}"
    shell:
        "python -m papers.dhp.figures {wildcards.dhp_figure} --results {input.results} --reported {input.reported}"
        " --out {output.pdf} > {log} 2>&1"


rule dhp_table1:
    input:
        results=lambda wildcards: collected_tables("dhp", wildcards.scale, dhp_runs.NEEDS["table1"]),
        reported=repository("papers/dhp/reported.csv"),
        code=repository(*dhp_runs.CODE["figures"]),
    output:
        tex="results/{scale}/dhp/figures/table1.tex",
        md="results/{scale}/dhp/figures/table1.md",
        csv="results/{scale}/dhp/figures/table1.csv",
    log:
        "logs/{scale}/dhp/table1.log",
    conda:
        "../../environment.yml"
    params:
        table="table1",
    message:
        "Making {output.tex}"
    shell:
        "python -m papers.dhp.figures {params.table} --results {input.results} --reported {input.reported}"
        " --out {output.tex} > {log} 2>&1"


# of our own: what DHP gains under other optimizers, and with eta bounded
use rule dhp_table1 as dhp_variants_table with:
    input:
        results=lambda wildcards: collected_tables("dhp", wildcards.scale, dhp_runs.NEEDS["variants"]),
        reported=repository("papers/dhp/reported.csv"),
        code=repository(*dhp_runs.CODE["figures"]),
    output:
        tex="results/{scale}/dhp/variants_table.tex",
        md="results/{scale}/dhp/variants_table.md",
        csv="results/{scale}/dhp/variants_table.csv",
    log:
        "logs/{scale}/dhp/variants_table.log",
    params:
        table="variants",


rule dhp_comparison:
    input:
        results=lambda wildcards: collected_tables("dhp", wildcards.scale, dhp_runs.TABLES),
        reported=repository("papers/dhp/reported.csv"),
        code=repository(*dhp_runs.CODE["compare"]),
    output:
        table="results/{scale}/dhp/comparison.csv",
        text="results/{scale}/dhp/comparison.md",
        claims="results/{scale}/dhp/claims.csv",
    log:
        "logs/{scale}/dhp/comparison.log",
    conda:
        "../../environment.yml"
    message:
        "Comparing with the paper's numbers: {output.table}"
    shell:
        "python -m papers.dhp.compare --results {input.results} --reported {input.reported} --out {output.table} > {log} 2>&1"
