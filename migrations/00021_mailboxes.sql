-- The Gmail mailbox that a tenant has connected, and how mail to it is to be answered.

-- +goose Up
create table tenant_email_configs (
    tenant_id                     bigint primary key references tenants,
    is_enabled                    boolean     not null default false,
    gmail_email                   text        check (gmail_email like '_%@_%' and gmail_email = lower(gmail_email)),
    gmail_refresh_token           bytea,
    gmail_access_token            bytea,
    gmail_token_expires_at        timestamptz,
    connected_at                  timestamptz,
    enabled_at                    timestamptz,
    grant_failed_at               timestamptz,
    watch_expires_at              timestamptz,
    last_history_id               numeric(20) check (last_history_id >= 0),
    noticed_history_id            numeric(20) not null default 0 check (noticed_history_id >= 0),
    read_due_at                   timestamptz,
    last_read_at                  timestamptz,
    response_signature            text        not null default '' check (length(response_signature) <= 1000),
    business_hours_enabled        boolean     not null default false,
    auto_reply_outside_hours      boolean     not null default true,
    auto_reply_message            text        not null default '' check (length(auto_reply_message) <= 4000),
    max_thread_depth              integer     not null default 10 check (max_thread_depth between 1 and 40),
    answer_mode                   text        not null default 'reply' check (answer_mode in ('reply', 'draft')),
    lead_capture_subject_prefixes text[]      not null default '{"Email Capture from Booking Page", "Get In Touch Form Submission"}'
                                              check (cardinality(lead_capture_subject_prefixes) <= 50),
    escalation_keywords           text[]      not null default '{urgent, complaint, lawyer, legal}' check (cardinality(escalation_keywords) <= 100),
    updated_at                    timestamptz not null default now(),
    constraint tenant_email_configs_whole_mailbox check ((gmail_email is null) = (gmail_refresh_token is null)),
    constraint tenant_email_configs_enabled_needs_mailbox check (not is_enabled or gmail_email is not null)
);
comment on column tenant_email_configs.gmail_refresh_token is 'sealed, bound to tenant and column';
comment on column tenant_email_configs.gmail_access_token is 'sealed, bound to tenant and column; good until gmail_token_expires_at';
comment on column tenant_email_configs.enabled_at is 'mail that came before is left alone';
comment on column tenant_email_configs.grant_failed_at is 'when Google first refused the token; connecting again clears it';
comment on column tenant_email_configs.last_history_id is 'Gmail''s, up to which the mailbox was read; what was listed until then is in emails';
comment on column tenant_email_configs.noticed_history_id is 'the newest that Gmail has announced';
comment on column tenant_email_configs.read_due_at is 'when the mailbox is to be read because something was announced; null when nothing was';
comment on column tenant_email_configs.lead_capture_subject_prefixes is 'mail whose subject begins so is a form: a lead and no answer; none when empty';
create unique index tenant_email_configs_gmail_email on tenant_email_configs (gmail_email);
create index tenant_email_configs_read_due on tenant_email_configs (read_due_at) where read_due_at is not null;
alter table tenant_email_configs enable row level security;
alter table tenant_email_configs force row level security;
create policy tenant on tenant_email_configs to chattercheatah_app
    using (tenant_id = (select current_setting('app.tenant_id')::bigint))
    with check (tenant_id = (select current_setting('app.tenant_id')::bigint));
create policy routing on tenant_email_configs for select to chattercheatah_router using (true);
grant select, insert, update on tenant_email_configs to chattercheatah_app;
grant select (tenant_id, is_enabled, gmail_email, grant_failed_at, watch_expires_at, read_due_at, last_read_at) on tenant_email_configs to chattercheatah_router;
create trigger log_change after insert or update or delete on tenant_email_configs for each row execute function log_change('tenant_id');

-- The active tenant whose mailbox an address is, in any case.
create function route_mailbox(address text) returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return (select c.tenant_id from public.tenant_email_configs c
              join public.tenants t on t.id = c.tenant_id and t.is_active
             where c.gmail_email = lower(address));

-- The account that an address is of, whatever its case and tag; Gmail's own know no dots and have two domains.
create function mail_account(address text) returns text language sql immutable
    return case when lower(address) ~ '@(gmail|googlemail)\.com$'
                then replace(split_part(split_part(lower(address), '@', 1), '+', 1), '.', '') || '@gmail.com'
                else regexp_replace(lower(address), '\+[^@]*@', '@') end;
create index tenant_email_configs_account on tenant_email_configs (mail_account(gmail_email));

-- Whether an address is of a mailbox that some tenant has connected.
create function is_mailbox(address text) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return exists (select from public.tenant_email_configs c where public.mail_account(c.gmail_email) = public.mail_account(address));

-- Whether some tenant's calendar is that of an address: what ends the grant of one ends that of the other.
create policy routing on tenant_calendar_configs for select to chattercheatah_router using (true);
grant select (google_email) on tenant_calendar_configs to chattercheatah_router;
create function is_calendar(address text) returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return exists (select from public.tenant_calendar_configs c where public.mail_account(c.google_email) = public.mail_account(address));

-- +goose StatementBegin
-- Whose mailboxes are to be read: what was announced is overdue, or nothing was for so long that an announcement may have been lost.
create function route_unread_mailboxes(since timestamptz, silent_since timestamptz, at_most integer) returns table (tenant_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select c.tenant_id
      from public.tenant_email_configs c
      join public.tenants t on t.id = c.tenant_id and t.is_active
     where c.is_enabled and c.grant_failed_at is null and (c.read_due_at <= since or coalesce(c.last_read_at, 'epoch') <= silent_since)
     order by coalesce(c.read_due_at, c.last_read_at)
     limit at_most;
end;

-- Whose watch is to be renewed: every one that expires before a time.
create function route_expiring_watches(before timestamptz, at_most integer) returns table (tenant_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select c.tenant_id
      from public.tenant_email_configs c
      join public.tenants t on t.id = c.tenant_id and t.is_active
     where c.is_enabled and c.grant_failed_at is null and coalesce(c.watch_expires_at, 'epoch') <= before
     order by coalesce(c.watch_expires_at, 'epoch')
     limit at_most;
end;

-- The mailboxes that are to be answered and are not: why is grant (Google refuses the token), watch (nothing is announced any more) or unread.
create function route_stopped_mailboxes(read_since timestamptz, at_most integer) returns table (tenant_id bigint, why text)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select s.tenant_id, s.why
      from (select c.tenant_id, case when c.grant_failed_at is not null then 'grant'
                                     when coalesce(c.watch_expires_at, 'epoch') <= now() then 'watch'
                                     when coalesce(c.last_read_at, 'epoch') <= read_since then 'unread' end as why
              from public.tenant_email_configs c
              join public.tenants t on t.id = c.tenant_id and t.is_active
             where c.is_enabled) s
     where s.why is not null
     order by s.tenant_id
     limit at_most;
end;
-- +goose StatementEnd
grant create on schema public to chattercheatah_router;
alter function route_mailbox(text) owner to chattercheatah_router;
alter function is_mailbox(text) owner to chattercheatah_router;
alter function is_calendar(text) owner to chattercheatah_router;
alter function route_unread_mailboxes(timestamptz, timestamptz, integer) owner to chattercheatah_router;
alter function route_expiring_watches(timestamptz, integer) owner to chattercheatah_router;
alter function route_stopped_mailboxes(timestamptz, integer) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function mail_account(text), route_mailbox(text), is_mailbox(text), is_calendar(text), route_unread_mailboxes(timestamptz, timestamptz, integer),
    route_expiring_watches(timestamptz, integer), route_stopped_mailboxes(timestamptz, integer) from public;
grant execute on function mail_account(text) to chattercheatah_app, chattercheatah_router;
grant execute on function route_mailbox(text), is_mailbox(text), is_calendar(text), route_unread_mailboxes(timestamptz, timestamptz, integer),
    route_expiring_watches(timestamptz, integer), route_stopped_mailboxes(timestamptz, integer) to chattercheatah_app;

-- Marks a mailbox whose token Google refuses, unless it has another token by now, and plans the one text that tells the owner.
-- +goose StatementBegin
create function fail_mailbox(tenant bigint, token bytea, words text) returns boolean language plpgsql as $$
declare
    owner_is text;
    talk     bigint;
begin
    update tenant_email_configs c set grant_failed_at = now(), gmail_access_token = null, gmail_token_expires_at = null
     where c.tenant_id = tenant and c.gmail_refresh_token = token and c.grant_failed_at is null;
    if not found then
        return false;
    end if;
    owner_is := (select v.notify_phone_number from tenant_voice_configs v
                   join tenant_sms_configs s on s.tenant_id = tenant and s.is_enabled where v.tenant_id = tenant);
    if owner_is is not null then
        insert into conversations (tenant_id, channel, phone_number) values (tenant, 'sms', owner_is)
            on conflict (tenant_id, channel, phone_number) do update set phone_number = excluded.phone_number
        returning id into talk;
        insert into replies (tenant_id, conversation_id, kind, body, act_at, idempotency_key)
        values (tenant, talk, 'notice', words, now(), 'mailbox-notice:' || gen_random_uuid());
    end if;
    return true;
end $$;
-- +goose StatementEnd
revoke all on function fail_mailbox(bigint, bytea, text) from public;
grant execute on function fail_mailbox(bigint, bytea, text) to chattercheatah_app;

-- +goose Down
drop function fail_mailbox(bigint, bytea, text);
drop function route_stopped_mailboxes(timestamptz, integer);
drop function route_expiring_watches(timestamptz, integer);
drop function route_unread_mailboxes(timestamptz, timestamptz, integer);
drop function is_calendar(text);
revoke select (google_email) on tenant_calendar_configs from chattercheatah_router;
drop policy routing on tenant_calendar_configs;
drop function is_mailbox(text);
drop function route_mailbox(text);
drop table tenant_email_configs;
drop function mail_account(text);
