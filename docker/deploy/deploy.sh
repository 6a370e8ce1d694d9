#!/usr/bin/env bash
# Deploy a pushed image to the hosts of a stage, one after the other, and wait for the outcome. on-host.sh is what a host
# does; a host whose new container does not get ready keeps the old one.
#
#   AWS_REGION      such as eu-central-1
#   STAGE           staging, production or another, as in terraform
#   TAG             the commit, or "previous" for the image before (rollback.sh)
#   SERVICE         face-parsing
#   REPOSITORY      face-parsing    in ECR
#   TIMEOUT         1800            seconds to wait for all hosts
set -euo pipefail
source "$(dirname "$0")/common.sh"

need AWS_REGION "the region, such as eu-central-1"
need STAGE "what to deploy to, such as staging"
SERVICE=${SERVICE:-face-parsing}
REPOSITORY=${REPOSITORY:-face-parsing}
TAG=${TAG:-$(commit)}
export AWS_DEFAULT_REGION=$AWS_REGION

[[ $TAG =~ ^([0-9a-f]{40}|previous)$ ]] || fail "TAG=$TAG is no commit (40 hex digits)"
[[ $TAG == previous ]] || pushed "$TAG" || fail "$REPOSITORY has no image $TAG: push it first"

command=$(aws ssm send-command --document-name "$SERVICE-$STAGE-deploy" --parameters "Tag=$TAG" \
  --targets "Key=tag:Service,Values=$SERVICE" "Key=tag:Stage,Values=$STAGE" \
  --max-concurrency 1 --max-errors 0 --comment "deploy $TAG" --query Command.CommandId --output text)
say "$STAGE <- $TAG (command $command)"

deadline=$((SECONDS + ${TIMEOUT:-1800}))
while status=$(aws ssm list-commands --command-id "$command" --query 'Commands[0].Status' --output text) &&
  [[ $status =~ ^(Pending|InProgress|Cancelling)$ ]]; do
  ((SECONDS < deadline)) || fail "not done after ${TIMEOUT:-1800} s; it goes on: aws ssm list-commands --command-id $command"
  sleep "${POLL:-3}"
done

hosts=$(aws ssm list-command-invocations --command-id "$command" --query 'CommandInvocations[].InstanceId' --output text)
[[ -n $hosts && $hosts != None ]] || fail "no running host has the tags Service=$SERVICE and Stage=$STAGE"
for host in $hosts; do
  say "$host said:"
  # shellcheck disable=SC2016  # the backticks are JMESPath's
  aws ssm get-command-invocation --command-id "$command" --instance-id "$host" \
    --query 'join(`\n`, [StandardOutputContent, StandardErrorContent, StatusDetails])' --output text
done
[[ $status == Success ]] || fail "$STAGE <- $TAG: $status. Hosts that failed serve what they served before"
say "$STAGE <- $TAG: done"
