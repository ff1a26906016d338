# The figures of five continual-learning papers:   snakemake --cores 8 figures/tsar_fig1.pdf
# Which figures there are:                         snakemake --cores 1 list_figures

from snakemake.utils import min_version

from common.running import lineage, plan
from common.running.workflow import check_config, choose_device, choose_scale, config_file, prepare_environment

min_version("9.0")


configfile: config_file(f"{workflow.basedir}/config.yaml")


check_config(config)
prepare_environment()
config["device"] = choose_device(config["device"])
SCALE = choose_scale(config["scale"], config["device"], announce=workflow.is_main_process)


include: "common/running/data.smk"
include: "common/running/papers.smk"


for paper in config["papers"]:

    include: f"papers/{paper}/rules.smk"


rule all:
    default_target: True
    input:
        published(REGISTERS, SCALE),
        comparisons(REGISTERS, SCALE),


lineage.add_to_rules(workflow)
plan.follow(workflow)
