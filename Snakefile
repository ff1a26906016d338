# The figures of five continual-learning papers:   snakemake --cores 8 figures/tsar_fig1.pdf
# Which figures there are:                         snakemake --cores 1 list_figures

from snakemake.utils import min_version

from common.running import lineage, plan, watch
from common.running.configuration import check_config, config_file
from common.running.workflow import (
    check_device,
    choose_device,
    choose_scale,
    limit_gpu_jobs,
    prepare_environment,
)

min_version("9.0")


configfile: config_file(f"{workflow.basedir}/config.yaml")


check_config(config)
prepare_environment(config["gpu_jobs_per_device"])
config["device"] = choose_device(config["device"])
limit_gpu_jobs(workflow, config["device"], config["gpu_jobs_per_device"])
SCALE = choose_scale(config["scale"], config["device"], announce=workflow.is_main_process)


include: "common/running/data.smk"
include: "common/running/papers.smk"
include: "common/running/report.smk"


for known in REGISTERS.values():

    include: f"{known.folder}/rules.smk"


onstart:
    if workflow.local_exec and any(job.resources.get("gpu") for job in workflow.dag.needrun_jobs()):
        check_device(config["device"])
    if workflow.local_exec:
        watch.start(workflow.logger_manager)


onerror:
    lineage.forget_failed(workflow)


rule all:
    default_target: True
    input:
        published(REGISTERS, SCALE),
        comparisons(REGISTERS, SCALE),


lineage.add_to_rules(workflow)
plan.follow(workflow)
