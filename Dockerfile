# The suite in a container. NVIDIA's container toolkit gives it the GPU; torch brings its own CUDA libraries.
#
#     docker build --tag continual .
#     docker run --rm --gpus all --volume "$PWD/figures:/suite/figures" --volume "$PWD/results:/suite/results" \
#         continual figures/tsar_fig1.pdf ARGS="--config scale=paper seeds=1"
#
# Any base with a Debian or Ubuntu that has Python 3.11 to 3.13 will do:
#     docker build --build-arg BASE=nvidia/cuda:12.6.3-base-ubuntu24.04 --tag continual .
ARG BASE=python:3.11-slim
FROM ${BASE}

RUN apt-get update \
    && apt-get install --yes --no-install-recommends git make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /suite
COPY Makefile requirements.txt ./
RUN PIP_NO_CACHE_DIR=1 make install
COPY . .

ENTRYPOINT ["make"]
CMD ["help"]
