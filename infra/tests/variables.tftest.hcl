# What must be refused before anything is made.

mock_provider "google" {}

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

run "wrong" {
  command = plan
  variables {
    project                = "Example Project"
    project_number         = "example"
    region                 = "us-central1-a"
    domain                 = "https://api.example.test"
    environment            = "prod"
    alert_email            = "operators"
    admin_email            = "admin"
    telnyx_public_key      = "MDEy"
    google_oauth_client_id = "1234567890"
    settings               = { JWT_SECRET_KEY = "example" }
    database               = { connection_limit = 0 }
  }
  expect_failures = [var.project, var.project_number, var.region, var.domain, var.environment, var.alert_email, var.admin_email, var.telnyx_public_key, var.google_oauth_client_id, var.settings, var.database]
}

run "a_shared_core" {
  command = plan
  variables {
    database = { connection_limit = 800, cloud_sql = { tier = "db-f1-micro" } }
  }
  expect_failures = [var.database]
}
