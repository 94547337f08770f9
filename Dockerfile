# The server and one model, or batch scoring and one model, without a shell. `make image` builds it and gives it the model
# (README.md, "Container"); docs/design.md says why it is as it is.
#
# These tags move. Who wants the same base for ever puts the digest behind it: name:tag@sha256:…
ARG BUILDER=python:3.11-slim
ARG BASE=gcr.io/distroless/python3-debian12:nonroot

# hadolint ignore=DL3006
FROM ${BASE} AS base

# make image puts the model in its place (docker build --build-context bundle=…). Not scratch, which
# a build without one has been seen to take for the model of the build before.
FROM base AS bundle

# hadolint ignore=DL3006
FROM ${BUILDER} AS packages
# Whatever version the base has: Debian keeps no other.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends binutils && \
    rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_DEPS=1 PIP_ONLY_BINARY=:all: PIP_REQUIRE_HASHES=1 \
    PIP_ROOT_USER_ACTION=ignore PIP_CACHE_DIR=/var/cache/pip PYTHONHASHSEED=0
WORKDIR /build
COPY requirements-serve.txt requirements-image.txt ./
# Into a folder, since the python of an environment made here is not where the base has its own.
# pip's cache is a mount, so no layer holds it.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --quiet --no-compile --target /packages/app/lib -r requirements-serve.txt && \
    pip install --quiet --target /tools -r requirements-image.txt
COPY deploy/image ./
RUN --mount=type=bind,from=base,target=/base python pack.py --packages /base /packages

FROM packages AS code
COPY params.yaml /code/app/
COPY migrations /code/app/migrations
COPY serve /code/app/serve
COPY src/churn /code/app/src/churn
# The prediction log's place: a volume mounted there takes the owner over.
RUN python pack.py /code && install -d -m 700 -o 65532 -g 65532 /code/var/lib/churn && \
    touch -d @0 /code/var/lib/churn /code/var/lib /code/var /code

FROM packages AS model
ARG BASE
ARG SOURCE_DATE_EPOCH
COPY --from=bundle /bundle.json /golden.json /model.ubj /origin.json /reference.json \
    /model/app/models/churn/
RUN --mount=type=bind,from=base,target=/base \
    PYTHONPATH=/tools python sbom.py /packages/app/lib /base "${BASE}" /model/app && \
    python pack.py /model

# What batch scoring needs beside the server's packages, whose layer both images share.
FROM packages AS batch-packages
COPY requirements-batch.txt ./
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    pip install --quiet --no-compile --target /batch/app/lib -r requirements-batch.txt
RUN --mount=type=bind,from=base,target=/base \
    python pack.py --packages /base --upon /packages/app/lib /batch

FROM packages AS batch-code
COPY params.yaml /code/app/
COPY pipelines /code/app/pipelines
COPY src/churn /code/app/src/churn
RUN python pack.py /code && install -d -m 700 -o 65532 -g 65532 /code/var/lib/churn && \
    touch -d @0 /code/var/lib/churn /code/var/lib /code/var /code

FROM batch-packages AS batch-model
ARG BASE
ARG SOURCE_DATE_EPOCH
COPY --from=bundle /bundle.json /golden.json /model.ubj /origin.json /reference.json \
    /model/app/models/churn/
RUN --mount=type=bind,from=base,target=/base \
    PYTHONPATH=/tools python sbom.py --more /batch/app/lib \
    /packages/app/lib /base "${BASE}" /model/app && python pack.py /model

# hadolint ignore=DL3006
FROM ${BASE} AS batch
COPY --from=packages /packages /
COPY --from=batch-packages /batch /
COPY --from=batch-code /code /
COPY --from=batch-model /model /
# What a run has done so far, where its output is not a file beside which it can be.
ENV PYTHONPATH=/app/lib WORK_FOLDER=/var/lib/churn
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/usr/bin/python3", "-m", "pipelines.score"]

# hadolint ignore=DL3006
FROM ${BASE} AS server
COPY --from=packages /packages /
COPY --from=code /code /
COPY --from=model /model /
ENV PYTHONPATH=/app/lib HOST=0.0.0.0 PORT=8000 LOG_FOLDER=/var/lib/churn
WORKDIR /app
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["/usr/bin/python3", "-m", "serve.healthcheck"]
ENTRYPOINT ["/usr/bin/python3", "-m", "serve"]
