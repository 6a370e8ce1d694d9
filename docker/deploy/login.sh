#!/usr/bin/env bash
# Log this machine's docker in to ECR, for twelve hours, with the AWS credentials that are in the environment.
#
#   AWS_REGION, REGISTRY    as for push.sh
set -euo pipefail
source "$(dirname "$0")/common.sh"

find_registry
registry_login
printf '%s\n' "$REGISTRY"
