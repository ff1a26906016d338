# Data sets: prepared once for the desk and paper scales, and tiny ones for the smoke scale.

import os

from common.data.catalog import catalog, origin

# Handed on through the environment, not as parameters: a mirror that moves must not prepare and train everything anew.
if config["data_mirror"]:
    os.environ.update(DATA_MIRROR=config["data_mirror"])
if config["imagenet_folder"]:
    os.environ.update(IMAGENET_FOLDER=config["imagenet_folder"])


wildcard_constraints:
    dataset="|".join(catalog()),


rule prepare_dataset:
    output:
        "data/prepared/{dataset}.npz",
    log:
        "logs/data/prepare_{dataset}.log",
    conda:
        "../../environment.yml"
    message:
        "Preparing {wildcards.dataset} from the mirror, the user's folder or a download"
    shell:
        "python -m common.data.prepare {wildcards.dataset} 2>&1 | tee {log}"


rule smoke_dataset:
    output:
        "data/smoke/{dataset}.npz",
    log:
        "logs/data/smoke_{dataset}.log",
    conda:
        "../../environment.yml"
    params:
        # not in the command: makes the set anew once real data takes the place of a stand-in
        origin=lambda wildcards: origin(wildcards.dataset),
    message:
        "Making the tiny {wildcards.dataset} for the smoke scale"
    shell:
        "python -m common.data.prepare {wildcards.dataset} --smoke 2>&1 | tee {log}"
