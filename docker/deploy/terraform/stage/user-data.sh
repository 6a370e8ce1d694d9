#!/bin/bash
# Docker on Amazon Linux 2023, which has SSM's agent and the aws command; security updates each night.
set -euo pipefail
dnf install -y docker dnf-automatic
sed -i -e 's/^upgrade_type.*/upgrade_type = security/' -e 's/^apply_updates.*/apply_updates = yes/' /etc/dnf/automatic.conf
systemctl enable --now docker dnf-automatic.timer
# A connection that waits at the front while it restarts is taken over, not reset
echo 'net.ipv4.tcp_migrate_req = 1' >/etc/sysctl.d/60-front.conf
