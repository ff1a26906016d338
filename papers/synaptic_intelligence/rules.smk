# Synaptic Intelligence: tuning of two baselines -> training; simulations of Figures 1 and 2 and of Section 4.

from papers.synaptic_intelligence import runs as si_runs

SI = REGISTERS["synaptic_intelligence"]


rule synaptic_intelligence_tune:
    input:
        data=lambda wildcards: si_runs.data("permuted_mnist", wildcards.scale),
    output:
        table="results/{scale}/synaptic_intelligence/tune/{condition}_{value}.csv",
        record="results/{scale}/synaptic_intelligence/tune/{condition}_{value}.json",
    log:
        "logs/{scale}/synaptic_intelligence/tune/{condition}_{value}.log",
    wildcard_constraints:
        condition="ewc|sgd",
        value=r"\d+(\.\d+)?(e[+-]?\d+)?",
    priority: 1
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        seeds=si_runs.TUNING_SEEDS,
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/synaptic_intelligence/checkpoints/tune_{condition}_{value}.ckpt",
        depends=SI.depends("tune"),
    message:
        "Tuning: {wildcards.condition} {wildcards.value}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.synaptic_intelligence.tune --scale {wildcards.scale} --condition {wildcards.condition}"
        " --value {wildcards.value} --seeds {params.seeds:q} --device {resources.device:q} --data {input.data:q}"
        " --out {output.table:q} --checkpoint {params.checkpoint:q} > {log:q} 2>&1"


rule synaptic_intelligence_train:
    input:
        data=lambda wildcards: si_runs.data(wildcards.benchmark, wildcards.scale),
        tuning=lambda wildcards: si_runs.tuning(SI.protocol(wildcards.scale), wildcards.scale, wildcards.condition),
    output:
        table="results/{scale}/synaptic_intelligence/{benchmark}/{condition}/seeds{seeds}.csv",
        record="results/{scale}/synaptic_intelligence/{benchmark}/{condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/synaptic_intelligence/{benchmark}/{condition}_seeds{seeds}.log",
    wildcard_constraints:
        benchmark="|".join(si_runs.BENCHMARKS),
        condition=r"si-\d+(\.\d+)?|ewc|sgd|dropout|joint|scratch",
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        checkpoint="results/{scale}/synaptic_intelligence/checkpoints/{benchmark}_{condition}_seeds{seeds}.ckpt",
        depends=SI.depends("train"),
        options=[],
    message:
        "Training: {wildcards.benchmark}, {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.synaptic_intelligence.train --scale {wildcards.scale} --benchmark {wildcards.benchmark}"
        " --condition {wildcards.condition} --seeds {wildcards.seeds} --device {resources.device:q} --data {input.data:q}"
        " --tuning {input.tuning:q} --out {output.table:q} --checkpoint {params.checkpoint:q} {params.options:q} > {log:q} 2>&1"


# The same training, which also correlates the importances of the tasks.
use rule synaptic_intelligence_train as synaptic_intelligence_train_correlated with:
    output:
        table="results/{scale}/synaptic_intelligence/{benchmark}/{condition}/seeds{seeds}.csv",
        record="results/{scale}/synaptic_intelligence/{benchmark}/{condition}/seeds{seeds}.json",
        correlations="results/{scale}/synaptic_intelligence/{benchmark}/{condition}/correlations_seeds{seeds}.csv",
        correlations_record="results/{scale}/synaptic_intelligence/{benchmark}/{condition}/correlations_seeds{seeds}.json",
    wildcard_constraints:
        benchmark="permuted_mnist",
        condition="|".join(si_runs.CORRELATED),
    params:
        options=lambda wildcards, output: ["--correlations", output.correlations],


ruleorder: synaptic_intelligence_train_correlated > synaptic_intelligence_train


rule synaptic_intelligence_landscapes:
    output:
        table="results/{scale}/synaptic_intelligence/landscapes.csv",
        record="results/{scale}/synaptic_intelligence/landscapes.json",
    log:
        "logs/{scale}/synaptic_intelligence/landscapes.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    params:
        depends=SI.depends("landscapes"),
    message:
        "Descending two losses of two parameters: {output.table}"
    shell:
        "python -m papers.synaptic_intelligence.landscapes --scale {wildcards.scale} --out {output.table:q} > {log:q} 2>&1"


rule synaptic_intelligence_theory:
    output:
        table="results/{scale}/synaptic_intelligence/theory.csv",
        record="results/{scale}/synaptic_intelligence/theory.json",
    log:
        "logs/{scale}/synaptic_intelligence/theory.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    params:
        seeds=si_runs.THEORY_SEEDS,
        depends=SI.depends("simulations"),
    message:
        "Simulating Section 4: {output.table}"
    shell:
        "python -m papers.synaptic_intelligence.simulations --scale {wildcards.scale} --seeds {params.seeds:q}"
        " --out {output.table:q} > {log:q} 2>&1"
