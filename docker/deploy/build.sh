#!/usr/bin/env bash
# Build the image, name it after the commit and print the name.
#
#   IMAGE            face-parsing                its name without tag
#   TAG              the commit, with "-dirty" if the tree differs from it
#   REQUIREMENTS     requirements.txt            requirements-gpu.txt for an NVIDIA GPU
#   PLATFORM         this machine's              such as linux/arm64
#   CACHE            an image reference to read cached layers from and write them to (needs docker buildx)
#   BUILD_NETWORK    default                     network of the build, such as host
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source "$here/common.sh"

IMAGE=${IMAGE:-face-parsing}
TAG=${TAG:-$(commit)}
arguments=(
  --tag "$IMAGE:$TAG"
  --build-arg "REQUIREMENTS=${REQUIREMENTS:-requirements.txt}"
  --build-arg "REVISION=$TAG"
  --build-arg "VERSION=$(git -C "$here" describe --tags --always 2>/dev/null || echo "$TAG")"
  --label "org.opencontainers.image.created=$(git -C "$here" log -1 --format=%cI 2>/dev/null || date -uIseconds)"
)
if [[ -n ${PLATFORM:-} ]]; then arguments+=(--platform "$PLATFORM"); fi
if [[ -n ${BUILD_NETWORK:-} ]]; then arguments+=(--network "$BUILD_NETWORK"); fi
if [[ -n ${SOURCE_URL:-} ]]; then
  arguments+=(--build-arg "SOURCE_URL=$SOURCE_URL" --label "org.opencontainers.image.source=$SOURCE_URL")
fi

build=(docker build)
if [[ -n ${CACHE:-} ]]; then
  build=(docker buildx build --load
    --cache-from "type=registry,ref=$CACHE"
    --cache-to "type=registry,ref=$CACHE,mode=max,image-manifest=true,oci-mediatypes=true")
fi
"${build[@]}" "${arguments[@]}" "$here/../.." >&2
printf '%s\n' "$IMAGE:$TAG"
