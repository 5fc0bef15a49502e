# make alone prints the targets.
.DEFAULT_GOAL := help
.PHONY: help run demo demo-call demo-email text smoke onboard support-bundle test drill crash stage deploy release rollback bench profile cost schema routes

TO   ?= +15555550142
TEXT ?= Are you open on Saturday?
FN   ?= all
FILE ?= scripts/onboard/example.yaml

# Where smoke and onboard go, and as whom, unless the environment says otherwise: to make run.
OPERATOR = API_BASE="$${API_BASE:-http://localhost:$${PORT:-8080}/api/v1}" \
	ADMIN_EMAIL="$${ADMIN_EMAIL:-admin@chattercheatah.com}" ADMIN_PASSWORD="$${ADMIN_PASSWORD:-admin123}"

# Built as deployed programs are, so that what the tests build is compiled once.
AS_DEPLOYED = GOFLAGS=-trimpath CGO_ENABLED=0

# FN where it must be said and not taken for granted.
NAMED = $(if $(filter file,$(origin FN)),$(error say which function: FN=telnyx-sms, or FN=all),$(FN))

help: ## print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## start the whole system at http://localhost:8080 (PORT changes it); Ctrl-C stops it
	@go build -o bin/dev ./scripts/dev && exec bin/dev run

demo: ## beside make run: text both demo tenants the same question and show both answers
	@go run ./scripts/dev demo

demo-call: ## beside make run: call a demo tenant, and show the call from its first ring to what is kept of it
	@$(OPERATOR) go run ./scripts/dev demo-call

demo-email: ## beside make run: connect the mailboxes of both demo tenants, write to both, and show the threads
	@$(OPERATOR) go run ./scripts/dev demo-email

text: ## beside make run: text one number, TO=+15555550142 TEXT="..."
	@go run ./scripts/dev text "$(TO)" "$(TEXT)"

smoke: ## prove that no tenant sees another, beside make run or at API_BASE=https://.../api/v1
	@$(OPERATOR) go run ./scripts/smoke

onboard: ## make a tenant of a file, beside make run or at API_BASE, FILE=scripts/onboard/example.yaml
	@$(OPERATOR) go run ./scripts/onboard $(FILE)

support-bundle: ## print what may be shared of the system at DATABASE_URL, for a support ticket
	@go run ./scripts/support-bundle

test: ## vet, and run all tests on a Postgres that this starts by itself
	@$(AS_DEPLOYED) go run ./scripts/dev test

drill: ## have each thing that the system stands on fail for thirty seconds, or DRILL=postgres-away; count what is lost or sent twice (twenty minutes)
	@$(AS_DEPLOYED) go run ./scripts/dev drill $(DRILL)

crash: ## kill the system at every named point, many times; count what is lost or sent twice
	@go run ./scripts/dev crash

stage: ## write what is uploaded to deploy a function, FN=telnyx-sms, to staged/
	@go run ./scripts/stage $(FN)

deploy: ## stage a function and give it all traffic at once, without touching another: FN=telnyx-sms, or FN=all
	@go run ./scripts/stage $(NAMED)
	@go build -o bin/deploy ./scripts/deploy && exec bin/deploy $(NAMED)

release: ## smoke what was deployed without traffic, then give it the traffic in steps, and take it back when a smoke test fails
	@go build -o bin/deploy ./scripts/deploy && bin/deploy smoke && exec bin/deploy release

rollback: ## give the traffic back to what served before the last release: FN=telnyx-sms, several in quotes, or FN=all
	@go build -o bin/deploy ./scripts/deploy && exec bin/deploy rollback $(NAMED)

bench: ## measure everything that docs/benchmarks.md claims, and write it (twenty minutes)
	@go run ./scripts/bench

profile: ## show where a text and an answer spend processor time and memory
	@go run ./scripts/dev profile

cost: ## work docs/cost.md out from what was measured and the price list
	@go run ./scripts/cost

schema: ## write migrations/schema.sql anew
	@go run ./scripts/dev test ./migrations -run TestSchema -update

routes: ## write the golden route table and the description of the API anew
	@go run ./scripts/dev test ./scripts/dev -run 'TestRoutes|TestOpenAPI_Is' -update
