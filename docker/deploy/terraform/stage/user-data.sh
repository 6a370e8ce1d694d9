#!/bin/bash
# Docker on Amazon Linux 2023, which has SSM's agent and the aws command; security updates each night.
set -euo pipefail
# Its public address comes a moment after the host itself, and this script runs once
until dnf install -y docker dnf-automatic; do sleep 5; done
sed -i -e 's/^upgrade_type.*/upgrade_type = security/' -e 's/^apply_updates.*/apply_updates = yes/' /etc/dnf/automatic.conf
systemctl enable --now docker dnf-automatic.timer
