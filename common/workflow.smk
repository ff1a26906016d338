# Rules that serve every paper.

from common.workflow import (
    MEMORY_MB,
    MINUTES,
    collected_tables,
    dataset,
    gpus,
    repository,
    sections_digest,
    seed_batches,
)


wildcard_constraints:
    scale="smoke|desk|paper|recorded",
    seeds=r"\d+-\d+",


# Results we once ran and keep in the repository: figures are drawn from them in seconds, stamped with their scale.
rule recorded:
    input:
        table="papers/{paper}/recorded/{table}.csv",
        provenance="papers/{paper}/recorded/{table}.json",
    output:
        table="results/recorded/{paper}/{table}.csv",
        provenance="results/recorded/{paper}/{table}.json",
    log:
        "logs/recorded/{paper}/{table}.log",
    localrule: True
    conda:
        "../environment.yml"
    message:
        "Taking the recorded table {output.table}"
    shell:
        "cp {input.table} {output.table} > {log} 2>&1 && cp {input.provenance} {output.provenance} >> {log} 2>&1"


rule list_figures:
    log:
        "logs/list_figures.log",
    localrule: True
    conda:
        "../environment.yml"
    params:
        available=lambda wildcards: FIGURES,
    message:
        "All figures and tables of the papers"
    shell:
        "python -m common.artifacts {params.available} 2>&1 | tee {log}"
