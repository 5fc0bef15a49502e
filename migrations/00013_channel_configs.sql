-- How a tenant's calls are routed, and where its classes and bookings are.

-- +goose Up
create table tenant_voice_configs (
    tenant_id             bigint primary key references tenants,
    is_enabled            boolean     not null default false,
    telnyx_phone_number   text        check (telnyx_phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    telnyx_assistant_id   text        unique check (telnyx_assistant_id <> ''),
    tool_secret           bytea,
    transfer_phone_number text        check (transfer_phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    updated_at            timestamptz not null default now(),
    constraint tenant_voice_configs_enabled_needs_number check (not is_enabled or telnyx_phone_number is not null)
);
comment on column tenant_voice_configs.tool_secret is 'sealed, bound to tenant and column; what a tool call of the assistant may carry instead of a signature';
alter table tenant_voice_configs enable row level security;
alter table tenant_voice_configs force row level security;
create policy tenant on tenant_voice_configs to chattercheatah_app
    using (tenant_id = (select current_setting('app.tenant_id')::bigint))
    with check (tenant_id = (select current_setting('app.tenant_id')::bigint));
grant select, insert, update on tenant_voice_configs to chattercheatah_app;
create trigger log_change after insert or update or delete on tenant_voice_configs for each row execute function log_change('tenant_id');

create table tenant_customer_service_configs (
    tenant_id         bigint primary key references tenants,
    jackrabbit_org_id text check (jackrabbit_org_id ~ '^[0-9]{1,12}$'),
    booking_url       text check (booking_url like 'https://%'),
    updated_at        timestamptz not null default now()
);
comment on column tenant_customer_service_configs.booking_url is 'where customers book when the tenant has no calendar';
alter table tenant_customer_service_configs enable row level security;
alter table tenant_customer_service_configs force row level security;
create policy tenant on tenant_customer_service_configs to chattercheatah_app
    using (tenant_id = (select current_setting('app.tenant_id')::bigint))
    with check (tenant_id = (select current_setting('app.tenant_id')::bigint));
grant select, insert, update on tenant_customer_service_configs to chattercheatah_app;
create trigger log_change after insert or update or delete on tenant_customer_service_configs
    for each row execute function log_change('tenant_id');

-- A number belongs to one tenant at most, whatever the table and column that holds it.
-- +goose StatementBegin
create function claim_tenant_numbers() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    delete from tenant_phone_numbers n
     where n.tenant_id = new.tenant_id
       and not exists (select from tenant_sms_configs s
                        where s.tenant_id = n.tenant_id and n.phone_number in (s.telnyx_phone_number, s.twilio_phone_number))
       and not exists (select from tenant_voice_configs v
                        where v.tenant_id = n.tenant_id and n.phone_number = v.telnyx_phone_number);
    insert into tenant_phone_numbers (phone_number, tenant_id)
    select distinct held.number, new.tenant_id
      from (select unnest(array[s.telnyx_phone_number, s.twilio_phone_number]) from tenant_sms_configs s where s.tenant_id = new.tenant_id
            union all
            select v.telnyx_phone_number from tenant_voice_configs v where v.tenant_id = new.tenant_id) held (number)
     where held.number is not null
       and not exists (select from tenant_phone_numbers n where n.phone_number = held.number and n.tenant_id = new.tenant_id);
    return null;
end $$;
-- +goose StatementEnd
drop trigger claim_numbers on tenant_sms_configs;
create trigger claim_numbers after insert or update of telnyx_phone_number, twilio_phone_number on tenant_sms_configs
    for each row execute function claim_tenant_numbers();
create trigger claim_numbers after insert or update of telnyx_phone_number on tenant_voice_configs
    for each row execute function claim_tenant_numbers();
drop function claim_sms_numbers();

-- +goose Down
-- +goose StatementBegin
create function claim_sms_numbers() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    delete from tenant_phone_numbers n
     where n.tenant_id = new.tenant_id
       and n.phone_number is distinct from new.telnyx_phone_number
       and n.phone_number is distinct from new.twilio_phone_number;
    insert into tenant_phone_numbers (phone_number, tenant_id)
    select distinct wanted, new.tenant_id
      from unnest(array[new.telnyx_phone_number, new.twilio_phone_number]) wanted
     where wanted is not null
       and not exists (select from tenant_phone_numbers n where n.phone_number = wanted and n.tenant_id = new.tenant_id);
    return null;
end $$;
-- +goose StatementEnd
drop trigger claim_numbers on tenant_voice_configs;
drop trigger claim_numbers on tenant_sms_configs;
create trigger claim_numbers after insert or update of telnyx_phone_number, twilio_phone_number on tenant_sms_configs
    for each row execute function claim_sms_numbers();
drop function claim_tenant_numbers();
drop table tenant_customer_service_configs;
drop table tenant_voice_configs;
