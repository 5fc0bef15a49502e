# What is counted in the log. Every request of a function is one line of JSON (shared/httpx/log.go), and what goes wrong without a request of
# its own is a line with a fixed message.

locals {
  ours = "resource.type=\"cloud_run_revision\""

  counters = {
    smoke_passed        = { filter = "jsonPayload.outcome=\"smoke_passed\"", labels = {} }
    smoke_failed        = { filter = "jsonPayload.outcome=\"smoke_failed\"", labels = {} }
    mailbox_stopped     = { filter = "jsonPayload.message=~\"^a mailbox has (stopped|more recent mail)\"", labels = { tenant_id = "jsonPayload.tenant_id" } }
    send_unknown        = { filter = "jsonPayload.message=\"the provider could not say whether a text was sent\"", labels = { tenant_id = "jsonPayload.tenant_id" } }
    failed_for_good     = { filter = "jsonPayload.message=~\"^a (reply|mail|call|booking) is given up$|^a text could not be delivered$\"", labels = { tenant_id = "jsonPayload.tenant_id", what = "jsonPayload.message" } }
    calendar_refused    = { filter = "jsonPayload.message=\"the tenant's calendar has to be connected again\"", labels = { tenant_id = "jsonPayload.tenant_id" } }
    tool_fallback       = { filter = "jsonPayload.message=\"tool call without tenant or call\"", labels = { tenant_id = "jsonPayload.tenant_id" } }
    database_refuses    = { filter = "jsonPayload.error=~\"(no database connection was free|the database (was not reached|ended or refused|did not answer))\"", labels = { function = "resource.labels.service_name" } }
    request_failed      = { filter = "jsonPayload.message=\"request\" AND jsonPayload.status>=500", labels = { function = "resource.labels.service_name", route = "jsonPayload.route" } }
    model_prompt_tokens = { filter = "jsonPayload.prompt_tokens>0", labels = { tenant_id = "jsonPayload.tenant_id" }, value = "jsonPayload.prompt_tokens" }
    model_output_tokens = { filter = "jsonPayload.output_tokens>0", labels = { tenant_id = "jsonPayload.tenant_id" }, value = "jsonPayload.output_tokens" }
    webhook_latency     = { filter = "jsonPayload.message=\"request\" AND jsonPayload.route=~\"^POST /(telnyx/(sms|ai-call-complete|call-progress|dynamic-variables)|sms|email/pubsub$)\"", labels = { route = "jsonPayload.route" }, value = "jsonPayload.duration_ms" }
  }
}

resource "google_logging_metric" "line" {
  for_each         = local.counters
  name             = each.key
  filter           = "${local.ours} AND ${each.value.filter}"
  value_extractor  = can(each.value.value) ? "EXTRACT(${each.value.value})" : null
  label_extractors = { for name, field in each.value.labels : name => "EXTRACT(${field})" }
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.value) ? "DISTRIBUTION" : "INT64"
    unit        = each.key == "webhook_latency" ? "ms" : "1"
    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }
  dynamic "bucket_options" {
    for_each = can(each.value.value) ? [1] : []
    content {
      exponential_buckets {
        num_finite_buckets = 40
        growth_factor      = 1.4
        scale              = 1
      }
    }
  }
  depends_on = [google_project_service.used]
}
