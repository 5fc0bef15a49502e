-- How a tenant's texts are routed and answered.

-- +goose Up
create table tenant_sms_configs (
    tenant_id                   bigint primary key references tenants,
    is_enabled                  boolean     not null default false,
    telnyx_phone_number         text        check (telnyx_phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    telnyx_api_key              bytea,
    telnyx_messaging_profile_id text,
    telnyx_public_key           text        check (telnyx_public_key <> ''),
    twilio_phone_number         text        check (twilio_phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    twilio_account_sid          text        check (twilio_account_sid <> ''),
    twilio_auth_token           bytea,
    auto_reply_enabled          boolean     not null default false,
    auto_reply_message          text        not null default '' check (length(auto_reply_message) <= 640),
    business_hours_enabled      boolean     not null default false,
    timezone                    text        not null default 'America/Chicago',
    business_hours              jsonb       not null default '{}' check (jsonb_typeof(business_hours) = 'object'),
    reply_wait_ms               integer     not null default 3000 check (reply_wait_ms between 0 and 60000),
    answered_by_assistant       boolean     not null default false,
    updated_at                  timestamptz not null default now(),
    constraint tenant_sms_configs_enabled_needs_number check (not is_enabled or telnyx_phone_number is not null)
);
comment on column tenant_sms_configs.telnyx_api_key is 'sealed, bound to tenant and column';
comment on column tenant_sms_configs.twilio_auth_token is 'sealed, bound to tenant and column';
comment on column tenant_sms_configs.reply_wait_ms is 'how long an answer waits for more texts';
comment on column tenant_sms_configs.answered_by_assistant is 'the number is answered by its Telnyx assistant; we record only';
create index tenant_sms_configs_twilio_account on tenant_sms_configs (twilio_account_sid);
alter table tenant_sms_configs enable row level security;
alter table tenant_sms_configs force row level security;
create policy tenant on tenant_sms_configs to chattercheatah_app
    using (tenant_id = (select current_setting('app.tenant_id')::bigint))
    with check (tenant_id = (select current_setting('app.tenant_id')::bigint));
create policy routing on tenant_sms_configs for select to chattercheatah_router using (true);
grant select, insert, update on tenant_sms_configs to chattercheatah_app;
grant select (tenant_id, twilio_account_sid) on tenant_sms_configs to chattercheatah_router;

create table tenant_phone_numbers (
    phone_number text primary key check (phone_number ~ '^\+[1-9][0-9]{6,14}$'),
    tenant_id    bigint not null references tenants
);
comment on table tenant_phone_numbers is 'every number of every tenant, kept by trigger: a number belongs to one tenant at most, whatever the column';
create index tenant_phone_numbers_tenant on tenant_phone_numbers (tenant_id);
alter table tenant_phone_numbers enable row level security;
alter table tenant_phone_numbers force row level security;
create policy tenant on tenant_phone_numbers to chattercheatah_app
    using (tenant_id = (select current_setting('app.tenant_id')::bigint))
    with check (tenant_id = (select current_setting('app.tenant_id')::bigint));
create policy routing on tenant_phone_numbers for select to chattercheatah_router using (true);
grant select, insert, delete on tenant_phone_numbers to chattercheatah_app;
grant select on tenant_phone_numbers to chattercheatah_router;

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
create trigger claim_numbers after insert or update of telnyx_phone_number, twilio_phone_number on tenant_sms_configs
    for each row execute function claim_sms_numbers();

create function route_phone_number(number text) returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return (select n.tenant_id from public.tenant_phone_numbers n
              join public.tenants t on t.id = n.tenant_id and t.is_active
             where n.phone_number = number);

-- NULL when several tenants share the account: then only the number can tell.
create function route_twilio_account(account text) returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return (select min(c.tenant_id) from public.tenant_sms_configs c
              join public.tenants t on t.id = c.tenant_id and t.is_active
             where c.twilio_account_sid = account having count(*) = 1);

grant create on schema public to chattercheatah_router;
alter function route_phone_number(text) owner to chattercheatah_router;
alter function route_twilio_account(text) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function route_phone_number(text), route_twilio_account(text) from public;
grant execute on function route_phone_number(text), route_twilio_account(text) to chattercheatah_app;

-- +goose Down
drop function route_twilio_account(text);
drop function route_phone_number(text);
drop table tenant_phone_numbers;
drop table tenant_sms_configs;
drop function claim_sms_numbers();
