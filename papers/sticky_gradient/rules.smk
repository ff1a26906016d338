# Sticky gradient: meta-search -> training with published and with found hyperparameters; trajectories of single weights.

from papers.sticky_gradient import runs as sticky_runs

STICKY = REGISTERS["sticky_gradient"]
STICKY_CONDITION = f"({'|'.join([*sticky_runs.CELLS, sticky_runs.EWC])})({sticky_runs.SEARCHED})?"
STICKY_READING = r"[a-z]+-[a-z]+-[a-z]+(-[a-z]+)*"


rule sticky_gradient_search:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
    output:
        table="results/{scale}/sticky_gradient/search/{reading}.csv",
        record="results/{scale}/sticky_gradient/search/{reading}.json",
    log:
        "logs/{scale}/sticky_gradient/search/{reading}.log",
    wildcard_constraints:
        reading=STICKY_READING,
    priority: 1
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        study="results/{scale}/sticky_gradient/studies/{reading}.db",
        depends=STICKY.depends("search"),
    message:
        "Meta-search: {wildcards.reading}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.sticky_gradient.search --scale {wildcards.scale} --reading {wildcards.reading}"
        " --device {resources.device:q} --data {input.data:q} --study {params.study:q} --out {output.table:q} > {log:q} 2>&1"


rule sticky_gradient_train:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        search=lambda wildcards: sticky_runs.search_of(
            STICKY.protocol(wildcards.scale), wildcards.scale, wildcards.condition
        ),
    output:
        table="results/{scale}/sticky_gradient/train/{condition}/seeds{seeds}.csv",
        record="results/{scale}/sticky_gradient/train/{condition}/seeds{seeds}.json",
        weights="results/{scale}/sticky_gradient/train/{condition}/weights_seeds{seeds}.csv",
        weights_record="results/{scale}/sticky_gradient/train/{condition}/weights_seeds{seeds}.json",
    log:
        "logs/{scale}/sticky_gradient/train/{condition}_seeds{seeds}.log",
    wildcard_constraints:
        condition=STICKY_CONDITION,
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        options=lambda wildcards, output: ["--weights", output.weights],
        depends=STICKY.depends("train"),
    message:
        "Training: {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.sticky_gradient.train --scale {wildcards.scale} --condition {wildcards.condition}"
        " --search {input.search:q} --seeds {wildcards.seeds} --device {resources.device:q} --data {input.data:q}"
        " --out {output.table:q} {params.options:q} > {log:q} 2>&1"


# The same training with a part of the pixels in place (Figure 4).
use rule sticky_gradient_train as sticky_gradient_shared with:
    output:
        table="results/{scale}/sticky_gradient/shared/{condition}_{shared}/seeds{seeds}.csv",
        record="results/{scale}/sticky_gradient/shared/{condition}_{shared}/seeds{seeds}.json",
    log:
        "logs/{scale}/sticky_gradient/shared/{condition}_{shared}_seeds{seeds}.log",
    wildcard_constraints:
        condition=STICKY_CONDITION,
        shared=r"[01](\.\d+)?",
    params:
        options=lambda wildcards: ["--shared", wildcards.shared],
    message:
        "Training with {wildcards.shared} of the pixels shared: {wildcards.condition}, seeds {wildcards.seeds}; see {log}"


# The same training under another reading, to be compared.
use rule sticky_gradient_train as sticky_gradient_train_reading with:
    output:
        table="results/{scale}/sticky_gradient/readings/{reading}/{condition}/seeds{seeds}.csv",
        record="results/{scale}/sticky_gradient/readings/{reading}/{condition}/seeds{seeds}.json",
        weights="results/{scale}/sticky_gradient/readings/{reading}/{condition}/weights_seeds{seeds}.csv",
        weights_record="results/{scale}/sticky_gradient/readings/{reading}/{condition}/weights_seeds{seeds}.json",
    log:
        "logs/{scale}/sticky_gradient/readings/{reading}_{condition}_seeds{seeds}.log",
    wildcard_constraints:
        condition=STICKY_CONDITION,
        reading=STICKY_READING,
    params:
        options=lambda wildcards, output: ["--reading", wildcards.reading, "--weights", output.weights],
    message:
        "Training: {wildcards.condition} under {wildcards.reading}, {wildcards.scale} scale; see {log}"


rule sticky_gradient_readings:
    input:
        tables=lambda wildcards: sticky_runs.compared(
            STICKY.protocol(wildcards.scale), wildcards.scale, config["device"]
        ),
    output:
        table="results/{scale}/sticky_gradient/readings.csv",
        record="results/{scale}/sticky_gradient/readings.json",
    log:
        "logs/{scale}/sticky_gradient/readings.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    params:
        depends=STICKY.depends("collect_readings"),
    message:
        "Collecting {output.table}"
    shell:
        "python -m papers.sticky_gradient.collect_readings --out {output.table:q} {input.tables:q} > {log:q} 2>&1"


rule sticky_gradient_trajectories:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
    output:
        table="results/{scale}/sticky_gradient/trajectories.csv",
        record="results/{scale}/sticky_gradient/trajectories.json",
    log:
        "logs/{scale}/sticky_gradient/trajectories.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        depends=STICKY.depends("trajectories"),
    message:
        "Following single weights, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.sticky_gradient.trajectories --scale {wildcards.scale} --device {resources.device:q}"
        " --data {input.data:q} --out {output.table:q} > {log:q} 2>&1"
