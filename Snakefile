# The figures of five continual-learning papers:   snakemake --cores 8 figures/tsar_fig1.pdf
# Which figures there are:                         snakemake --cores 1 list_figures

from snakemake.utils import min_version

from common.artifacts import available, papers_of, published
from common.workflow import check_config, choose_device, choose_scale, drawable, prepare_environment

min_version("9.0")


configfile: f"{workflow.basedir}/config.yaml"


check_config(config)
prepare_environment()
config["device"] = choose_device(config["device"])
SCALE = choose_scale(config["scale"], config["device"], announce=workflow.is_main_process)


include: "common/data.smk"
include: "common/workflow.smk"


for paper in config["papers"]:

    include: f"papers/{paper}/rules.smk"


FIGURES = available(output for rule in workflow.rules for output in rule.output)
DRAWABLE = drawable(FIGURES, SCALE)


rule all:
    default_target: True
    input:
        published(DRAWABLE),
        expand("results/{scale}/{paper}/comparison.csv", scale=SCALE, paper=papers_of(DRAWABLE)),


include: "common/publish.smk"
