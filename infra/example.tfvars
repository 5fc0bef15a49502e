project                = "example-project"
project_number         = "123456789012"
region                 = "us-central1"
domain                 = "api.example.test"
environment            = "production"
alert_email            = "operators@example.test"
admin_email            = "admin@chattercheatah.com"
telnyx_public_key      = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
google_oauth_client_id = "1234567890-example.apps.googleusercontent.com"

# A Postgres that is there, behind a pooler in transaction mode that takes 800 clients. Or let Terraform make one:
#   database = { connection_limit = 800, cloud_sql = { tier = "db-custom-2-7680" } }
database = { connection_limit = 800 }
