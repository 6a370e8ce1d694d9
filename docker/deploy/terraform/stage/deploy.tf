# Who may deploy, and what a deployment can do: run one document, on this stage's host, with an image's tag.

locals {
  issuer = "token.actions.githubusercontent.com"
}

resource "aws_ssm_document" "deploy" {
  name            = "${local.name}-deploy"
  document_type   = "Command"
  document_format = "JSON"
  target_type     = "/AWS::EC2::Instance"
  content = templatefile("${path.module}/../../document.json.tftpl", {
    script    = file("${path.module}/../../on-host.sh")
    caddyfile = file("${path.module}/../../../Caddyfile")
    settings = merge(
      {
        SERVICE    = var.service
        STAGE      = var.stage
        AWS_REGION = var.region
        REGISTRY   = local.registry
        REPOSITORY = var.service
        DOMAIN     = var.domain
        LOG_GROUP  = local.log_group
        HOST_DIR   = "/var/lib/face-parsing"
        MEMORY     = var.memory
      },
      var.models_from_bucket ? { MODELS_DIR = local.models } : {},
      var.settings,
    )
  })
}

data "aws_iam_policy_document" "deploy_trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = ["arn:aws:iam::${local.account}:oidc-provider/${local.issuer}"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    # a job of this environment, which GitHub starts only once it is approved
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["${var.github_subject}:environment:${var.stage}"]
    }
  }
}

resource "aws_iam_role" "deploy" {
  name                 = "${local.name}-deploy"
  description          = "GitHub's environment ${var.stage}: run the document ${local.name}-deploy"
  assume_role_policy   = data.aws_iam_policy_document.deploy_trust.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "deploy" {
  # checkov:skip=CKV_AWS_356:The outcome of commands is read by id, and ids are no resources
  statement {
    sid       = "TheDocument"
    actions   = ["ssm:SendCommand"]
    resources = [aws_ssm_document.deploy.arn]
  }
  statement {
    sid       = "OnThisStage"
    actions   = ["ssm:SendCommand"]
    resources = ["arn:aws:ec2:${var.region}:${local.account}:instance/*"]
    condition {
      test     = "StringEquals"
      variable = "ssm:resourceTag/Service"
      values   = [var.service]
    }
    condition {
      test     = "StringEquals"
      variable = "ssm:resourceTag/Stage"
      values   = [var.stage]
    }
  }
  statement {
    sid       = "ItsOutcome"
    actions   = ["ssm:ListCommands", "ssm:ListCommandInvocations", "ssm:GetCommandInvocation"]
    resources = ["*"]
  }
  statement {
    sid       = "WhetherTheImageIsThere"
    actions   = ["ecr:DescribeImages"]
    resources = [local.repository]
  }
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.deploy.id
  policy = data.aws_iam_policy_document.deploy.json
}

output "deploy_role" {
  description = "The variable AWS_DEPLOY_ROLE of GitHub's environment"
  value       = aws_iam_role.deploy.arn
}
