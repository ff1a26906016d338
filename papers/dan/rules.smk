# Deep Artificial Neurons: meta-training -> deployment on held-out functions and on MNIST -> tables -> figures, comparison.

from common import protocol as protocols
from papers.dan import runs as dan_runs
from papers.dan.protocol import Protocol as DanProtocol

DAN = {
    scale: dan_runs.checked(protocols.read(repository("papers/dan/protocol.yaml")[0], DanProtocol, scale))
    for scale in protocols.SCALES
}


wildcard_constraints:
    dan_sharing="network|layer|none",
    dan_terms="both|memory",
    dan_condition="both|memory|random",
    dan_figure="fig1|fig2|fig3|fig4",


rule dan_meta_train:
    input:
        code=repository(*dan_runs.CODE["meta_train"]),
    output:
        phenotypes="results/{scale}/dan/regression/{dan_sharing}_{channels}/seeds{seeds}.pt",
        log="results/{scale}/dan/regression/{dan_sharing}_{channels}/seeds{seeds}.csv",
        provenance="results/{scale}/dan/regression/{dan_sharing}_{channels}/seeds{seeds}.json",
    log:
        "logs/{scale}/dan/regression_{dan_sharing}_{channels}_seeds{seeds}.log",
    wildcard_constraints:
        channels=r"\d+",
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
        checkpoint="results/{scale}/dan/checkpoints/regression_{dan_sharing}_{channels}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(DAN[wildcards.scale], "regression"),
    message:
        "Meta-training on functions: phenotypes per {wildcards.dan_sharing}, {wildcards.channels} channels, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.meta_train --scale {wildcards.scale} --experiment regression --sharing {wildcards.dan_sharing}"
        " --channels {wildcards.channels} --seeds {wildcards.seeds} --device {resources.device} --out {output.phenotypes}"
        " --checkpoint {params.checkpoint} > {log} 2>&1"


rule dan_meta_train_images:
    input:
        omniglot=lambda wildcards: dataset("omniglot", wildcards.scale),
        code=repository(*dan_runs.CODE["meta_train"]),
    output:
        phenotypes="results/{scale}/dan/images/{dan_terms}/seeds{seeds}.pt",
        log="results/{scale}/dan/images/{dan_terms}/seeds{seeds}.csv",
        provenance="results/{scale}/dan/images/{dan_terms}/seeds{seeds}.json",
    log:
        "logs/{scale}/dan/images_{dan_terms}_seeds{seeds}.log",
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
        checkpoint="results/{scale}/dan/checkpoints/images_{dan_terms}_seeds{seeds}.ckpt",
        protocol=lambda wildcards: sections_digest(DAN[wildcards.scale], "images"),
    message:
        "Meta-training on Omniglot: meta-loss {wildcards.dan_terms}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.meta_train --scale {wildcards.scale} --experiment images --terms {wildcards.dan_terms}"
        " --seeds {wildcards.seeds} --device {resources.device} --omniglot {input.omniglot} --out {output.phenotypes}"
        " --checkpoint {params.checkpoint} > {log} 2>&1"


rule dan_deploy:
    input:
        phenotypes=lambda wildcards: dan_runs.meta_trained(
            wildcards.scale, "regression", f"network_{DAN[wildcards.scale].regression.n_channels}", wildcards.seeds
        ),
        code=repository(*dan_runs.CODE["deploy"]),
    output:
        stages="results/{scale}/dan/deployed/stages_seeds{seeds}.csv",
        stages_provenance="results/{scale}/dan/deployed/stages_seeds{seeds}.json",
        curves="results/{scale}/dan/deployed/curves_seeds{seeds}.csv",
        curves_provenance="results/{scale}/dan/deployed/curves_seeds{seeds}.json",
        predictions="results/{scale}/dan/deployed/predictions_seeds{seeds}.csv",
        predictions_provenance="results/{scale}/dan/deployed/predictions_seeds{seeds}.json",
    log:
        "logs/{scale}/dan/deploy_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        protocol=lambda wildcards: sections_digest(DAN[wildcards.scale], "regression", "design"),
    message:
        "Deployment on held-out functions, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.deploy --scale {wildcards.scale} --seeds {wildcards.seeds} --device {resources.device}"
        " --phenotypes {input.phenotypes} --stages {output.stages} --curves {output.curves}"
        " --predictions {output.predictions} > {log} 2>&1"


rule dan_deploy_images:
    input:
        mnist=lambda wildcards: dataset("mnist", wildcards.scale),
        phenotypes=lambda wildcards: dan_runs.image_phenotypes(
            wildcards.scale, wildcards.dan_condition, wildcards.seeds
        ),
        code=repository(*dan_runs.CODE["deploy_images"]),
    output:
        errors="results/{scale}/dan/deployed/image_errors_{dan_condition}_seeds{seeds}.csv",
        errors_provenance="results/{scale}/dan/deployed/image_errors_{dan_condition}_seeds{seeds}.json",
        grids="results/{scale}/dan/deployed/image_grids_{dan_condition}_seeds{seeds}.csv",
        grids_provenance="results/{scale}/dan/deployed/image_grids_{dan_condition}_seeds{seeds}.json",
    log:
        "logs/{scale}/dan/deploy_images_{dan_condition}_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        device=config["device"],
        gpu=gpus(config["device"]),
        mem_mb=lambda wildcards: MEMORY_MB[wildcards.scale],
        runtime=lambda wildcards: MINUTES[wildcards.scale],
    params:
        protocol=lambda wildcards: sections_digest(DAN[wildcards.scale], "images"),
        phenotypes=lambda wildcards, input: f"--phenotypes {input.phenotypes}" if input.phenotypes else "",
    message:
        "Deployment on MNIST: {wildcards.dan_condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.deploy_images --scale {wildcards.scale} --condition {wildcards.dan_condition}"
        " --seeds {wildcards.seeds} --device {resources.device} --mnist {input.mnist} {params.phenotypes}"
        " --errors {output.errors} --grids {output.grids} > {log} 2>&1"


rule dan_diagram:
    input:
        code=repository(*dan_runs.CODE["diagram"]),
    output:
        table="results/{scale}/dan/diagram.csv",
        provenance="results/{scale}/dan/diagram.json",
    log:
        "logs/{scale}/dan/diagram.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
    conda:
        "../../environment.yml"
    params:
        protocol=lambda wildcards: sections_digest(DAN[wildcards.scale], "diagram"),
    message:
        "A small network of DANs: {output.table}"
    shell:
        "python -m papers.dan.diagram --scale {wildcards.scale} --out {output.table} > {log} 2>&1"


rule dan_table:
    input:
        tables=lambda wildcards: dan_runs.parts(
            DAN[wildcards.scale], wildcards.scale, wildcards.dan_collected, config["device"]
        ),
        code=repository("common/collect.py"),
    output:
        table="results/{scale}/dan/{dan_collected}.csv",
        provenance="results/{scale}/dan/{dan_collected}.json",
    log:
        "logs/{scale}/dan/{dan_collected}_table.log",
    wildcard_constraints:
        scale="|".join(protocols.SCALES),
        dan_collected="meta|stages|curves|predictions|image_meta|image_errors|image_grids",
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m common.collect --out {output.table} {input.tables} > {log} 2>&1"


rule dan_figure:
    input:
        results=lambda wildcards: collected_tables("dan", wildcards.scale, dan_runs.NEEDS[wildcards.dan_figure]),
        reported=repository("papers/dan/reported.csv"),
        code=repository(*dan_runs.CODE["figures"]),
    output:
        pdf="results/{scale}/dan/figures/{dan_figure}.pdf",
        png="results/{scale}/dan/figures/{dan_figure}.png",
        values="results/{scale}/dan/figures/{dan_figure}.csv",
    log:
        "logs/{scale}/dan/{dan_figure}.log",
    conda:
        "../../environment.yml"
    message:
        "Drawing {output.pdf}"
    shell:
        "python -m papers.dan.figures {wildcards.dan_figure} --results {input.results} --reported {input.reported}"
        " --out {output.pdf} > {log} 2>&1"


rule dan_comparison:
    input:
        results=lambda wildcards: collected_tables("dan", wildcards.scale, dan_runs.TABLES),
        reported=repository("papers/dan/reported.csv"),
        code=repository(*dan_runs.CODE["compare"]),
    output:
        table="results/{scale}/dan/comparison.csv",
        text="results/{scale}/dan/comparison.md",
        claims="results/{scale}/dan/claims.csv",
    log:
        "logs/{scale}/dan/comparison.log",
    conda:
        "../../environment.yml"
    message:
        "Our numbers and the paper's claims: {output.table}"
    shell:
        "python -m papers.dan.compare --results {input.results} --reported {input.reported} --out {output.table} > {log} 2>&1"
