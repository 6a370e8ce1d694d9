# Once per AWS account: where images are kept, and who may push them. Each stage is in ../stage.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
  # Keep the state in a bucket of its own: terraform init -backend-config=... (docs/deploy.md)
  backend "s3" {}
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { Service = var.service }
  }
}

variable "region" {
  description = "The AWS region, such as eu-central-1"
  type        = string
}

variable "service" {
  description = "The name of everything made here, and the repository's in ECR"
  type        = string
  default     = "face-parsing"
}

variable "github_subject" {
  description = <<-EOT
    What GitHub's OIDC tokens of the repository begin with, as its settings show it: repo:ORG/REPO, or, for a
    repository made after 15 July 2026 (or one that has opted in), repo:ORG@ID/REPO@ID
  EOT
  type        = string
  validation {
    condition     = can(regex("^repo:[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.github_subject))
    error_message = "Must be repo:ORG/REPO or repo:ORG@ID/REPO@ID, without wildcards."
  }
}

variable "branch" {
  description = "The one branch whose workflow may push images"
  type        = string
  default     = "main"
}

locals {
  issuer = "token.actions.githubusercontent.com"
}

resource "aws_kms_key" "images" {
  description             = "${var.service}: images in ECR"
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = data.aws_iam_policy_document.key.json
}

data "aws_caller_identity" "current" {}

# ECR requests the grants it needs on behalf of whoever pushes and pulls
data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109:A key's policy is about that key; it has to let the account's own policies decide
  # checkov:skip=CKV_AWS_111:As above
  # checkov:skip=CKV_AWS_356:As above: "*" is the key itself
  statement {
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }
}

resource "aws_ecr_repository" "service" {
  name                 = var.service
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.images.arn
  }
}

# ECR cannot know which image runs, and production may be many pushes behind main, so more images are kept than that.
# They share all layers but the application's, some tens of megabytes each
resource "aws_ecr_lifecycle_policy" "service" {
  repository = aws_ecr_repository.service.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Keep the last five hundred images"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 500 }
      action       = { type = "expire" }
    }]
  })
}

# Cached build layers, under one moving tag: nothing is ever deployed from here
resource "aws_ecr_repository" "cache" {
  # checkov:skip=CKV_AWS_51:A cache is overwritten; what is deployed comes from the other repository, which is immutable
  name                 = "${var.service}-cache"
  image_tag_mutability = "MUTABLE"
  force_delete         = true
  image_scanning_configuration {
    scan_on_push = true
  }
  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.images.arn
  }
}

resource "aws_ecr_lifecycle_policy" "cache" {
  repository = aws_ecr_repository.cache.name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Forget what the tag has left"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 3 }
      action       = { type = "expire" }
    }]
  })
}

# Trusts GitHub's tokens; the roles say which of them may do what. AWS knows the issuer's certificate itself
resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

data "aws_iam_policy_document" "push_trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = ["${var.github_subject}:ref:refs/heads/${var.branch}"]
    }
  }
}

resource "aws_iam_role" "push" {
  name                 = "${var.service}-push"
  description          = "GitHub's workflow on ${var.branch}: push images, nothing else"
  assume_role_policy   = data.aws_iam_policy_document.push_trust.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "push" {
  # checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken knows no resource
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    actions = [
      "ecr:BatchCheckLayerAvailability",
      "ecr:BatchGetImage",
      "ecr:CompleteLayerUpload",
      "ecr:DescribeImages",
      "ecr:GetDownloadUrlForLayer",
      "ecr:InitiateLayerUpload",
      "ecr:PutImage",
      "ecr:UploadLayerPart",
    ]
    resources = [aws_ecr_repository.service.arn, aws_ecr_repository.cache.arn]
  }
}

resource "aws_iam_role_policy" "push" {
  name   = "push"
  role   = aws_iam_role.push.id
  policy = data.aws_iam_policy_document.push.json
}

output "push_role" {
  description = "GitHub's variable AWS_PUSH_ROLE"
  value       = aws_iam_role.push.arn
}

output "registry" {
  description = "Where images are pushed to"
  value       = split("/", aws_ecr_repository.service.repository_url)[0]
}
