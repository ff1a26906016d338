# Sticky gradient: meta-search -> training (published and found hyperparameters) -> tables -> figures and comparison.

from common import protocol as protocols
from papers.sticky_gradient import runs as sticky_runs
from papers.sticky_gradient.protocol import Protocol as StickyProtocol

STICKY = {
    scale: protocols.read(repository("papers/sticky_gradient/protocol.yaml")[0], StickyProtocol, scale)
    for scale in protocols.SCALES
}


wildcard_constraints:
    sticky_condition=r"(control|ewc|(sticky|l1|smart)(-(l1|smart))*)(@searched)?",
    reading=r"[a-z]+-[a-z]+-[a-z]+(-[a-z]+)*",
    shared=r"[01](\.\d+)?",


rule sticky_gradient_search:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        code=repository(*sticky_runs.CODE["search"]),
    output:
        table="results/{scale}/sticky_gradient/search/{reading}.csv",
        provenance="results/{scale}/sticky_gradient/search/{reading}.json",
    log:
        "logs/{scale}/sticky_gradient/search/{reading}.log",
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
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        study="results/{scale}/sticky_gradient/studies/{reading}.db",
        protocol=lambda wildcards: sections_digest(STICKY[wildcards.scale], "training", "attractor", "search"),
    message:
        "Meta-search: {wildcards.reading}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.sticky_gradient.search --scale {wildcards.scale} --reading {wildcards.reading}"
        " --device {resources.device} --data {input.data} --study {params.study} --out {output.table} > {log} 2>&1"


rule sticky_gradient_train:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        search=lambda wildcards: sticky_runs.search_of(
            STICKY[wildcards.scale], wildcards.scale, wildcards.sticky_condition
        ),
        code=repository(*sticky_runs.CODE["train"]),
    output:
        table="results/{scale}/sticky_gradient/train/{sticky_condition}/seeds{seeds}.csv",
        provenance="results/{scale}/sticky_gradient/train/{sticky_condition}/seeds{seeds}.json",
        weights="results/{scale}/sticky_gradient/train/{sticky_condition}/weights_seeds{seeds}.csv",
        weights_provenance="results/{scale}/sticky_gradient/train/{sticky_condition}/weights_seeds{seeds}.json",
    log:
        "logs/{scale}/sticky_gradient/train/{sticky_condition}_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        condition=lambda wildcards: wildcards.sticky_condition.removesuffix(sticky_runs.SEARCHED),
        search=lambda wildcards, input: f"--search {input.search}" if input.search else "",
        reading=lambda wildcards: STICKY[wildcards.scale].design.reading,
        protocol=lambda wildcards: sections_digest(STICKY[wildcards.scale], "training", "attractor"),
    message:
        "Training: {wildcards.sticky_condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.sticky_gradient.train --scale {wildcards.scale} --condition {params.condition} {params.search}"
        " --reading {params.reading} --seeds {wildcards.seeds} --device {resources.device} --data {input.data}"
        " --out {output.table} --weights {output.weights} > {log} 2>&1"


use rule sticky_gradient_train as sticky_gradient_trial with:
    output:
        table="results/{scale}/sticky_gradient/readings/{reading}/{sticky_condition}/seeds{seeds}.csv",
        provenance="results/{scale}/sticky_gradient/readings/{reading}/{sticky_condition}/seeds{seeds}.json",
        weights="results/{scale}/sticky_gradient/readings/{reading}/{sticky_condition}/weights_seeds{seeds}.csv",
        weights_provenance="results/{scale}/sticky_gradient/readings/{reading}/{sticky_condition}/weights_seeds{seeds}.json",
    log:
        "logs/{scale}/sticky_gradient/readings/{reading}_{sticky_condition}_seeds{seeds}.log",
    params:
        condition=lambda wildcards: wildcards.sticky_condition,
        search="",
        reading=lambda wildcards: wildcards.reading,
        protocol=lambda wildcards: sections_digest(STICKY[wildcards.scale], "training", "attractor"),
    message:
        "Training: {wildcards.sticky_condition} under {wildcards.reading}, {wildcards.scale} scale; see {log}"


rule sticky_gradient_readings:
    input:
        tables=lambda wildcards: sticky_runs.trials(STICKY[wildcards.scale], wildcards.scale, config["device"]),
        code=repository(*sticky_runs.CODE["trials"]),
    output:
        table="results/{scale}/sticky_gradient/readings.csv",
        provenance="results/{scale}/sticky_gradient/readings.json",
    log:
        "logs/{scale}/sticky_gradient/readings.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m papers.sticky_gradient.trials --out {output.table} {input.tables} > {log} 2>&1"


rule sticky_gradient_shared:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        search=lambda wildcards: sticky_runs.search_of(
            STICKY[wildcards.scale], wildcards.scale, wildcards.sticky_condition
        ),
        code=repository(*sticky_runs.CODE["train"]),
    output:
        table="results/{scale}/sticky_gradient/shared/{sticky_condition}_{shared}/seeds{seeds}.csv",
        provenance="results/{scale}/sticky_gradient/shared/{sticky_condition}_{shared}/seeds{seeds}.json",
    log:
        "logs/{scale}/sticky_gradient/shared/{sticky_condition}_{shared}_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        condition=lambda wildcards: wildcards.sticky_condition.removesuffix(sticky_runs.SEARCHED),
        search=lambda wildcards, input: f"--search {input.search}" if input.search else "",
        reading=lambda wildcards: STICKY[wildcards.scale].design.reading,
        shared_pixels=lambda wildcards: STICKY[wildcards.scale].design.shared_pixels,
        protocol=lambda wildcards: sections_digest(STICKY[wildcards.scale], "training", "attractor"),
    message:
        "Training with {wildcards.shared} of the pixels shared: {wildcards.sticky_condition}, seeds {wildcards.seeds}; see {log}"
    shell:
        "python -m papers.sticky_gradient.train --scale {wildcards.scale} --condition {params.condition} {params.search}"
        " --reading {params.reading} --seeds {wildcards.seeds} --shared {wildcards.shared}"
        " --shared-pixels {params.shared_pixels} --device {resources.device} --data {input.data} --out {output.table} > {log} 2>&1"


rule sticky_gradient_trajectories:
    input:
        data=lambda wildcards: dataset("mnist", wildcards.scale),
        code=repository(*sticky_runs.CODE["trajectories"]),
    output:
        table="results/{scale}/sticky_gradient/trajectories.csv",
        provenance="results/{scale}/sticky_gradient/trajectories.json",
    log:
        "logs/{scale}/sticky_gradient/trajectories.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        reading=lambda wildcards: STICKY[wildcards.scale].design.reading,
        protocol=lambda wildcards: sections_digest(STICKY[wildcards.scale], "training", "attractor"),
    message:
        "Following single weights, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.sticky_gradient.trajectories --scale {wildcards.scale} --reading {params.reading}"
        " --device {resources.device} --data {input.data} --out {output.table} > {log} 2>&1"


rule sticky_gradient_table:
    input:
        tables=lambda wildcards: sticky_runs.parts_of(
            STICKY[wildcards.scale], wildcards.scale, wildcards.collected, config["device"]
        ),
        code=repository("common/collect.py"),
    output:
        table="results/{scale}/sticky_gradient/{collected}.csv",
        provenance="results/{scale}/sticky_gradient/{collected}.json",
    log:
        "logs/{scale}/sticky_gradient/{collected}_table.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
        collected="accuracies|ablation|shared|weights|search",
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m common.collect --out {output.table} {input.tables} > {log} 2>&1"


rule sticky_gradient_figure:
    input:
        results=lambda wildcards: collected_tables(
            "sticky_gradient", wildcards.scale, sticky_runs.NEEDS[wildcards.sticky_figure]
        ),
        reported=repository("papers/sticky_gradient/reported.csv"),
        code=repository(*sticky_runs.CODE["figures"]),
    output:
        pdf="results/{scale}/sticky_gradient/figures/{sticky_figure}.pdf",
        png="results/{scale}/sticky_gradient/figures/{sticky_figure}.png",
        values="results/{scale}/sticky_gradient/figures/{sticky_figure}.csv",
    log:
        "logs/{scale}/sticky_gradient/{sticky_figure}.log",
    wildcard_constraints:
        sticky_figure="fig1|fig2|fig3|fig4|fig5",
    conda:
        "../../environment.yml"
    message:
        "Making {output.pdf}"
    shell:
        "python -m papers.sticky_gradient.figures {wildcards.sticky_figure} --results {input.results}"
        " --reported {input.reported} --out {output.pdf} > {log} 2>&1"


rule sticky_gradient_made_table:
    input:
        results=lambda wildcards: collected_tables(
            "sticky_gradient", wildcards.scale, sticky_runs.NEEDS[wildcards.sticky_table]
        ),
        reported=repository("papers/sticky_gradient/reported.csv"),
        code=repository(*sticky_runs.CODE["figures"]),
    output:
        tex="results/{scale}/sticky_gradient/figures/{sticky_table}.tex",
        md="results/{scale}/sticky_gradient/figures/{sticky_table}.md",
        csv="results/{scale}/sticky_gradient/figures/{sticky_table}.csv",
    log:
        "logs/{scale}/sticky_gradient/{sticky_table}.log",
    wildcard_constraints:
        sticky_table="table1|table2|table3",
    conda:
        "../../environment.yml"
    params:
        table=lambda wildcards: wildcards.sticky_table,
    message:
        "Making {output.tex}"
    shell:
        "python -m papers.sticky_gradient.figures {params.table} --results {input.results}"
        " --reported {input.reported} --out {output.tex} > {log} 2>&1"


# of our own: what each reading of the paper gives
use rule sticky_gradient_made_table as sticky_gradient_readings_table with:
    input:
        results=lambda wildcards: collected_tables("sticky_gradient", wildcards.scale, ("readings",)),
        reported=repository("papers/sticky_gradient/reported.csv"),
        code=repository(*sticky_runs.CODE["figures"]),
    output:
        tex="results/{scale}/sticky_gradient/readings_table.tex",
        md="results/{scale}/sticky_gradient/readings_table.md",
        csv="results/{scale}/sticky_gradient/readings_table.csv",
    log:
        "logs/{scale}/sticky_gradient/readings_table.log",
    params:
        table="readings",


rule sticky_gradient_comparison:
    input:
        results=lambda wildcards: collected_tables("sticky_gradient", wildcards.scale, sticky_runs.TABLES),
        reported=repository("papers/sticky_gradient/reported.csv"),
        code=repository(*sticky_runs.CODE["compare"]),
    output:
        table="results/{scale}/sticky_gradient/comparison.csv",
        text="results/{scale}/sticky_gradient/comparison.md",
        claims="results/{scale}/sticky_gradient/claims.csv",
    log:
        "logs/{scale}/sticky_gradient/comparison.log",
    conda:
        "../../environment.yml"
    message:
        "Comparing with the paper's numbers: {output.table}"
    shell:
        "python -m papers.sticky_gradient.compare --results {input.results} --reported {input.reported}"
        " --out {output.table} > {log} 2>&1"
