# Logs of the containers, and two alarms: the host fails its status checks, or the service logs errors.

resource "aws_cloudwatch_log_group" "service" {
  # checkov:skip=CKV_AWS_338:Thirty days are enough to find a fault
  name              = local.log_group
  retention_in_days = 30
  kms_key_id        = aws_kms_key.stage.arn
}

resource "aws_sns_topic" "alarms" {
  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.stage.arn
}

resource "aws_sns_topic_subscription" "alarms" {
  count     = var.alarm_address == "" ? 0 : 1
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_address
}

resource "aws_cloudwatch_metric_alarm" "host" {
  alarm_name          = "${local.name}-host"
  alarm_description   = "The host or its hardware fails its status checks: it is restarted on other hardware"
  namespace           = "AWS/EC2"
  metric_name         = "StatusCheckFailed_System"
  dimensions          = { InstanceId = aws_instance.host.id }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  threshold           = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alarms.arn, "arn:aws:automate:${var.region}:ec2:recover"]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_log_metric_filter" "errors" {
  name           = "${local.name}-errors"
  log_group_name = aws_cloudwatch_log_group.service.name
  pattern        = "{ $.level = \"error\" || $.level = \"critical\" }"
  metric_transformation {
    name          = "Errors"
    namespace     = local.name
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${local.name}-errors"
  alarm_description   = "The service or its front logs more than five errors in five minutes"
  namespace           = local.name
  metric_name         = aws_cloudwatch_log_metric_filter.errors.metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  threshold           = 5
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
