# What must hold of the house, whatever the functions are. Run by scripts/dev's tests, with a provider that makes nothing.

mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = {
      name   = "projects/example-project/serviceAccounts/somebody@example-project.iam.gserviceaccount.com"
      member = "serviceAccount:somebody@example-project.iam.gserviceaccount.com"
    }
  }
}

variables {
  project                = "example-project"
  project_number         = "123456789012"
  domain                 = "api.example.test"
  alert_email            = "operators@example.test"
  admin_email            = "admin@example.test"
  telnyx_public_key      = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
  google_oauth_client_id = "1234567890-example.apps.googleusercontent.com"
  database               = { connection_limit = 800 }
}

run "identities" {
  command = plan
  assert {
    condition     = length(distinct([for a in google_service_account.function : a.account_id])) == length(local.deployments) && length(local.deployments) >= 14
    error_message = "Every deployment has a service account of its own."
  }
  assert {
    condition     = alltrue([for a in concat(values(google_service_account.function), values(google_service_account.caller)) : can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", a.account_id))])
    error_message = "An account's id has 6 to 30 characters."
  }
  assert {
    condition     = toset(keys(google_service_account.caller)) == toset([for name, d in local.deployments : name if !d.public])
    error_message = "Every private deployment, and no public one, has an account that calls it."
  }
}

run "secrets" {
  command = plan
  assert {
    condition     = alltrue([for key, r in local.readers : contains(values(local.secrets[r.deployment]), r.secret)]) && length(google_secret_manager_secret_iam_member.reader) == length(local.readers)
    error_message = "A secret is read by those alone whose function.yaml lists it."
  }
  assert {
    condition     = alltrue([for r in google_secret_manager_secret_iam_member.reader : r.role == "roles/secretmanager.secretAccessor"])
    error_message = "A function may read the value of a secret and do nothing else with it."
  }
  assert {
    condition     = local.secrets["users"]["DATABASE_URL"] == "database-url-app" && local.secrets["admin-tenants"]["DATABASE_URL"] == "database-url-admin" && !contains(values(local.readers)[*].secret, "database-url-owner")
    error_message = "Each role has an address of its own, and no function the owner's."
  }
  assert {
    condition     = toset(keys(google_secret_manager_secret_iam_member.deployer)) == toset(["deployments", "owner", "smoke"])
    error_message = "The deployer reads what it migrates, smokes and deploys with, and no key of the functions."
  }
}

# All that three of the functions may do, each told apart from the rest by its address.
run "grants" {
  override_resource {
    target = google_service_account.function["telnyx-tools"]
    values = { name = "projects/example-project/serviceAccounts/tools@example-project.iam.gserviceaccount.com", member = "serviceAccount:tools@example-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.function["admin-tenants"]
    values = { name = "projects/example-project/serviceAccounts/admin@example-project.iam.gserviceaccount.com", member = "serviceAccount:admin@example-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.function["operations-worker"]
    values = { name = "projects/example-project/serviceAccounts/smoke@example-project.iam.gserviceaccount.com", member = "serviceAccount:smoke@example-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.caller["telnyx-sms-worker"]
    values = { name = "projects/example-project/serviceAccounts/texts@example-project.iam.gserviceaccount.com", member = "serviceAccount:texts@example-project.iam.gserviceaccount.com" }
  }
  override_resource {
    target = google_service_account.deployer
    values = { name = "projects/example-project/serviceAccounts/deployer@example-project.iam.gserviceaccount.com", member = "serviceAccount:deployer@example-project.iam.gserviceaccount.com" }
  }
  assert {
    condition     = toset([for r in google_secret_manager_secret_iam_member.reader : r.secret_id if startswith(r.member, "serviceAccount:tools@")]) == toset([for s in local.deployments["telnyx-tools"].secrets : google_secret_manager_secret.setting[s == "DATABASE_URL" ? "database-url-app" : replace(lower(s), "_", "-")].id])
    error_message = "telnyx-tools reads the secrets that its function.yaml lists, and no other."
  }
  assert {
    condition     = toset([for r in google_secret_manager_secret_iam_member.reader : r.secret_id if startswith(r.member, "serviceAccount:admin@")]) == toset([for s in local.deployments["admin-tenants"].secrets : google_secret_manager_secret.setting[s == "DATABASE_URL" ? "database-url-admin" : replace(lower(s), "_", "-")].id])
    error_message = "admin-tenants reads the secrets that its function.yaml lists, the database's address as the operators' role among them, and no other."
  }
  assert {
    condition     = toset([for r in google_secret_manager_secret_iam_member.reader : r.member if r.secret_id == google_secret_manager_secret.setting["admin-password"].id]) == toset(["serviceAccount:smoke@example-project.iam.gserviceaccount.com"])
    error_message = "The global admin's password is read by the smoke test, and by no other function."
  }
  assert {
    condition     = toset([for r in google_secret_manager_secret_iam_member.deployer : r.secret_id]) == toset([google_secret_manager_secret.deployments.id, google_secret_manager_secret.setting["database-url-owner"].id, google_secret_manager_secret.setting["admin-password"].id]) && alltrue([for r in google_secret_manager_secret_iam_member.deployer : startswith(r.member, "serviceAccount:deployer@")])
    error_message = "The deployer alone reads the owner's address of the database, and no key of the functions."
  }
  assert {
    condition     = [for r in google_cloud_tasks_queue_iam_member.enqueuer : "${r.role} ${r.name}" if startswith(r.member, "serviceAccount:tools@")] == ["roles/cloudtasks.enqueuer telnyx-sms-worker"]
    error_message = "telnyx-tools puts tasks on the queue that its function.yaml names, and on no other."
  }
  assert {
    condition     = [for r in google_service_account_iam_member.calls_as : "${r.role} ${r.service_account_id}" if startswith(r.member, "serviceAccount:tools@")] == ["roles/iam.serviceAccountUser ${google_service_account.caller["telnyx-sms-worker"].name}"]
    error_message = "telnyx-tools has its tasks call as that queue's caller, and acts as nobody else."
  }
  assert {
    condition     = alltrue([for who in ["admin", "smoke"] : !anytrue([for r in concat(values(google_cloud_tasks_queue_iam_member.enqueuer), values(google_service_account_iam_member.calls_as), values(google_project_iam_member.firestore), values(google_project_iam_member.cloud_sql)) : startswith(r.member, "serviceAccount:${who}@")])])
    error_message = "Who lists no queue and no project has no grant for them, and nobody one for a Cloud SQL that is not there."
  }
  assert {
    condition     = toset([for r in google_project_iam_member.deployer : r.role if startswith(r.member, "serviceAccount:deployer@")]) == toset([for r in ["run.admin", "secretmanager.viewer", "run.sourceDeveloper", "run.builder", "cloudbuild.builds.editor", "serviceusage.serviceUsageConsumer", "logging.logWriter"] : "roles/${r}"])
    error_message = "The deployer deploys, sees which version of a secret is the newest, and owns nothing."
  }
}

run "work" {
  command = plan
  assert {
    condition     = alltrue([for name, q in google_cloud_tasks_queue.work : q.rate_limits[0].max_concurrent_dispatches <= local.deployments[name].concurrency * local.deployments[name].max_instances])
    error_message = "A queue dispatches no more at once than its worker takes."
  }
  assert {
    condition     = alltrue([for q in google_cloud_tasks_queue.work : q.retry_config[0].max_attempts >= 5 && alltrue([for t in [q.retry_config[0].min_backoff, q.retry_config[0].max_backoff, q.retry_config[0].max_retry_duration] : can(regex("^[0-9]+s$", t))])])
    error_message = "Tasks are tried again, and Cloud Tasks reads times in whole seconds, such as 300s."
  }
  assert {
    condition     = alltrue([for j in google_cloud_scheduler_job.schedule : startswith(j.http_target[0].uri, "${j.http_target[0].oidc_token[0].audience}/workers/") && j.http_target[0].http_method == "POST"])
    error_message = "A schedule calls a worker's path with a token for that worker's address."
  }
  assert {
    condition     = alltrue([for j in google_cloud_scheduler_job.schedule : can(regex("^([1-9][5-9]|[2-9][0-9]|1[0-9][0-9]|[2-9][0-9][0-9]|1[0-7][0-9][0-9]|1800)s$", j.attempt_deadline))])
    error_message = "Cloud Scheduler waits 15 to 1800 seconds."
  }
  assert {
    condition     = length(google_cloud_scheduler_job.schedule) == sum([for d in local.deployments : length(try(d.schedules, []))]) && contains(keys(google_cloud_scheduler_job.schedule), "operations-worker-smoke")
    error_message = "Every schedule of a function.yaml is a job, the smoke test among them."
  }
  assert {
    condition     = length(google_cloud_tasks_queue_iam_member.enqueuer) == length([for t in local.tasks : t if contains(keys(local.queued), t.worker)]) && length(google_service_account_iam_member.calls_as) == length(google_cloud_tasks_queue_iam_member.enqueuer)
    error_message = "Who puts tasks on a queue may use that queue, and act as its caller."
  }
}

run "mail" {
  command = plan
  assert {
    condition     = google_pubsub_subscription.gmail.push_config[0].oidc_token[0].audience == "https://api.example.test/api/v1/email/pubsub" && google_pubsub_subscription.gmail.push_config[0].push_endpoint == "https://api.example.test/api/v1/email/pubsub"
    error_message = "Pub/Sub pushes with a token for the address that it pushes to."
  }
  assert {
    condition     = google_pubsub_subscription.gmail.ack_deadline_seconds >= 10 && google_pubsub_subscription.gmail.ack_deadline_seconds <= 600 && google_pubsub_subscription.gmail.dead_letter_policy[0].max_delivery_attempts <= 100
    error_message = "Pub/Sub waits 10 to 600 seconds, and delivers 100 times at most."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.gmail.member == "serviceAccount:gmail-api-push@system.gserviceaccount.com" && google_pubsub_topic_iam_member.dead.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    error_message = "Gmail publishes, and Pub/Sub's own account moves what it cannot deliver."
  }
}

run "edge" {
  command = plan
  assert {
    condition     = toset(keys(google_compute_backend_service.function)) == toset(flatten([for name, d in local.deployments : [name, "${name}-next"] if d.public]))
    error_message = "The public deployments, and no worker, stand behind the address, each with its next revision."
  }
  assert {
    condition     = alltrue([for g in google_compute_region_network_endpoint_group.function : endswith(g.name, "-next") == (g.cloud_run[0].tag == "next")])
    error_message = "next.DOMAIN serves the revisions that are tagged next, and the domain those that have the traffic."
  }
  assert {
    condition     = alltrue([for b in google_compute_backend_service.function : !b.log_config[0].enable])
    error_message = "The load balancer's log would keep queries, and one of them holds a code of Google's."
  }
  assert {
    condition     = toset(google_compute_managed_ssl_certificate.edge.managed[0].domains) == toset(["api.example.test", "next.api.example.test"])
    error_message = "The certificate is for both hosts."
  }
}

run "paths" {
  assert {
    condition = alltrue(flatten([for m in google_compute_url_map.edge.path_matcher : [for name, paths in local.rules :
      [for r in m.path_rule : r.service if toset(r.paths) == toset(paths)] == [google_compute_backend_service.function["${name}${trimprefix(m.name, "functions")}"].id]
    ]]))
    error_message = "Each deployment's paths, under each host, reach its own backend."
  }
  assert {
    condition     = alltrue([for h in google_compute_url_map.edge.host_rule : "functions${startswith(one(h.hosts), "next.") ? "-next" : ""}" == h.path_matcher])
    error_message = "Each host has its own paths."
  }
}

run "firestore" {
  command = plan
  assert {
    condition     = alltrue([for f in google_firestore_field.expiry : f.field == "expire_at" && length(f.ttl_config) == 1])
    error_message = "What has expired is deleted."
  }
}

run "alerts" {
  command = plan
  assert {
    condition     = alltrue([for key, p in merge(google_monitoring_alert_policy.above, google_monitoring_alert_policy.silence) : p.documentation[0].content == "What to do: docs/OPERATIONS.md#${key}" && length(p.notification_channels) == 1])
    error_message = "Every alert reaches somebody and says where to read on."
  }
  assert {
    condition     = alltrue([for key, p in merge(google_monitoring_alert_policy.above, google_monitoring_alert_policy.silence) : key == lower(replace(p.display_name, " ", "-"))])
    error_message = "An alert is found in docs/OPERATIONS.md under its title."
  }
  assert {
    condition = alltrue([for j in google_cloud_scheduler_job.schedule : alltrue([for c in google_monitoring_alert_policy.above["a-schedule-fails"].conditions[0].condition_threshold :
      c.threshold_value < j.retry_config[0].retry_count + 1 || (startswith(j.schedule, "* ") && c.threshold_value < tonumber(trimsuffix(c.aggregations[0].alignment_period, "s")) / 60)
    ])])
    error_message = "A schedule that fails each time is told of the first time, however rarely it comes."
  }
  assert {
    condition     = alltrue(flatten([for p in google_monitoring_alert_policy.above : [for c in p.conditions : alltrue([for t in concat([c.condition_threshold[0].duration], c.condition_threshold[0].aggregations[*].alignment_period) : can(regex("^[0-9]+s$", t)) && tonumber(trimsuffix(t, "s")) % 60 == 0])]]))
    error_message = "Monitoring takes times in whole minutes, written in seconds."
  }
}

run "a_cloud_sql_of_its_own" {
  command = plan
  variables {
    database = { connection_limit = 800, cloud_sql = { tier = "db-custom-2-7680" } }
  }
  assert {
    condition     = length(google_project_iam_member.cloud_sql) == length([for d in local.deployments : d if contains(try(d.secrets, []), "DATABASE_URL")]) && one([for f in google_sql_database_instance.this[0].settings[0].database_flags : f.value]) == "1000"
    error_message = "Who has an address of the database may connect, and the instance takes a quarter more than the functions hold."
  }
  assert {
    condition     = google_sql_database_instance.this[0].deletion_protection && google_sql_database_instance.this[0].settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "It can be restored to any moment, and is not deleted by mistake."
  }
}

run "too_few_connections" {
  command = plan
  variables {
    database = { connection_limit = 50 }
  }
  expect_failures = [google_secret_manager_secret_version.deployments]
}
