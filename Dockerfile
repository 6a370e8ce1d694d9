# The service with its page: docker build -t face-parsing .
#   --build-arg REQUIREMENTS=requirements-gpu.txt                             for an NVIDIA GPU (amd64)
#   --build-arg REQUIREMENTS="requirements.txt requirements-tracing.txt"      with OpenTelemetry
#   --build-arg SOURCE_URL=https://...                                        where the page says its source is

FROM node:20-bookworm-slim AS page
WORKDIR /page
ENV NEXT_TELEMETRY_DISABLED=1
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend ./
COPY backend/__init__.py /backend/
COPY ml_core/faces/networks /ml_core/faces/networks
ARG SOURCE_URL=
RUN NEXT_PUBLIC_SOURCE_URL=$SOURCE_URL npm run build

FROM python:3.11-slim-bookworm AS wheels
ARG REQUIREMENTS=requirements.txt
WORKDIR /wanted
COPY requirements*.txt ./
# Wheels only: a package that needs compiling stops the build. The venv needs no pip: the base image has one
# hadolint ignore=SC2086
RUN cat ${REQUIREMENTS} >all.txt && python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --only-binary :all: -r all.txt

# Assembled here so that the image gets one layer of it: readable whatever the umask of the checkout, and byte-compiled,
# since the root file system will be read-only
FROM python:3.11-slim-bookworm AS app
WORKDIR /app
COPY manage.py ./
COPY backend backend
COPY segmentation_api segmentation_api
COPY ml_core ml_core
COPY docker docker
COPY --from=page /page/out frontend/out
RUN rm -r ml_core/unetr ml_core/bundles/*/weights.npz && python -m compileall -q . && chmod -R a+rX,go-w .

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --home-dir /var/lib/face-parsing face-parsing \
 && install -d -m 0700 -o face-parsing -g face-parsing /var/lib/face-parsing \
 && install -d -m 0755 -o face-parsing -g face-parsing /var/lib/front-files
COPY --from=wheels /opt/venv /opt/venv
COPY --from=app /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/var/lib/face-parsing \
    BIND=0.0.0.0 \
    PORT=8000 \
    STATE_DIR=/var/lib/face-parsing \
    MODELS_CACHE=/var/lib/face-parsing/models \
    RUN_DIR=/dev/shm/face-parsing \
    TMPDIR=/dev/shm
# /dev/shm is in memory, and writable even with --read-only
VOLUME /var/lib/face-parsing
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-IS", "docker/healthcheck.py"]
ENTRYPOINT ["/bin/sh", "/app/docker/entrypoint.sh"]
CMD ["serve"]

ARG REVISION=unknown
ARG VERSION=unknown
LABEL org.opencontainers.image.title="face-parsing" \
      org.opencontainers.image.description="Face parsing over HTTP. The weights in it are for non-commercial research only." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-weights-non-commercial-research-only" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.version="${VERSION}" \
      face-parsing.weights.licence="Non-commercial research only; see /app/ml_core/bundles/lite/README.md"
