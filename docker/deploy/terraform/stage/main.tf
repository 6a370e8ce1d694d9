# One stage of the service, such as staging or production: its host, its bucket, its settings, and who may deploy.
# ../account comes first. Network in network.tf, host in host.tf, deployment in deploy.tf, logs in watch.tf.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
  backend "s3" {}
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { Service = var.service, Stage = var.stage }
  }
}

data "aws_caller_identity" "current" {}

locals {
  account    = data.aws_caller_identity.current.account_id
  name       = "${var.service}-${var.stage}"
  registry   = "${local.account}.dkr.ecr.${var.region}.amazonaws.com"
  repository = "arn:aws:ecr:${var.region}:${local.account}:repository/${var.service}"
  parameters = "arn:aws:ssm:${var.region}:${local.account}:parameter/${var.service}/${var.stage}"
  log_group  = "/${var.service}/${var.stage}"
  models     = "s3://${aws_s3_bucket.models.id}/models"
}

# One key for data at rest: disk, logs, bucket, alarms
resource "aws_kms_key" "stage" {
  description             = local.name
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:A key's policy is about that key; it has to let the account's own policies decide
  # checkov:skip=CKV_AWS_111:As above
  # checkov:skip=CKV_AWS_356:As above: "*" is the key itself
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${local.account}:root"]
    }
  }
  statement {
    actions   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["logs.${var.region}.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["arn:aws:logs:${var.region}:${local.account}:log-group:${local.log_group}"]
    }
  }
  statement {
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]
    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}
