# Where data are: Firestore for what may be forgotten, and the Postgres, unless there is one.

resource "google_firestore_database" "this" {
  name        = "(default)"
  location_id = var.region
  type        = "FIRESTORE_NATIVE"
  depends_on  = [google_project_service.used]
}

# Everything in Firestore has a time after which it is worth nothing (shared/ephemeral).
resource "google_firestore_field" "expiry" {
  for_each   = toset(["caches", "onces", "throttles"])
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "expire_at"
  ttl_config {}
  index_config {} # nobody asks by it, and an index of times that only grow slows writes down
}

# Functions reach it by the socket /cloudsql/CONNECTION_NAME. Its users' passwords are set by the operator and stand in no state.
resource "google_sql_database_instance" "this" {
  count               = var.database.cloud_sql == null ? 0 : 1
  name                = "chattercheatah"
  region              = var.region
  database_version    = "POSTGRES_17"
  deletion_protection = true
  settings {
    tier                        = var.database.cloud_sql.tier
    edition                     = startswith(var.database.cloud_sql.tier, "db-perf-optimized") ? "ENTERPRISE_PLUS" : "ENTERPRISE"
    availability_type           = var.database.cloud_sql.highly_available ? "REGIONAL" : "ZONAL"
    disk_size                   = var.database.cloud_sql.disk_gb
    disk_autoresize             = true
    deletion_protection_enabled = true
    backup_configuration {
      enabled                        = true
      start_time                     = "08:00"
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = var.database.cloud_sql.backups_kept_days
      }
    }
    ip_configuration {
      ipv4_enabled = true # without an authorized network only the connector's own way in is open
      ssl_mode     = "ENCRYPTED_ONLY"
    }
    database_flags {
      name  = "max_connections"
      value = tostring(ceil(var.database.connection_limit / 0.8))
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_sql_database" "this" {
  count    = var.database.cloud_sql == null ? 0 : 1
  name     = "chattercheatah"
  instance = google_sql_database_instance.this[0].name
}
