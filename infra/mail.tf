# Gmail's announcements: the topic that Gmail publishes to, the push to email-pubsub, and what could not be delivered. scripts/gmail-push
# setup -check compares the same names and values with what is there.

locals {
  week           = "604800s"
  push_address   = "https://${var.domain}/api/v1/email/pubsub"
  pubsubs_member = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic" "gmail" {
  name       = "gmail-push"
  depends_on = [google_project_service.used]
}

resource "google_pubsub_topic_iam_member" "gmail" {
  topic  = google_pubsub_topic.gmail.name
  role   = "roles/pubsub.publisher"
  member = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
}

resource "google_pubsub_subscription" "gmail" {
  name                       = "gmail-push"
  topic                      = google_pubsub_topic.gmail.id
  ack_deadline_seconds       = 20
  message_retention_duration = local.week
  push_config {
    push_endpoint = local.push_address
    oidc_token {
      service_account_email = google_service_account.push.email
      audience              = local.push_address
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.gmail_dead.id
    max_delivery_attempts = 20
  }
  expiration_policy {
    ttl = "" # never
  }
}

resource "google_pubsub_topic" "gmail_dead" {
  name       = "gmail-push-dead"
  depends_on = [google_project_service.used]
}

resource "google_pubsub_subscription" "gmail_dead" {
  name                       = "gmail-push-dead"
  topic                      = google_pubsub_topic.gmail_dead.id
  ack_deadline_seconds       = 600
  message_retention_duration = local.week
  expiration_policy {
    ttl = ""
  }
}

# Pub/Sub's own account moves there what it cannot deliver.
resource "google_pubsub_topic_iam_member" "dead" {
  topic  = google_pubsub_topic.gmail_dead.name
  role   = "roles/pubsub.publisher"
  member = local.pubsubs_member
}

resource "google_pubsub_subscription_iam_member" "dead" {
  subscription = google_pubsub_subscription.gmail.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsubs_member
}
