# What makes the workers work: a queue for each, and their schedules. Both call as the account that may invoke the worker, with its
# address as the audience.

resource "google_cloud_tasks_queue" "work" {
  for_each = local.queued
  name     = each.key
  location = var.region
  rate_limits {
    max_dispatches_per_second = each.value.max_dispatches_per_second
    max_concurrent_dispatches = each.value.max_concurrent_dispatches
  }
  # A task is a hint: what it is about is recorded, and the sweeper queues it again when its time has come. So a task need not be tried for
  # ever, and the first tries come soon: somebody waits for an answer.
  retry_config {
    max_attempts       = 10
    min_backoff        = "2s"
    max_backoff        = "300s"
    max_doublings      = 5
    max_retry_duration = "3600s"
  }
  depends_on = [google_project_service.used]
}

resource "google_cloud_scheduler_job" "schedule" {
  for_each         = merge([for name, d in local.private : { for s in try(d.schedules, []) : "${name}-${basename(s.path)}" => merge(s, { worker = name, timeout = d.timeout_seconds }) }]...)
  name             = each.key
  region           = var.region
  schedule         = each.value.cron
  time_zone        = "Etc/UTC"
  attempt_deadline = "${max(each.value.timeout, 15)}s"
  retry_config {
    retry_count          = startswith(each.value.cron, "*") ? 0 : 2 # what comes each minute needs no second try
    min_backoff_duration = "60s"
  }
  http_target {
    http_method = "POST"
    uri         = "${local.worker_url[each.value.worker]}${each.value.path}"
    oidc_token {
      service_account_email = google_service_account.caller[each.value.worker].email
      audience              = local.worker_url[each.value.worker]
    }
  }
}
