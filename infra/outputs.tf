output "address" {
  description = "What the A records of the domain and of next.DOMAIN are to hold."
  value       = google_compute_global_address.edge.address
}

output "secrets_to_fill" {
  description = "The secrets whose values the operator adds."
  value       = sort(keys(google_secret_manager_secret.setting))
}

output "cloud_sql_instance" {
  description = "The connection name of the Cloud SQL instance; empty for another Postgres."
  value       = try(google_sql_database_instance.this[0].connection_name, "")
}

output "paths" {
  description = "Which paths of the address reach which deployment."
  value       = local.rules
}

output "alerts" {
  description = "The sections of docs/OPERATIONS.md that alerts name."
  value       = sort(concat(keys(local.alerts), keys(local.silence)))
}
