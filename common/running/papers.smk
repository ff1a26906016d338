# What every paper has: kept tables, collected tables, figures, typeset tables, the comparison, and copies for the user.

from common.running import register
from common.running.workflow import (
    check_reported,
    comparisons,
    dataset,
    published,
    refuse,
    remove_cut_short,
    repository,
    result,
    training_resources,
)

REGISTERS = {
    name: register.of(name).with_seeds(config["seeds"]).with_method(config["method"])
    for name in [*config["papers"], *config["studies"]]
}
NOTHING = "(?!)"
ARRAYS = sorted({name for known in REGISTERS.values() for name in known.arrays})
TRAINING = training_resources(config["device"])

if workflow.is_main_process:
    remove_cut_short()
    check_reported(REGISTERS)


wildcard_constraints:
    scale="smoke|desk|paper|recorded",
    paper="|".join(REGISTERS),
    seeds=r"\d+-\d+",
    name=r"\w+",


# Results we once ran and keep in the repository: figures are drawn from them in seconds, stamped with their scale.
rule recorded:
    input:
        table=lambda wildcards: repository(f"{REGISTERS[wildcards.paper].folder}/recorded/{wildcards.table}.csv"),
        record=lambda wildcards: repository(f"{REGISTERS[wildcards.paper].folder}/recorded/{wildcards.table}.json"),
    output:
        table="results/recorded/{paper}/{table}.csv",
        record="results/recorded/{paper}/{table}.json",
    log:
        "logs/recorded/{paper}/{table}.log",
    wildcard_constraints:
        table=rf"(?!({'|'.join(['comparison', 'claims', *ARRAYS])})\.)\w+",
    localrule: True
    conda:
        "../../environment.yml"
    message:
        "Taking the recorded table {output.table}"
    shell:
        "cp {input.table:q} {output.table:q} > {log:q} 2>&1 && cp {input.record:q} {output.record:q} >> {log:q} 2>&1"


rule collect:
    input:
        lambda wildcards: REGISTERS[wildcards.paper].parts(wildcards.table, wildcards.scale, config["device"]),
    output:
        table="results/{scale}/{paper}/{table}.csv",
        record="results/{scale}/{paper}/{table}.json",
    log:
        "logs/{scale}/{paper}/{table}_table.log",
    wildcard_constraints:
        scale="smoke|desk|paper",
        table="|".join(name for known in REGISTERS.values() for name in known.tables),
    conda:
        "../../environment.yml"
    message:
        "Collecting {output.table}"
    shell:
        "python -m common.results.collect --out {output.table:q} {input:q} > {log:q} 2>&1"


# The same for arrays.
use rule recorded as recorded_arrays with:
    input:
        table=lambda wildcards: repository(f"{REGISTERS[wildcards.paper].folder}/recorded/{wildcards.table}.npz"),
        record=lambda wildcards: repository(f"{REGISTERS[wildcards.paper].folder}/recorded/{wildcards.table}.json"),
    output:
        table="results/recorded/{paper}/{table}.npz",
        record="results/recorded/{paper}/{table}.json",
    wildcard_constraints:
        table="|".join(ARRAYS) or NOTHING,


use rule collect as collect_arrays with:
    output:
        table="results/{scale}/{paper}/{table}.npz",
        record="results/{scale}/{paper}/{table}.json",
    wildcard_constraints:
        scale="smoke|desk|paper",
        table="|".join(ARRAYS) or NOTHING,


rule draw:
    input:
        results=lambda wildcards: REGISTERS[wildcards.paper].inputs(wildcards.artifact, wildcards.scale),
        reported=lambda wildcards: repository(*REGISTERS[wildcards.paper].reported),
    output:
        main="results/{scale}/{paper}/figures/{artifact}.pdf",
        png="results/{scale}/{paper}/figures/{artifact}.png",
        values="results/{scale}/{paper}/figures/{artifact}.csv",
    log:
        "logs/{scale}/{paper}/{artifact}.log",
    wildcard_constraints:
        artifact=r"fig\w+",
    conda:
        "../../environment.yml"
    params:
        depends=lambda wildcards: REGISTERS[wildcards.paper].artifact_depends(wildcards.artifact, wildcards.scale),
    message:
        "Drawing {output.main}"
    shell:
        "python -m common.running.make {wildcards.paper} {wildcards.artifact} --scale {wildcards.scale}"
        " --results {input.results:q} --reported {input.reported:q} --out {output.main:q} > {log:q} 2>&1"


# Its own rule, so that no finished figure lacks a file.
use rule draw as draw_svg with:
    output:
        main="results/{scale}/{paper}/figures/{artifact}.svg",
    log:
        "logs/{scale}/{paper}/{artifact}_svg.log",


use rule draw as typeset with:
    output:
        main="results/{scale}/{paper}/figures/{artifact}.tex",
        md="results/{scale}/{paper}/figures/{artifact}.md",
        csv="results/{scale}/{paper}/figures/{artifact}.csv",
    wildcard_constraints:
        artifact=r"table\w+",
    message:
        "Typesetting {output.main}"


rule compare:
    input:
        results=lambda wildcards: REGISTERS[wildcards.paper].inputs("comparison", wildcards.scale),
        reported=lambda wildcards: repository(*REGISTERS[wildcards.paper].reported),
    output:
        numbers="results/{scale}/{paper}/comparison.csv",
        text="results/{scale}/{paper}/comparison.md",
        claims="results/{scale}/{paper}/claims.csv",
    log:
        "logs/{scale}/{paper}/comparison.log",
    conda:
        "../../environment.yml"
    params:
        depends=lambda wildcards: REGISTERS[wildcards.paper].artifact_depends("comparison", wildcards.scale),
    message:
        "Comparing with the paper: {output.numbers}"
    shell:
        "python -m common.running.make {wildcards.paper} comparison --scale {wildcards.scale}"
        " --results {input.results:q} --reported {input.reported:q} --out {output.numbers:q} > {log:q} 2>&1"


rule publish_figure:
    input:
        pdf=lambda wildcards: result(REGISTERS, wildcards.name, SCALE, "pdf"),
        png=lambda wildcards: result(REGISTERS, wildcards.name, SCALE, "png"),
    output:
        pdf="figures/{name}.pdf",
        png=report("figures/{name}.png", category="Figures", labels={"figure": "{name}"}),
    log:
        "logs/publish/{name}.log",
    localrule: True
    conda:
        "../../environment.yml"
    message:
        "{output.pdf} is {input.pdf}"
    shell:
        "cp {input.pdf:q} {output.pdf:q} > {log:q} 2>&1 && cp {input.png:q} {output.png:q} >> {log:q} 2>&1"


rule publish_svg:
    input:
        lambda wildcards: result(REGISTERS, wildcards.name, SCALE, "svg"),
    output:
        "figures/{name}.svg",
    log:
        "logs/publish/{name}_svg.log",
    localrule: True
    conda:
        "../../environment.yml"
    message:
        "{output} is {input}"
    shell:
        "cp {input:q} {output:q} > {log:q} 2>&1"


rule publish_table:
    input:
        csv=lambda wildcards: result(REGISTERS, wildcards.name, SCALE, "csv"),
        md=lambda wildcards: result(REGISTERS, wildcards.name, SCALE, "md"),
        tex=lambda wildcards: result(REGISTERS, wildcards.name, SCALE, "tex"),
    output:
        csv=report("figures/{name}.csv", category="Tables", labels={"table": "{name}"}),
        md="figures/{name}.md",
        tex="figures/{name}.tex",
    log:
        "logs/publish/{name}.log",
    localrule: True
    conda:
        "../../environment.yml"
    message:
        "{output.tex} is {input.tex}"
    shell:
        "cp {input.csv:q} {output.csv:q} > {log:q} 2>&1 && cp {input.md:q} {output.md:q} >> {log:q} 2>&1"
        " && cp {input.tex:q} {output.tex:q} >> {log:q} 2>&1"


# What looks like a figure and is none is refused with what there is.
use rule publish_figure as publish_nothing with:
    input:
        lambda wildcards: refuse(REGISTERS, wildcards.asked),
    output:
        "{asked}",
    log:
        "logs/publish/nothing/{asked}.log",
    wildcard_constraints:
        asked=r"(?!figures/\w+\.(pdf|png|svg|csv|md|tex)$)(\w[\w-]*(\.(pdf|png|svg))?|figures/\w[\w-]*(\.\w+)*|/[\w/.-]+/figures/\w[\w-]*\.(pdf|png|svg))",


rule list_figures:
    log:
        "logs/list_figures.log",
    localrule: True
    conda:
        "../../environment.yml"
    params:
        papers=list(REGISTERS),
    message:
        "All figures and tables of the papers"
    shell:
        "python -m common.running.register {params.papers:q} 2>&1 | tee {log:q}"
