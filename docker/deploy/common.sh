# shellcheck shell=bash
# Sourced by the scripts beside it.

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() { say "$*"; exit 1; }

# need NAME "what it is": exit with an error that names a variable that is not set
need() { [[ -n ${!1:-} ]] || { say "$1 is not set: $2"; exit 2; }; }

# The commit that is checked out, with "-dirty" if the tree differs from it
commit() {
  local sha
  sha=$(git -C "$(dirname "${BASH_SOURCE[0]}")" rev-parse HEAD) || fail "TAG is not set, and this is no git checkout"
  [[ -z $(git -C "$(dirname "${BASH_SOURCE[0]}")/../.." status --porcelain --untracked-files=no) ]] || sha+=-dirty
  printf '%s\n' "$sha"
}

# Set REGISTRY, unless it is set, to the ECR of the account that the credentials belong to
find_registry() {
  need AWS_REGION "the region, such as eu-central-1"
  [[ -n ${REGISTRY:-} ]] && return
  REGISTRY=$(aws sts get-caller-identity --query Account --output text) || fail "no AWS credentials that work"
  REGISTRY+=.dkr.ecr.$AWS_REGION.amazonaws.com
}

# registry_login: short-lived credentials, never on a command line
registry_login() {
  aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY" >/dev/null 2>&1 ||
    fail "$REGISTRY refuses the login"
}

# pushed TAG: whether the repository has it
pushed() {
  local answer
  answer=$(aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$1" 2>&1) && return
  [[ $answer == *ImageNotFoundException* ]] || fail "$REPOSITORY: $answer"
  return 1
}
