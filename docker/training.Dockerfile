# Training on a machine with an NVIDIA GPU (amd64), docs/containers.md:
#   docker build -f docker/training.Dockerfile -t face-parsing-training .
#   docker run --rm --gpus all --user "$(id -u)" -v "$PWD/data:/app/data" -v "$PWD/outputs:/app/outputs" \
#     face-parsing-training --data data/faces.zip --preset full --minutes 600
# On the CPU: --build-arg REQUIREMENTS=requirements.txt

FROM python:3.11-slim-bookworm AS wheels
ARG REQUIREMENTS=requirements-gpu.txt
WORKDIR /wanted
COPY requirements.txt ./
COPY training/requirements*.txt training/
# Wheels only, but for one that DVC needs and that is published only as Python source
RUN python -m venv --without-pip /opt/venv \
 && pip --python /opt/venv/bin/python install --no-cache-dir --only-binary :all: --no-binary antlr4-python3-runtime \
    -r requirements.txt -r "training/${REQUIREMENTS}"

FROM python:3.11-slim-bookworm AS app
WORKDIR /app
COPY manage.py ./
COPY backend backend
COPY segmentation_api segmentation_api
COPY ml_core ml_core
COPY training training
RUN python -m compileall -q . && chmod -R a+rX,go-w . && install -d -m 1777 data outputs

FROM python:3.11-slim-bookworm
COPY --from=wheels /opt/venv /opt/venv
COPY --from=app /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    STATE_DIR=/tmp
VOLUME ["/app/data", "/app/outputs"]
USER 10001:10001
ENTRYPOINT ["python", "manage.py", "train_unetr"]
LABEL org.opencontainers.image.title="face-parsing-training" \
      org.opencontainers.image.description="Trains UNETR for face parsing. Its shipped weights are for non-commercial research only." \
      org.opencontainers.image.licenses="Apache-2.0 AND LicenseRef-weights-non-commercial-research-only"
