variable "region" {
  description = "The AWS region, such as eu-central-1"
  type        = string
}

variable "zone" {
  description = "The letter of an availability zone that has instance_type"
  type        = string
  default     = "a"
}

variable "stage" {
  description = "The stage's name, which is also that of the environment on GitHub"
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,20}$", var.stage))
    error_message = "Must be lower-case letters, digits and hyphens."
  }
}

variable "service" {
  description = "As in ../account"
  type        = string
  default     = "face-parsing"
}

variable "github_subject" {
  description = "As in ../account: repo:ORG/REPO, or repo:ORG@ID/REPO@ID for a repository made after 15 July 2026"
  type        = string
  validation {
    condition     = can(regex("^repo:[A-Za-z0-9-]+(@[0-9]+)?/[A-Za-z0-9._-]+(@[0-9]+)?$", var.github_subject))
    error_message = "Must be repo:ORG/REPO or repo:ORG@ID/REPO@ID, without wildcards."
  }
}

variable "domain" {
  description = "What the service is called by. Its DNS record must lead to the output `address`"
  type        = string
}

variable "instance_type" {
  description = "Inference is bound by cores; two containers run side by side while one is deployed"
  type        = string
  default     = "c7i.xlarge"
}

variable "architecture" {
  description = "Of instance_type and of the image: x86_64 or arm64"
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "Must be x86_64 or arm64."
  }
}

variable "memory" {
  description = "Most memory of one container of the service; two of them must fit while one is deployed"
  type        = string
  default     = "3g"
}

variable "models_from_bucket" {
  description = "Serve the bundles that publish_model put into the bucket, in place of the image's own"
  type        = bool
  default     = false
}

variable "alarm_address" {
  description = "Who is told of an alarm: an e-mail address, or nothing"
  type        = string
  default     = ""
}

variable "settings" {
  description = "More of what on-host.sh knows, such as MAX_BODY or READY_TIMEOUT; never a secret"
  type        = map(string)
  default     = {}
}
