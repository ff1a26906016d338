# Every method on every benchmark: the same search for each -> training with what it found.

from studies.cross_benchmark import runs as cross_runs
from studies.cross_benchmark.protocol import BENCHMARKS as CROSS_BENCHMARKS, OPTIMIZERS as CROSS_OPTIMIZERS

CROSS = REGISTERS["cross_benchmark"]
if CROSS.method:  # a mistake in it should show before any work
    from common.running.configuration import ConfigError
    from studies.cross_benchmark.loading import method as tried_method

    try:
        tried_method(CROSS.method)
    except ValueError as error:
        raise ConfigError(f"config: {error}") from None


rule cross_benchmark_tune:
    input:
        data=lambda wildcards: dataset(*cross_runs.sets(dict(wildcards))["data"], wildcards.scale),
        own=lambda wildcards: cross_runs.own(CROSS.protocol(wildcards.scale)).get(wildcards.method, []),
    output:
        table="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/search.csv",
        record="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/search.json",
    log:
        "logs/{scale}/cross_benchmark/{benchmark}_{optimizer}_{method}_search.log",
    wildcard_constraints:
        benchmark="|".join(CROSS_BENCHMARKS),
        optimizer="|".join(CROSS_OPTIMIZERS),
        method=r"[a-z]\w*",
    priority: 1
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        method=lambda wildcards, input: input.own or wildcards.method,
        # not declared as an output, or Snakemake would delete it before the attempt that is to go on from it
        study="results/{scale}/cross_benchmark/studies/{benchmark}_{optimizer}_{method}.db",
        depends=cross_runs.depends(CROSS, "tune"),
    message:
        "Tuning: {wildcards.benchmark}, {wildcards.method} with {wildcards.optimizer}, {wildcards.scale} scale; see {log}"
    shell:
        "python -m studies.cross_benchmark.tune --scale {wildcards.scale} --benchmark {wildcards.benchmark}"
        " --optimizer {wildcards.optimizer} --method {params.method:q} --device {resources.device:q} --data {input.data:q}"
        " --study {params.study:q} --out {output.table:q} > {log:q} 2>&1"


rule cross_benchmark_train:
    input:
        data=lambda wildcards: dataset(*cross_runs.sets(dict(wildcards))["data"], wildcards.scale),
        own=lambda wildcards: cross_runs.own(CROSS.protocol(wildcards.scale)).get(wildcards.method, []),
        search="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/search.csv",
    output:
        table="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/seeds{seeds}.csv",
        record="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/seeds{seeds}.json",
        cost="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/cost_seeds{seeds}.csv",
        cost_record="results/{scale}/cross_benchmark/{benchmark}/{optimizer}/{method}/cost_seeds{seeds}.json",
    log:
        "logs/{scale}/cross_benchmark/{benchmark}_{optimizer}_{method}_seeds{seeds}.log",
    wildcard_constraints:
        benchmark="|".join(CROSS_BENCHMARKS),
        optimizer="|".join(CROSS_OPTIMIZERS),
        method=r"[a-z]\w*",
    conda:
        "../../environment.yml"
    resources:
        **TRAINING,
    params:
        method=lambda wildcards, input: input.own or wildcards.method,
        depends=cross_runs.depends(CROSS, "train"),
    message:
        "Training: {wildcards.benchmark}, {wildcards.method} with {wildcards.optimizer}, seeds {wildcards.seeds}; see {log}"
    shell:
        "python -m studies.cross_benchmark.train --scale {wildcards.scale} --benchmark {wildcards.benchmark}"
        " --optimizer {wildcards.optimizer} --method {params.method:q} --seeds {wildcards.seeds}"
        " --device {resources.device:q} --data {input.data:q} --search {input.search:q} --out {output.table:q}"
        " --cost {output.cost:q} > {log:q} 2>&1"
