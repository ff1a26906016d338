# Synaptic Intelligence: tuning of two baselines -> training -> one table per benchmark -> figures and comparison.

from common import protocol as protocols
from papers.synaptic_intelligence import runs as si_runs
from papers.synaptic_intelligence.protocol import Protocol as SiProtocol

SI = {
    scale: protocols.read(repository("papers/synaptic_intelligence/protocol.yaml")[0], SiProtocol, scale)
    for scale in protocols.SCALES
}
SI_THEORY_SEEDS = "0-9"


wildcard_constraints:
    si_benchmark="|".join(si_runs.BENCHMARKS),
    si_condition=r"si-[\d.]+|ewc|sgd|dropout|joint|scratch",


rule synaptic_intelligence_tune:
    input:
        data=lambda wildcards: si_runs.data("permuted_mnist", wildcards.scale),
        code=repository(*si_runs.CODE["tune"]),
    output:
        table="results/{scale}/synaptic_intelligence/tune/{si_condition}_{value}.csv",
        provenance="results/{scale}/synaptic_intelligence/tune/{si_condition}_{value}.json",
    log:
        "logs/{scale}/synaptic_intelligence/tune/{si_condition}_{value}.log",
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
        seeds=si_runs.tuning_seeds(),
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/synaptic_intelligence/checkpoints/tune_{si_condition}_{value}.ckpt",
        protocol=lambda wildcards: sections_digest(SI[wildcards.scale], "permuted_mnist", "tuning"),
    message:
        "Tuning: {wildcards.si_condition} {wildcards.value}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.synaptic_intelligence.tune --scale {wildcards.scale} --condition {wildcards.si_condition}"
        " --value {wildcards.value} --seeds {params.seeds} --device {resources.device} --data {input.data}"
        " --out {output.table} --checkpoint {params.checkpoint} > {log} 2>&1"


rule synaptic_intelligence_train:
    input:
        data=lambda wildcards: si_runs.data(wildcards.si_benchmark, wildcards.scale),
        tuning=lambda wildcards: si_runs.tuning(SI[wildcards.scale], wildcards.scale, wildcards.si_condition),
        code=repository(*si_runs.CODE["train"]),
    output:
        table="results/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}/seeds{seeds}.csv",
        provenance="results/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        checkpoint="results/{scale}/synaptic_intelligence/checkpoints/{si_benchmark}_{si_condition}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(SI[wildcards.scale], wildcards.si_benchmark),
        options="",
    message:
        "Training: {wildcards.si_benchmark}, {wildcards.si_condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.synaptic_intelligence.train --scale {wildcards.scale} --benchmark {wildcards.si_benchmark}"
        " --condition {wildcards.si_condition} --seeds {wildcards.seeds} --device {resources.device} --data {input.data}"
        " --tuning {input.tuning} --out {output.table} --checkpoint {params.checkpoint} {params.options} > {log} 2>&1"


# The same training, which also correlates the importances of the tasks.
use rule synaptic_intelligence_train as synaptic_intelligence_train_correlated with:
    output:
        table="results/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}/seeds{seeds}.csv",
        provenance="results/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}/seeds{seeds}.json",
        correlations="results/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}/correlations_seeds{seeds}.csv",
        correlations_provenance="results/{scale}/synaptic_intelligence/{si_benchmark}/{si_condition}/correlations_seeds{seeds}.json",
    wildcard_constraints:
        si_benchmark="permuted_mnist",
        si_condition="|".join(si_runs.CORRELATED),
    params:
        checkpoint="results/{scale}/synaptic_intelligence/checkpoints/{si_benchmark}_{si_condition}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(SI[wildcards.scale], wildcards.si_benchmark),
        options=lambda wildcards, output: f"--correlations {output.correlations}",


ruleorder: synaptic_intelligence_train_correlated > synaptic_intelligence_train


rule synaptic_intelligence_table:
    input:
        tables=lambda wildcards: si_runs.tables(
            SI[wildcards.scale], wildcards.scale, wildcards.si_benchmark, config["device"]
        ),
        code=repository("common/collect.py"),
    output:
        table="results/{scale}/synaptic_intelligence/{si_benchmark}.csv",
        provenance="results/{scale}/synaptic_intelligence/{si_benchmark}.json",
    log:
        "logs/{scale}/synaptic_intelligence/{si_benchmark}_table.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m common.collect --out {output.table} {input.tables} > {log} 2>&1"


use rule synaptic_intelligence_table as synaptic_intelligence_correlations with:
    input:
        tables=lambda wildcards: si_runs.correlations(SI[wildcards.scale], wildcards.scale, config["device"]),
        code=repository("common/collect.py"),
    output:
        table="results/{scale}/synaptic_intelligence/correlations.csv",
        provenance="results/{scale}/synaptic_intelligence/correlations.json",
    log:
        "logs/{scale}/synaptic_intelligence/correlations_table.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),


rule synaptic_intelligence_landscapes:
    input:
        code=repository(*si_runs.CODE["landscapes"]),
    output:
        table="results/{scale}/synaptic_intelligence/landscapes.csv",
        provenance="results/{scale}/synaptic_intelligence/landscapes.json",
    log:
        "logs/{scale}/synaptic_intelligence/landscapes.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    message:
        "Descending two losses of two parameters: {output.table}"
    shell:
        "python -m papers.synaptic_intelligence.landscapes --scale {wildcards.scale} --out {output.table} > {log} 2>&1"


rule synaptic_intelligence_theory:
    input:
        code=repository(*si_runs.CODE["simulations"]),
    output:
        table="results/{scale}/synaptic_intelligence/theory.csv",
        provenance="results/{scale}/synaptic_intelligence/theory.json",
    log:
        "logs/{scale}/synaptic_intelligence/theory.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    params:
        seeds=SI_THEORY_SEEDS,
    message:
        "Simulating Section 4: {output.table}"
    shell:
        "python -m papers.synaptic_intelligence.simulations --scale {wildcards.scale} --seeds {params.seeds}"
        " --out {output.table} > {log} 2>&1"


rule synaptic_intelligence_figure:
    input:
        results=lambda wildcards: collected_tables(
            "synaptic_intelligence", wildcards.scale, si_runs.NEEDS[wildcards.si_figure]
        ),
        reported=repository("papers/synaptic_intelligence/reported.csv"),
        code=repository(*si_runs.CODE["figures"]),
    output:
        pdf="results/{scale}/synaptic_intelligence/figures/{si_figure}.pdf",
        png="results/{scale}/synaptic_intelligence/figures/{si_figure}.png",
        values="results/{scale}/synaptic_intelligence/figures/{si_figure}.csv",
    log:
        "logs/{scale}/synaptic_intelligence/{si_figure}.log",
    wildcard_constraints:
        si_figure="|".join(si_runs.NEEDS),
    conda:
        "../../environment.yml"
    message:
        "Drawing {output.pdf}"
    shell:
        "python -m papers.synaptic_intelligence.figures {wildcards.si_figure} --results {input.results}"
        " --reported {input.reported} --out {output.pdf} > {log} 2>&1"


rule synaptic_intelligence_comparison:
    input:
        results=lambda wildcards: collected_tables("synaptic_intelligence", wildcards.scale, si_runs.TABLES),
        reported=repository("papers/synaptic_intelligence/reported.csv"),
        code=repository(*si_runs.CODE["compare"]),
    output:
        table="results/{scale}/synaptic_intelligence/comparison.csv",
        text="results/{scale}/synaptic_intelligence/comparison.md",
        claims="results/{scale}/synaptic_intelligence/claims.csv",
    log:
        "logs/{scale}/synaptic_intelligence/comparison.log",
    conda:
        "../../environment.yml"
    message:
        "Comparing with the paper's numbers: {output.table}"
    shell:
        "python -m papers.synaptic_intelligence.compare --results {input.results} --reported {input.reported}"
        " --out {output.table} > {log} 2>&1"
