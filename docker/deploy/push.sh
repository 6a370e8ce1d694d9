#!/usr/bin/env bash
# Push the image that build.sh built to ECR. If the tag exists already, nothing is pushed.
#
#   AWS_REGION     such as eu-central-1
#   REPOSITORY     face-parsing    in ECR
#   REGISTRY       by default the ECR of the account that the credentials belong to
#   IMAGE, TAG     as for build.sh
set -euo pipefail
source "$(dirname "$0")/common.sh"

find_registry
IMAGE=${IMAGE:-face-parsing}
REPOSITORY=${REPOSITORY:-face-parsing}
TAG=${TAG:-$(commit)}
[[ $TAG != *-dirty ]] || fail "the tree differs from its commit: commit first, or set TAG"

if pushed "$TAG"; then
  say "$REPOSITORY:$TAG is there already: nothing pushed"
  exit
fi
docker image inspect "$IMAGE:$TAG" >/dev/null 2>&1 || fail "$IMAGE:$TAG is not on this machine: run build.sh"
registry_login
docker tag "$IMAGE:$TAG" "$REGISTRY/$REPOSITORY:$TAG"
docker push --quiet "$REGISTRY/$REPOSITORY:$TAG"
