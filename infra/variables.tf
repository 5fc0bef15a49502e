variable "project" {
  description = "The Google Cloud project's id."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the project's id, such as example-project: neither its name nor its number."
  }
}

variable "project_number" {
  description = "The project's number, which its workers' addresses and Google's own accounts in it are named after."
  type        = string
  validation {
    condition     = can(regex("^[0-9]{6,}$", var.project_number))
    error_message = "project_number is what this prints: gcloud projects describe PROJECT --format='value(projectNumber)'"
  }
}

variable "region" {
  description = "The region of the functions, queues and schedules: that of the database."
  type        = string
  default     = "us-central1"
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as us-central1, and not a zone."
  }
}

variable "domain" {
  description = "The host of the one HTTPS address. next.DOMAIN serves the revisions that have no traffic yet."
  type        = string
  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a host such as api.example.test, without https:// and without a path."
  }
}

variable "environment" {
  description = "ENVIRONMENT of every function."
  type        = string
  default     = "production"
  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "environment is staging or production."
  }
}

variable "alert_email" {
  description = "Whom alerts are mailed to."
  type        = string
  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+$", var.alert_email))
    error_message = "alert_email is an e-mail address."
  }
}

variable "admin_email" {
  description = "The global admin as whom the smoke test logs in. Its password is the secret admin-password."
  type        = string
  validation {
    condition     = can(regex("^[^@\\s]+@[^@\\s]+$", var.admin_email))
    error_message = "admin_email is an e-mail address."
  }
}

variable "telnyx_public_key" {
  description = "Verifies Telnyx's webhooks: Mission Control, Keys and credentials, Public key. Several, comma separated, while it is changed."
  type        = string
  validation {
    condition     = alltrue([for key in split(",", var.telnyx_public_key) : can(regex("^\\s*[A-Za-z0-9+/]{43}=\\s*$", key))])
    error_message = "telnyx_public_key is 32 bytes in base64, 44 characters that end in =; or several, comma separated."
  }
}

variable "google_oauth_client_id" {
  description = "The OAuth client that tenants' mailboxes and calendars are connected to."
  type        = string
  validation {
    condition     = endswith(var.google_oauth_client_id, ".apps.googleusercontent.com")
    error_message = "google_oauth_client_id ends in .apps.googleusercontent.com."
  }
}

variable "settings" {
  description = "Settings whose default in the code is to be replaced, by the names that the README lists."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for name in keys(var.settings) : contains(["GEMINI_MODEL", "GOOGLE_API_BASE", "JACKRABBIT_BASE_URL", "TELNYX_API_BASE", "TOOLS_FALLBACK_TENANT_ID"], name)])
    error_message = "settings may hold GEMINI_MODEL, GOOGLE_API_BASE, JACKRABBIT_BASE_URL, TELNYX_API_BASE and TOOLS_FALLBACK_TENANT_ID. What is secret is a secret, and the rest has a variable of its own."
  }
}

variable "database" {
  description = <<-EOT
    connection_limit: how many connections the functions may hold, all instances together: what a pooler in transaction mode takes from
    clients, or 0.8 times max_connections without one. cloud_sql: an instance to make; null for a Postgres that is there.
  EOT
  type = object({
    connection_limit = number
    cloud_sql = optional(object({
      tier              = string
      disk_gb           = optional(number, 20)
      highly_available  = optional(bool, true)
      backups_kept_days = optional(number, 30)
    }))
  })
  validation {
    condition     = var.database.connection_limit >= 1 && floor(var.database.connection_limit) == var.database.connection_limit
    error_message = "database.connection_limit is a whole number of connections."
  }
  validation {
    condition     = var.database.cloud_sql == null ? true : can(regex("^db-(custom-[0-9]+-[0-9]+|perf-optimized-N-[0-9]+)$", var.database.cloud_sql.tier))
    error_message = "database.cloud_sql.tier is one such as db-custom-2-7680: shared cores have too few connections."
  }
}
