#!/usr/bin/env bash
# Log docker in to ECR for twelve hours, with the AWS credentials in the environment. Prints the registry.
#
#   AWS_REGION, REGISTRY    as for push.sh
set -euo pipefail
source "$(dirname "$0")/common.sh"

find_registry
registry_login
printf '%s\n' "$REGISTRY"
