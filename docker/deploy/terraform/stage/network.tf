# One public subnet: the host accepts 80 and 443, and connects to AWS, the registry and the certificate authority.
# There is no login from outside: SSM's Session Manager opens a shell.

resource "aws_vpc" "stage" {
  # checkov:skip=CKV2_AWS_11:Flow logs would keep the addresses of those who send photos; the service keeps none
  cidr_block           = "10.20.0.0/16"
  enable_dns_hostnames = true
  tags                 = { Name = local.name }
}

# The default group of a network admits everybody; here it admits nobody
resource "aws_default_security_group" "none" {
  vpc_id = aws_vpc.stage.id
}

resource "aws_internet_gateway" "stage" {
  vpc_id = aws_vpc.stage.id
  tags   = { Name = local.name }
}

resource "aws_subnet" "public" {
  vpc_id                  = aws_vpc.stage.id
  cidr_block              = "10.20.1.0/24"
  availability_zone       = "${var.region}${var.zone}"
  map_public_ip_on_launch = false
  tags                    = { Name = local.name }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.stage.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.stage.id
  }
}

resource "aws_route_table_association" "public" {
  subnet_id      = aws_subnet.public.id
  route_table_id = aws_route_table.public.id
}

resource "aws_security_group" "front" {
  name        = "${local.name}-front"
  description = "The front: HTTP and HTTPS in, whatever is needed out"
  vpc_id      = aws_vpc.stage.id
  tags        = { Name = "${local.name}-front" }
}

resource "aws_vpc_security_group_ingress_rule" "front" {
  # checkov:skip=CKV_AWS_260:Port 80 redirects to HTTPS and answers the certificate authority
  for_each          = { http = 80, https = 443 }
  security_group_id = aws_security_group.front.id
  description       = "${each.key} from everywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "front" {
  for_each          = { http = 80, https = 443 }
  security_group_id = aws_security_group.front.id
  description       = "${each.key} to packages, AWS and the certificate authority"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

# DATABASE_URL and CACHE_URL: RDS and ElastiCache, where they are in this network
resource "aws_vpc_security_group_egress_rule" "stores" {
  for_each          = { postgresql = 5432, redis = 6379 }
  security_group_id = aws_security_group.front.id
  description       = "${each.key} in this network"
  cidr_ipv4         = aws_vpc.stage.cidr_block
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_eip" "host" {
  domain   = "vpc"
  instance = aws_instance.host.id
  tags     = { Name = local.name }
}

output "address" {
  description = "Where the domain's A record must lead"
  value       = aws_eip.host.public_ip
}
