-- What the support bundle tells of the tenants: counts, codes and ages. The role that reads it sees no column that holds a word of anybody's,
-- an address, a number or a credential, and the operator gets of what it sees the sums alone.

-- +goose Up
-- +goose StatementBegin
do $$
begin
    if not exists (select from pg_roles where rolname = 'chattercheatah_support') then
        create role chattercheatah_support nosuperuser nocreatedb nocreaterole nobypassrls nologin;
    end if;
exception when duplicate_object or unique_violation then
    null; -- another database of this cluster is being migrated at the same moment
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$
begin
    execute format('grant chattercheatah_support to %I', current_user); -- who gives it what follows
exception when unique_violation or invalid_grant_operation or internal_error then
    null; -- as above, or the superuser that needs no membership
end $$;
-- +goose StatementEnd
grant usage on schema public to chattercheatah_support;

-- +goose StatementBegin
do $$
declare
    readable constant jsonb := '{
        "tenants": "id, is_active",
        "tenant_phone_numbers": "tenant_id",
        "tenant_sms_configs": "tenant_id, is_enabled",
        "tenant_voice_configs": "tenant_id, is_enabled",
        "tenant_email_configs": "tenant_id, is_enabled, connected_at, grant_failed_at, watch_expires_at, read_due_at, last_read_at",
        "tenant_calendar_configs": "tenant_id, is_enabled, grant_failed_at",
        "prompt_bundles": "tenant_id, channel, status",
        "users": "tenant_id, role, is_active",
        "leads": "tenant_id, status, source, created_at",
        "conversations": "tenant_id, channel, handled_by, needs_attention_reason, needs_attention_at, last_message_at",
        "replies": "tenant_id, channel, state, reason, act_at, created_at, accepted_at, settled_at",
        "emails": "tenant_id, state, outcome, reason, act_at, noticed_at",
        "calls": "tenant_id, channel, status, started_at, finish_at, finished_at",
        "bookings": "tenant_id, state, reason, act_at, created_at"}';
    wanted text;
begin
    for wanted in select jsonb_object_keys(readable) loop
        execute format('grant select (%s) on %I to chattercheatah_support', readable ->> wanted, wanted);
        execute format('create policy support on %I for select to chattercheatah_support using (true)', wanted);
    end loop;
end $$;

-- A reason as it may be told: itself where it is a code or two, such as undelivered: 40300, else other.
create function plain_code(reason text) returns text language sql immutable
    return case when reason is null or reason ~ '^([a-z]+(_[a-z]+)*|[0-9]{3,6})(: ([a-z]+(_[a-z]+)*|[0-9]{3,6}))?$' and length(reason) <= 60 then reason else 'other' end;

-- Seconds since a moment; negative for one to come.
create function age_seconds(moment timestamptz) returns bigint language sql stable
    return extract(epoch from now() - moment)::bigint;

-- One array, an object for each tenant, oldest first. A tenant is told by its place in it: 1001, 1002 and so on.
create function support_tenants() returns jsonb language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    with counted as (
        select 'replies' as kind, x.tenant_id, jsonb_build_object('channel', x.channel, 'state', x.state, 'reason', public.plain_code(x.reason), 'count', count(*),
               'oldest_age_seconds', public.age_seconds(min(x.created_at)), 'newest_age_seconds', public.age_seconds(max(x.created_at))) as line
          from public.replies x group by x.tenant_id, x.channel, x.state, public.plain_code(x.reason)
        union all
        select 'emails', x.tenant_id, jsonb_build_object('state', x.state, 'outcome', x.outcome, 'reason', public.plain_code(x.reason), 'count', count(*),
               'oldest_age_seconds', public.age_seconds(min(x.noticed_at)), 'newest_age_seconds', public.age_seconds(max(x.noticed_at)))
          from public.emails x group by x.tenant_id, x.state, x.outcome, public.plain_code(x.reason)
        union all
        select 'calls', x.tenant_id, jsonb_build_object('channel', x.channel, 'status', x.status, 'finished', x.finished_at is not null, 'count', count(*),
               'oldest_age_seconds', public.age_seconds(min(x.started_at)), 'newest_age_seconds', public.age_seconds(max(x.started_at)))
          from public.calls x group by x.tenant_id, x.channel, x.status, x.finished_at is not null
        union all
        select 'bookings', x.tenant_id, jsonb_build_object('state', x.state, 'reason', public.plain_code(x.reason), 'count', count(*),
               'oldest_age_seconds', public.age_seconds(min(x.created_at)), 'newest_age_seconds', public.age_seconds(max(x.created_at)))
          from public.bookings x group by x.tenant_id, x.state, public.plain_code(x.reason)
        union all
        select 'conversations', x.tenant_id, jsonb_build_object('channel', x.channel, 'handled_by', x.handled_by, 'attention', public.plain_code(x.needs_attention_reason),
               'count', count(*), 'newest_age_seconds', public.age_seconds(max(x.last_message_at)))
          from public.conversations x group by x.tenant_id, x.channel, x.handled_by, public.plain_code(x.needs_attention_reason)
        union all
        select 'leads', x.tenant_id, jsonb_build_object('status', x.status, 'source', x.source, 'count', count(*), 'newest_age_seconds', public.age_seconds(max(x.created_at)))
          from public.leads x group by x.tenant_id, x.status, x.source
        union all
        select 'people', x.tenant_id, jsonb_build_object('role', x.role, 'active', x.is_active, 'count', count(*)) from public.users x group by x.tenant_id, x.role, x.is_active
        union all
        select 'prompts', x.tenant_id, jsonb_build_object('channel', x.channel, 'status', x.status, 'count', count(*)) from public.prompt_bundles x group by x.tenant_id, x.channel, x.status
    ), grouped as (
        select l.tenant_id, jsonb_object_agg(l.kind, l.lines) as counts
          from (select c.tenant_id, c.kind, jsonb_agg(c.line order by c.line) as lines from counted c where c.tenant_id is not null group by c.tenant_id, c.kind) l group by l.tenant_id
    ), overdue as (
        select o.tenant_id, jsonb_object_agg(o.kind, o.seconds) as seconds
          from (select 'replies' as kind, x.tenant_id, public.age_seconds(min(x.act_at)) as seconds from public.replies x
                 where x.accepted_at is null and x.settled_at is null and x.act_at <= now() group by x.tenant_id
                union all
                select 'emails', x.tenant_id, public.age_seconds(min(x.act_at)) from public.emails x where x.state = 'noticed' and x.act_at <= now() group by x.tenant_id
                union all
                select 'calls', x.tenant_id, public.age_seconds(min(x.finish_at)) from public.calls x where x.finish_at <= now() group by x.tenant_id
                union all
                select 'bookings', x.tenant_id, public.age_seconds(min(x.act_at)) from public.bookings x
                 where x.state in ('held', 'inserting') and x.act_at <= now() group by x.tenant_id) o
         group by o.tenant_id
    )
    select coalesce(jsonb_agg(jsonb_build_object('tenant', 1000 + t.nth, 'active', t.is_active,
               'sms', jsonb_build_object('configured', s.tenant_id is not null, 'enabled', coalesce(s.is_enabled, false)),
               'numbers', (select count(*) from public.tenant_phone_numbers n where n.tenant_id = t.id),
               'voice', jsonb_build_object('configured', v.tenant_id is not null, 'enabled', coalesce(v.is_enabled, false)),
               'email', jsonb_build_object('configured', e.connected_at is not null, 'enabled', coalesce(e.is_enabled, false),
                   'grant_failed_age_seconds', public.age_seconds(e.grant_failed_at), 'watch_expiry_age_seconds', public.age_seconds(e.watch_expires_at),
                   'read_due_age_seconds', public.age_seconds(e.read_due_at), 'last_read_age_seconds', public.age_seconds(e.last_read_at)),
               'calendar', jsonb_build_object('configured', k.tenant_id is not null, 'enabled', coalesce(k.is_enabled, false),
                   'grant_failed_age_seconds', public.age_seconds(k.grant_failed_at)),
               'last_activity_age_seconds', public.age_seconds(greatest((select max(x.last_message_at) from public.conversations x where x.tenant_id = t.id),
                   (select max(x.started_at) from public.calls x where x.tenant_id = t.id))),
               'oldest_overdue_seconds', coalesce(o.seconds, '{}'), 'counts', coalesce(g.counts, '{}')) order by t.nth), '[]')
      from (select x.id, x.is_active, row_number() over (order by x.id) as nth from public.tenants x) t
      left join public.tenant_sms_configs s on s.tenant_id = t.id
      left join public.tenant_voice_configs v on v.tenant_id = t.id
      left join public.tenant_email_configs e on e.tenant_id = t.id
      left join public.tenant_calendar_configs k on k.tenant_id = t.id
      left join grouped g on g.tenant_id = t.id
      left join overdue o on o.tenant_id = t.id;
end;

-- What waits to be done, of all tenants: how much, and for how long.
create function support_backlog() returns jsonb language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select coalesce(jsonb_object_agg(b.what, jsonb_build_object('count', b.n, 'oldest_overdue_seconds', public.age_seconds(b.since))), '{}')
      from (select 'replies_' || x.channel || '_due' as what, count(*) as n, min(x.act_at) as since from public.replies x
             where x.accepted_at is null and x.settled_at is null and x.act_at <= now() group by x.channel
            union all
            select 'replies_' || x.channel || '_unknown', count(*), min(x.act_at) from public.replies x where x.state = 'unknown' group by x.channel
            union all
            select 'emails_due', count(*), min(x.act_at) from public.emails x where x.state = 'noticed' and x.act_at <= now() having count(*) > 0
            union all
            select 'calls_due', count(*), min(x.finish_at) from public.calls x where x.finish_at <= now() having count(*) > 0
            union all
            select 'bookings_due', count(*), min(x.act_at) from public.bookings x where x.state in ('held', 'inserting') and x.act_at <= now() having count(*) > 0
            union all
            select 'mailboxes_unread', count(*), min(x.read_due_at) from public.tenant_email_configs x where x.is_enabled and x.read_due_at <= now() having count(*) > 0
            union all
            select 'watches_expired', count(*), min(x.watch_expires_at) from public.tenant_email_configs x where x.is_enabled and x.watch_expires_at <= now() having count(*) > 0
            union all
            select 'grants_refused', count(*), min(x.grant_failed_at) from public.tenant_email_configs x where x.grant_failed_at is not null having count(*) > 0) b;
end;
-- +goose StatementEnd

grant create on schema public to chattercheatah_support;
alter function support_tenants() owner to chattercheatah_support;
alter function support_backlog() owner to chattercheatah_support;
revoke create on schema public from chattercheatah_support;
revoke all on function support_tenants(), support_backlog(), plain_code(text), age_seconds(timestamptz) from public;
grant execute on function plain_code(text), age_seconds(timestamptz) to chattercheatah_support;
grant execute on function support_tenants(), support_backlog() to chattercheatah_operator;

-- +goose Down
drop function support_backlog();
drop function support_tenants();
drop function age_seconds(timestamptz);
drop function plain_code(text);
-- +goose StatementBegin
do $$
declare
    wanted record;
begin
    for wanted in select tablename from pg_policies where schemaname = 'public' and policyname = 'support' loop
        execute format('drop policy support on %I', wanted.tablename);
    end loop;
    for wanted in select table_name, string_agg(column_name, ', ') as columns from information_schema.column_privileges
                   where table_schema = 'public' and grantee = 'chattercheatah_support' group by table_name loop
        execute format('revoke select (%s) on %I from chattercheatah_support', wanted.columns, wanted.table_name);
    end loop;
end $$;
-- +goose StatementEnd
revoke usage on schema public from chattercheatah_support;
