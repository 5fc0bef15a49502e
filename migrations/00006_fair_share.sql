-- No tenant's rush may slow the others: the claim counts what of a tenant is at work, and the sweeper takes a few of each.
-- And a tenant's conversations can be listed, newest first, without sorting them.

-- +goose Up
create index replies_at_work on replies (tenant_id) where state in ('claimed', 'sending');
create index conversations_newest on conversations (tenant_id, last_message_at desc, id desc);

drop function route_overdue_replies(timestamptz, integer);
-- +goose StatementBegin
create function route_overdue_replies(since timestamptz, at_most integer, of_each integer)
    returns table (tenant_id bigint, reply_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select o.tenant_id, o.id
      from (select r.tenant_id, r.id, r.act_at, row_number() over (partition by r.tenant_id order by r.act_at) as nth
              from public.replies r
              join public.tenants t on t.id = r.tenant_id and t.is_active
             where r.state in ('planned', 'claimed', 'sending', 'unknown') and r.act_at <= since) o
     where o.nth <= of_each
     order by o.act_at
     limit at_most;
end;
-- +goose StatementEnd
grant create on schema public to chattercheatah_router;
alter function route_overdue_replies(timestamptz, integer, integer) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function route_overdue_replies(timestamptz, integer, integer) from public;
grant execute on function route_overdue_replies(timestamptz, integer, integer) to chattercheatah_app;

-- A claim may be a little early: the queue's clock and the database's are not the same.
create function is_due(act_at timestamptz) returns boolean language sql stable
    return act_at <= now() + interval '250 milliseconds';

-- As record_text, planned once for a connection.
-- +goose StatementBegin
create function claim_reply(tenant bigint, reply bigint, lease interval, share integer) returns boolean language plpgsql as $$
begin
    -- A worker that died in flight leaves the unknown; what a takeover or a switched-off channel has made pointless ends here.
    update replies r
       set state = case when r.state = 'sending' then 'unknown' else 'suppressed' end,
           reason = case when r.state = 'sending' then 'worker_lost' when c.handled_by = 'human' then 'human_takeover' else 'texting_disabled' end,
           settled_at = case when r.state = 'sending' then null else now() end
      from conversations c, tenant_sms_configs s
     where r.tenant_id = tenant and r.id = reply and c.tenant_id = tenant and c.id = r.conversation_id and s.tenant_id = tenant
       and (r.state = 'sending' and r.act_at <= now()
            or r.state in ('planned', 'claimed') and is_due(r.act_at) and (c.handled_by = 'human' and r.kind = 'answer' or not s.is_enabled));

    update replies r
       set state = 'claimed', fence = fence + 1, attempts = attempts + 1, act_at = now() + lease
     where r.tenant_id = tenant and r.id = reply
       and (r.state = 'planned' and is_due(r.act_at) or r.state = 'claimed' and r.act_at <= now())
       and exists (select from tenants t where t.id = tenant and t.is_active)
       and not exists (select from replies o where o.tenant_id = tenant and o.conversation_id = r.conversation_id and o.id <> r.id
                          and o.state in ('claimed', 'sending'))
       and share > (select count(*) from (select from replies o
                     where o.tenant_id = tenant and o.state in ('claimed', 'sending') and o.act_at > now() limit share) at_work);
    return found;
end $$;
-- +goose StatementEnd
revoke all on function claim_reply(bigint, bigint, interval, integer) from public;
grant execute on function claim_reply(bigint, bigint, interval, integer) to chattercheatah_app;

-- +goose StatementBegin
create function reply_history(tenant bigint, reply bigint, at_most integer)
    returns table (from_customer boolean, words text, pictures integer, at timestamptz) language plpgsql stable as $$
begin
    return query
    select latest.role = 'user', latest.content, latest.media_count, latest.occurred_at
      from (select m.id, m.role, m.content, m.media_count, m.occurred_at
              from conversations c join messages m on m.conversation_id = c.id
             where c.tenant_id = tenant and c.id = (select r.conversation_id from replies r where r.tenant_id = tenant and r.id = reply)
             order by m.occurred_at desc, m.id desc limit at_most) latest
     order by latest.occurred_at, latest.id;
end $$;
-- +goose StatementEnd
revoke all on function reply_history(bigint, bigint, integer) from public;
grant execute on function reply_history(bigint, bigint, integer) to chattercheatah_app;

-- +goose Down
drop function reply_history(bigint, bigint, integer);
drop function claim_reply(bigint, bigint, interval, integer);
drop function is_due(timestamptz);
drop function route_overdue_replies(timestamptz, integer, integer);
-- +goose StatementBegin
create function route_overdue_replies(since timestamptz, at_most integer)
    returns table (tenant_id bigint, reply_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp
begin atomic
    select r.tenant_id, r.id
      from public.replies r
      join public.tenants t on t.id = r.tenant_id and t.is_active
     where r.state in ('planned', 'claimed', 'sending', 'unknown') and r.act_at <= since
     order by r.act_at
     limit at_most;
end;
-- +goose StatementEnd
grant create on schema public to chattercheatah_router;
alter function route_overdue_replies(timestamptz, integer) owner to chattercheatah_router;
revoke create on schema public from chattercheatah_router;
revoke all on function route_overdue_replies(timestamptz, integer) from public;
grant execute on function route_overdue_replies(timestamptz, integer) to chattercheatah_app;
drop index conversations_newest;
drop index replies_at_work;
