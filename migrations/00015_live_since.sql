-- What a roll-back goes back to is what was live before, not the number below. Two more questions of the hot path are planned once for a
-- connection. The function of the tenants' register may change tenants and nothing else that is not a tenant's.

-- +goose Up
alter table prompt_bundles add column live_since timestamptz;
comment on column prompt_bundles.live_since is 'when it went into production last; NULL for one that never has, and for one that a roll-back has taken back';
update prompt_bundles b set live_since = case
    when b.status <> 'PRODUCTION' then b.published_at
    else (select max(e.published_at) + interval '1 microsecond' from prompt_bundles e
           where e.tenant_id is not distinct from b.tenant_id and e.channel = b.channel) end -- it may have been published again
 where b.published_at is not null;

-- +goose StatementBegin
create function note_live_since() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.live_since := clock_timestamp(); -- whoever waited for its turn began earlier
    return new;
end $$;
-- +goose StatementEnd
create trigger note_live_again before update on prompt_bundles
    for each row when (new.status = 'PRODUCTION' and old.status <> 'PRODUCTION') execute function note_live_since();
create trigger note_live before insert on prompt_bundles
    for each row when (new.status = 'PRODUCTION') execute function note_live_since();

-- The live bundles in the order of their layers, 0 for one that there is not: every tenant's, every tenant's for the channel, the
-- tenant's own, the tenant's own for the channel.
-- +goose StatementBegin
create function live_prompt(tenant bigint, of_channel text) returns bigint[] language plpgsql stable as $$
begin
    return (select array[coalesce(max(b.id) filter (where b.tenant_id is null and b.channel = 'any'), 0),
                         coalesce(max(b.id) filter (where b.tenant_id is null and b.channel <> 'any'), 0),
                         coalesce(max(b.id) filter (where b.tenant_id is not null and b.channel = 'any'), 0),
                         coalesce(max(b.id) filter (where b.tenant_id is not null and b.channel <> 'any'), 0)]
              from prompt_bundles b
             where b.status = 'PRODUCTION' and (b.tenant_id = tenant or b.tenant_id is null) and b.channel in ('any', of_channel));
end $$;
-- +goose StatementEnd
revoke all on function live_prompt(bigint, text) from public;
grant execute on function live_prompt(bigint, text) to chattercheatah_app;

-- A reply as its worker reads it, whoever has claimed it.
-- +goose StatementBegin
create function read_reply(tenant bigint, reply bigint)
    returns table (id bigint, conversation_id bigint, kind text, state text, fence integer, attempts integer, act_at timestamptz, sending_at timestamptz,
                   body text, token text, phone_number text, due boolean, closed boolean, told_hours boolean) language plpgsql stable as $$
begin
    return query
    select r.id, r.conversation_id, r.kind, r.state, r.fence, r.attempts, r.act_at, coalesce(r.sending_at, 'epoch'), coalesce(r.body, ''), r.token::text,
           c.phone_number, is_due(r.act_at), not (select t.is_active from tenants t where t.id = tenant),
           exists (select from replies o where o.tenant_id = tenant and o.conversation_id = r.conversation_id and o.after_hours
                      and o.sending_at > now() - interval '12 hours')
      from replies r join conversations c on c.tenant_id = tenant and c.id = r.conversation_id
     where r.tenant_id = tenant and r.id = reply;
end $$;
-- +goose StatementEnd
revoke all on function read_reply(bigint, bigint) from public;
grant execute on function read_reply(bigint, bigint) to chattercheatah_app;

-- Counts what is at work as claim_reply does. Whoever is named may be claimed before being named again.
-- +goose StatementBegin
create function next_reply(tenant bigint, share integer) returns bigint language plpgsql as $$
declare
    found_id bigint;
begin
    if share <= (select count(*) from replies where tenant_id = tenant and state = 'claimed' and act_at > now())
              + (select count(*) from replies where tenant_id = tenant and state = 'sending' and act_at > now()) then
        return 0;
    end if;
    update replies set act_at = now() + interval '250 milliseconds'
     where tenant_id = tenant
       and id = (select r.id from replies r
                  where r.tenant_id = tenant and r.state = 'planned' and r.act_at <= now()
                    and not exists (select from replies o
                         where o.tenant_id = tenant and o.conversation_id = r.conversation_id and o.state in ('claimed', 'sending'))
                  order by r.act_at limit 1 for update of r skip locked)
    returning id into found_id;
    return coalesce(found_id, 0);
end $$;
-- +goose StatementEnd
revoke all on function next_reply(bigint, integer) from public;
grant execute on function next_reply(bigint, integer) to chattercheatah_app;

-- +goose StatementBegin
do $$
begin
    if not exists (select from pg_roles where rolname = 'chattercheatah_registrar') then
        create role chattercheatah_registrar nologin;
    end if;
exception when duplicate_object or unique_violation then
    null; -- another database of this cluster is being migrated at the same moment
end $$;
-- +goose StatementEnd
-- +goose StatementBegin
do $$
begin
    grant chattercheatah_registrar to chattercheatah_admin;
    revoke chattercheatah_operator from chattercheatah_admin;
exception when unique_violation or internal_error then
    null; -- as above
end $$;
-- +goose StatementEnd
grant usage on schema public to chattercheatah_registrar;
grant select, insert on tenants to chattercheatah_registrar;
grant update (name, subdomain, is_active, updated_at) on tenants to chattercheatah_registrar;
grant select, insert on audit_log to chattercheatah_registrar;
create policy registrar on tenants to chattercheatah_registrar using (true) with check (true);
create policy registrar on audit_log to chattercheatah_registrar using (true) with check (true);

-- Who changes their own row changes their password there, and nothing that says what they may do.
-- +goose StatementBegin
create function keep_own_rights() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    raise exception 'nobody changes their own rights' using errcode = '42501';
end $$;
-- +goose StatementEnd
create trigger keep_own_rights before update on users
    for each row when (nullif(current_setting('app.user_id', true), '') is not null
                       and (new.email, new.role, new.is_active) is distinct from (old.email, old.role, old.is_active))
    execute function keep_own_rights();

-- +goose Down
drop trigger keep_own_rights on users;
drop function keep_own_rights();
drop policy registrar on audit_log;
drop policy registrar on tenants;
revoke select, insert on audit_log from chattercheatah_registrar;
revoke select, insert on tenants from chattercheatah_registrar;
revoke update (name, subdomain, is_active, updated_at) on tenants from chattercheatah_registrar;
revoke usage on schema public from chattercheatah_registrar;
-- Who is a member of what belongs to the whole cluster and stays: admin-tenants of before needs
-- grant chattercheatah_operator to chattercheatah_admin.
drop function next_reply(bigint, integer);
drop function read_reply(bigint, bigint);
drop function live_prompt(bigint, text);
drop trigger note_live on prompt_bundles;
drop trigger note_live_again on prompt_bundles;
drop function note_live_since();
alter table prompt_bundles drop column live_since;
