-- With nothing at work when a plan is kept, Postgres takes the small index of what is at work for all tenants, and reads it whole
-- when much is. Led by the tenant it reads that tenant's share.

-- +goose Up
create unique index replies_at_work on replies (tenant_id, conversation_id) where state in ('claimed', 'sending');
drop index replies_one_at_a_time;

-- +goose Down
create unique index replies_one_at_a_time on replies (conversation_id) where state in ('claimed', 'sending');
drop index replies_at_work;
