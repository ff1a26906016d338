# Copies of the chosen scale's figures and tables, under the names that a user asks for.

from common.artifacts import result


rule publish_figure:
    input:
        pdf=lambda wildcards: result(wildcards.name, SCALE, FIGURES, "pdf"),
        png=lambda wildcards: result(wildcards.name, SCALE, FIGURES, "png"),
    output:
        pdf="figures/{name}.pdf",
        png=report("figures/{name}.png", category="Figures", labels={"figure": "{name}"}),
    log:
        "logs/publish/{name}.log",
    localrule: True
    conda:
        "../environment.yml"
    message:
        "{output.pdf} is {input.pdf}"
    shell:
        "cp {input.pdf} {output.pdf} > {log} 2>&1 && cp {input.png} {output.png} >> {log} 2>&1"


rule publish_table:
    input:
        csv=lambda wildcards: result(wildcards.name, SCALE, FIGURES, "csv"),
        md=lambda wildcards: result(wildcards.name, SCALE, FIGURES, "md"),
        tex=lambda wildcards: result(wildcards.name, SCALE, FIGURES, "tex"),
    output:
        csv=report("figures/{name}.csv", category="Tables", labels={"table": "{name}"}),
        md="figures/{name}.md",
        tex="figures/{name}.tex",
    log:
        "logs/publish/{name}.log",
    localrule: True
    conda:
        "../environment.yml"
    message:
        "{output.tex} is {input.tex}"
    shell:
        "cp {input.csv} {output.csv} > {log} 2>&1 && cp {input.md} {output.md} >> {log} 2>&1"
        " && cp {input.tex} {output.tex} >> {log} 2>&1"
