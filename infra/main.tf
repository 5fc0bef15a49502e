# Everything on Google Cloud but the functions' revisions, which scripts/deploy makes. What is deployed, and how, stands in
# functions/*/function.yaml: deployments.tf reads it, and no list of it is written here. docs/OPERATIONS.md says how this is applied.

terraform {
  required_version = ">= 1.11"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.0"
    }
  }
  backend "gcs" {
    prefix = "chattercheatah"
  }
}

provider "google" {
  project = var.project
  region  = var.region
}

# A service has to be on before anything of its kind is made: whatever refers to nothing else waits for these.
resource "google_project_service" "used" {
  for_each = toset([
    "artifactregistry", "calendar-json", "cloudbuild", "cloudscheduler", "cloudtasks", "compute", "firestore", "gmail", "iam", "logging",
    "monitoring", "pubsub", "run", "secretmanager", "sqladmin",
  ])
  project            = var.project
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
