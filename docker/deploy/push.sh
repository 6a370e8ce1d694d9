#!/usr/bin/env bash
# Push what build.sh built to ECR. A tag that is there stays what it is: nothing is pushed then.
#
#   AWS_REGION     such as eu-central-1
#   REPOSITORY     face-parsing    in ECR
#   REGISTRY       the ECR of the account whose credentials are here
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
