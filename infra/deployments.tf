# The deployments, as functions/*/function.yaml lists them: who they are, what they read, whom they may call.

locals {
  root        = "${path.module}/.."
  deployments = { for d in flatten([for f in fileset(local.root, "functions/*/function.yaml") : yamldecode(file("${local.root}/${f}")).deployments]) : d.name => d }
  public      = { for name, d in local.deployments : name => d if d.public }
  private     = { for name, d in local.deployments : name => d if !d.public }
  queued      = { for name, d in local.deployments : name => d.queue if can(d.queue.max_dispatches_per_second) }

  at         = "@${var.project}.iam.gserviceaccount.com"
  worker_url = { for name, d in local.private : name => "https://${name}-${var.project_number}.${var.region}.run.app" }

  # What a setting is, by its name.
  given = merge({
    ADMIN_EMAIL            = var.admin_email
    API_BASE               = "https://${var.domain}/api/v1"
    API_BASE_URL           = "https://${var.domain}"
    ENVIRONMENT            = var.environment
    GMAIL_TOPIC            = "projects/${var.project}/topics/${google_pubsub_topic.gmail.name}"
    GOOGLE_CLOUD_PROJECT   = var.project
    GOOGLE_OAUTH_CLIENT_ID = var.google_oauth_client_id
    PUBSUB_SERVICE_ACCOUNT = "${google_service_account.push.account_id}${local.at}"
    TELNYX_PUBLIC_KEY      = var.telnyx_public_key
  }, var.settings)
  defaulted = ["GEMINI_MODEL", "GOOGLE_API_BASE", "JACKRABBIT_BASE_URL", "TELNYX_API_BASE", "TOOLS_FALLBACK_TENANT_ID"]

  unknown_settings = distinct(flatten([for d in local.deployments : [for s in try(d.settings, []) : s if !contains(keys(local.given), s) && !contains(local.defaulted, s)]]))

  # Whose queue the settings of a deployment name: one entry for each prefix.
  tasks = merge([for name, d in local.deployments : { for prefix, worker in try(d.tasks, {}) : "${name} ${prefix}" => { deployment = name, prefix = prefix, worker = worker } }]...)

  env = { for name, d in local.deployments : name => merge(
    { GOOGLE_CLOUD_PROJECT = var.project }, # the log names traces by it
    { for s in try(d.settings, []) : s => local.given[s] if contains(keys(local.given), s) },
    merge([for t in local.tasks : merge({
      "${t.prefix}_WORKER_URL"      = local.worker_url[t.worker]
      "${t.prefix}_SERVICE_ACCOUNT" = "${google_service_account.caller[t.worker].account_id}${local.at}"
    }, contains(keys(local.queued), t.worker) ? { "${t.prefix}_QUEUE" = "projects/${var.project}/locations/${var.region}/queues/${t.worker}" } : {}) if t.deployment == name]...),
  ) }

  # A setting that is secret, to the secret that holds it. Each role logs in to the database at an address of its own.
  secrets = { for name, d in local.deployments : name => { for s in try(d.secrets, []) : s => (
    s == "DATABASE_URL" ? "database-url-${trimprefix(try(d.database_role, "chattercheatah_app"), "chattercheatah_")}" : replace(lower(s), "_", "-")
  ) } }
  readers = merge([for name, of in local.secrets : { for s, id in of : "${name} ${id}" => { deployment = name, secret = id } }]...)

  connections = sum([for d in local.deployments : d.max_instances * try(d.database_connections, 0)])
}

resource "google_service_account" "function" {
  for_each     = local.deployments
  account_id   = each.value.service_account
  display_name = "What ${each.key} runs as"
  depends_on   = [google_project_service.used]
}

# Whom Cloud Tasks and Cloud Scheduler call a private deployment as. scripts/deploy lets this account, and no other, invoke it.
resource "google_service_account" "caller" {
  for_each     = local.private
  account_id   = "call-${each.key}"
  display_name = "What calls ${each.key}"
  depends_on   = [google_project_service.used]
}

resource "google_service_account" "push" {
  account_id   = "push-email-pubsub"
  display_name = "What Pub/Sub pushes Gmail's announcements as"
  depends_on   = [google_project_service.used]
}

# To put a task on a queue takes leave to use the queue, and to have the task call as its account.
resource "google_cloud_tasks_queue_iam_member" "enqueuer" {
  for_each = { for key, t in local.tasks : key => t if contains(keys(local.queued), t.worker) }
  location = var.region
  name     = google_cloud_tasks_queue.work[each.value.worker].name
  role     = "roles/cloudtasks.enqueuer"
  member   = google_service_account.function[each.value.deployment].member
}

resource "google_service_account_iam_member" "calls_as" {
  for_each           = { for key, t in local.tasks : key => t if contains(keys(local.queued), t.worker) }
  service_account_id = google_service_account.caller[each.value.worker].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.function[each.value.deployment].member
}

resource "google_project_iam_member" "firestore" {
  for_each = toset([for name, d in local.deployments : name if contains(try(d.settings, []), "GOOGLE_CLOUD_PROJECT")])
  project  = var.project
  role     = "roles/datastore.user"
  member   = google_service_account.function[each.key].member
}

resource "google_project_iam_member" "cloud_sql" {
  for_each = toset([for name, d in local.deployments : name if var.database.cloud_sql != null && contains(try(d.secrets, []), "DATABASE_URL")])
  project  = var.project
  role     = "roles/cloudsql.client"
  member   = google_service_account.function[each.key].member
}

# Secrets are made here and filled by the operator: no value of theirs stands in the state.
resource "google_secret_manager_secret" "setting" {
  for_each            = setunion([for r in local.readers : r.secret], ["database-url-owner"])
  secret_id           = each.key
  deletion_protection = true
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_iam_member" "reader" {
  for_each  = local.readers
  secret_id = google_secret_manager_secret.setting[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.function[each.value.deployment].member
}

# What scripts/deploy reads: all that is set on a deployment and does not stand in its function.yaml. It holds nothing secret; it is kept
# with the secrets because these have versions, and the deployer reads secrets anyway.
resource "google_secret_manager_secret" "deployments" {
  secret_id = "deployments"
  replication {
    auto {}
  }
  depends_on = [google_project_service.used]
}

resource "google_secret_manager_secret_version" "deployments" {
  secret = google_secret_manager_secret.deployments.id
  secret_data = jsonencode({
    project                   = var.project
    region                    = var.region
    domain                    = var.domain
    database_connection_limit = var.database.connection_limit
    cloud_sql_instance        = try(google_sql_database_instance.this[0].connection_name, "")
    deployments = { for name, d in local.deployments : name => {
      env             = local.env[name]
      secrets         = local.secrets[name]
      service_account = "${google_service_account.function[name].account_id}${local.at}"
      callers         = [for caller in [name] : "${google_service_account.caller[caller].account_id}${local.at}" if !d.public]
    } }
  })
  lifecycle {
    precondition {
      condition     = length(local.unknown_settings) == 0
      error_message = "A function.yaml lists settings that infra/deployments.tf has no value for: ${join(", ", local.unknown_settings)}."
    }
    precondition {
      condition     = local.connections * 2 <= var.database.connection_limit
      error_message = "During a rollout the functions may hold ${local.connections * 2} connections (max_instances times database_connections, twice), and the database takes ${var.database.connection_limit}: lower them in functions/*/function.yaml, or raise the database's limit."
    }
  }
}

# Whom Cloud Build deploys as. run.sourceDeveloper lets it upload what is built, run.admin say who may call a worker.
resource "google_service_account" "deployer" {
  account_id   = "deployer"
  display_name = "What Cloud Build builds and deploys as"
  depends_on   = [google_project_service.used]
}

resource "google_project_iam_member" "deployer" {
  for_each = toset(["run.admin", "secretmanager.viewer", "run.sourceDeveloper", "run.builder", "cloudbuild.builds.editor", "serviceusage.serviceUsageConsumer", "logging.logWriter"])
  project  = var.project
  role     = "roles/${each.key}"
  member   = google_service_account.deployer.member
}

resource "google_service_account_iam_member" "deployer" {
  for_each           = merge(google_service_account.function, { deployer = google_service_account.deployer })
  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer.member
}

resource "google_secret_manager_secret_iam_member" "deployer" {
  for_each = {
    deployments = google_secret_manager_secret.deployments.id
    owner       = google_secret_manager_secret.setting["database-url-owner"].id
    smoke       = google_secret_manager_secret.setting["admin-password"].id
  }
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.deployer.member
}

resource "google_artifact_registry_repository" "source_deploy" {
  repository_id = "cloud-run-source-deploy" # where gcloud run deploy --source puts what it builds
  location      = var.region
  format        = "DOCKER"
  cleanup_policies {
    id     = "keep"
    action = "KEEP"
    most_recent_versions {
      keep_count = 10
    }
  }
  cleanup_policies {
    id     = "delete"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }
  depends_on = [google_project_service.used]
}
