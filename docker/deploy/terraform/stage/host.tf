# The host: Docker and SSM's agent. The first deployment puts the containers on it.

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${var.architecture}"
}

resource "aws_instance" "host" {
  # checkov:skip=CKV_AWS_88:It is the front and must be reachable
  ami                     = data.aws_ssm_parameter.image.value
  instance_type           = var.instance_type
  subnet_id               = aws_subnet.public.id
  vpc_security_group_ids  = [aws_security_group.front.id]
  iam_instance_profile    = aws_iam_instance_profile.host.name
  ebs_optimized           = true
  monitoring              = true
  disable_api_termination = true
  user_data               = file("${path.module}/user-data.sh")

  metadata_options {
    # checkov:skip=CKV_AWS_341:Two hops: the service, in a container, fetches its bundles from the bucket by this role
    http_tokens                 = "required"
    http_put_response_hop_limit = 2
    http_endpoint               = "enabled"
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 40
    encrypted   = true
    kms_key_id  = aws_kms_key.stage.arn
  }

  tags = { Name = local.name }

  lifecycle {
    ignore_changes = [ami, user_data] # a newer one must not replace a host with the API keys on its disk
  }
}

resource "aws_iam_instance_profile" "host" {
  name = "${local.name}-host"
  role = aws_iam_role.host.name
}

resource "aws_iam_role" "host" {
  name        = "${local.name}-host"
  description = "The host: pull images, read its bundles and parameters, write its logs"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}

resource "aws_iam_role_policy_attachment" "ssm" {
  role       = aws_iam_role.host.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

data "aws_iam_policy_document" "host" {
  # checkov:skip=CKV_AWS_356:ecr:GetAuthorizationToken knows no resource
  statement {
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }
  statement {
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [local.repository]
  }
  statement {
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.models.arn]
  }
  statement {
    actions   = ["s3:GetObject"]
    resources = ["${aws_s3_bucket.models.arn}/models/*"]
  }
  statement {
    actions   = ["ssm:GetParametersByPath"]
    resources = [local.parameters, "${local.parameters}/*"]
  }
  # The managed policy lets SSM's agent read every parameter of the account, those of other stages too
  statement {
    effect        = "Deny"
    actions       = ["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "ssm:GetParameterHistory"]
    not_resources = [local.parameters, "${local.parameters}/*"]
  }
  statement {
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.service.arn}:*"]
  }
  statement {
    actions   = ["kms:Decrypt"]
    resources = [aws_kms_key.stage.arn]
  }
}

resource "aws_iam_role_policy" "host" {
  name   = "host"
  role   = aws_iam_role.host.id
  policy = data.aws_iam_policy_document.host.json
}
