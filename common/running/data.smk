# Data sets: prepared once for the desk and paper scales, and tiny ones for the smoke scale.

import os

from common.data.catalog import catalog, given_folder, origin

# Handed on through the environment, not as parameters: a mirror that moves must not prepare and train everything anew.
for setting in ("data_mirror", "imagenet_folder"):
    if folder := given_folder(setting, config[setting]):
        os.environ[setting.upper()] = folder


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
        "python -m common.data.prepare {wildcards.dataset} 2>&1 | tee {log:q}"


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
        "python -m common.data.prepare {wildcards.dataset} --smoke 2>&1 | tee {log:q}"
