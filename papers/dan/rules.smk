# Deep Artificial Neurons: meta-training on functions and on Omniglot -> deployment on held-out functions and on MNIST.

from papers.dan import runs as dan_runs


rule dan_meta_train:
    output:
        phenotypes="results/{scale}/dan/{experiment}/{sharing}_{n_channels}/seeds{seeds}.pt",
        log="results/{scale}/dan/{experiment}/{sharing}_{n_channels}/seeds{seeds}.csv",
        record="results/{scale}/dan/{experiment}/{sharing}_{n_channels}/seeds{seeds}.json",
    log:
        "logs/{scale}/dan/{experiment}_{sharing}_{n_channels}_seeds{seeds}.log",
    wildcard_constraints:
        experiment="regression",
        sharing="network|layer|none",
        n_channels=r"\d+",
    priority: 1
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        checkpoint="results/{scale}/dan/checkpoints/{experiment}_{sharing}_{n_channels}_seeds{seeds}.ckpt",
        depends=REGISTERS["dan"].depends("meta_train"),
        options=lambda wildcards: ["--sharing", wildcards.sharing, "--channels", wildcards.n_channels],
    message:
        "Meta-training on functions: phenotypes per {wildcards.sharing}, {wildcards.n_channels} channels, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.meta_train --scale {wildcards.scale} --experiment {wildcards.experiment}"
        " {params.options:q} --seeds {wildcards.seeds} --device {resources.device:q} --out {output.phenotypes:q}"
        " --checkpoint {params.checkpoint:q} > {log:q} 2>&1"


use rule dan_meta_train as dan_meta_train_images with:
    input:
        omniglot=lambda wildcards: dataset("omniglot", wildcards.scale),
    output:
        phenotypes="results/{scale}/dan/{experiment}/{condition}/seeds{seeds}.pt",
        log="results/{scale}/dan/{experiment}/{condition}/seeds{seeds}.csv",
        record="results/{scale}/dan/{experiment}/{condition}/seeds{seeds}.json",
    log:
        "logs/{scale}/dan/{experiment}_{condition}_seeds{seeds}.log",
    wildcard_constraints:
        experiment="images",
        condition="both|memory",
    params:
        checkpoint="results/{scale}/dan/checkpoints/{experiment}_{condition}_seeds{seeds}.ckpt",
        options=lambda wildcards, input: ["--terms", wildcards.condition, "--omniglot", input.omniglot],
    message:
        "Meta-training on Omniglot: meta-loss {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"


rule dan_deploy:
    input:
        phenotypes=lambda wildcards: dan_runs.phenotypes(wildcards.scale, wildcards.seeds),
    output:
        stages="results/{scale}/dan/deployed/stages_seeds{seeds}.csv",
        stages_record="results/{scale}/dan/deployed/stages_seeds{seeds}.json",
        curves="results/{scale}/dan/deployed/curves_seeds{seeds}.csv",
        curves_record="results/{scale}/dan/deployed/curves_seeds{seeds}.json",
        predictions="results/{scale}/dan/deployed/predictions_seeds{seeds}.csv",
        predictions_record="results/{scale}/dan/deployed/predictions_seeds{seeds}.json",
    log:
        "logs/{scale}/dan/deploy_seeds{seeds}.log",
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        depends=REGISTERS["dan"].depends("deploy"),
    message:
        "Deployment on held-out functions, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.deploy --scale {wildcards.scale} --seeds {wildcards.seeds} --device {resources.device:q}"
        " --phenotypes {input.phenotypes:q} --stages {output.stages:q} --curves {output.curves:q}"
        " --predictions {output.predictions:q} > {log:q} 2>&1"


rule dan_deploy_images:
    input:
        mnist=lambda wildcards: dataset("mnist", wildcards.scale),
        phenotypes=lambda wildcards: dan_runs.image_phenotypes(wildcards.scale, wildcards.condition, wildcards.seeds),
    output:
        errors="results/{scale}/dan/deployed/image_errors_{condition}_seeds{seeds}.csv",
        errors_record="results/{scale}/dan/deployed/image_errors_{condition}_seeds{seeds}.json",
        grids="results/{scale}/dan/deployed/image_grids_{condition}_seeds{seeds}.npz",
        grids_record="results/{scale}/dan/deployed/image_grids_{condition}_seeds{seeds}.json",
    log:
        "logs/{scale}/dan/deploy_images_{condition}_seeds{seeds}.log",
    wildcard_constraints:
        condition="both|memory|random",
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        depends=REGISTERS["dan"].depends("deploy_images"),
        phenotypes=lambda wildcards, input: ["--phenotypes", *input.phenotypes] if input.phenotypes else [],
    message:
        "Deployment on MNIST: {wildcards.condition}, seeds {wildcards.seeds}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m papers.dan.deploy_images --scale {wildcards.scale} --condition {wildcards.condition}"
        " --seeds {wildcards.seeds} --device {resources.device:q} --mnist {input.mnist:q} {params.phenotypes:q}"
        " --errors {output.errors:q} --grids {output.grids:q} > {log:q} 2>&1"


rule dan_diagram:
    output:
        table="results/{scale}/dan/diagram.csv",
        record="results/{scale}/dan/diagram.json",
    log:
        "logs/{scale}/dan/diagram.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
    conda:
        "../../environment.yml"
    params:
        depends=REGISTERS["dan"].depends("diagram"),
    message:
        "A small network of DANs: {output.table}"
    shell:
        "python -m papers.dan.diagram --scale {wildcards.scale} --out {output.table:q} > {log:q} 2>&1"
