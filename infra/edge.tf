# The one HTTPS address: a load balancer with a path for each public deployment, and the same under next.DOMAIN for the revisions that are
# tagged next and have no traffic yet.

locals {
  # A URL map takes * at the end alone: a path is cut at its first parameter. Every path answers with /api/v1 in front, and without.
  rules = { for name, d in local.public : name => distinct(flatten([for p in [for path in d.paths : replace(path, "/\\{.*$/", "*")] : [p, "/api/v1${p}"]])) }

  # Where what no rule names goes: /health and /openapi.json, which every deployment answers the same, and 404 for the rest.
  otherwise = "users"

  backends = merge([for name in keys(local.public) : {
    "${name}"      = { deployment = name, tag = null }
    "${name}-next" = { deployment = name, tag = "next" }
  }]...)
  hosts = { "" = var.domain, "-next" = "next.${var.domain}" }
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each              = local.backends
  name                  = each.key
  region                = var.region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = each.value.deployment
    tag     = each.value.tag
  }
  depends_on = [google_project_service.used]
}

resource "google_compute_backend_service" "function" {
  for_each              = google_compute_region_network_endpoint_group.function
  name                  = each.key
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.edge.id
  backend {
    group = each.value.id
  }
  log_config {
    enable = false # a function writes its own line, without the query, which may hold a code of Google's
  }
}

resource "google_compute_url_map" "edge" {
  name            = "chattercheatah"
  default_service = google_compute_backend_service.function[local.otherwise].id
  dynamic "host_rule" {
    for_each = local.hosts
    content {
      hosts        = [host_rule.value]
      path_matcher = "functions${host_rule.key}"
    }
  }
  dynamic "path_matcher" {
    for_each = local.hosts
    content {
      name            = "functions${path_matcher.key}"
      default_service = google_compute_backend_service.function["${local.otherwise}${path_matcher.key}"].id
      dynamic "path_rule" {
        for_each = local.rules
        content {
          paths   = path_rule.value
          service = google_compute_backend_service.function["${path_rule.key}${path_matcher.key}"].id
        }
      }
    }
  }
  # Google checks these before it takes the map.
  dynamic "test" {
    for_each = local.public
    content {
      host    = var.domain
      path    = "/api/v1${replace(test.value.paths[0], "/\\{[^}]*\\}/", "1")}"
      service = google_compute_backend_service.function[test.key].id
    }
  }
}

resource "google_compute_global_address" "edge" {
  name       = "chattercheatah"
  depends_on = [google_project_service.used]
}

resource "google_compute_managed_ssl_certificate" "edge" {
  name = "chattercheatah"
  managed {
    domains = values(local.hosts)
  }
  depends_on = [google_project_service.used]
}

resource "google_compute_ssl_policy" "edge" {
  name            = "chattercheatah"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.used]
}

resource "google_compute_target_https_proxy" "edge" {
  name             = "chattercheatah"
  url_map          = google_compute_url_map.edge.id
  ssl_certificates = [google_compute_managed_ssl_certificate.edge.id]
  ssl_policy       = google_compute_ssl_policy.edge.id
}

resource "google_compute_global_forwarding_rule" "edge" {
  name                  = "chattercheatah"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.edge.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.edge.id
}

# Plain HTTP is sent to HTTPS.
resource "google_compute_url_map" "redirect" {
  name = "chattercheatah-redirect"
  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
    strip_query            = false
  }
  depends_on = [google_project_service.used]
}

resource "google_compute_target_http_proxy" "redirect" {
  name    = "chattercheatah-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  name                  = "chattercheatah-redirect"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.edge.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect.id
}

# Per address. Telnyx and Google each deliver from few: their share is far above what the queues work off, 200 texts a second among them.
# A log-in is a person's.
resource "google_compute_security_policy" "edge" {
  name = "chattercheatah"
  rule {
    priority = 1000
    action   = "throttle"
    match {
      expr {
        expression = "request.path.matches('^(/api/v1)?/auth/')"
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 60
        interval_sec = 60
      }
    }
  }
  rule {
    priority = 2000
    action   = "throttle"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = 30000
        interval_sec = 60
      }
    }
  }
  rule {
    priority = 2147483647
    action   = "allow"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
  depends_on = [google_project_service.used]
}
