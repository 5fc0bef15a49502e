# Who is told of what. Each alert is a section of docs/OPERATIONS.md, of the name that its key is made from; a test holds the two together.

locals {
  line = { for name, m in google_logging_metric.line : name => "${local.ours} AND metric.type=\"logging.googleapis.com/user/${m.name}\"" }

  alerts = {
    webhooks-are-slow = {
      title   = "Webhooks are slow"
      filter  = local.line["webhook_latency"]
      aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = ["metric.label.route"]
      above   = 1500, minutes = 5 # Telnyx waits two seconds
    }
    the-smoke-test-fails = {
      title   = "The smoke test fails"
      filter  = local.line["smoke_failed"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = []
      above   = 0, minutes = 0
    }
    requests-fail = {
      title   = "Requests fail"
      filter  = "resource.type=\"cloud_run_revision\" AND metric.type=\"run.googleapis.com/request_count\" AND metric.label.response_code_class=\"5xx\"" # Cloud Run's own too, of instances that did not start
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["resource.label.service_name"]
      above   = 10, minutes = 5
    }
    postgres-refuses-connections = {
      title   = "Postgres refuses connections"
      filter  = local.line["database_refuses"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = []
      above   = 5, minutes = 0
    }
    a-mailbox-has-stopped = {
      title   = "A mailbox has stopped"
      filter  = local.line["mailbox_stopped"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.tenant_id"]
      above   = 0, minutes = 0
    }
    a-calendar-has-stopped = {
      title   = "A calendar has stopped"
      filter  = local.line["calendar_refused"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.tenant_id"]
      above   = 0, minutes = 0
    }
    sends-stay-unknown = {
      title   = "Sends stay unknown"
      filter  = local.line["send_unknown"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.tenant_id"]
      above   = 3, minutes = 0
    }
    something-failed-for-good = {
      title   = "Something failed for good"
      filter  = local.line["failed_for_good"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.tenant_id"]
      above   = 0, minutes = 0
    }
    a-voice-tool-fell-back = {
      title   = "A voice tool fell back"
      filter  = local.line["tool_fallback"]
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["metric.label.tenant_id"]
      above   = 0, minutes = 0
    }
    a-queue-is-behind = {
      title   = "A queue is behind"
      filter  = "resource.type=\"cloud_tasks_queue\" AND metric.type=\"cloudtasks.googleapis.com/queue/depth\""
      aligner = "ALIGN_MIN", reducer = "REDUCE_MAX", by = ["resource.label.queue_id"]
      above   = 500, minutes = 10
      or = [{ # or what there is waits
        filter  = "resource.type=\"cloud_tasks_queue\" AND metric.type=\"cloudtasks.googleapis.com/queue/task_attempt_delays\""
        aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = ["resource.label.queue_id"]
        above   = 60000, minutes = 10
      }]
    }
    announcements-are-lost = {
      title   = "Announcements are lost"
      filter  = "resource.type=\"pubsub_subscription\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.label.subscription_id=\"${google_pubsub_subscription.gmail_dead.name}\""
      aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = []
      above   = 0, minutes = 0
    }
    a-schedule-fails = {
      title   = "A schedule fails"
      filter  = "resource.type=\"cloud_scheduler_job\" AND metric.type=\"logging.googleapis.com/log_entry_count\" AND metric.label.severity=\"ERROR\""
      aligner = "ALIGN_SUM", reducer = "REDUCE_SUM", by = ["resource.label.job_id"]
      above   = 2, minutes = 0, window = "3600s" # the daily one is tried three times, and then not before tomorrow
    }
  }

  # And one of what does not happen.
  silence = {
    the-smoke-test-does-not-run = { title = "The smoke test does not run", filter = local.line["smoke_passed"], minutes = 130 }
  }
}

resource "google_monitoring_notification_channel" "operators" {
  display_name = "Operators"
  type         = "email"
  labels       = { email_address = var.alert_email }
  depends_on   = [google_project_service.used]
}

resource "google_monitoring_alert_policy" "above" {
  for_each              = local.alerts
  display_name          = each.value.title
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.operators.id]
  dynamic "conditions" {
    for_each = concat([each.value], try(each.value.or, []))
    content {
      display_name = each.value.title
      condition_threshold {
        filter          = conditions.value.filter
        comparison      = "COMPARISON_GT"
        threshold_value = conditions.value.above
        duration        = "${conditions.value.minutes * 60}s"
        aggregations {
          alignment_period     = try(conditions.value.window, "300s")
          per_series_aligner   = conditions.value.aligner
          cross_series_reducer = conditions.value.reducer
          group_by_fields      = conditions.value.by
        }
      }
    }
  }
  alert_strategy {
    auto_close = "1800s"
  }
  documentation {
    mime_type = "text/markdown"
    content   = "What to do: docs/OPERATIONS.md#${each.key}"
  }
}

resource "google_monitoring_alert_policy" "silence" {
  for_each              = local.silence
  display_name          = each.value.title
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.operators.id]
  conditions {
    display_name = each.value.title
    condition_absent {
      filter   = each.value.filter
      duration = "${each.value.minutes * 60}s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "What to do: docs/OPERATIONS.md#${each.key}"
  }
}
