# The answer: what reproduces of every paper, on one page and as text.

from common.running import code, sources


rule report:
    input:
        made=lambda wildcards: sources.made(sources.of_all(REGISTERS, wildcards.scale), pictures=True),
        kept=lambda wildcards: repository(*sources.kept(sources.of_all(REGISTERS, wildcards.scale), pictures=True)),
    output:
        "results/{scale}/report.html",
    log:
        "logs/{scale}/report.log",
    conda:
        "../../environment.yml"
    params:
        papers=list(REGISTERS),
        depends=code.digest("common.drawing.report"),
    message:
        "The answer on one page: {output}"
    shell:
        "python -m common.drawing.report {params.papers:q} --scale {wildcards.scale} --out {output:q} > {log:q} 2>&1"


rule reproduction:
    input:
        made=sources.made(sources.of_papers(REGISTERS, "recorded"), pictures=False),
        kept=repository(*sources.kept(sources.of_papers(REGISTERS, "recorded"), pictures=False)),
    output:
        "REPRODUCTION.md",
    log:
        "logs/recorded/reproduction.log",
    conda:
        "../../environment.yml"
    params:
        papers=config["papers"],
        depends=code.digest("common.drawing.report"),
    message:
        "The answer as text: {output}"
    shell:
        "python -m common.drawing.report {params.papers:q} --scale recorded --out {output:q} > {log:q} 2>&1"
