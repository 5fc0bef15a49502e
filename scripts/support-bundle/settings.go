package main

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

// settings are those of the README. The names of others are not told: an operator may have named them after a tenant.
var settings = []string{
	"ADMIN_EMAIL", "ADMIN_PASSWORD", "AI_INTEGRATIONS_GEMINI_API_KEY", "API_BASE", "API_BASE_URL",
	"CLOUD_TASKS_EMULATOR_HOST", "CLOUD_TASKS_QUEUE", "CLOUD_TASKS_SERVICE_ACCOUNT", "CLOUD_TASKS_WORKER_URL",
	"DATABASE_CONNECTIONS", "DATABASE_URL", "ENVIRONMENT", "FIELD_ENCRYPTION_KEY", "FIRESTORE_EMULATOR_HOST", "GEMINI_API_KEY", "GEMINI_MODEL", "GMAIL_TOPIC",
	"GOOGLE_API_BASE", "GOOGLE_CLOUD_PROJECT", "GOOGLE_GEMINI_BASE_URL", "GOOGLE_OAUTH_CLIENT_ID", "GOOGLE_OAUTH_CLIENT_SECRET",
	"JACKRABBIT_BASE_URL", "JWT_SECRET_KEY", "OIDC_ISSUER", "OIDC_KEYS_URL", "PGBIN", "PORT", "PUBSUB_EMULATOR_HOST", "PUBSUB_SERVICE_ACCOUNT",
	"TELNYX_API_BASE", "TELNYX_PUBLIC_KEY", "TEST_DATABASE_URL", "TOOLS_FALLBACK_TENANT_ID",
}

// presence tells of each setting whether it is set. The four of Cloud Tasks are there for other workers' queues too.
func presence(env boot.Environment) map[string]string {
	is := map[bool]string{true: "set", false: "missing"}
	told := map[string]string{}
	for _, name := range settings {
		told[name] = is[env[name] != ""]
		for _, worker := range []string{"SMS_", "EMAIL_", "CALL_"} {
			if other := worker + name; strings.HasPrefix(name, "CLOUD_TASKS_") {
				told[other] = is[env[other] != ""]
			}
		}
	}
	return told
}

func environment(env boot.Environment) string {
	value := env["ENVIRONMENT"]
	if !slices.Contains([]string{"", "local", "test", "staging", "production"}, value) {
		return "other"
	}
	return value
}

// tellable are the parameters of a connection string whose values are told, where they look as they should.
var tellable = map[string]*regexp.Regexp{
	"sslmode":                  regexp.MustCompile(`^(disable|allow|prefer|require|verify-ca|verify-full)$`),
	"ssl":                      regexp.MustCompile(`^(disable|allow|prefer|require|verify-ca|verify-full)$`),
	"channel_binding":          regexp.MustCompile(`^(disable|prefer|require)$`),
	"target_session_attrs":     regexp.MustCompile(`^(any|read-write|read-only|primary|standby|prefer-standby)$`),
	"default_query_exec_mode":  regexp.MustCompile(`^(cache_statement|cache_describe|describe_exec|exec|simple_protocol)$`),
	"port":                     regexp.MustCompile(`^[0-9]{1,5}$`),
	"connect_timeout":          regexp.MustCompile(`^[0-9]{1,5}$`),
	"pool_max_conns":           regexp.MustCompile(`^[0-9]{1,5}$`),
	"pool_min_conns":           regexp.MustCompile(`^[0-9]{1,5}$`),
	"pool_max_conn_idle_time":  regexp.MustCompile(`^[0-9]{1,5}(ms|s|m|h)$`),
	"pool_max_conn_lifetime":   regexp.MustCompile(`^[0-9]{1,5}(ms|s|m|h)$`),
	"statement_cache_capacity": regexp.MustCompile(`^[0-9]{1,5}$`),
}

var schemes = []string{"postgres", "postgresql", "postgresql+asyncpg"}

// redacted is a connection string of which the scheme, the port and what tellable tells are left. The host is replaced by what kind of host
// it is: SOCKET, LOCALHOST, ADDRESS or HOST.
func redacted(raw string) string {
	if raw == "" {
		return "missing"
	}
	u, err := url.Parse(raw)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return "not a connection string"
	}
	var b strings.Builder
	b.WriteString(u.Scheme + "://")
	if u.User != nil {
		b.WriteString("USER")
		if _, has := u.User.Password(); has {
			b.WriteString(":PASSWORD")
		}
		b.WriteString("@")
	}
	if u.Host != "" {
		b.WriteString(hostKind(u.Hostname()))
	}
	if tellable["port"].MatchString(u.Port()) {
		b.WriteString(":" + u.Port())
	}
	if strings.Trim(u.Path, "/") != "" {
		b.WriteString("/DATABASE")
	}
	return b.String() + redactedParameters(u.Query())
}

func redactedParameters(given url.Values) string {
	var told []string
	for name, values := range given {
		switch value := values[0]; {
		case tellable[name] != nil && tellable[name].MatchString(value):
			told = append(told, name+"="+value)
		case tellable[name] != nil:
			told = append(told, name+"=REDACTED")
		case name == "host":
			told = append(told, "host="+hostKind(value))
		default:
			told = append(told, "OTHER=REDACTED")
		}
	}
	slices.Sort(told)
	if len(told) == 0 {
		return ""
	}
	return "?" + strings.Join(told, "&")
}

func hostKind(host string) string {
	switch ip := net.ParseIP(host); {
	case strings.HasPrefix(host, "/"):
		return "SOCKET"
	case host == "localhost" || ip.IsLoopback():
		return "LOCALHOST"
	case ip != nil:
		return "ADDRESS"
	default:
		return "HOST"
	}
}
